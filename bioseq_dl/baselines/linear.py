"""Logistic or ridge regression on given features: one fit per target, strength chosen on val."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from bioseq_dl.baselines.prior import prior_output
from bioseq_dl.baselines.rows import FoldRows, labelled
from bioseq_dl.encode.examples import Encoded
from bioseq_dl.metrics import log_probability

Floats = NDArray[np.float64]
Features: TypeAlias = "sparse.csr_array | NDArray[np.float32]"
ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class _Fit:
    strength: float
    outputs: Floats
    """(judged,) or (judged, classes)"""
    note: str


def fit_linear(
    examples: Encoded,
    rows: FoldRows,
    features: Features,
    strengths: tuple[float, ...],
    *,
    balanced: bool = False,
) -> tuple[NDArray[np.float32], str]:
    """Fit each target on train, choose its strength on val, predict val and test.

    Records count by their weights in the fit, where they have some; not on validation. A target is
    fitted on its labelled records alone: logistic regression for binary and
    multiclass, ridge regression for regression. The strength with the least log loss (or
    squared error) on its labelled val records is kept.

    Parameters
    ----------
    examples : Encoded
        The encoded records.
    rows : FoldRows
        Of the fold.
    features : csr_array or ndarray, shape (records, features)
        Of every record.
    strengths : tuple of float
        Inverse regularisation strengths to try.
    balanced : bool
        Weight each class by the inverse of its share in train; a regression has none.

    Returns
    -------
    outputs : float32, shape (judged, targets) or (judged, targets, classes)
        Logits, or values for regression.
    chosen : str
        What was chosen for each target, in words.
    """
    fits = {
        name: _fit_target(examples, rows, place, features, strengths, balanced)
        for place, name in enumerate(examples.spec.names)
    }
    outputs = np.stack([fit.outputs for fit in fits.values()], axis=1).astype(np.float32)
    return outputs, "; ".join(f"{name}: {fit.note}" for name, fit in fits.items())


def _fit_target(
    examples: Encoded,
    rows: FoldRows,
    target: int,
    features: Features,
    strengths: tuple[float, ...],
    balanced: bool,
) -> _Fit:
    spec = examples.spec
    train, truth = labelled(examples, rows.train, target)
    val, val_truth = labelled(examples, rows.val, target)
    if len(np.unique(truth)) < 2:
        constant = prior_output(spec.kind, truth, len(spec.classes))
        outputs = np.repeat(constant[None], len(rows.judged), axis=0)
        return _Fit(np.nan, outputs, "the prior, as training labels are all equal or missing")
    weights = None if examples.weights is None else np.asarray(examples.weights[train], np.float64)
    apply = _apply(spec.kind, len(spec.classes), truth)
    strengths = tuple(sorted(strengths))
    if not len(val):
        middle = strengths[len(strengths) // 2]
        model = _train(spec.kind, features[train], truth, middle, weights, balanced)
        note = f"strength {middle:g}, unseen, as validation holds no labels"
        return _Fit(middle, apply(model, features[rows.judged]), note)
    best: tuple[float, float, Any] | None = None
    for strength in strengths:
        model = _train(spec.kind, features[train], truth, strength, weights, balanced)
        loss = _loss(spec.kind, val_truth, apply(model, features[val]))
        if best is None or loss < best[0]:
            best = (loss, strength, model)
    assert best is not None
    loss, strength, model = best
    name = "squared error" if spec.kind == "regression" else "log loss"
    note = f"strength {strength:g} of {_join(strengths)} (validation {name} {loss:.4f})"
    return _Fit(strength, apply(model, features[rows.judged]), note)


def _train(
    kind: str,
    features: Features,
    truth: Floats,
    strength: float,
    weights: Floats | None,
    balanced: bool,
) -> Any:
    if kind == "regression":
        ridge = Ridge(alpha=1 / strength, solver="lsqr", tol=1e-6)
        return ridge.fit(features, truth, sample_weight=weights)
    shares = "balanced" if balanced else None
    model = LogisticRegression(C=strength, max_iter=ITERATIONS, tol=1e-4, class_weight=shares)
    with warnings.catch_warnings():
        # A weakly held fit that has not converged loses on validation, and says enough there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, truth, sample_weight=weights)


def _apply(kind: str, classes: int, truth: Floats) -> Callable[[Any, Features], Floats]:
    """Give a function from a fitted model to outputs: values, logits, or log-probabilities."""
    if kind == "regression":
        return lambda model, features: model.predict(features)
    if kind == "binary":
        return lambda model, features: model.decision_function(features)
    seen = np.unique(truth).astype(np.int64)

    def logits(model: Any, features: Features) -> Floats:
        decision = model.decision_function(features)
        if decision.ndim == 1:  # two classes seen
            decision = np.stack([np.zeros_like(decision), decision], axis=1)
        # A class that train does not hold gets half a record, as in the prior.
        outputs = np.full((features.shape[0], classes), np.log(0.5 / len(truth)))
        outputs[:, seen] = special.log_softmax(decision, axis=1)
        return outputs

    return logits


def _loss(kind: str, truth: Floats, outputs: Floats) -> float:
    if kind == "regression":
        return float(np.mean((truth - outputs) ** 2))
    if kind == "binary":
        sides = np.where(truth == 1, outputs, -outputs)
        return float(-special.log_expit(sides).mean())
    chosen = special.softmax(outputs, axis=1)[np.arange(len(truth)), truth.astype(np.int64)]
    return float(-log_probability(chosen).mean())


def _join(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
