"""One number that says how good a model is on validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.config import HEADS, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.metrics import HEADLINE_OF_KIND, auroc, pearson, score_target


def validation_score(
    outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets
) -> float:
    """Give the macro average over targets of AUROC, accuracy or Pearson's r.

    Of residues it is that of the first head: accuracy of states, AUROC of a mask, Pearson's r of
    a share; of angles the mean cosine of their errors. `name_score` says which.

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


def score_cells(outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets) -> float:
    """Score what a network of cells gives; the loss of its decoder does not count.

    Parameters
    ----------
    outputs : float32 (n, targets * classes), with a further column of a decoder
    targets, spec
        As `validation_score` takes them.
    """
    wide = len(spec.names) * (len(spec.classes) if spec.kind == "multiclass" else 1)
    kept = outputs[:, :wide]
    if spec.kind == "multiclass":
        kept = kept.reshape(len(kept), len(spec.names), -1)
    return validation_score(kept, targets, spec)


def _score_residues(
    outputs: NDArray[np.float32], targets: NDArray[np.float32], spec: Targets
) -> float:
    """Score the first head; its labels and outputs are the first columns."""
    head = HEADS[spec.names[0]]
    truth = targets[:, : len(head.labels)].astype(np.float64)
    given = outputs[:, : len(head.outputs)].astype(np.float64)
    if head.measure == "angles":
        sine_cosine = given.reshape(len(given), -1, 2)
        error = np.arctan2(sine_cosine[:, :, 0], sine_cosine[:, :, 1]) - truth
        known = ~np.isnan(error)
        return float(np.cos(error[known]).mean()) if known.any() else float("nan")
    known = ~np.isnan(truth[:, 0])
    if not known.any():
        return float("nan")
    labels, values = truth[known, 0], given[known]
    if head.measure == "states":
        return float((values.argmax(axis=1) == labels).mean())
    if head.measure == "mask":
        return auroc(labels, values[:, 0])
    return pearson(labels, expit(values[:, 0]))


def check_scored(targets: NDArray[np.float32], spec: Targets) -> None:
    """Find out before the training that epochs will have a score.

    Parameters
    ----------
    targets : float32 (n, targets)
        Of validation, as `validation_score` takes them.
    spec : Targets

    Raises
    ------
    InputError
        Where, of residues, the first head has no label.
    """
    if not spec.per_residue:
        return
    first = spec.names[0]
    if np.isnan(targets[:, : len(HEADS[first].labels)]).all():
        raise InputError(
            f"no validation record has a label of the first head, {first}, which "
            "train.monitor: score follows",
            fix="name a head first that has some, or set train.monitor: loss",
        )


def name_score(spec: Targets) -> str:
    """Say what `validation_score` is, for the log and ``train.json``."""
    if not spec.per_residue:
        return HEADLINE_OF_KIND[spec.kind]
    head = HEADS[spec.names[0]]
    if head.measure == "angles":
        return f"mean cosine of the errors of {' and '.join(head.labels)}"
    metric = {"states": "accuracy", "mask": "auroc", "share": "pearson"}[head.measure]
    return f"{metric} of {spec.names[0]}"


def to_probability(logits: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Give the probabilities of logits: sigmoid (n,), or softmax over (n, classes)."""
    probability: NDArray[np.float64] = (
        expit(logits) if kind == "binary" else softmax(logits, axis=1)
    )
    return probability
