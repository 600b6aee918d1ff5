"""What a prediction for each residue is worth, over the residues of many proteins.

Every metric is a ratio of sums over proteins (or follows from such sums), so that a protein is
counted once and resampled as a whole: the residues of one are not independent. Residues without
a label count nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.bootstrap import Difference, Interval, bound, compare_paired, draw_counts
from bioseq_dl.metrics import METRICS, Metric, Score
from bioseq_dl.segment_overlap import measure_overlap

Floats = NDArray[np.float64]

RESIDUE_METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("Accuracy", True, "share of residues whose state is right (Q3, Q8)"),
    "sov": Metric("SOV'99", True, "overlap of true and predicted segments"),
    "auroc": METRICS["auroc"],
    "recall": Metric("Recall", True, "share of a state's residues that are found"),
    "precision": Metric("Precision", True, "share of residues called a state that are of it"),
    "mae": Metric("MAE", False, "mean absolute error"),
    "pearson": METRICS["pearson"],
    "angle_mae": Metric("MAE", False, "mean absolute error on the circle, in degrees"),
}
"""What the first word of a metric's name (before ``:``) means."""

SCORE_BINS = 500
"""Bins of scores that AUROC is counted in."""
_NO_RESIDUES = "no residue has a label"


@dataclass(frozen=True)
class Sums:
    """Sums of each protein, from which the metrics of any weighted set of them follow.

    Parameters
    ----------
    values : ndarray of float64 (proteins, terms)
    score : callable
        Sums of shape (…, terms) to metrics by name, each of shape (…,); NaN where undefined.
    """

    values: Floats
    score: Callable[[Floats], dict[str, Floats]]


def sum_states(
    truth: Sequence[NDArray[np.int8]], predicted: Sequence[NDArray[np.int8]], states: str
) -> Sums:
    """Prepare accuracy, SOV'99 and each state's recall, precision and SOV.

    Parameters
    ----------
    truth : sequence of int8 (n,)
        Codes of `states` for each protein; -1 has no label.
    predicted : sequence of int8 (n,)
        Codes of `states`; what stands at residues without a label does not matter, except
        that it must be a code.
    states : str
        ``HEC``, or the eight.

    Returns
    -------
    Sums
        Metrics ``accuracy``, ``sov``, ``recall:H``, ``precision:H``, ``sov:H``, …

    Raises
    ------
    ValueError
        Where lengths differ, or a prediction is no code.
    """
    count = len(states)
    rows = np.zeros((len(truth), count * count + 2 * count))
    for row, (true, called) in enumerate(zip(truth, predicted, strict=True)):
        if true.shape != called.shape:
            raise ValueError(f"protein {row}: {true.shape} labels, {called.shape} predictions")
        if len(called) and (called.min() < 0 or called.max() >= count):
            raise ValueError(f"protein {row}: predictions outside 0 to {count - 1}")
        known = true >= 0
        pairs = true[known].astype(np.int64) * count + called[known]
        rows[row, : count * count] = np.bincount(pairs, minlength=count * count)
        overlap = measure_overlap(true, called, count)
        rows[row, count * count : count * count + count] = overlap.gained
        rows[row, count * count + count :] = overlap.weight

    def score(sums: Floats) -> dict[str, Floats]:
        table = sums[..., : count * count].reshape(*sums.shape[:-1], count, count)
        right = np.diagonal(table, axis1=-2, axis2=-1)
        true, called = table.sum(axis=-1), table.sum(axis=-2)
        gained = sums[..., count * count : count * count + count]
        weight = sums[..., count * count + count :]
        found = {
            "accuracy": _divide(right.sum(axis=-1), true.sum(axis=-1)),
            "sov": _divide(gained.sum(axis=-1), weight.sum(axis=-1)),
        }
        for place, state in enumerate(states):
            found[f"recall:{state}"] = _divide(right[..., place], true[..., place])
            found[f"precision:{state}"] = _divide(right[..., place], called[..., place])
            found[f"sov:{state}"] = _divide(gained[..., place], weight[..., place])
        return found

    return Sums(rows, score)


