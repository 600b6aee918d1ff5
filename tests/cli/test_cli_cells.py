"""Cells from examples to predictions, genes and AnnData, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.sparse import csr_matrix

from bioseq_dl.calls import read_rules
from bioseq_dl.cli.main import main

TYPES = ["T", "B", "NK"]
MARKERS = {name: {f"g{5 * code + n}" for n in range(5)} for code, name in enumerate(TYPES)}


def make_anndata(cells: int = 150, genes: int = 50, seed: int = 0) -> anndata.AnnData:
    draw = np.random.default_rng(seed)
    labels = np.arange(cells) % 3
    rates = np.tile(np.random.default_rng(9).gamma(1, 2, genes), (cells, 1))
    for code in range(3):
        rates[labels == code, 5 * code : 5 * code + 5] += 8
    obs = pd.DataFrame(
        {"type": [TYPES[code] for code in labels]}, index=[f"c{n}" for n in range(cells)]
    )
    var = pd.DataFrame(index=[f"g{number}" for number in range(genes)])
    return anndata.AnnData(csr_matrix(draw.poisson(rates).astype(np.float32)), obs=obs, var=var)


RUN: dict[str, Any] = {
    "task": "expression",
    "targets": {"kind": "multiclass", "names": ["type"], "classes": TYPES},
    "split": {"folds": 2, "seed": 1},
    "encode": {"variable_genes": 30, "layout": {"kind": "pca"}},
    "model": {
        "kind": "cnn2d",
        "stem": {"channels": 8, "kernel": 3},
        "stages": [{"channels": 8}],
        "grid": 3,
        "dense": [],
        "decoder": {"bottleneck": 6, "hidden": [16], "loss": "nb"},
    },
    "train": {
        "seeds": [0],
        "epochs": 12,
        "batch_size": 16,
        "learning_rate": 0.01,
        "precision": "fp32",
    },
    "baselines": {"trees": 20, "pca": 5},
    "evaluate": {"bootstrap": 50, "drawn": 0},
    "saliency": {"top": 5},
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole road once, step by step."""
    folder = tmp_path_factory.mktemp("cells")
    make_anndata().write_h5ad(folder / "a.h5ad")
    entry = {
        "format": "h5ad",
        "source": {"path": str(folder / "a.h5ad")},
        "columns": {"type": "type"},
    }
    run = RUN | {"ingest": {"inputs": [entry]}}
    (folder / "c.yaml").write_text(yaml.safe_dump({"runs": {"cells": run}}))

    def call(step: str, *words: str, named: bool = True, **paths: str) -> None:
        arguments = ["--config", str(folder / "c.yaml"), "--run", "cells"] if named else []
        for name, file in paths.items():
            arguments += [f"--{name}", str(folder / file)]
        assert main([step, *arguments, *words]) == 0

    records = {"records": "records.parquet"}
    examples = {"examples": "examples.safetensors"}
    call("fetch", out="s.json", cache="cache")
    call("ingest", sources="s.json", rejected="r.tsv", summary="i.json", **records)
    call("split", folds="split.parquet", audit="a.json", pairs="p.tsv", **records)
    call("encode", folds="split.parquet", sources="s.json", **records, **examples)
    for name in ("prior", "logistic", "forest", "pca"):
        for fold in ("0", "1"):
            path = {"predictions": f"{name}-fold{fold}.parquet"}
            call("baseline", "--name", name, "--fold", fold, **records, **examples, **path)
    for fold in ("0", "1"):
        model = f"fold{fold}/seed0/model.pt"
        call("train", "--fold", fold, model=model, **examples)
        where = {"predictions": f"fold{fold}/seed0/predictions.parquet"}
        call("predict", "--fold", fold, named=False, model=model, **where, **records, **examples)
    models = [str(folder / f"fold{fold}/seed0/predictions.parquet") for fold in (0, 1)]
    others = [str(path) for path in sorted(folder.glob("*-fold*.parquet"))]
    call(
        "evaluate", "--models", *models, "--baselines", *others, metrics="e/metrics.json", **records
    )
    call("saliency", model="fold0/seed0/model.pt", genes="genes.tsv", summary="s2.json", **examples)
    cells = [str(folder / f"fold{fold}/seed0/cells.parquet") for fold in (0, 1)]
    call("annotate", "--cells", *cells, metrics="e/metrics.json", out="cells.h5ad", **records)
    return folder


