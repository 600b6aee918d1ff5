"""What an embedding is worth: neighbours that vote, silhouettes, clusters; beside PCA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk
from sklearn.neighbors import KNeighborsClassifier

from bioseq_dl.bootstrap import bound, compare_paired, draw_counts
from bioseq_dl.config import CellEvaluate
from bioseq_dl.evaluate.cell_files import Cells
from bioseq_dl.evaluate.neighbours import FEWEST, cluster_graph, link_cells
from bioseq_dl.metrics import Metric
from bioseq_dl.weighted import weigh_confusion, weigh_macro

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
MEASURES: Mapping[str, Metric] = {
    "knn_accuracy": Metric(
        "kNN accuracy", True, "share of test cells whose nearest training cells vote right"
    ),
    "knn_f1": Metric("kNN macro-F1", True, "the same as macro-F1: every class counts alike"),
    "silhouette": Metric(
        "Silhouette", True, "how much nearer test cells lie to their own class; from -1 to 1"
    ),
    "ari": Metric(
        "ARI", True, "adjusted Rand index of clusters of test cells and classes; 0 is chance"
    ),
    "nmi": Metric(
        "NMI", True, "normalised mutual information of clusters of test cells and classes"
    ),
}
OF_CELLS = ("knn_accuracy", "knn_f1", "silhouette")
"""Those that have a value a cell, so that cells can be resampled. Of clusters they cannot: a
cell that is drawn twice would agree with itself."""
COLUMNS = ("predictor", "fold", "seed", "metric", "value")


@dataclass(frozen=True, eq=False)
class Measured:
    """Test cells of a fold in one embedding."""

    rows: Codes
    """(n,): which of the fold's test cells have a label and an embedding."""
    truth: Codes
    """(n,)"""
    called: Codes | None
    """(n,): class that the training cells vote for; None where there are none of them."""
    silhouette: Floats | None
    """(n,); None with one class."""
    ari: float
    nmi: float
    clusters: int
    dimensions: int


def measure_embedding(
    cells: Cells, codes: Floats, test: NDArray[np.object_], neighbours: int, seed: int
) -> Measured | None:
    """Measure the embedding of a fold's cells against their classes.

    Parameters
    ----------
    cells : Cells
        Of the fold; those of role train vote.
    codes : float64, shape (n,)
        Class of each of `cells`; NaN is missing.
    test : (test cells,)
        Ids of the fold's test cells, in the order of the predictions.
    neighbours : int
        That vote, and of the graph.
    seed : int
        Of the clusters.

    Returns
    -------
    Measured, or None
        None where no test cell has a label and an embedding.
    """
    if cells.embedding is None:
        return None
    known = ~np.isnan(codes)
    place = {name: row for row, name in enumerate(cells.ids.tolist())}
    found = [(row, place[name]) for row, name in enumerate(test.tolist()) if name in place]
    found = [(row, at) for row, at in found if known[at]]
    if len(found) < FEWEST:
        return None
    rows, places = (np.array(side, np.int64) for side in zip(*found, strict=True))
    truth, points = codes[places].astype(np.int64), cells.embedding[places]
    train = np.flatnonzero(known & (cells.roles == "train"))
    called = None
    if len(train):
        vote = KNeighborsClassifier(min(neighbours, len(train)))
        vote.fit(cells.embedding[train], codes[train].astype(np.int64))
        called = vote.predict(points).astype(np.int64)
    silhouette = None
    if 1 < len(np.unique(truth)) < len(truth):
        silhouette = sk.silhouette_samples(points, truth).astype(np.float64)
    clusters = cluster_graph(link_cells(points, neighbours), seed)
    return Measured(
        rows,
        truth,
        called,
        silhouette,
        float(sk.adjusted_rand_score(truth, clusters)),
        float(sk.normalized_mutual_info_score(truth, clusters)),
        len(np.unique(clusters)),
        points.shape[1],
    )