def sum_mask(truth: Sequence[Floats], predicted: Sequence[Floats], threshold: float = 0.5) -> Sums:
    """Prepare AUROC, recall and precision of what a residue is or is not, disorder say.

    A histogram of scores for each protein and class is what lets proteins be weighed. Its bins
    hold about equally many residues; pairs of one bin count half, as ties do, so that AUROC is
    exact up to `SCORE_BINS` distinct scores, and to about one pair in 2 `SCORE_BINS` beyond.

    Parameters
    ----------
    truth : sequence of float (n,)
        0 or 1 for each protein; NaN has no label.
    predicted : sequence of float (n,)
        Probabilities.
    threshold : float
        From which a residue is called 1.

    Returns
    -------
    Sums
        Metrics ``auroc``, ``recall`` and ``precision``.
    """
    scores = np.concatenate(predicted) if predicted else np.empty(0)
    levels = np.unique(scores)
    if len(levels) > SCORE_BINS:
        places = np.linspace(0, 1, SCORE_BINS + 1)[1:]
        levels = np.unique(np.quantile(scores, places, method="higher"))
    bins = len(levels)
    rows = np.zeros((len(truth), 2 * bins + 3))
    for row, (true, score) in enumerate(zip(truth, predicted, strict=True)):
        known = ~np.isnan(true)
        positive, called = true[known] == 1, score[known] >= threshold
        bin_of = np.searchsorted(levels, score[known])
        rows[row, :bins] = np.bincount(bin_of[positive], minlength=bins)
        rows[row, bins : 2 * bins] = np.bincount(bin_of[~positive], minlength=bins)
        rows[row, 2 * bins :] = (positive & called).sum(), positive.sum(), called.sum()

    def score_sums(sums: Floats) -> dict[str, Floats]:
        positive, negative = sums[..., :bins], sums[..., bins : 2 * bins]
        below = np.cumsum(negative, axis=-1) - negative / 2
        right, true, called = np.moveaxis(sums[..., 2 * bins :], -1, 0)
        pairs = positive.sum(axis=-1) * negative.sum(axis=-1)
        return {
            "auroc": _divide((positive * below).sum(axis=-1), pairs),
            "recall": _divide(right, true),
            "precision": _divide(right, called),
        }

    return Sums(rows, score_sums)


def sum_values(truth: Sequence[Floats], predicted: Sequence[Floats]) -> Sums:
    """Prepare the mean absolute error and Pearson's r, of relative accessibility say.

    Parameters
    ----------
    truth, predicted : sequence of float (n,)
        For each protein; NaN in `truth` has no label.

    Returns
    -------
    Sums
        Metrics ``mae`` and ``pearson``.
    """
    rows = np.zeros((len(truth), 7))
    # Sums of squares of values far from 0 lose digits: shift all by one constant.
    known = [values[~np.isnan(values)] for values in truth]
    labelled = np.concatenate(known) if known else np.empty(0)
    shift = float(labelled.mean()) if len(labelled) else 0.0
    for row, (true, called) in enumerate(zip(truth, predicted, strict=True)):
        keep = ~np.isnan(true)
        x, y = true[keep].astype(np.float64) - shift, called[keep].astype(np.float64) - shift
        terms = (x, y, x * x, y * y, x * y, np.abs(x - y))
        rows[row] = [len(x), *(term.sum() for term in terms)]

    def score(sums: Floats) -> dict[str, Floats]:
        n, x, y, xx, yy, xy, error = np.moveaxis(sums, -1, 0)
        across = n * xy - x * y
        spread_x, spread_y = n * xx - x * x, n * yy - y * y
        # Constant values leave rounding errors, not zeros.
        flat = (spread_x <= 1e-12 * n * xx) | (spread_y <= 1e-12 * n * yy)
        spread = np.where(flat, 0, np.sqrt(np.maximum(spread_x, 0) * np.maximum(spread_y, 0)))
        return {"mae": _divide(error, n), "pearson": np.clip(_divide(across, spread), -1, 1)}

    return Sums(rows, score)


