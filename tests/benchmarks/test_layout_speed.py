"""The benchmark of layouts: what it draws and tabulates, and our side of it; nothing is timed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "expression" / "layout_speed.py"


@pytest.fixture(scope="module")
def speed():
    spec = importlib.util.spec_from_file_location("layout_speed", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(spec.name, None)


def test_counts_are_sparse_and_drawn_by_the_seed(speed):
    one, two = speed.simulate(1200, 300), speed.simulate(1200, 300)
    assert (one.indptr == two.indptr).all()
    assert (one.data == two.data).all()
    assert len(one) == 1200
    assert 0.03 < len(one.data) / (1200 * 300) < 0.3
    assert (one.data >= 1).all()
    assert (speed.simulate(1200, 300, 1).indptr != one.indptr).any()


def test_our_side_runs_from_the_sparse_file_to_pictures(speed, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "PART", 70)
    assert speed.prepare(tmp_path, 200, 50).startswith("200 cells x 50 genes")
    for name in ("fit", "assign", "transform", "road"):
        found = getattr(speed, f"measure_{name}")(tmp_path, "ours")
        assert found["seconds"] > 0
        assert found["peak"] >= found["held"] > 0
    matrix, totals, train, transform = speed.load(tmp_path, "placed.json")
    assert len(train) == 160
    parts = list(speed.dense_parts(matrix, totals, transform, np.arange(200)))
    assert [len(part) for part in parts] == [70, 70, 60]
    pixels = speed.measure_assign(tmp_path, "ours")["digest"]
    assert pixels == speed.digest(transform.layout.pixels)


def test_ratios_are_to_ours_and_unequal_pixels_are_told(speed):
    def run(seconds, peak, digest):
        told = {"seconds": seconds, "processor": seconds / 2, "peak": peak, "held": 10.0}
        return told | {"digest": digest}

    found = {
        ("transform", "ours"): [run(1.0, 100.0, "a"), run(3.0, 100.0, "a"), run(2.0, 90.0, "a")],
        ("transform", "peer"): [run(10.0, 300.0, "a")],
        ("transform", "peer_at_once"): [run(12.0, 900.0, "b")],
    }
    rows = speed.tabulate(found)
    assert [row["times_ours"] for row in rows] == ["1", "5", "6"]
    assert [row["processor_seconds"] for row in rows] == ["1", "5", "6"]
    assert [row["memory_times_ours"] for row in rows] == ["1", "3", "9"]
    assert [row["same"] for row in rows] == ["yes", "yes", "no"]
    assert set(rows[0]) == set(speed.COLUMNS)