def test_the_network_learns_and_is_judged_beside_the_baselines(done: Path) -> None:
    metrics = json.loads((done / "e" / "metrics.json").read_text())
    assert metrics["predictors"]["model"]["type"]["accuracy"]["value"] > 0.8
    assert set(metrics["baselines"]) == {"prior", "logistic", "forest", "pca"}
    assert metrics["predictors"]["logistic"]["type"]["accuracy"]["value"] > 0.8
    assert metrics["anomaly"] is not None
    assert metrics["embedding"] is not None
    assert len(metrics["unknown"]["type"]["folds"]) == 2


def test_all_cells_of_a_fold_have_an_embedding_and_an_error(done: Path) -> None:
    table = pq.read_table(done / "fold1" / "seed0" / "cells.parquet")
    folds = pq.read_table(done / "split.parquet")
    assert table["role"].to_pylist() == [one for one in folds["fold1"].to_pylist() if one != "drop"]
    assert {len(one) for one in table["embedding"].to_pylist()} == {6}
    judged = pq.read_table(done / "fold1" / "seed0" / "predictions.parquet")
    mine = table.to_pandas().set_index("id").loc[judged["id"].to_pylist()]
    for name in TYPES:
        np.testing.assert_array_equal(mine[f"output:type:{name}"], judged[f"output:type:{name}"])
    outliers = pq.read_table(done / "fold1" / "seed0" / "outliers.parquet").to_pandas()
    assert set(outliers["kind"]) == {"doublet", "shuffled"}
    tested = mine[mine["role"] == "test"]["reconstruction"]
    shuffled = outliers[outliers["kind"] == "shuffled"]["reconstruction"]
    assert shuffled.median() > tested.median()


def test_the_genes_of_a_class_are_found(done: Path) -> None:
    told = json.loads((done / "s2.json").read_text())
    assert told["method"] == "Grad-CAM"
    genes = pd.read_csv(done / "genes.tsv", sep="\t")
    for name, markers in MARKERS.items():
        ranked = genes[(genes["class"] == name) & (genes["scanpy_rank"] <= 5)]
        assert len(markers & set(ranked["gene"])) >= 4
        compared = told["targets"]["type"][name]
        assert compared["expected"] == pytest.approx(25 / 30)
        listed = genes[genes["class"] == name]
        both = (listed["rank"] <= 5) & (listed["scanpy_rank"] <= 5)
        assert compared["shared"] == both.sum()
    assert set(told["images"]["classes"]) == set(TYPES)
    side = told["images"]["height"]
    assert np.shape(told["images"]["classes"]["T"]["map"]) == (side, told["images"]["width"])


def test_cells_come_back_as_anndata(done: Path) -> None:
    cells = anndata.read_h5ad(done / "cells.h5ad")
    given = make_anndata()
    assert list(cells.obs_names) == list(given.obs_names)
    assert (cells.X != given.X).nnz == 0
    tested = cells.obs["bioseq_dl_role"] == "test"
    assert tested.all()  # two folds: each cell is tested once
    folds = pq.read_table(done / "split.parquet")
    for fold in (0, 1):
        of = np.array(folds[f"fold{fold}"].to_pylist()) == "test"
        assert (cells.obs["bioseq_dl_fold"][of] == fold).all()
    metrics = json.loads((done / "e" / "metrics.json").read_text())
    unknown = (cells.obs["predicted_type"] == "unknown").mean()
    assert unknown == pytest.approx(metrics["unknown"]["type"]["unknown"]["value"])
    right = (cells.obs["predicted_type"].astype(str) == cells.obs["type"].astype(str)).mean()
    assert right > 0.7
    assert cells.obsm["X_bioseq_dl"].shape == (150, 6)
    np.testing.assert_allclose(cells.obsm["probability_type"].sum(axis=1), 1, rtol=1e-5)


@pytest.fixture
def new(tmp_path: Path) -> anndata.AnnData:
    cells = make_anndata(40, seed=5)
    draw = np.random.default_rng(1).permutation(cells.n_vars)
    cells = cells[:, draw].copy()
    cells.write_h5ad(tmp_path / "new.h5ad")
    return cells


def predict(done: Path, matrix: Path, out: Path, *more: str) -> int:
    models = [str(done / f"fold{fold}/seed0/model.pt") for fold in (0, 1)]
    return main(
        ["predict", "--model", *models, "--matrix", str(matrix), "--predictions", str(out), *more]
    )


