"""Four lines for the terminal: what was learned, and how sure one can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioseq_dl.report.words import (
    tell_calibration,
    tell_leaks,
    tell_published,
    tell_result,
    tell_seeds,
)


def summarise(
    metrics: Mapping[str, Any], name: str = "", audit: Mapping[str, Any] | None = None
) -> list[str]:
    """Say in four lines what a run has shown.

    Parameters
    ----------
    metrics : mapping
        metrics.json.
    name : str
        Of the run, put before the first line.
    audit : mapping, optional
        audit.json.

    Returns
    -------
    list of str
        The result beside the baseline; the published figure, or how well calibrated the
        probabilities are; the spread between seeds and folds; the leakage audit.
    """
    published = tell_published(metrics)
    calibration = tell_calibration(metrics)
    second = published[0] if published else calibration or "No published figure to compare with."
    result = tell_result(metrics)
    return [
        f"{name}: {result}" if name else result,
        second,
        tell_seeds(metrics),
        tell_leaks(audit),
    ]
