"""Each predictor's metrics with intervals, seeds and folds; and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.bootstrap import MACRO, Difference, bound, compare_paired, remove_bias
from bioseq_dl.config import Evaluate, Published, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.predictions import Part
from bioseq_dl.metrics import METRICS, Metric, Score, macro_average, score_target

Floats = NDArray[np.float64]
Scores = dict[str, dict[str, Score]]
"""Target (and ``macro`` where there are several): metric: score."""
Samples = Mapping[str, Mapping[str, Floats]]
"""Target: metric: resampled values."""


def score_part(part: Part, targets: Targets, config: Evaluate) -> Scores:
    """Score one predictor on some records, per target and macro."""
    scores = {
        name: score_target(
            targets.kind,
            part.truth[:, place],
            part.prediction[:, place],
            threshold=config.threshold,
            ece_bins=config.ece_bins,
        )
        for place, name in enumerate(targets.names)
    }
    if len(scores) > 1:
        scores[MACRO] = macro_average(scores)
    return scores


def remove_biases(scores: Scores, samples: Samples) -> Samples:
    """Shift the resamples of biased metrics, see `bioseq_dl.bootstrap.remove_bias`."""
    return {
        target: {
            metric: remove_bias(metric, values, scores[target][metric].value)
            for metric, values in metrics.items()
        }
        for target, metrics in samples.items()
    }


def describe_scores(
    pooled: Scores,
    samples: Samples,
    by_seed: Mapping[int, Scores],
    by_fold: Mapping[int, Scores],
    confidence: float,
) -> dict[str, Any]:
    """Put value, interval and spread of every metric into one nested dict.

    Parameters
    ----------
    pooled : Scores
        On all test records.
    samples : Samples
        Resampled values.
    by_seed, by_fold : mapping
        Scores of each seed alone and of each fold alone; empty where there is one only.
    confidence : float
        Of the intervals.
    """
    described: dict[str, Any] = {}
    for target, scores in pooled.items():
        described[target] = {}
        for metric, score in scores.items():
            interval = bound(samples[target][metric], confidence)
            described[target][metric] = {
                "value": score.value,
                "note": score.note,
                "low": interval.low,
                "high": interval.high,
                "undefined_resamples": interval.undefined,
                "seeds": _spread({k: s[target][metric].value for k, s in by_seed.items()}),
                "folds": _spread({k: s[target][metric].value for k, s in by_fold.items()}),
            }
    return described


def compare_all(
    scores: Mapping[str, Scores],
    samples: Mapping[str, Samples],
    confidence: float,
    compare: Callable[[str, Floats, Floats, float], Difference] = compare_paired,
) -> list[dict[str, Any]]:
    """Compare the model with each baseline in every metric of every target."""
    rows = []
    for baseline in (name for name in scores if name != "model"):
        for target in scores["model"]:
            for metric in scores["model"][target]:
                ours = scores["model"][target][metric].value
                theirs = scores[baseline][target][metric].value
                found = compare(
                    metric,
                    samples["model"][target][metric],
                    samples[baseline][target][metric],
                    confidence,
                )
                verdict = "undefined" if np.isnan(ours - theirs) else found.verdict
                rows.append(
                    {
                        "target": target,
                        "metric": metric,
                        "baseline": baseline,
                        "model_value": ours,
                        "baseline_value": theirs,
                        "difference": ours - theirs,
                        "low": found.interval.low,
                        "high": found.interval.high,
                        "share_not_better": found.share_not_better,
                        "p": found.p,
                        "verdict": verdict,
                    }
                )
    return rows


def compare_published(
    published: Sequence[Published],
    described: Mapping[str, Any],
    metrics: Mapping[str, Metric] = METRICS,
) -> list[dict[str, Any]]:
    """Put published figures beside the model's.

    Parameters
    ----------
    published : sequence of Published
        From the config.
    described : mapping
        What `describe_scores` gave for the model.
    metrics : mapping
        Metric: which way is better.

    Raises
    ------
    InputError
        Where a figure names an unknown metric or target.
    """
    rows = []
    for place, entry in enumerate(published):
        where = f"key published.{place}"
        known = dict.fromkeys(metric for found in described.values() for metric in found)
        if entry.metric not in known:
            raise InputError(
                "a published figure names a metric that is not computed here",
                position=f"{where}.metric",
                found=entry.metric,
                allowed=", ".join(known),
            )
        # The average where there is one, else the first that has the metric.
        having = [target for target, found in described.items() if entry.metric in found]
        target = entry.target or (MACRO if MACRO in having else having[0])
        if target not in described:
            raise InputError(
                "a published figure names an unknown target",
                position=f"{where}.target",
                found=target,
                allowed=", ".join(described),
            )
        if target not in having:
            raise InputError(
                "a published figure names a metric that its target does not have",
                position=f"{where}.metric",
                found=f"{entry.metric} of {target}",
                allowed=", ".join(described[target]),
            )
        ours = described[target][entry.metric]
        rows.append(
            {
                "target": target,
                "metric": entry.metric,
                "published": entry.value,
                "source": entry.source,
                "value": ours["value"],
                "low": ours["low"],
                "high": ours["high"],
                "seeds": ours["seeds"],
                "verdict": _place_value(
                    metrics[entry.metric], entry.value, ours["low"], ours["high"]
                ),
            }
        )
    return rows


def _place_value(metric: Metric, value: float, low: float, high: float) -> str:
    """Say where our interval lies as seen from a published figure."""
    if np.isnan(low):
        return "undefined"
    if low <= value <= high:
        return "interval contains it"
    return "better" if (low > value) == metric.higher else "worse"


def _spread(values: Mapping[int, float]) -> dict[str, Any] | None:
    if len(values) < 2:
        return None
    numbers = np.array(list(values.values()))
    return {
        "values": {str(key): value for key, value in values.items()},
        "mean": float(numbers.mean()),
        "sd": float(numbers.std(ddof=1)),
    }