def test_new_cells_are_predicted_whatever_the_order_of_their_genes(done, new, tmp_path):
    metrics = str(done / "e" / "metrics.json")
    assert predict(done, tmp_path / "new.h5ad", tmp_path / "out.h5ad", "--metrics", metrics) == 0
    found = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert list(found.obs["type"]) == list(new.obs["type"])
    called = found.obs["class_type"].astype(str)
    known = called != "unknown"
    assert (called[known] == new.obs["type"].astype(str)[known]).mean() > 0.8
    rules = read_rules(metrics, [0, 1])
    assert ((found.obs["confidence_type"] >= rules["type"].threshold) == known).all()
    assert found.obsm["X_bioseq_dl"].shape == (40, 6)
    table = pd.DataFrame(new.X.toarray().astype(int), index=new.obs_names, columns=new.var_names)
    table.to_csv(tmp_path / "new.csv", index_label="id")
    assert predict(done, tmp_path / "new.csv", tmp_path / "out.tsv", "--metrics", metrics) == 0
    rows = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    assert list(rows["id"]) == list(new.obs_names)
    assert list(rows["class:type"]) == list(called)
    np.testing.assert_allclose(
        rows["probability:type:T"], found.obsm["probability_type"][:, 0], rtol=1e-4, atol=1e-7
    )


def test_a_new_cell_does_not_depend_on_its_company(done, new, tmp_path):
    new[3:4].copy().write_h5ad(tmp_path / "one.h5ad")
    for name in ("new", "one"):
        assert predict(done, tmp_path / f"{name}.h5ad", tmp_path / f"{name}.parquet") == 0
    whole, alone = (
        pq.read_table(tmp_path / f"{name}.parquet").to_pandas() for name in ("new", "one")
    )
    for column in ("probability:type:T", "reconstruction"):
        assert alone[column][0] == pytest.approx(whole[column][3], rel=1e-5)


def bad_genes(cells: anndata.AnnData) -> anndata.AnnData:
    cells.var_names = [f"x{name}" for name in cells.var_names]
    return cells


def logged(cells: anndata.AnnData) -> anndata.AnnData:
    cells.X = csr_matrix(np.log1p(cells.X.toarray() / 7))
    return cells


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (bad_genes, "30 of the 30 genes of the model are not in these data"),
        (logged, "values of another kind than those of training; found 'logged'; allowed: counts"),
    ],
)
def test_other_matrices_are_refused(
    done: Path,
    new: anndata.AnnData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[anndata.AnnData], anndata.AnnData],
    said: str,
) -> None:
    change(new).write_h5ad(tmp_path / "other.h5ad")
    assert predict(done, tmp_path / "other.h5ad", tmp_path / "out.tsv") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.tsv").exists()


def test_what_does_not_belong_together_is_said(done, new, tmp_path, capsys):
    fasta = tmp_path / "x.fa"
    fasta.write_text(">a\nACGT\n")
    model = str(done / "fold0/seed0/model.pt")
    words = ["predict", "--model", model, "--predictions", str(tmp_path / "o.tsv")]
    assert main([*words, "--fasta", str(fasta)]) == 2
    assert "models of task expression read a matrix; found '--fasta'" in capsys.readouterr().err
    assert main([*words, "--fasta", str(fasta), "--matrix", str(tmp_path / "new.h5ad")]) == 2
    assert "give one of --fasta, --matrix" in capsys.readouterr().err
    assert main([*words, "--matrix", str(fasta)]) == 2
    assert "the name does not tell the format" in capsys.readouterr().err
    assert main([*words, "--matrix", str(tmp_path)]) == 2
    assert "the folder is not one that Cell Ranger writes" in capsys.readouterr().err
    bad = str(done / "i.json")
    assert predict(done, tmp_path / "new.h5ad", tmp_path / "o.tsv", "--metrics", bad) == 2
    assert "not the metrics of these models" in capsys.readouterr().err


def test_a_fourth_of_the_genes_may_be_missing_where_it_is_allowed(done, new, tmp_path, capsys):
    fitted = json.loads((done / "transforms" / "fold0.json").read_text())["genes"]
    new[:, [name for name in new.var_names if name not in fitted[:6]]].copy().write_h5ad(
        tmp_path / "few.h5ad"
    )
    assert predict(done, tmp_path / "few.h5ad", tmp_path / "o.tsv") == 2
    assert "6 of the 30 genes" in capsys.readouterr().err
    assert predict(done, tmp_path / "few.h5ad", tmp_path / "o.tsv", "--max-missing", "0.5") == 0
    assert "6 genes of the network are not in the matrix" in capsys.readouterr().err
