"""The class unknown: cells whose calibrated probability is below a threshold from validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.bootstrap import bound, draw_counts
from bioseq_dl.calibration import scale_probability
from bioseq_dl.config import CellEvaluate, Targets
from bioseq_dl.evaluate.curves import call_classes, class_names, wilson_interval
from bioseq_dl.evaluate.predictions import Part, Predictions
from bioseq_dl.weighted import weigh_confusion, weigh_macro

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
POINTS = 200
"""Points of the curve of accuracy against the share that is classified."""
COLUMNS = (
    "target", "class", "cells", "unknown", "share", "low", "high", "accuracy", "accuracy_rest",
)  # fmt: skip
MEASURES = (
    "unknown", "right_kept", "wrong_caught", "accuracy", "accuracy_rest", "f1", "f1_rest",
)  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """Least calibrated probability at which a cell is given a class."""

    value: float
    right: int
    """Rightly classified validation cells that it was chosen on."""
    kept: float
    """Share of them at or above it."""
    note: str | None = None


@dataclass(frozen=True, eq=False)
class _Called:
    truth: Codes
    called: Codes
    confidence: Floats


def choose_threshold(confidence: Floats, right: NDArray[np.bool_], keep: float) -> Threshold:
    """Choose the largest threshold that keeps a share of the rightly classified cells.

    Parameters
    ----------
    confidence : float64, shape (n,)
        Calibrated probability of the called class, of validation cells.
    right : bool, shape (n,)
    keep : float
        Least share of the right ones at or above the threshold.
    """
    found = np.sort(confidence[right])[::-1]
    if not len(found):
        return Threshold(0.0, 0, 1.0, "no validation cell is classified right: none is unknown")
    value = found[int(np.ceil(keep * len(found) - 1e-9)) - 1]
    return Threshold(float(value), len(found), float((found >= value).mean()))


def rate_confidence(probability: Floats, temperature: float, threshold: float) -> Floats:
    """Give the calibrated probability of the class that is called, (n,).

    Parameters
    ----------
    probability : float64, shape (n,) or (n, classes)
        Before calibration, by which the class is called.
    temperature : float
    threshold : float
        Of a binary target.
    """
    scaled = scale_probability(probability, temperature)
    called = call_classes(probability, threshold)
    if scaled.ndim == 1:
        return np.where(called == 1, scaled, 1 - scaled)
    confidence: Floats = scaled[np.arange(len(scaled)), called]
    return confidence


def judge_unknown(
    found: Predictions,
    calibration: Mapping[str, Any],
    targets: Targets,
    config: CellEvaluate,
) -> tuple[dict[str, Any] | None, dict[str, pd.DataFrame]]:
    """Choose the threshold on validation of each fold, and judge it on test.

    Parameters
    ----------
    found : Predictions
    calibration : mapping
        As in the summary of `bioseq_dl.evaluate.run.evaluate_run`; empty where not calibrated.
    targets : Targets
    config : CellEvaluate

    Returns
    -------
    summary : dict, or None of a regression
        Target: ``calibrated``; ``folds`` (``{fold, threshold, right, kept, note}`` of validation);
        ``test`` (cells); ``unknown`` (share), ``right_kept`` (share of the rightly classified),
        ``wrong_caught`` (share of the wrongly classified that are unknown), ``accuracy``,
        ``f1`` (macro, of all), ``accuracy_rest``, ``f1_rest`` (without the unknown), each
        ``{value, low, high}``; ``classes``: name: ``{test, unknown, right, right_rest}`` (cells).
    tables : dict
        ``unknown`` (a row a class: shares with Wilson's intervals) and ``unknown_curve``
        (accuracy of the most confident share).
    """
    if targets.kind == "regression":
        return None, {}
    summary: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for place, target in enumerate(targets.names):
        folds, parts, unknown = [], [], []
        for number, fold in enumerate(found.folds):
            temperature = 1.0
            if target in calibration:
                temperature = calibration[target]["temperatures"][number]["value"]
            judged = found.ensemble(fold)
            val = _call(judged.val, place, temperature, config)
            chosen = choose_threshold(val.confidence, val.called == val.truth, config.keep)
            folds.append(
                {
                    "fold": fold,
                    "threshold": chosen.value,
                    "right": chosen.right,
                    "kept": chosen.kept,
                    "note": chosen.note,
                }
            )
            parts.append(_call(judged.test, place, temperature, config))
            unknown.append(parts[-1].confidence < chosen.value)
        whole = _Called(
            *(np.concatenate([getattr(part, key) for part in parts]) for key in vars(parts[0]))
        )
        names = class_names(targets)
        left = np.concatenate(unknown)
        summary[target] = {
            "calibrated": target in calibration,
            "folds": folds,
            "test": len(left),
            **_score(whole, left, len(names), config),
            "classes": _count_classes(whole, left, names),
        }
        rows += _tabulate(target, summary[target]["classes"])
        curves += _trace(target, whole)
    tables = {
        "unknown": pd.DataFrame(rows, columns=list(COLUMNS)),
        "unknown_curve": pd.DataFrame(curves, columns=["target", "classified", "accuracy"]),
    }
    return summary, tables


def _call(part: Part, place: int, temperature: float, config: CellEvaluate) -> _Called:
    known = ~np.isnan(part.truth[:, place])
    probability = part.prediction[known, place]
    return _Called(
        part.truth[known, place].astype(np.int64),
        call_classes(probability, config.threshold),
        rate_confidence(probability, temperature, config.threshold),
    )


def _score(
    cells: _Called, unknown: NDArray[np.bool_], classes: int, config: CellEvaluate
) -> dict[str, Any]:
    measures: dict[str, list[Floats]] = {}

    def weigh(weights: Floats) -> dict[str, Floats]:
        right = cells.truth == cells.called
        whole = weigh_confusion(cells.truth, cells.called, classes, weights)
        rest = weigh_confusion(cells.truth, cells.called, classes, weights * ~unknown)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "unknown": weights @ unknown / weights.sum(axis=1),
                "right_kept": weights @ (right & ~unknown) / (weights @ right),
                "wrong_caught": weights @ (~right & unknown) / (weights @ ~right),
                "accuracy": np.trace(whole, axis1=1, axis2=2) / whole.sum(axis=(1, 2)),
                "accuracy_rest": np.trace(rest, axis1=1, axis2=2) / rest.sum(axis=(1, 2)),
                "f1": weigh_macro(whole)["f1"],
                "f1_rest": weigh_macro(rest)["f1"],
            }

    if not len(unknown):
        nothing = {"value": None, "low": None, "high": None}
        return dict.fromkeys(MEASURES, nothing)
    values = weigh(np.ones((1, len(unknown))))
    for weights in draw_counts(len(unknown), config.bootstrap, config.seed):
        for name, drawn in weigh(weights).items():
            measures.setdefault(name, []).append(drawn)
    described = {}
    for name, drawn_parts in measures.items():
        interval = bound(np.concatenate(drawn_parts), config.confidence)
        described[name] = {
            "value": float(values[name][0]),
            "low": interval.low,
            "high": interval.high,
        }
    return described


def _count_classes(
    cells: _Called, unknown: NDArray[np.bool_], names: Sequence[str]
) -> dict[str, dict[str, int]]:
    right = cells.truth == cells.called
    found = {}
    for code, name in enumerate(names):
        inside = cells.truth == code
        found[name] = {
            "test": int(inside.sum()),
            "unknown": int((inside & unknown).sum()),
            "right": int((inside & right).sum()),
            "right_rest": int((inside & right & ~unknown).sum()),
        }
    return found


def _tabulate(target: str, classes: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    rows = []
    for name, found in classes.items():
        row: dict[str, Any] = {"target": target, "class": name, "cells": found["test"]}
        row["unknown"] = found["unknown"]
        rest = found["test"] - found["unknown"]
        if found["test"]:
            low, high = wilson_interval(found["unknown"], found["test"])
            row |= {"share": found["unknown"] / found["test"], "low": low, "high": high}
            row["accuracy"] = found["right"] / found["test"]
        if rest:
            row["accuracy_rest"] = found["right_rest"] / rest
        rows.append(row)
    return rows


def _trace(target: str, cells: _Called) -> list[dict[str, Any]]:
    """Give the accuracy of the most confident cells, from a few of them to all."""
    count = len(cells.truth)
    order = np.argsort(-cells.confidence, kind="stable")
    hits = np.cumsum((cells.truth == cells.called)[order])
    # A share of fewer than ten cells is noise; cells of equal confidence are taken at once.
    ends = np.append(np.flatnonzero(np.diff(cells.confidence[order])), count - 1) + 1
    ends = ends[ends >= min(10, count)]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(int))] if count else ends[:0]
    return [
        {
            "target": target,
            "classified": int(end) / count,
            "accuracy": int(hits[end - 1]) / int(end),
        }
        for end in ends
    ]
