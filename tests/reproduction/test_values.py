"""How far numbers of two results are apart."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.reproduction.values import compare_leaves, compare_tables, flatten, gap_between


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_leaves_have_their_place() -> None:
    assert flatten({"a": [{"b": 1}, None], "c": {}}) == {"a.0.b": 1, "a.1": None}


@given(st.floats(), st.floats())
def test_a_gap_is_0_for_equal_numbers_alone(one: float, other: float) -> None:
    gap = gap_between(one, other)
    assert gap >= 0
    if one == other or (math.isnan(one) and math.isnan(other)):
        assert gap == 0
    elif math.isnan(one) or math.isnan(other):
        assert gap == math.inf
    else:
        assert gap > 0 or abs(one - other) < 1e-300 * (1 + abs(one))


def test_the_largest_gap_is_named() -> None:
    one = {"auroc": 0.5, "n": 10, "name": "x", "ok": True}
    assert compare_leaves(one, dict(one)) == (0.0, "")
    gap, place = compare_leaves(one, one | {"auroc": 0.53, "n": 11})
    assert gap == pytest.approx(1 / 11)
    assert place == "n: 10 and 11"
    for other in (one | {"name": "y"}, one | {"ok": False}, one | {"auroc": None}, {"auroc": 0.5}):
        assert compare_leaves(one, other)[0] == math.inf


def test_tables_of_numbers_and_lists(tmp_path: Path) -> None:
    ids, values = pa.array(["a", "b", "c"]), pa.array([1.0, None, 3.0], pa.float32())
    lists = pa.array([[1.0], [], [2.0, 4.0]], pa.list_(pa.float32()))
    one = write(tmp_path / "one", id=ids, x=values, y=lists)
    assert compare_tables(one, write(tmp_path / "same", id=ids, x=values, y=lists)) == (0.0, "")
    moved = pa.array([[1.0], [], [2.0, 5.0]], pa.list_(pa.float32()))
    gap, place = compare_tables(one, write(tmp_path / "moved", id=ids, x=values, y=moved))
    assert gap == pytest.approx(0.2)
    assert place == "column y: 4 and 5"
    other_lists = pa.array([[1.0], [2.0], [4.0]], pa.list_(pa.float32()))
    for number, columns in enumerate(
        (
            {"id": pa.array(["a", "b", "d"]), "x": values, "y": lists},
            {"id": ids, "x": pa.array([1.0, 2.0, 3.0], pa.float32()), "y": lists},
            {"id": ids, "x": values, "y": other_lists},
            {"id": ids, "x": values},
            {"id": ids[:2], "x": values[:2], "y": lists[:2]},
        )
    ):
        other = write(tmp_path / str(number), **columns)
        assert compare_tables(one, other)[0] == math.inf
