"""One number that says how good a model is on validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.config import Targets
from bioseq_dl.metrics import HEADLINE_OF_KIND, score_target


def validation_score(
    outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets
) -> float:
    """Give the macro average over targets of AUROC, accuracy or Pearson's r.

    Parameters
    ----------
    outputs : float32 (n, targets) or (n, targets, classes)
        Logits, or values for regression.
    targets : float32 (n, targets)
        NaN = missing.
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


def to_probability(logits: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Give the probabilities of logits: sigmoid (n,), or softmax over (n, classes)."""
    probability: NDArray[np.float64] = (
        expit(logits) if kind == "binary" else softmax(logits, axis=1)
    )
    return probability
