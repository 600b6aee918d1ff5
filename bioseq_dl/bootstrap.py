"""How sure a metric is: percentile bootstrap over test records, alone and in pairs.

All predictors of a run are scored on the same resamples, so that differences between them
are paired (Efron & Tibshirani 1993, chapters 13 and 16).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import METRICS_OF_KIND
from bioseq_dl.metrics import METRICS
from bioseq_dl.weighted import score_weighted

Floats = NDArray[np.float64]
CELLS = 2_000_000
"""Resamples x records weighed at once: about 16 MB an array."""
MACRO = "macro"
"""Name of the average over targets."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Parameters
    ----------
    low, high : float
        NaN where every resample is undefined.
    undefined : int
        Resamples without a value (no positives drawn, say), left out.
    """

    low: float
    high: float
    undefined: int


@dataclass(frozen=True)
class Difference:
    """Model less baseline on the same resamples.

    Parameters
    ----------
    interval : Interval
        Of the difference.
    share_not_better : float
        Share of resamples in which the model is not better (for most metrics: the
        difference is 0 or below).
    p : float
        Two-sided: twice the smaller tail, each counted with the observed sample itself
        (Davison & Hinkley 1997, section 4.4); at most 1.
    verdict : str
        ``better``, ``worse``, ``not distinguishable`` or ``undefined``.
    """

    interval: Interval
    share_not_better: float
    p: float
    verdict: str


def draw_counts(
    records: int, resamples: int, seed: int, cells: int = CELLS
) -> Iterator[NDArray[np.float64]]:
    """Draw how often each record stands in each resample, some resamples at a time.

    Parameters
    ----------
    records, resamples, seed : int
    cells : int
        Bounds the memory; the draws do not depend on it.

    Yields
    ------
    float64, shape (some, records)
        Rows that sum to `records`.
    """
    generator = np.random.default_rng(seed)
    step = max(1, cells // records)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.integers(0, records, size=(rows, records))
        drawn += np.arange(rows)[:, None] * records
        counts = np.bincount(drawn.ravel(), minlength=rows * records)
        yield counts.reshape(rows, records).astype(np.float64)


def resample_scores(
    kind: str,
    names: Sequence[str],
    truth: Floats,
    predictions: Mapping[str, Floats],
    *,
    resamples: int,
    seed: int,
    threshold: float,
    ece_bins: int,
) -> dict[str, dict[str, dict[str, Floats]]]:
    """Score every predictor on the same resamples of the test records.

    Parameters
    ----------
    kind : str
        ``binary``, ``multiclass`` or ``regression``.
    names : sequence of str
        Targets.
    truth : float64, shape (n, targets)
        NaN is missing: the record is drawn, and counts for the other targets.
    predictions : mapping
        Predictor: float64 of shape (n, targets) or (n, targets, classes).
    resamples, seed, threshold, ece_bins
        See `bioseq_dl.config.Evaluate`.

    Returns
    -------
    dict
        Predictor: target (and ``macro``, the average over targets with a value, where
        there are several): metric: values of shape (resamples,).
    """
    parts: dict[tuple[str, str, str], list[Floats]] = {}
    for weights in draw_counts(len(truth), resamples, seed):
        for predictor, prediction in predictions.items():
            for place, target in enumerate(names):
                scores = score_weighted(
                    kind,
                    truth[:, place],
                    prediction[:, place],
                    weights,
                    threshold=threshold,
                    ece_bins=ece_bins,
                )
                for metric, values in scores.items():
                    parts.setdefault((predictor, target, metric), []).append(values)
    joined = {key: np.concatenate(values) for key, values in parts.items()}
    metrics = METRICS_OF_KIND[kind]
    return {
        predictor: {
            **{target: {m: joined[predictor, target, m] for m in metrics} for target in names},
            **(
                {MACRO: {m: _average([joined[predictor, t, m] for t in names]) for m in metrics}}
                if len(names) > 1
                else {}
            ),
        }
        for predictor in predictions
    }


def remove_bias(metric: str, samples: Floats, value: float) -> Floats:
    """Shift resamples of a biased metric to the sample's own value.

    The expected calibration error is a mean of absolute gaps: resampling adds noise, noise
    adds to every gap, and the plain percentile interval may miss the value it belongs to.
    The bootstrap's estimate of that bias is taken off (Efron & Tibshirani 1993, section
    10.2); metrics that are not biased are given back as they are.

    Parameters
    ----------
    metric : str
    samples : float64, shape (resamples,)
    value : float
        Of the sample itself; NaN where undefined.
    """
    defined = ~np.isnan(samples)
    if not METRICS[metric].biased or np.isnan(value) or not defined.any():
        return samples
    shifted: Floats = np.maximum(samples - (samples[defined].mean() - value), 0.0)
    return shifted


def bound(samples: Floats, confidence: float) -> Interval:
    """Give the percentile interval of resampled values.

    Parameters
    ----------
    samples : float64, shape (resamples,)
        NaN is an undefined resample.
    confidence : float
        Such as 0.95.
    """
    defined = samples[~np.isnan(samples)]
    undefined = len(samples) - len(defined)
    if not len(defined):
        return Interval(np.nan, np.nan, undefined)
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high), undefined)


def compare_paired(metric: str, model: Floats, baseline: Floats, confidence: float) -> Difference:
    """Compare two predictors scored on the same resamples.

    Parameters
    ----------
    metric : str
        Tells which way is better.
    model, baseline : float64, shape (resamples,)
        In the same order of resamples.
    confidence : float
        Of the interval.
    """
    difference = model - baseline
    interval = bound(difference, confidence)
    gain = difference if METRICS[metric].higher else -difference
    gain = gain[~np.isnan(gain)]
    if not len(gain):
        return Difference(interval, np.nan, np.nan, "undefined")
    below, above = np.count_nonzero(gain <= 0), np.count_nonzero(gain >= 0)
    p = min(1.0, 2 * (min(below, above) + 1) / (len(gain) + 1))
    clear = interval.low > 0 or interval.high < 0
    better = (interval.low > 0) == METRICS[metric].higher
    verdict = ("better" if better else "worse") if clear else "not distinguishable"
    return Difference(interval, float(below / len(gain)), float(p), verdict)


def _average(values: Sequence[Floats]) -> Floats:
    stacked = np.stack(values)
    defined = ~np.isnan(stacked)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(defined, stacked, 0).sum(axis=0) / defined.sum(axis=0)
    return mean