def sum_angles(truth: Sequence[Floats], predicted: Sequence[Floats]) -> Sums:
    """Prepare the mean absolute error of angles, the shorter way round the circle.

    Parameters
    ----------
    truth, predicted : sequence of float (n,)
        Radians, for each protein; NaN in `truth` has no label.

    Returns
    -------
    Sums
        Metric ``angle_mae``, in degrees: 0 to 180, 90 by chance.
    """
    rows = np.zeros((len(truth), 2))
    for row, (true, called) in enumerate(zip(truth, predicted, strict=True)):
        keep = ~np.isnan(true)
        turn = (called[keep].astype(np.float64) - true[keep] + np.pi) % (2 * np.pi) - np.pi
        rows[row] = keep.sum(), np.degrees(np.abs(turn)).sum()
    return Sums(rows, lambda sums: {"angle_mae": _divide(sums[..., 1], sums[..., 0])})


def score_residues(sums: Sums) -> dict[str, Score]:
    """Give each metric over all proteins; NaN with the reason where it has no value."""
    found = sums.score(sums.values.sum(axis=0))
    return {name: _explain(name, float(value)) for name, value in found.items()}


def resample_proteins(
    predictors: Mapping[str, Sums], *, resamples: int, seed: int
) -> dict[str, dict[str, Floats]]:
    """Score predictors on the same resamples of proteins, drawn with replacement.

    Parameters
    ----------
    predictors : mapping
        Name: its sums over the same proteins.
    resamples, seed : int

    Returns
    -------
    dict
        Predictor: metric: values of shape (resamples,), for `bound` and `compare_residues`.
    """
    sizes = {len(sums.values) for sums in predictors.values()}
    if len(sizes) != 1:
        raise ValueError(f"the predictors have different numbers of proteins: {sorted(sizes)}")
    (proteins,) = sizes
    parts: dict[str, dict[str, list[Floats]]] = {name: {} for name in predictors}
    for weights in draw_counts(proteins, resamples, seed):
        for name, sums in predictors.items():
            for metric, values in sums.score(weights @ sums.values).items():
                parts[name].setdefault(metric, []).append(values)
    return {
        name: {metric: np.concatenate(values) for metric, values in found.items()}
        for name, found in parts.items()
    }


def bound_residues(samples: Mapping[str, Floats], confidence: float) -> dict[str, Interval]:
    """Give the percentile interval of each metric from its resamples."""
    return {name: bound(values, confidence) for name, values in samples.items()}


def compare_residues(metric: str, model: Floats, baseline: Floats, confidence: float) -> Difference:
    """Compare two predictors scored on the same resamples of proteins.

    Parameters
    ----------
    metric : str
        A name that `score_residues` gives.
    model, baseline : float64, shape (resamples,)
    confidence : float
        Of the interval.
    """
    higher = RESIDUE_METRICS[metric.partition(":")[0]].higher
    # All that the comparison needs of a metric is which way is better.
    return compare_paired("accuracy" if higher else "rmse", model, baseline, confidence)


def _divide(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.where(below > 0, above / below, np.nan)
    return share


def _explain(name: str, value: float) -> Score:
    if not np.isnan(value):
        return Score(value)
    kind, _, state = name.partition(":")
    reasons = {
        "precision": f"no residue is called {state or 'positive'}",
        "auroc": "the labels are all equal, or there is none",
        "pearson": "true or predicted values are all equal, or there is no label",
    }
    given = f"no residue is {state}" if state else _NO_RESIDUES
    if name == "recall":
        given = "no residue is positive"
    return Score(value, reasons.get(kind, given))
