"""Coverage of intervals, from files of predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def test_intervals_set_on_val_hold_their_share_of_test(load_script, tmp_path: Path) -> None:
    intervals = load_script("protein_fitness/intervals.py")
    random = np.random.default_rng(0)
    truth = random.normal(size=4000).astype(np.float32)
    roles = ["val"] * 2000 + ["test"] * 2000
    truth[-1] = np.nan
    paths = []
    for seed in range(3):
        noise = random.normal(0, 0.5, 4000).astype(np.float32)
        paths.append(tmp_path / f"{seed}.parquet")
        pq.write_table(
            pa.table(
                {
                    "id": [f"r{row}" for row in range(4000)],
                    "role": roles,
                    "target:score": pa.array(truth, from_pandas=True),
                    "output:score": np.nan_to_num(truth) + noise,
                }
            ),
            paths[-1],
        )
    found = intervals.measure_coverage(paths, "score")
    assert (found["validation"], found["test"]) == (2000, 1999)
    assert found["coverage"] == pytest.approx(0.9, abs=0.025)
    wide = intervals.measure_coverage(paths, "score", 0.99)
    assert wide["coverage"] > 0.97
    assert wide["median_width"] > found["median_width"]
