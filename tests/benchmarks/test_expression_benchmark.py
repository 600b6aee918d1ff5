"""The benchmark of cell types: its config, what it simulates, its tables; nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pytest

from bioseq_dl.config import load_config, validate_config


@pytest.fixture(scope="module")
def scale(load_script):
    return load_script("expression/scale.py")


@pytest.fixture(scope="module")
def measures(load_script):
    return load_script("expression/measures.py")


def test_all_runs_share_cells_folds_and_genes(measures):
    runs = load_config(
        measures.REPOSITORY / "benchmarks" / "expression" / "config.yaml"
    ).runs.values()
    for part in ("targets", "ingest", "split", "encode", "baselines"):
        assert len({getattr(run, part).model_dump_json() for run in runs}) == 1
    assert {run.split.folds for run in runs} == {5}
    assert all(len(run.train.seeds) > 1 for run in runs)


def test_simulated_cells_are_sparse_counts_of_all_types(scale, tmp_path):
    for name in ("a.h5ad", "b.h5ad"):
        scale.simulate(tmp_path / name, 300, 200)
    data, again = (anndata.read_h5ad(tmp_path / name) for name in ("a.h5ad", "b.h5ad"))
    assert data.shape == (300, 200)
    assert (data.X != again.X).nnz == 0
    assert 0.03 < data.X.nnz / 60_000 < 0.3
    assert (data.X.data == np.round(data.X.data)).all()
    assert set(data.obs["kind"]) == set(scale.TYPES)
    run = validate_config(json.loads(json.dumps(scale.describe_run(tmp_path / "a.h5ad"))))
    assert run.runs["cells"].encode.layout.kind == "tsne"


def test_the_cost_of_a_child_is_its_own(scale, tmp_path):
    # In a process that holds little: a child's peak begins with what its parent held.
    words = f"[{sys.executable!r}, '-c', code]"
    code = f"""
import sys
sys.path.insert(0, {str(Path(scale.__file__).parent)!r})
from pathlib import Path
from scale import measure
for code in ("pass", "b'x' * (64 << 20)", "raise SystemExit('no such thing')"):
    print(measure({words}, {{}}, Path({str(tmp_path / "log")!r}))["peak"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    small, large = map(float, done.stdout.split())
    assert 50 < large - small < 80
    assert "no such thing" in done.stderr
    assert done.returncode == 1


def test_a_row_a_measure_beside_pca(measures):
    one = {"value": 0.5, "low": 0.4, "high": 0.6}
    embedding = {
        "predictors": {"model": {"knn_f1": one, "ari": one}, "pca": {"knn_f1": {"value": 0.3}}},
        "comparisons": [{"metric": "knn_f1", "difference": 0.2, "low": 0.1, "high": 0.3}],
    }
    unknown = dict.fromkeys(("unknown", "wrong_caught", "accuracy_rest", "f1_rest"), one)
    judged = {"embedding": embedding, "unknown": {"type": unknown}}
    rows = measures.tabulate(judged | {"anomaly": {"kinds": {"doublet": {"auroc": one}}}})
    assert len(rows) == 7
    assert rows[0] == {
        "measure": "embedding: knn_f1", **one,
        "pca": 0.3, "less_pca": 0.2, "less_pca_low": 0.1, "less_pca_high": 0.3,
    }  # fmt: skip
    assert rows[1]["pca"] is None
    assert len(measures.tabulate(judged | {"anomaly": None})) == 6
