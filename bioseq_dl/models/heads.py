"""Losses of the heads: binary, multi-label, multiclass, regression, with missing labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.config import Targets

Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(
    targets: Targets, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Loss:
    """Make the loss for a kind of target: the mean over the labels that are there.

    Binary targets take binary cross-entropy of logits, multiclass ones cross-entropy,
    regression squared error. A label that is NaN adds nothing, neither loss nor gradient;
    where a batch has none at all, the loss is 0.

    Parameters
    ----------
    targets : Targets
    class_weights : float tensor, shape (targets, classes), optional
        Factor of a label's loss by its class (binary: negative, positive); the sum is still
        divided by the number of labels. Not for regression.
    label_smoothing : float
        Binary: y becomes y * (1 - s) + s / 2; multiclass: likewise with 1 / classes
        (Szegedy et al. 2016, section 7). Not for regression.

    Returns
    -------
    callable
        (outputs, targets) to a scalar. Outputs are (n, targets), for multiclass
        (n, targets, classes); targets are float (n, targets), multiclass as class codes.
    """
    entries = {"binary": _binary_entries, "multiclass": _class_entries, "regression": _squares}

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        present = ~torch.isnan(labels)
        # Filled before, not multiplied away after: the gradient of 0 * NaN is NaN.
        filled = torch.where(present, labels, 0.0)
        values = entries[targets.kind](outputs.float(), filled, label_smoothing)
        if class_weights is not None and targets.kind != "regression":
            weights = class_weights.to(values.device, values.dtype)
            values = values * weights.expand(len(labels), -1, -1).gather(
                2, filled.long().unsqueeze(2)
            ).squeeze(2)
        values = torch.where(present, values, 0.0)
        return values.sum() / present.sum().clamp(min=1)

    return loss


def _binary_entries(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    smooth = labels * (1 - smoothing) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(outputs, smooth, reduction="none")


def _class_entries(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    return functional.cross_entropy(
        outputs.transpose(1, 2), labels.long(), reduction="none", label_smoothing=smoothing
    )


def _squares(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:  # noqa: ARG001
    return functional.mse_loss(outputs, labels, reduction="none")
