"""Losses of the heads: binary, multi-label, multiclass, regression, with missing labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.config import Targets

_RANKED = 2048
Labels = Tensor | tuple[Tensor, Tensor]
Loss = Callable[[Tensor, Labels], Tensor]


def build_loss(
    targets: Targets,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    kind: Literal["default", "rank", "both"] = "default",
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
    kind : str
        ``rank``: `rank_loss` instead of the squared error of a regression; ``both``: their sum,
        in units of the standard deviation of the batch's labels, so that neither drowns the other.

    Returns
    -------
    callable
        (outputs, labels) to a scalar. Outputs are (n, targets), for multiclass
        (n, targets, classes); labels are float (n, targets), multiclass as class codes, or a
        tuple of these and the weights (n,) by which records count: then a weighted mean.
    """
    entries = {"binary": _binary_entries, "multiclass": _class_entries, "regression": _squares}

    def loss(outputs: Tensor, given: Labels) -> Tensor:
        labels, records = given if isinstance(given, tuple) else (given, None)
        present = ~torch.isnan(labels)
        ranked = None
        if kind == "both":
            unit = _spread(labels)
            outputs, labels = outputs / unit, labels / unit
        if kind != "default":
            ranked = _rank_in_parts(outputs.float(), labels, records)
            if kind == "rank":
                return ranked
        # Filled before, not multiplied away after: the gradient of 0 * NaN is NaN.
        filled = torch.where(present, labels, 0.0)
        values = entries[targets.kind](outputs.float(), filled, label_smoothing)
        if class_weights is not None and targets.kind != "regression":
            weights = class_weights.to(values.device, values.dtype)
            values = values * weights.expand(len(labels), -1, -1).gather(
                2, filled.long().unsqueeze(2)
            ).squeeze(2)
        values = torch.where(present, values, 0.0)
        if records is None:
            mean = values.sum() / present.sum().clamp(min=1)
        else:
            shares = present * records.unsqueeze(1)
            mean = (values * shares).sum() / shares.sum().clamp(min=torch.finfo().tiny)
        return mean if ranked is None else mean + ranked

    return loss


def _spread(labels: Tensor) -> Tensor:
    """Give the standard deviation of each target (targets,); 1 where it has none."""
    mean = labels.nanmean(0)
    spread = (labels - mean).square().nanmean(0).sqrt()
    return torch.where(spread > 0, spread, 1.0)  # NaN is not above 0


def _rank_in_parts(outputs: Tensor, labels: Tensor, records: Tensor | None) -> Tensor:
    """Compare pairs within parts of at most `_RANKED` records: memory grows with the square."""
    parts = -(-max(len(labels), 1) // _RANKED)
    losses = [
        rank_loss(
            outputs[start::parts],
            labels[start::parts],
            None if records is None else records[start::parts],
        )
        for start in range(parts)
    ]
    return torch.stack(losses).mean()


def rank_loss(outputs: Tensor, labels: Tensor, records: Tensor | None = None) -> Tensor:
    """Judge the order alone: the logistic loss of each pair of records, per target.

    log(1 + exp(-(o_i - o_j))) for each pair with y_i > y_j (RankNet; Burges et al. 2005, ICML,
    eq. 3), the mean over pairs. A pair counts by the distance of its ranks within the batch,
    as Spearman's coefficient does, and by the product of its records' weights.

    Parameters
    ----------
    outputs : float tensor, shape (n, targets)
    labels : float tensor, shape (n, targets)
        NaN where missing.
    records : float tensor, shape (n,), optional
        Weights.

    Returns
    -------
    scalar tensor
        0 where no pair has an order.
    """
    ranks = torch.where(torch.isnan(labels), torch.nan, labels.argsort(0).argsort(0).float())
    distance = (ranks.unsqueeze(1) - ranks.unsqueeze(0)) / len(labels)
    ordered = labels.unsqueeze(1) > labels.unsqueeze(0)  # False where either is missing
    shares = torch.where(ordered, distance, 0.0)
    if records is not None:
        shares = shares * (records.unsqueeze(1) * records.unsqueeze(0)).unsqueeze(2)
    values = functional.softplus(outputs.unsqueeze(0) - outputs.unsqueeze(1))
    return (values * shares).sum() / shares.sum().clamp(min=torch.finfo().tiny)


def _binary_entries(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    smooth = labels * (1 - smoothing) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(outputs, smooth, reduction="none")


def _class_entries(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    return functional.cross_entropy(
        outputs.transpose(1, 2), labels.long(), reduction="none", label_smoothing=smoothing
    )


def _squares(outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:  # noqa: ARG001
    return functional.mse_loss(outputs, labels, reduction="none")
