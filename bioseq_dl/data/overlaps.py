"""Genome intervals of two sets that overlap, by sorting; never pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Intervals:
    """Where records lie in a genome.

    Contigs (and strands, where these are told apart) lie end to end on one line, each
    followed by a gap, so that intervals of two contigs never touch.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (n,)
        On that line, half-open; meaningless where `known` is False.
    known : ndarray of bool, shape (n,)
        Whether the record has coordinates (of at least one base).
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    known: NDArray[np.bool_]


def read_intervals(table: pa.Table, both_strands: bool) -> Intervals | None:
    """Read the columns `chrom`, `start`, `end` and (for one strand only) `strand`.

    A record without a strand was read from the plus strand.

    Returns
    -------
    Intervals or None
        None where no record has coordinates.
    """
    if not {"chrom", "start", "end"} <= set(table.column_names):
        return None
    columns = [table[name] for name in ("chrom", "start", "end")]
    known = ~np.any([column.is_null().to_numpy(zero_copy_only=False) for column in columns], axis=0)
    if not known.any():
        return None
    contig = pc.dictionary_encode(columns[0].cast(pa.string())).combine_chunks().indices
    line = pc.fill_null(contig, 0).to_numpy().astype(np.int64)
    starts, ends = (
        pc.fill_null(column.cast(pa.int64()), 0).combine_chunks().to_numpy()
        for column in columns[1:]
    )
    known = known & (ends > starts)
    if not both_strands and "strand" in table.column_names:
        minus = pc.fill_null(pc.equal(table["strand"].cast(pa.string()), "-"), False)
        line = line * 2 + minus.to_numpy(zero_copy_only=False)
    low = min(0, int(starts.min()))
    shift = line * (int(ends.max()) - low + 1) - low
    return Intervals(starts + shift, ends + shift, known)


def count_overlaps(
    intervals: Intervals, queries: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count, for each query, the other intervals that share a base with it.

    Those that start before its end, less those that end at or before its start.

    Parameters
    ----------
    intervals : Intervals
    queries, others : ndarray of int64
        Rows; those without coordinates overlap nothing.

    Returns
    -------
    ndarray of int64, shape of `queries`
    """
    others = others[intervals.known[others]]
    begun = np.searchsorted(np.sort(intervals.starts[others]), intervals.ends[queries], "left")
    over = np.searchsorted(np.sort(intervals.ends[others]), intervals.starts[queries], "right")
    return np.where(intervals.known[queries], begun - over, 0)


def find_partners(
    intervals: Intervals, queries: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find one overlapping interval for each query, with as large an overlap as can be told.

    Of the intervals that start at or before the query's start the one that reaches
    furthest, or the first that starts later, whichever overlaps more: for intervals of one
    length no other overlaps more. Of equal intervals the order of `others` decides.

    Returns
    -------
    partners : ndarray of int64, shape of `queries`
        Row, or -1.
    bases : ndarray of int64, shape of `queries`
        Bases shared with it.
    """
    partners = np.full(len(queries), -1, np.int64)
    bases = np.zeros(len(queries), np.int64)
    others = others[intervals.known[others]]
    if len(others) == 0 or len(queries) == 0:
        return partners, bases
    others = others[np.lexsort((intervals.ends[others], intervals.starts[others]))]
    starts, ends = intervals.starts[others], intervals.ends[others]
    reach = np.maximum.accumulate(ends)
    place = np.arange(len(others))
    holder = np.maximum.accumulate(np.where(ends == reach, place, 0))
    start, end = intervals.starts[queries], intervals.ends[queries]
    after = np.searchsorted(starts, start, "right")
    for found, exists in (
        (holder[np.maximum(after - 1, 0)], after > 0),
        (np.minimum(after, len(others) - 1), after < len(others)),
    ):
        shared = np.minimum(ends[found], end) - np.maximum(starts[found], start)
        better = exists & (shared > bases) & intervals.known[queries]
        partners[better] = others[found[better]]
        bases[better] = shared[better]
    return partners, bases
