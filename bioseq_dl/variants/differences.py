"""How large effects are: numbers of alleles in fixed bins, which add up exactly over parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

TOP = 50
"""Alleles with the largest effects that are listed."""
_DECADES = (-6, 3)
_BINS = 20
_QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)


def make_edges() -> list[float]:
    """Give the edges of the bins of differences.

    Twenty bins a decade from 1e-6 to 1000 on either side of 0, and one bin around 0; the
    outermost hold what lies beyond.
    """
    first, last = _DECADES
    steps = np.arange(first * _BINS, last * _BINS + 1)
    positive = [round_number(10 ** (step / _BINS)) for step in steps.tolist()]
    return [-edge for edge in reversed(positive)] + positive


def describe_bins(counts: list[int], signs: list[int], least: float, most: float) -> dict[str, Any]:
    """Describe the differences of one output, ready for JSON.

    Parameters
    ----------
    counts : list of int
        Alleles in each bin between `make_edges`.
    signs : list of int
        Negative and positive differences.
    least, most : float
        The smallest and the largest difference.
    """
    total = sum(counts)
    ends = round_number(least), round_number(most)
    return {
        "count": total,
        "negative": signs[0],
        "positive": signs[1],
        "min": ends[0] if total else None,
        "max": ends[1] if total else None,
        "quantiles": _find_quantiles(counts, *ends) if total else {},
        "counts": counts,
    }


def _find_quantiles(counts: list[int], least: float, most: float) -> dict[str, float]:
    edges = np.array(make_edges())
    upto = np.concatenate([[0], np.cumsum(counts)])
    share = np.array(_QUANTILES) * upto[-1]
    bins = np.clip(np.searchsorted(upto, share, side="left") - 1, 0, len(counts) - 1)
    inside = (share - upto[bins]) / np.maximum(np.array(counts)[bins], 1)
    values = edges[bins] + inside * (edges[bins + 1] - edges[bins])
    values = np.clip(values, least, most)
    return {
        f"{share:g}": float(f"{value:.3g}")
        for share, value in zip(_QUANTILES, values.tolist(), strict=True)
    }


def rank_top(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the entries with the largest differences, the largest first; ties in file order."""
    order = sorted(entries, key=lambda one: (-abs(one["diff"]), one["record"], one["allele"]))
    return order[:TOP]


def round_number(value: float) -> float:
    """Round to the six digits that the VCF has."""
    return float(f"{value:.6g}")


def merge_differences(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the differences of parts, each as in a summary."""
    merged = {}
    for name in parts[0]["targets"]:
        targets = [part["targets"][name] for part in parts]
        counts = np.sum([target["counts"] for target in targets], axis=0).tolist()
        signs = [sum(target[key] for target in targets) for key in ("negative", "positive")]
        least = min((t["min"] for t in targets if t["min"] is not None), default=np.inf)
        most = max((t["max"] for t in targets if t["max"] is not None), default=-np.inf)
        merged[name] = describe_bins(counts, signs, least, most)
    return {"edges": parts[0]["edges"], "targets": merged}
