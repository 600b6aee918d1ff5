"""Baselines on cells: classes weighted as the network's are."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from bioseq_dl.baselines.cells import predict_forest, predict_logistic
from bioseq_dl.cli.main import main
from bioseq_dl.config import CellBaselines
from bioseq_dl.data.cell_examples import open_cells


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Two overlapping types, one cell in ten of the second."""
    folder = tmp_path_factory.mktemp("cells")
    draw = np.random.default_rng(0)
    rare = np.arange(400) % 10 == 0
    values = draw.gamma(2.0, 1.0, (400, 30)) + np.where(rare[:, None], 0.35, 0)
    obs = pd.DataFrame({"kind": np.where(rare, "b", "a")}, index=[f"c{n}" for n in range(400)])
    var = pd.DataFrame(index=[f"g{n}" for n in range(30)])
    anndata.AnnData(values.astype(np.float32), obs=obs, var=var).write_h5ad(folder / "c.h5ad")
    (folder / "c.yaml").write_text(f"""
runs:
  one:
    task: expression
    targets: {{kind: binary, names: [kind], classes: [a, b]}}
    ingest:
      inputs:
        - {{format: h5ad, source: {{path: {folder}/c.h5ad}}, columns: {{kind: kind}}}}
""")
    files = {
        "fetch": {"out": "s.json"},
        "ingest": {
            "sources": "s.json", "records": "r.parquet", "rejected": "r.tsv", "summary": "i.json",
        },
        "split": {
            "records": "r.parquet", "folds": "f.parquet", "audit": "a.json", "pairs": "a.tsv",
        },
        "encode": {
            "records": "r.parquet", "folds": "f.parquet", "examples": "examples.safetensors",
        },
    }  # fmt: skip
    for step, names in files.items():
        words = [word for key, name in names.items() for word in (f"--{key}", f"{folder}/{name}")]
        assert main([step, "--config", f"{folder}/c.yaml", *words]) == 0
    return open_cells(folder / "examples.safetensors", 0)


@pytest.mark.parametrize("predict", [predict_logistic, predict_forest])
def test_balanced_classes_make_the_rare_one_likelier(examples, predict):
    plain, balanced = (
        predict(examples, 0, CellBaselines(class_weights=weights, trees=50, strengths=(0.01,)))
        for weights in ("none", "balanced")
    )
    rare = examples.targets[plain.rows, 0] == 1
    assert balanced.outputs[rare].mean() > plain.outputs[rare].mean()
    assert "weighted by the inverse" in balanced.note
    assert "weighted" not in plain.note
