"""The loss of networks on cells: that of the targets, and that of the decoder beside it."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from bioseq_dl.config import Targets
from bioseq_dl.models import heads
from bioseq_dl.models.heads import Labels, Loss


def split_outputs(outputs: Tensor, targets: Targets) -> tuple[Tensor, Tensor | None]:
    """Part what a network on cells gives.

    Parameters
    ----------
    outputs : float tensor, shape (n, targets * classes + d)
        d is 1 where the network has a decoder, else 0.
    targets : Targets

    Returns
    -------
    logits : float tensor, shape (n, targets), or (n, targets, classes) for multiclass
    decoded : float tensor, shape (n,), or None
        Loss of the decoder.
    """
    labels, classes = len(targets.names), len(targets.classes)
    wide = labels * classes if targets.kind == "multiclass" else labels
    logits = outputs[:, :wide]
    decoded = outputs[:, wide] if outputs.shape[1] > wide else None
    if targets.kind == "multiclass":
        logits = logits.reshape(-1, labels, classes)
    return logits, decoded


def build_loss(
    targets: Targets,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    kind: Literal["default", "rank", "both"] = "default",
) -> Loss:
    """Make the loss: `heads.build_loss` of the targets, plus the mean loss of the decoder.

    Parameters
    ----------
    targets, class_weights, label_smoothing, kind
        As `heads.build_loss` takes them.

    Returns
    -------
    callable
        (outputs, labels) to a scalar; outputs as `split_outputs` takes them. Cells without a
        label count for the decoder.
    """
    of_targets = heads.build_loss(targets, class_weights, label_smoothing, kind)

    def loss(outputs: Tensor, labels: Labels) -> Tensor:
        logits, decoded = split_outputs(outputs, targets)
        found = of_targets(logits, labels)
        return found if decoded is None else found + decoded.float().mean()

    return loss