def judge_embeddings(
    measured: Mapping[str, Mapping[tuple[int, int], Measured]],
    tested: Mapping[int, int],
    classes: int,
    config: CellEvaluate,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Put the measures of all folds and seeds together, with intervals, beside PCA.

    kNN and silhouette are of the test cells of all folds together, ARI and NMI the mean of the
    folds; of several seeds all are the mean.

    Parameters
    ----------
    measured : mapping
        ``model`` and, where there is one, ``pca``: (fold, seed): what was measured.
    tested : mapping
        Fold: number of its test cells.
    classes : int
    config : CellEvaluate

    Returns
    -------
    summary : dict
        ``dimensions`` and ``clusters`` (mean number) of each predictor; ``predictors``: name:
        measure: ``{value, low, high, seeds, folds}``; ``comparisons``: ``{metric, model_value,
        baseline_value, difference, low, high, p, verdict}`` of model less PCA;
        ``definitions``: measure: ``{label, higher, meaning}``.
    table : DataFrame
        `COLUMNS`: a row a predictor, fold, seed and measure.
    """
    starts = dict(zip(tested, np.cumsum([0, *tested.values()])[:-1].tolist(), strict=True))
    total = sum(tested.values())
    drawn: dict[str, dict[str, list[Floats]]] = {name: {} for name in measured}
    for weights in draw_counts(total, config.bootstrap, config.seed):
        for name, found in measured.items():
            for metric, resampled in _weigh(found, starts, classes, weights).items():
                drawn[name].setdefault(metric, []).append(resampled)
    samples = {
        name: {metric: np.concatenate(parts) for metric, parts in metrics.items()}
        for name, metrics in drawn.items()
    }
    once = np.ones((1, total))
    values: dict[str, dict[str, float]] = {
        name: _measure_alone(found, starts, classes, once) for name, found in measured.items()
    }
    rows = [
        {"predictor": name, "fold": fold, "seed": seed, "metric": metric, "value": value}
        for name, found in measured.items()
        for (fold, seed), item in found.items()
        for metric, value in _measure_alone({(fold, seed): item}, starts, classes, once).items()
    ]
    alone = {
        (name, side): _measure_groups(found, side, starts, classes, once)
        for name, found in measured.items()
        for side in (0, 1)
    }
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return {
        "dimensions": {n: next(iter(f.values())).dimensions for n, f in measured.items()},
        "clusters": {name: found["clusters"] for name, found in values.items()},
        "predictors": {
            name: {
                metric: {
                    "value": values[name].get(metric, np.nan),
                    **_bound(samples[name].get(metric), config.confidence),
                    "seeds": _spread(alone[name, 1], metric),
                    "folds": _spread(alone[name, 0], metric),
                }
                for metric in MEASURES
            }
            for name in measured
        },
        "comparisons": _compare(values, samples, config.confidence),
        "definitions": {
            name: {"label": m.label, "higher": m.higher, "meaning": m.meaning}
            for name, m in MEASURES.items()
        },
    }, table


def _weigh(
    found: Mapping[tuple[int, int], Measured],
    starts: Mapping[int, int],
    classes: int,
    weights: Floats,
) -> dict[str, Floats]:
    """Give the measures of cells under each row of weights, the mean of the seeds."""
    seeds: dict[int, list[tuple[int, Measured]]] = {}
    for (fold, seed), item in found.items():
        seeds.setdefault(seed, []).append((fold, item))
    values: dict[str, list[Floats]] = {}
    for items in seeds.values():
        where = np.concatenate([starts[fold] + item.rows for fold, item in items])
        chosen = weights[:, where]
        if (called := _join([item.called for _, item in items])) is not None:
            truth = np.concatenate([item.truth for _, item in items])
            table = weigh_confusion(truth, called.astype(np.int64), classes, chosen)
            with np.errstate(divide="ignore", invalid="ignore"):
                right = np.trace(table, axis1=1, axis2=2) / table.sum(axis=(1, 2))
                values.setdefault("knn_accuracy", []).append(right)
                values.setdefault("knn_f1", []).append(weigh_macro(table)["f1"])
        if (silhouette := _join([item.silhouette for _, item in items])) is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = chosen @ silhouette / chosen.sum(axis=1)
            values.setdefault("silhouette", []).append(mean)
    return {metric: np.mean(parts, axis=0) for metric, parts in values.items()}


def _join(parts: list[NDArray[Any] | None]) -> Floats | None:
    """Put the folds end to end; None where one has none."""
    given = [part for part in parts if part is not None]
    return np.concatenate(given).astype(np.float64) if len(given) == len(parts) else None


def _average_clusters(found: Mapping[tuple[int, int], Measured]) -> dict[str, float]:
    return {
        "ari": float(np.mean([item.ari for item in found.values()])),
        "nmi": float(np.mean([item.nmi for item in found.values()])),
        "clusters": float(np.mean([item.clusters for item in found.values()])),
    }


def _measure_alone(
    found: Mapping[tuple[int, int], Measured],
    starts: Mapping[int, int],
    classes: int,
    once: Floats,
) -> dict[str, float]:
    values = {m: float(v[0]) for m, v in _weigh(found, starts, classes, once).items()}
    return values | _average_clusters(found)


def _bound(samples: Floats | None, confidence: float) -> dict[str, float]:
    if samples is None:
        return {"low": np.nan, "high": np.nan}
    interval = bound(samples, confidence)
    return {"low": interval.low, "high": interval.high}


def _measure_groups(
    found: Mapping[tuple[int, int], Measured],
    side: int,
    starts: Mapping[int, int],
    classes: int,
    once: Floats,
) -> dict[int, dict[str, float]]:
    """Measure each fold (side 0) or each seed (side 1) alone."""
    groups = {}
    for wanted in sorted({key[side] for key in found}):
        part = {key: item for key, item in found.items() if key[side] == wanted}
        groups[wanted] = _measure_alone(part, starts, classes, once)
    return groups


def _spread(groups: Mapping[int, Mapping[str, float]], metric: str) -> dict[str, Any] | None:
    values = {str(key): found.get(metric, np.nan) for key, found in groups.items()}
    if len(values) < 2:
        return None
    numbers = np.array(list(values.values()))
    return {"values": values, "mean": float(numbers.mean()), "sd": float(numbers.std(ddof=1))}


def _compare(
    values: Mapping[str, Mapping[str, float]],
    samples: Mapping[str, Mapping[str, Floats]],
    confidence: float,
) -> list[dict[str, Any]]:
    """Compare the model with PCA on the same resamples; clusters have a difference alone."""
    rows = []
    for metric in MEASURES if {"model", "pca"} <= set(values) else ():
        ours, theirs = (values[name].get(metric, np.nan) for name in ("model", "pca"))
        row: dict[str, Any] = {
            "metric": metric,
            "model_value": ours,
            "baseline_value": theirs,
            "difference": ours - theirs,
            **{"low": np.nan, "high": np.nan, "p": np.nan, "verdict": "undefined"},
        }
        if all(metric in samples[name] for name in ("model", "pca")):
            # Of all measures more is better, as of accuracy.
            found = compare_paired(
                "accuracy", samples["model"][metric], samples["pca"][metric], confidence
            )
            row |= {"low": found.interval.low, "high": found.interval.high}
            row |= {"p": found.p, "verdict": found.verdict}
        rows.append(row)
    return rows
