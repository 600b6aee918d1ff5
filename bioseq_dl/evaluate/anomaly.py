"""Reconstruction error as a score of anomaly: spiked outliers against test cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

from bioseq_dl.bootstrap import CELLS, bound, draw_counts
from bioseq_dl.config import CellEvaluate
from bioseq_dl.weighted import weigh_ranking

Floats = NDArray[np.float64]
ALL = "all"
"""All kinds together."""
GRID = np.linspace(0, 1, 101)
"""False positive rates at which the curves of several models are averaged."""


def judge_anomalies(
    cells: Mapping[tuple[int, int], Floats],
    outliers: Mapping[tuple[int, int], Mapping[str, Floats]],
    config: CellEvaluate,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Give the ROC of each kind of outlier, the mean of the models.

    Models differ in the scale of their errors, so each ranks its own cells, and areas and curves
    are averaged. Test cells and outliers are resampled each by themselves; the seeds of a fold
    see the same resamples.

    Parameters
    ----------
    cells : mapping
        (fold, seed): reconstruction error of its test cells, all seeds of a fold in one order.
    outliers : mapping
        (fold, seed): kind: reconstruction errors; the same keys.
    config : CellEvaluate

    Returns
    -------
    summary : dict
        ``test`` (cells), ``kinds``: name (and ``all`` where there are several):
        ``{outliers, auroc: {value, low, high, seeds, folds}}``.
    table : DataFrame
        Columns kind, x (false positive rate), y (true positive rate).
    """
    kinds = list(dict.fromkeys(kind for found in outliers.values() for kind in found))
    if len(kinds) > 1:
        kinds.append(ALL)
    folds = sorted({fold for fold, _ in cells})
    counts = {fold: len(next(v for (f, _), v in cells.items() if f == fold)) for fold in folds}
    summary: dict[str, Any] = {"test": sum(counts.values()), "kinds": {}}
    curves = []
    for number, kind in enumerate(kinds):
        spiked = {key: _choose(found, kind) for key, found in outliers.items()}
        spiked = {key: values for key, values in spiked.items() if len(values)}
        values, samples, heights = {}, [], []
        for key, odd in spiked.items():
            truth = np.repeat([0.0, 1.0], [len(cells[key]), len(odd)])
            score = np.concatenate([cells[key], odd])
            values[key] = float(weigh_ranking(truth, score, np.ones((1, len(score))))[0][0])
            samples.append(_resample(truth, score, key[0], number, config))
            x, y, _ = sk.roc_curve(truth, score, drop_intermediate=False)
            heights.append(y[np.searchsorted(x, GRID, side="right") - 1])
        interval = bound(np.mean(samples, axis=0), config.confidence)
        summary["kinds"][kind] = {
            "outliers": sum(
                len(next(v for (f, _), v in spiked.items() if f == fold))
                for fold in sorted({fold for fold, _ in spiked})
            ),
            "auroc": {
                "value": float(np.mean(list(values.values()))),
                "low": interval.low,
                "high": interval.high,
                "seeds": _spread(values, 1),
                "folds": _spread(values, 0),
            },
        }
        mean = np.mean(heights, axis=0)
        curves.append({"kind": kind, "x": 0.0, "y": 0.0})
        curves += [{"kind": kind, "x": x, "y": y} for x, y in zip(GRID, mean, strict=True)]
    return summary, pd.DataFrame(curves, columns=["kind", "x", "y"])


def _choose(found: Mapping[str, Floats], kind: str) -> Floats:
    if kind == ALL:
        return np.concatenate(list(found.values()))
    return found.get(kind, np.empty(0))


def _resample(truth: Floats, score: Floats, fold: int, kind: int, config: CellEvaluate) -> Floats:
    """Give the area of each resample, (resamples,)."""
    plain, odd = int((truth == 0).sum()), int((truth == 1).sum())
    # Different folds and kinds are drawn independently of each other.
    first, second = np.random.SeedSequence([config.seed, fold, kind]).generate_state(2).tolist()
    rows = max(1, CELLS // (plain + odd))
    blocks = zip(
        draw_counts(plain, config.bootstrap, first, rows * plain),
        draw_counts(odd, config.bootstrap, second, rows * odd),
        strict=True,
    )
    return np.concatenate(
        [weigh_ranking(truth, score, np.concatenate(block, axis=1))[0] for block in blocks]
    )


def _spread(values: Mapping[tuple[int, int], float], side: int) -> dict[str, Any] | None:
    """Give the values by fold (side 0) or by seed (side 1), each the mean of the other."""
    groups: dict[int, list[float]] = {}
    for key, value in values.items():
        groups.setdefault(key[side], []).append(value)
    if len(groups) < 2:
        return None
    means = {str(key): float(np.mean(found)) for key, found in sorted(groups.items())}
    numbers = np.array(list(means.values()))
    return {"values": means, "mean": float(numbers.mean()), "sd": float(numbers.std(ddof=1))}
