"""Cells to what a network reads: fitted on train alone, kept as an artefact, sparse on the way."""

from __future__ import annotations

import json
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scanpy
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from bioseq_dl.config import ExpressionEncode, Targets
from bioseq_dl.data.cell_examples import (
    read_cell_examples,
    transform_path,
    write_cell_examples,
)
from bioseq_dl.encode.cell_encoding import encode_cells
from bioseq_dl.encode.cells import map_cells
from bioseq_dl.encode.fit_transform import fit_transform, plan_steps
from bioseq_dl.encode.transform import read_transform, write_transform
from bioseq_dl.encode.variable_genes import choose_genes, score_dispersion
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix

TARGETS = Targets(kind="binary", names=("sick",))
ENCODE = ExpressionEncode(variable_genes=12)


def make_matrix(table: np.ndarray, values: str = "counts") -> ExpressionMatrix:
    sparse = csr_matrix(table.astype(np.float32))
    return ExpressionMatrix(
        sparse.indptr.astype(np.int64),
        sparse.indices.astype(np.int32),
        sparse.data,
        tuple(f"g{number}" for number in range(table.shape[1])),
        values,
    )


def draw_counts(cells: int = 60, genes: int = 40, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    rates = draw.gamma(0.5, 4, genes) * draw.gamma(5, 0.2, (cells, 1))
    rates[: cells // 2, : genes // 4] *= 4
    return draw.poisson(rates).astype(np.float32)


def tables(cells: int, folds: int = 2) -> tuple[pa.Table, pa.Table]:
    ids = pa.array([f"c{number}" for number in range(cells)])
    roles = {
        f"fold{fold}": [
            ("train", "train", "train", "val", "test")[(n + fold) % 5] for n in range(cells)
        ]
        for fold in range(folds)
    }
    labels = pa.array([float(number % 2) for number in range(cells)], pa.float32())
    return pa.table({"id": ids, "target:sick": labels}), pa.table({"id": ids, **roles})


def encode(table: np.ndarray, settings: ExpressionEncode = ENCODE, values: str = "counts"):
    records, folds = tables(len(table))
    totals = np.nansum(table.astype(np.float64), axis=1)
    records = records.append_column("total", pa.array(totals))
    return encode_cells(records, folds, TARGETS, settings, make_matrix(table, values))


def reference(table: np.ndarray, train: np.ndarray, genes: tuple[str, ...]) -> np.ndarray:
    """What scanpy does with the training cells, and then with all; of genes that it chooses too."""
    data = anndata.AnnData(table.copy())
    data.var_names = [f"g{number}" for number in range(table.shape[1])]
    scanpy.pp.normalize_total(data, target_sum=1e4)
    scanpy.pp.log1p(data)
    fitted = data[train].copy()
    kept = (table[train] > 0).sum(0) >= 3
    fitted = fitted[:, kept].copy()
    scanpy.pp.highly_variable_genes(fitted, flavor="seurat", n_top_genes=12)
    # Pairs of genes alone in a bin have equal scores, which scanpy ranks by their last digits.
    scores = fitted.var.dispersions_norm
    assert scores[list(genes)].min() > scores.nlargest(12).min() - 1e-5
    chosen = list(genes)
    data, fitted = data[:, chosen].copy(), fitted[:, chosen].copy()
    scanpy.pp.scale(fitted)
    scaled = (data.X - fitted.var["mean"].to_numpy()) / fitted.var["std"].to_numpy()
    return np.clip(scaled, -10, 10)


def test_each_fold_agrees_with_scanpy_fitted_on_its_training_cells():
    table = draw_counts()
    examples = encode(table)
    for fold in range(2):
        genes = examples.transforms[fold].genes
        assert len(genes) == 12
        wanted = reference(table, examples.select(fold, "train"), genes)
        found = examples.gather(np.arange(len(table)), fold)
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_dispersion_is_that_of_scanpy():
    table = draw_counts(80, 200, seed=3)
    table = table[:, table.sum(0) > 0]
    data = anndata.AnnData(np.log1p(table))
    found = scanpy.pp.highly_variable_genes(data, flavor="seurat", n_top_genes=50, inplace=False)
    values = table.astype(np.float64)
    scores = score_dispersion(values.mean(0), values.var(0, ddof=1))
    theirs = found["dispersions_norm"].to_numpy()
    np.testing.assert_allclose(scores, theirs, rtol=2e-4, atol=1e-4)


def test_genes_of_equal_score_are_taken_in_their_order():
    scores = np.array([1.0, np.nan, 3.0, 1.0, 1.0, -np.inf])
    assert choose_genes(scores, 3).tolist() == [0, 2, 3]
    assert choose_genes(scores, 10).tolist() == [0, 1, 2, 3, 4, 5]


@given(st.integers(0, 10_000))
def test_cells_that_are_not_of_train_change_nothing_that_is_fitted(seed):
    table = draw_counts(30, 20)
    plain = encode(table)
    other = table.copy()
    untrained = np.setdiff1d(np.arange(30), plain.select(0, "train"))
    other[untrained] = np.random.default_rng(seed).poisson(50, (len(untrained), 20))
    assert fields(encode(other).transforms[0]) == fields(plain.transforms[0])
    # Nor whether they are there at all.
    train = plain.select(0, "train")
    alone = fit_transform(
        make_matrix(table[train]), table[train].sum(1).astype(float), np.arange(len(train)), ENCODE
    )
    assert fields(alone) == fields(plain.transforms[0])


def fields(transform) -> tuple:
    return transform.genes, transform.mean.tolist(), transform.sd.tolist(), transform.cells


def test_a_cell_does_not_depend_on_its_company():
    table = draw_counts()
    examples = encode(table)
    whole = examples.gather(np.arange(60), 1)
    for row in (0, 7, 59):
        assert (examples.gather(np.array([row]), 1)[0] == whole[row]).all()


def test_files_come_back_and_equal_examples_are_equal_bytes(tmp_path):
    examples = encode(draw_counts())
    for name in ("one", "two"):
        write_cell_examples(tmp_path / name / "examples.safetensors", examples)
    for file in ("examples.safetensors", "transforms/fold0.json", "transforms/fold1.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    back = read_cell_examples(tmp_path / "one" / "examples.safetensors")
    rows = np.array([5, 3, 40])
    assert (back.gather(rows, 1) == examples.gather(rows, 1)).all()
    assert back.spec == TARGETS
    assert back.ids_sha256 == examples.ids_sha256
    assert back.counts is not None
    assert (back.counts == np.round(back.counts)).all()
    assert isinstance(back.data.base, np.memmap)


def test_examples_hold_genes_of_some_fold_only():
    examples = encode(draw_counts())
    wanted = set(examples.transforms[0].genes) | set(examples.transforms[1].genes)
    assert set(examples.genes) == wanted
    assert len(wanted) < 40


def test_other_data_are_mapped_through_the_artefact(tmp_path):
    table = draw_counts()
    examples = encode(table)
    write_transform(transform_path(tmp_path / "e", 0), examples.transforms[0])
    transform = read_transform(tmp_path / "transforms" / "fold0.json")
    totals = table.sum(1).astype(float)
    turned = np.arange(40)[::-1]
    matrix = replace(make_matrix(table[:, turned]), genes=tuple(f"g{number}" for number in turned))
    found = np.concatenate([part for _, part in map_cells(matrix, totals, transform)])
    assert (found == examples.gather(np.arange(60), 0)).all()


def test_absent_genes_fail_above_a_threshold_and_are_the_mean_below():
    table = draw_counts()
    transform = encode(table).transforms[0]
    absent = transform.genes[2]
    columns = [number for number in range(40) if f"g{number}" != absent]
    matrix = replace(
        make_matrix(table[:, columns]), genes=tuple(f"g{number}" for number in columns)
    )
    totals = table.sum(1).astype(float)
    with pytest.raises(InputError, match="1 of the 12 genes"):
        list(map_cells(matrix, totals, transform))
    assert transform.match(matrix.genes, 0.1) == (absent,)
    found = np.concatenate([part for _, part in map_cells(matrix, totals, transform, 0.1)])
    assert (found[:, 2] == 0).all()
    assert (found[:, 1] != 0).any()


def test_values_of_another_kind_are_not_mapped():
    table = draw_counts()
    transform = encode(table).transforms[0]
    logged = make_matrix(np.log1p(table), "logged")
    with pytest.raises(InputError, match="another kind"):
        next(map_cells(logged, table.sum(1).astype(float), transform))


def test_missing_values_become_the_mean_of_train_and_count_for_nothing():
    draw = np.random.default_rng(1)
    table = draw.normal(8, 2, (40, 6)).astype(np.float32)
    table[3, 1] = table[10, 1] = np.nan
    table[:30, 4] = np.nan
    settings = ExpressionEncode(variable_genes=None, clip=None)
    examples = encode(table, settings, "logged")
    transform = examples.transforms[0]
    assert transform.genes == ("g0", "g1", "g2", "g3", "g5")  # most of g4 is missing
    train = table[examples.select(0, "train"), 1].astype(np.float64)
    np.testing.assert_allclose(transform.mean[1], np.nanmean(train), rtol=1e-6)
    np.testing.assert_allclose(transform.sd[1], np.nanstd(train, ddof=1), rtol=1e-6)
    assert (examples.gather(np.array([3, 10]), 0)[:, 1] == 0).all()
    plain = encode(table, settings.model_copy(update={"scale": False}), "logged")
    np.testing.assert_allclose(plain.gather(np.array([3]), 0)[0, 1], transform.mean[1], rtol=1e-6)
    assert plain.gather(np.array([3]), 0)[0, 0] == table[3, 0]


@pytest.mark.parametrize(
    ("values", "target_sum", "log"),
    [("counts", 10_000, True), ("normalised", None, True), ("logged", None, False)],
)
def test_what_is_done_follows_from_the_values(values, target_sum, log):
    steps = plan_steps(ExpressionEncode(), values)
    assert (steps.target_sum, steps.log) == (target_sum, log)


@pytest.mark.parametrize("name", ["log", "normalise"])
def test_a_second_logarithm_is_refused(name):
    with pytest.raises(InputError, match=f"encode.{name} is asked of values that are logged"):
        plan_steps(ExpressionEncode.model_validate({name: True}), "logged")


def test_logarithms_of_negative_values_are_refused():
    table = draw_counts() - 3
    with pytest.raises(InputError, match="values of -1 or less"):
        encode(table, ENCODE, "normalised")


def test_dispersion_of_negative_values_is_refused():
    settings = ExpressionEncode(variability="dispersion")
    with pytest.raises(InputError, match="dispersion is asked of negative values"):
        encode(draw_counts() - 0.5, settings, "logged")


def test_no_gene_left_is_said():
    table = np.zeros((20, 5), np.float32)
    table[:2] = 1
    with pytest.raises(InputError, match="no gene is left"):
        encode(table, ExpressionEncode(min_cells=3))


def test_records_and_matrix_of_two_makings_are_refused():
    table = draw_counts(20, 10)
    records, folds = tables(20)
    records = records.append_column("total", pa.array(table.sum(1).astype(float)))
    with pytest.raises(InputError, match="different cells"):
        encode_cells(records, folds, TARGETS, ENCODE, make_matrix(table[:19]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "another version"),
        ({"mean": [1.0]}, "damaged"),
        ({"sd": [0.0] * 12}, "damaged"),
        ({"extra": 1}, "not a transform"),
    ],
    ids=["version", "mean", "sd", "extra"],
)
def test_damaged_transforms_are_refused(tmp_path, change, message):
    path = tmp_path / "t.json"
    write_transform(path, encode(draw_counts()).transforms[0])
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        read_transform(path)
    with pytest.raises(InputError, match="no such file"):
        read_transform(tmp_path / "none.json")


def test_variance_chooses_genes_of_ready_values():
    draw = np.random.default_rng(2)
    spread = np.linspace(0.1, 3, 10)
    table = draw.normal(5, spread, (50, 10)).astype(np.float32)
    examples = encode(table, ExpressionEncode(variable_genes=3), "logged")
    assert examples.transforms[0].genes == ("g7", "g8", "g9")
    assert pd.Series(examples.transforms[0].sd).is_monotonic_increasing
