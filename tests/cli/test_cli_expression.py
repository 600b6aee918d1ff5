"""Cells from matrix to examples, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.sparse import csr_matrix

from bioseq_dl.cli.main import main
from bioseq_dl.config import validate_config
from bioseq_dl.data.cell_examples import read_cell_examples
from bioseq_dl.errors import InputError

TYPES = ["T", "B", "NK"]


def write_cells(path: Path, cells: int = 120, genes: int = 50) -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(cells) % 3
    rates = np.tile(draw.gamma(1, 2, genes), (cells, 1))
    for code in range(3):
        rates[labels == code, 5 * code : 5 * code + 5] += 6
    obs = pd.DataFrame(
        {"type": [TYPES[code] for code in labels], "donor": [f"d{n % 5}" for n in range(cells)]},
        index=[f"c{number}" for number in range(cells)],
    )
    var = pd.DataFrame(index=[f"g{number}" for number in range(genes)])
    anndata.AnnData(csr_matrix(draw.poisson(rates)), obs=obs, var=var).write_h5ad(path)


def section(folder: Path, **changes: Any) -> dict[str, Any]:
    entry = {
        "format": "h5ad",
        "source": {"path": str(folder / "a.h5ad")},
        "columns": {"type": "type"},
        "group_column": "donor",
    }
    run = {
        "task": "expression",
        "targets": {"kind": "multiclass", "names": ["type"], "classes": TYPES},
        "ingest": {"inputs": [entry]},
        "split": {"method": "group", "folds": 3},
        "encode": {"variable_genes": 20},
    }
    return run | changes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_cells(tmp_path / "a.h5ad")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"runs": {"cells": section(tmp_path)}}))
    return tmp_path


def call(folder: Path, step: str, **paths: str) -> int:
    words = [step, "--config", str(folder / "c.yaml"), "--run", "cells"]
    for name, file in paths.items():
        words += [f"--{name}", str(folder / file)]
    return main(words)


def run_to_examples(folder: Path, out: str) -> None:
    assert call(folder, "fetch", cache="cache", out=f"{out}/s.json") == 0
    files = {"rejected": "rejected.tsv", "summary": "ingest.json", "records": "records.parquet"}
    made = {name: f"{out}/{file}" for name, file in files.items()}
    assert call(folder, "ingest", sources=f"{out}/s.json", **made) == 0
    split = {"folds": f"{out}/split.parquet", "audit": f"{out}/a.json", "pairs": f"{out}/p.tsv"}
    assert call(folder, "split", records=made["records"], **split) == 0
    examples = f"{out}/examples.safetensors"
    assert (
        call(folder, "encode", records=made["records"], folds=split["folds"], examples=examples)
        == 0
    )


def test_cells_go_the_road_to_examples_with_the_same_bytes(project):
    for out in ("one", "two"):
        run_to_examples(project, out)
    names = ["records.parquet", "matrix.safetensors", "split.parquet", "examples.safetensors"]
    for name in [*names, *(f"transforms/fold{fold}.json" for fold in range(3))]:
        assert (project / "one" / name).read_bytes() == (project / "two" / name).read_bytes()
    examples = read_cell_examples(project / "one" / "examples.safetensors")
    assert len(examples) == 120
    assert all(len(transform.genes) == 20 for transform in examples.transforms)
    # What tells the types apart is among the genes that vary.
    markers = {f"g{number}" for number in range(15)}
    assert len(markers & set(examples.transforms[0].genes)) >= 10
    folds = pq.read_table(project / "one" / "split.parquet")
    roles = np.array(folds["fold1"].to_pylist())
    assert (examples.select(1, "train") == np.flatnonzero(roles == "train")).all()
    summary = json.loads((project / "one" / "ingest.json").read_text())
    assert summary["values"] == "counts"
    assert summary["groups"] == 5
    assert summary["quality"]["genes"]["min"] > 20


def test_check_reads_cells(project, capsys):
    assert main(["check", str(project / "c.yaml"), "--cache", str(project / "cache")]) == 0
    assert "a.h5ad: 120 of 120 records" in capsys.readouterr().out


def test_matrix_that_is_not_there_is_said(project, capsys):
    run_to_examples(project, "one")
    (project / "one" / "matrix.safetensors").unlink()
    made = {"records": "one/records.parquet", "folds": "one/split.parquet"}
    assert call(project, "encode", **made, examples="one/e.safetensors") == 2
    assert "matrix.safetensors: cannot read the matrix: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": {"method": "homology"}}, "split.method"),
        ({"split": {"homology_containment": 0.2}}, "homology_containment is of sequences"),
        ({"split": {"audit": {"kmer": 12}}}, "kmer is of sequences"),
        ({"train": {"augment": {"shift": 3}}}, "train.augment changes sequences"),
        ({"train": {"token_budget": 3}}, "train.token_budget counts bases"),
        ({"model": {"preset": "cnn"}}, "model"),
        (
            {"targets": {"kind": "binary", "names": ["type"]}, "rare": {"least": 5}},
            "rare_classes needs one target of kind multiclass",
        ),
        ({"rare": {"least": 5, "rule": "pool", "pool": "Z"}}, "not among targets.classes"),
        ({"rare": {"least": 5, "rule": "pool"}}, "belong together"),
    ],
)
def test_sections_that_do_not_agree_are_refused(tmp_path, change, message):
    run = section(tmp_path, **change)
    if "rare" in run:
        run["ingest"] = run["ingest"] | {"rare_classes": run.pop("rare")}
    with pytest.raises(InputError, match=message):
        validate_config({"runs": {"cells": run}})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"format": "10x_h5"}, "has no columns of its cells"),
        ({"format": "table", "rows": "genes"}, "genes in rows has no columns of its samples"),
        ({"format": "h5ad", "matrix": "counts"}, "matrix"),
        ({"format": "10x_mtx", "columns": {}, "features": {"path": "f"}}, "belong together"),
        ({"format": "h5ad", "labels": {"type": "T"}}, "two sources of labels"),
    ],
)
def test_inputs_that_do_not_agree_are_refused(tmp_path, entry, message):
    given = {"source": {"path": "a"}, "columns": {"type": "type"}} | entry
    run = section(tmp_path, ingest={"inputs": [given]}, split={})
    with pytest.raises(InputError, match=message):
        validate_config({"runs": {"cells": run}})


def test_donors_must_be_named_for_a_split_by_group(tmp_path):
    run = section(tmp_path)
    run["ingest"]["inputs"][0].pop("group_column")
    with pytest.raises(InputError, match="has no group_column, which method group needs"):
        validate_config({"runs": {"cells": run}})


def test_a_given_layout_is_fetched_read_and_kept(project, capsys):
    genes = "\n".join(f"g{number}\t{number // 8}\t{number % 8}" for number in range(50))
    (project / "places.tsv").write_text(f"gene\trow\tcolumn\n{genes}\n")
    layout = {"kind": "file", "source": {"path": str(project / "places.tsv")}}
    run = section(project, encode={"variable_genes": 20, "layout": layout})
    (project / "c.yaml").write_text(yaml.safe_dump({"runs": {"cells": run}}))
    assert main(["check", str(project / "c.yaml"), "--cache", str(project / "cache")]) == 0
    assert "places.tsv: places of 50 genes" in capsys.readouterr().out
    with pytest.raises(AssertionError):
        run_to_examples(project, "one")
    assert "is not among the fetched files" in capsys.readouterr().err
    fetched = ["fetch", "--part", "encode", "--out", str(project / "l.json")]
    config = ["--config", str(project / "c.yaml"), "--run", "cells"]
    assert main([*fetched, *config, "--cache", str(project / "cache")]) == 0
    made = {"records": "one/records.parquet", "folds": "one/split.parquet"}
    files = made | {"sources": "l.json", "examples": "one/examples.safetensors"}
    assert call(project, "encode", **files) == 0
    examples = read_cell_examples(project / "one" / "examples.safetensors")
    for transform in examples.transforms:
        assert transform.layout is not None
        assert transform.layout.pixels.tolist() == [int(name[1:]) for name in transform.genes]
        assert transform.layout.height == 8
