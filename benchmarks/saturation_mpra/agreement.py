"""How well scores agree with measured effects: per experiment, with intervals, and on average."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.bootstrap import bound, draw_counts
from bioseq_dl.weighted import score_weighted

RESAMPLES = 1000
CONFIDENCE = 0.95
METRICS = ("pearson", "spearman")
CLASSES = {"SNV": False, "deletion": True}
"""Class: whether it is a deletion."""

Floats = NDArray[np.float64]


def correlate(truth: Floats, score: Floats) -> dict[str, float]:
    """Give Pearson's r and Spearman's rho; NaN where a score is constant."""
    once = score_weighted("regression", truth, score, np.ones((1, len(truth))))
    return {metric: float(once[metric][0]) for metric in METRICS}


def correlate_with_interval(
    truth: Floats, score: Floats, positions: NDArray[np.int64], seed: int = 0
) -> dict[str, float]:
    """Give the correlations with percentile intervals: ``pearson``, ``pearson_low``, ….

    Positions are resampled and not variants: the alleles of one position share their cause.
    """
    _, index = np.unique(positions, return_inverse=True)
    drawn = [
        score_weighted("regression", truth, score, counts[:, index])
        for counts in draw_counts(int(index.max()) + 1, RESAMPLES, seed)
    ]
    found = correlate(truth, score)
    for metric in METRICS:
        interval = bound(np.concatenate([part[metric] for part in drawn]), CONFIDENCE)
        found |= {f"{metric}_low": interval.low, f"{metric}_high": interval.high}
    return found


def score_experiments(variants: pd.DataFrame, predictors: list[str]) -> pd.DataFrame:
    """Score every experiment and class: the first predictor with intervals.

    Parameters
    ----------
    variants : DataFrame
        ``element``, ``locus``, ``position``, ``alt``, ``log2_effect`` and a column per
        predictor, NaN where it has no score.
    predictors : list of str
        The model first.

    Returns
    -------
    DataFrame
        ``element``, ``locus``, ``class``, ``variants`` and per predictor
        ``<predictor>_pearson`` and ``<predictor>_spearman``.
    """
    rows = []
    for (element, locus), group in variants.groupby(["element", "locus"], sort=False):
        for name, deleted in CLASSES.items():
            mine = group[(group["alt"] == "-") == deleted]
            mine = mine[mine[predictors[0]].notna()]
            truth = mine["log2_effect"].to_numpy(np.float64)
            row = {"element": element, "locus": locus, "class": name, "variants": len(mine)}
            for place, predictor in enumerate(predictors):
                score = mine[predictor].to_numpy(np.float64)
                if place == 0:
                    found = correlate_with_interval(truth, score, mine["position"].to_numpy())
                else:
                    found = correlate(truth, score)
                row |= {f"{predictor}_{key}": value for key, value in found.items()}
            rows.append(row)
    return pd.DataFrame(rows)


def average_loci(scores: pd.DataFrame, columns: list[str], seed: int = 0) -> dict[str, float]:
    """Average columns over loci (a locus's experiments first), with intervals over loci.

    Loci are resampled, since the question is how it goes on the next one. Twenty experiments
    count as sixteen loci: four mutate one promoter and two one enhancer.
    """
    each = scores.groupby("locus", sort=False)[columns].mean()
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, len(each), (RESAMPLES, len(each)))
    found: dict[str, float] = {"loci": len(each)}
    for column in columns:
        values = each[column].to_numpy()
        interval = bound(values[rows].mean(axis=1), CONFIDENCE)
        found |= {column: float(values.mean()), f"{column}_low": interval.low}
        found |= {f"{column}_high": interval.high}
    return found


def find_ceiling(variants: pd.DataFrame) -> pd.DataFrame:
    """Correlate experiments on one locus with each other: what a second measurement reaches.

    Returns
    -------
    DataFrame
        ``element``, ``class``, and ``ceiling_pearson``, ``ceiling_spearman``: the highest over
        the other experiments on the locus, which one in ``ceiling_of``.
    """
    rows = []
    for _, group in variants.groupby("locus", sort=False):
        names = list(group["element"].unique())
        for name, deleted in CLASSES.items():
            mine = group[(group["alt"] == "-") == deleted]
            effects = mine.set_index(["position", "alt", "element"])["log2_effect"]
            wide = effects.unstack("element")  # noqa: PD010
            for element in names if len(names) > 1 else []:
                best: dict[str, object] = {}
                for other in names:
                    if other == element:
                        continue
                    both = wide[[element, other]].dropna().to_numpy()
                    found = correlate(both[:, 0], both[:, 1])
                    if not best or found["pearson"] > best["ceiling_pearson"]:  # type: ignore[operator]
                        best = {f"ceiling_{metric}": found[metric] for metric in METRICS}
                        best["ceiling_of"] = other
                rows.append({"element": element, "class": name} | best)
    return pd.DataFrame(rows)
