"""How large effects are: numbers of alleles in fixed bins, which add up exactly over parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.variants.scored import Scores

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


class Effects:
    """Counts differences and keeps the largest, over any number of batches.

    Parameters
    ----------
    names : sequence of str
        Of the outputs.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._edges = np.array(make_edges())
        self._bins = np.zeros((len(names), len(self._edges) - 1), np.int64)
        self._least = np.full(len(names), np.inf)
        self._most = np.full(len(names), -np.inf)
        self._signs = np.zeros((len(names), 2), np.int64)
        self._top: list[dict[str, Any]] = []

    def add(
        self, difference: NDArray[np.float32], describe: Callable[[int, int], dict[str, Any]]
    ) -> None:
        """Count a batch.

        Parameters
        ----------
        difference : float32 (n, names)
            In file order.
        describe : callable
            Row and output to an entry of ``top``, with ``record``, ``allele``, ``target`` and
            ``diff``.
        """
        if not len(difference):
            return
        for place in range(len(self._names)):
            column = difference[:, place]
            column = column[np.isfinite(column)]
            if not column.size:
                continue
            bins = np.searchsorted(self._edges, column, side="right") - 1
            bins = np.clip(bins, 0, len(self._edges) - 2)
            self._bins[place] += np.bincount(bins, minlength=len(self._edges) - 1)
            self._least[place] = min(self._least[place], column.min())
            self._most[place] = max(self._most[place], column.max())
            self._signs[place] += [np.count_nonzero(column < 0), np.count_nonzero(column > 0)]
        sizes = np.nan_to_num(np.abs(difference), nan=-1.0, posinf=-1.0)
        best = sizes.max(axis=1)
        chosen = np.argsort(-best, kind="stable")[:TOP]
        least = abs(self._top[-1]["diff"]) if len(self._top) == TOP else 0.0
        for at in chosen.tolist():
            # Rounding may make two equal that are not; it never turns them around.
            if round_number(float(best[at])) < least or best[at] < 0:
                break
            place = int(sizes[at].argmax())
            self._top.append({**describe(at, place), "target": self._names[place]})
        self._top = rank_top(self._top)

    def summarise(self) -> dict[str, Any]:
        """Give ``differences`` and ``top``, ready for JSON."""
        return {
            "differences": {
                "edges": self._edges.tolist(),
                "targets": {
                    name: describe_bins(
                        self._bins[place].tolist(),
                        self._signs[place].tolist(),
                        float(self._least[place]),
                        float(self._most[place]),
                    )
                    for place, name in enumerate(self._names)
                },
            },
            "top": self._top,
        }


def describe_scores(scores: Scores, row: int, place: int) -> dict[str, float]:
    """Give the scores of one row and output for an entry of ``top``."""
    columns = {
        "ref_score": scores.reference,
        "alt_score": scores.alternative,
        "diff": scores.difference,
        "sd": scores.spread,
    }
    return {
        key: round_number(float(values[row, place]))
        for key, values in columns.items()
        if values is not None
    }


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
