from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.overlaps import count_overlaps, find_partners, read_intervals

ROW = st.tuples(
    st.sampled_from(["chr1", "chr2", None]),
    st.integers(0, 30),
    st.integers(0, 8),
    st.sampled_from(["+", "-", None]),
    st.booleans(),
)


def table_of(rows) -> pa.Table:
    chrom, start, end, strand = (list(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "chrom": pa.array(chrom, pa.string()),
            "start": pa.array(start, pa.int64()),
            "end": pa.array(end, pa.int64()),
            "strand": pa.array(strand, pa.string()),
        }
    )


def share(a, b, both: bool) -> int:
    """Plain Python: bases shared by two half-open intervals."""
    if a[0] is None or a[0] != b[0]:
        return 0
    if not both and (a[3] == "-") != (b[3] == "-"):
        return 0
    return max(0, min(a[2], b[2]) - max(a[1], b[1]))


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25), st.booleans())
def test_counts_and_partners_equal_those_of_plain_python(drawn, both: bool) -> None:
    rows = [(chrom, start, start + length, strand) for chrom, start, length, strand, _ in drawn]
    queries = np.flatnonzero([is_query for *_, is_query in drawn])
    others = np.flatnonzero([not is_query for *_, is_query in drawn])
    intervals = read_intervals(table_of(rows), both)
    expected = [[share(rows[q], rows[o], both) for o in others] for q in queries]
    if intervals is None:
        assert not any(any(row) for row in expected)
        return
    counts = count_overlaps(intervals, queries, others)
    assert counts.tolist() == [sum(value > 0 for value in row) for row in expected]
    partners, bases = find_partners(intervals, queries, others)
    for query, partner, shared, row in zip(queries, partners, bases, expected, strict=True):
        assert (partner >= 0) == any(row)
        assert shared == (share(rows[query], rows[partner], both) if any(row) else 0)
        assert (shared > 0) == any(row)


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=20))
def test_of_equal_widths_no_other_overlaps_more(starts: list[int]) -> None:
    rows = [("chr1", start, start + 10, "+") for start in starts]
    intervals = read_intervals(table_of(rows), True)
    queries, others = np.arange(1), np.arange(1, len(rows))
    _, bases = find_partners(intervals, queries, others)
    assert bases[0] == max(share(rows[0], other, True) for other in rows[1:])


def test_touching_intervals_do_not_overlap() -> None:
    rows = [("chr1", 10, 20, "+"), ("chr1", 20, 30, "+"), ("chr1", 0, 10, "+")]
    queries, others = np.array([0]), np.array([1, 2])
    intervals = read_intervals(table_of(rows), True)
    assert count_overlaps(intervals, queries, others).tolist() == [0]
    assert find_partners(intervals, queries, others)[0].tolist() == [-1]
    rows[1] = ("chr1", 19, 30, "+")
    intervals = read_intervals(table_of(rows), True)
    assert count_overlaps(intervals, queries, others).tolist() == [1]


def test_strands_count_only_where_they_are_told_apart() -> None:
    rows = [("chr1", 10, 20, "+"), ("chr1", 15, 25, "-"), ("chr1", 15, 25, None)]
    for both, expected in ((True, 2), (False, 1)):
        intervals = read_intervals(table_of(rows), both)
        counts = count_overlaps(intervals, np.array([0]), np.array([1, 2]))
        assert counts.tolist() == [expected]


def test_without_coordinates_there_is_nothing_to_look_at() -> None:
    assert read_intervals(pa.table({"id": ["a"]}), True) is None
    assert read_intervals(table_of([(None, None, None, None)]), True) is None
