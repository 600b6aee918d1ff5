"""The points of every curve: ROC, precision-recall, calibration, predicted against true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk

from bioseq_dl.config import Evaluate, Targets

Floats = NDArray[np.float64]
POINTS = 300
"""Points a ROC or precision-recall curve is thinned to; fewer with more than twenty curves."""
PER_BIN = 25
"""Records that a point of a calibration curve rests on, at least."""
SCATTER = 1500
"""Records shown of a regression."""
COLUMNS = ("predictor", "target", "class", "curve", "x", "y", "low", "high", "records")


def trace_curves(
    truth: Floats, predictions: Mapping[str, Floats], targets: Targets, config: Evaluate
) -> pd.DataFrame:
    """Trace the curves of every predictor and target.

    Parameters
    ----------
    truth : float64, shape (n, targets)
        NaN is missing.
    predictions : mapping
        Predictor: float64 of shape (n, targets) or (n, targets, classes).
    targets : Targets
        Names and kind.
    config : Evaluate
        Most bins of the calibration curve.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. ``roc``: x false, y true positive rate. ``pr``: x recall,
        y precision. ``calibration``: x mean stated probability, y share that came true with
        its Wilson interval, in bins of about equal numbers of records.
        ``scatter``: x true, y predicted value.
    """
    rows: list[dict[str, Any]] = []
    for predictor, prediction in predictions.items():
        for place, target in enumerate(targets.names):
            known = ~np.isnan(truth[:, place])
            label = {"predictor": predictor, "target": target}
            traced = _trace(targets, truth[known, place], prediction[known, place], config)
            rows.extend(label | row for row in traced)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def count_confusion(
    truth: Floats, prediction: Floats, targets: Targets, config: Evaluate
) -> pd.DataFrame:
    """Count true against predicted classes of every target (none for regression)."""
    rows = []
    names = class_names(targets)
    for place, target in enumerate(targets.names):
        if targets.kind == "regression":
            break
        known = ~np.isnan(truth[:, place])
        called = call_classes(prediction[known, place], config.threshold)
        table = sk.confusion_matrix(
            truth[known, place].astype(int), called, labels=list(range(len(names)))
        )
        rows += [
            {"target": target, "truth": true, "predicted": said, "records": int(table[i, j])}
            for i, true in enumerate(names)
            for j, said in enumerate(names)
        ]
    return pd.DataFrame(rows, columns=["target", "truth", "predicted", "records"])


def call_classes(prediction: Floats, threshold: float) -> NDArray[np.int64]:
    """Turn probabilities, shape (n,) or (n, classes), into class codes."""
    if prediction.ndim == 1:
        return (prediction >= threshold).astype(np.int64)
    best: NDArray[np.int64] = prediction.argmax(axis=1)
    return best


def class_names(targets: Targets) -> tuple[str, ...]:
    """Give the classes in order of their codes; a binary target without names has these."""
    return targets.classes or ("0", "1")


def _trace(
    targets: Targets, truth: Floats, prediction: Floats, config: Evaluate
) -> Iterator[dict[str, Any]]:
    if not len(truth):
        return
    lines = len(targets.names) * max(1, len(targets.classes) if targets.kind != "binary" else 1)
    points = max(40, POINTS * 20 // max(20, lines))
    if targets.kind == "regression":
        kept = np.unique(np.linspace(0, len(truth) - 1, SCATTER).astype(int))
        for x, y in zip(truth[kept], prediction[kept], strict=True):
            yield {"class": "", "curve": "scatter", "x": x, "y": y}
    elif targets.kind == "binary":
        yield from _trace_ranking(truth, prediction, class_names(targets)[1], points)
        yield from _trace_calibration(prediction, truth, config.ece_bins)
    else:
        for code, name in enumerate(targets.classes):
            yield from _trace_ranking(
                (truth == code).astype(float), prediction[:, code], name, points
            )
        right = (prediction.argmax(axis=1) == truth).astype(float)
        yield from _trace_calibration(prediction.max(axis=1), right, config.ece_bins)


def _trace_ranking(
    truth: Floats, score: Floats, name: str, points: int
) -> Iterator[dict[str, Any]]:
    if len(np.unique(truth)) < 2 or np.ptp(score) == 0:
        return
    false_rate, true_rate, _ = sk.roc_curve(truth, score)
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    for curve, x, y in (("roc", false_rate, true_rate), ("pr", recall[::-1], precision[::-1])):
        for i in _thin(x, y, points):
            yield {"class": name, "curve": curve, "x": x[i], "y": y[i]}


def _trace_calibration(stated: Floats, true: Floats, bins: int) -> Iterator[dict[str, Any]]:
    # Equal counts, not the equal widths of the ECE: no point rests on a handful of records.
    wanted = max(1, min(bins, len(stated) // PER_BIN))
    edges = np.unique(np.quantile(stated, np.linspace(0, 1, wanted + 1)))
    place = np.searchsorted(edges[1:-1], stated, side="left")
    for chosen in np.unique(place):
        inside = place == chosen
        hits, records = int(true[inside].sum()), int(inside.sum())
        low, high = wilson_interval(hits, records)
        yield {
            "class": "",
            "curve": "calibration",
            "x": stated[inside].mean(),
            "y": hits / records,
            "low": low,
            "high": high,
            "records": records,
        }


def wilson_interval(hits: int, records: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give Wilson's interval of a share (Wilson 1927)."""
    found = stats.binomtest(hits, records).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def _thin(x: Floats, y: Floats, points: int) -> NDArray[np.int64]:
    """Choose points evenly along the curve's length, its ends among them."""
    if len(x) <= points:
        return np.arange(len(x))
    length = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    wanted = np.linspace(0, length[-1], points)
    return np.unique(np.append(np.searchsorted(length, wanted).clip(0, len(x) - 1), len(x) - 1))
