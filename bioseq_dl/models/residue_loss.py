"""The loss of several heads for each residue, with missing labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.config import HEADS, Targets

Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(
    targets: Targets,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    kind: str = "default",
) -> Loss:
    """Make the loss: the sum over heads of the mean over the residues that have a label.

    States take cross-entropy, masks binary cross-entropy, shares the squared error of their
    sigmoid, angles the squared distance of (sine, cosine) from the label's point on the circle.
    A label that is NaN adds nothing, neither loss nor gradient.

    Parameters
    ----------
    targets : Targets
        Which heads, in which order; each head's loss is multiplied by its ``weights``.
    class_weights, kind
        Not of residues: None and ``default``; other values are a ValueError.
    label_smoothing : float
        Of states and masks.

    Returns
    -------
    callable
        (outputs, labels) to a scalar; outputs are float (…, outputs), labels float (…, labels).
    """
    if class_weights is not None or kind != "default":
        raise ValueError("residues take neither class weights nor another loss")

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        outputs, labels = outputs.float().flatten(0, -2), labels.flatten(0, -2)
        total = outputs.sum() * 0.0  # a batch without a label still has a gradient: 0
        output = label = 0
        for name in targets.names:
            head = HEADS[name]
            given = outputs[:, output : output + len(head.outputs)]
            wanted = labels[:, label : label + len(head.labels)]
            total = total + targets.weight(name) * _LOSSES[head.measure](
                given, wanted, label_smoothing
            )
            output += len(head.outputs)
            label += len(head.labels)
        return total

    return loss


def _states(given: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    known = ~torch.isnan(wanted[:, 0])
    codes = torch.where(known, wanted[:, 0], 0.0).long()
    values = functional.cross_entropy(given, codes, reduction="none", label_smoothing=smoothing)
    return _mean(values, known)


def _mask(given: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    known = ~torch.isnan(wanted[:, 0])
    label = torch.where(known, wanted[:, 0], 0.0) * (1 - smoothing) + smoothing / 2
    values = functional.binary_cross_entropy_with_logits(given[:, 0], label, reduction="none")
    return _mean(values, known)


def _share(given: Tensor, wanted: Tensor, smoothing: float) -> Tensor:  # noqa: ARG001
    known = ~torch.isnan(wanted[:, 0])
    label = torch.where(known, wanted[:, 0], 0.0)
    return _mean((torch.sigmoid(given[:, 0]) - label) ** 2, known)


def _angles(given: Tensor, wanted: Tensor, smoothing: float) -> Tensor:  # noqa: ARG001
    known = ~torch.isnan(wanted)
    label = torch.where(known, wanted, 0.0)
    points = torch.stack([torch.sin(label), torch.cos(label)], dim=2)
    squares = ((given.reshape(len(given), -1, 2) - points) ** 2).sum(dim=2)
    return _mean(squares, known)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)


_LOSSES = {"states": _states, "mask": _mask, "share": _share, "angles": _angles}
