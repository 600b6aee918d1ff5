"""One number that says how good a model is on validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.config import HEADS, Targets
from bioseq_dl.metrics import HEADLINE_OF_KIND, score_target


def validation_score(
    outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets
) -> float:
    """Give the macro average over targets of AUROC, accuracy or Pearson's r.

    Of residues it is the accuracy of q3, or else of q8, disorder (called above a half), one less
    the mean error of rsa, or the mean cosine of phi's error.

    Parameters
    ----------
    outputs : float32 (n, targets) or (n, targets, classes)
        Logits, or values for regression; of residues (residues, outputs).
    targets : float32 (n, targets)
        NaN = missing; of residues (residues, labels).
    spec : Targets
        Kind of the targets.

    Returns
    -------
    float
        NaN where no target has it (one class only, constant values), or an output is
        not finite.
    """
    if not np.isfinite(outputs).all():
        return float("nan")
    if spec.per_residue:
        return _score_residues(outputs, targets, spec)
    values = []
    for column in range(targets.shape[1]):
        known = ~np.isnan(targets[:, column])
        if not known.any():
            continue
        truth = targets[known, column].astype(np.float64)
        output = outputs[known, column].astype(np.float64)
        prediction = output if spec.kind == "regression" else to_probability(output, spec.kind)
        values.append(score_target(spec.kind, truth, prediction)[HEADLINE_OF_KIND[spec.kind]].value)
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _score_residues(
    outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets
) -> float:
    """Give the accuracy of the first head of states, or else of what is above a half."""
    output = label = 0
    found: dict[str, float] = {}
    for name in spec.names:
        head = HEADS[name]
        truth = targets[:, label]
        known = ~np.isnan(truth)
        given = outputs[known, output : output + len(head.outputs)]
        truth = truth[known]
        output += len(head.outputs)
        label += len(head.labels)
        if not len(truth):
            continue
        if head.measure == "states":
            found[name] = float((given.argmax(axis=1) == truth).mean())
        elif head.measure == "mask":
            found[name] = float(((given[:, 0] > 0) == truth).mean())
        elif head.measure == "share":
            found[name] = 1 - float(np.abs(expit(given[:, 0]) - truth).mean())
        else:
            turn = np.arctan2(given[:, 0], given[:, 1]) - truth
            found[name] = float(np.cos(turn).mean())
    for name in HEADS:  # q3, then q8, then the others
        if name in found:
            return found[name]
    return float("nan")


def to_probability(logits: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Give the probabilities of logits: sigmoid (n,), or softmax over (n, classes)."""
    probability: NDArray[np.float64] = (
        expit(logits) if kind == "binary" else softmax(logits, axis=1)
    )
    return probability
