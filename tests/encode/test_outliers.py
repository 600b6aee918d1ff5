"""Outliers made of cells: what they are made of, and when there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bioseq_dl.config import Targets
from bioseq_dl.encode.cells import CellExamples
from bioseq_dl.encode.outliers import make_outliers
from bioseq_dl.encode.transform import Steps, Transform

GENES = tuple("abcdef")


def make_examples(values: str = "counts", cells: int = 12) -> CellExamples:
    draw = np.random.default_rng(0)
    table = draw.integers(0, 9, (cells, len(GENES))).astype(np.float32)
    table[:, 0] += 1
    totals = table.sum(axis=1).astype(np.float64) + 5  # of genes that are not kept, too
    steps = Steps(100.0, True) if values == "counts" else Steps(None, False)
    stored = table
    if values == "counts":
        stored = np.log1p(table * 100 / totals[:, None]).astype(np.float32)
    rows, places = np.nonzero(table)
    transform = Transform(
        genes=GENES,
        mean=np.full(len(GENES), 0.5),
        sd=np.full(len(GENES), 2.0),
        steps=steps,
        scale=True,
        clip=None,
        values=values,
        cells=cells,
    )
    roles = np.full((1, cells), 2, np.uint8)
    return CellExamples(
        indptr=np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=cells))]),
        indices=places.astype(np.int32),
        data=stored[rows, places],
        counts=table[rows, places] if values == "counts" else None,
        totals=totals,
        targets=(np.arange(cells) % 3).astype(np.float32)[:, None],
        roles=roles,
        genes=GENES,
        spec=Targets(kind="multiclass", names=("type",), classes=("x", "y", "z")),
        ids_sha256="",
        transforms=(transform,),
    )


def test_a_doublet_is_the_cell_of_both_cells_counts():
    examples = make_examples()
    rows = np.arange(12)
    made = make_outliers(examples, rows, 0)["doublet"]
    counts = examples.gather_counts(rows, 0)
    assert made.counts is not None
    assert made.totals is not None
    np.testing.assert_allclose(
        made.values,
        (np.log1p(made.counts * 100 / made.totals[:, None]) - 0.5) / 2,
        rtol=1e-5,
        atol=1e-6,
    )
    for row in rows:
        rest = made.counts[row] - counts[row]
        partners = [n for n in rows if np.array_equal(counts[n], rest)]
        assert any(examples.targets[n, 0] != examples.targets[row, 0] for n in partners)


def test_doublets_of_logarithms_are_mixed_before_the_logarithm():
    examples = make_examples("logged")
    made = make_outliers(examples, np.arange(12), 0)["doublet"]
    assert made.counts is None
    plain = np.expm1(examples.gather_plain(np.arange(12), 0).astype(np.float64))
    found = np.expm1(made.values.astype(np.float64) * 2 + 0.5)
    for row in range(12):
        rest = 2 * found[row] - plain[row]
        assert np.isclose(plain, rest, rtol=1e-3, atol=1e-2).all(axis=1).any()


@pytest.mark.parametrize("values", ["counts", "logged"])
def test_a_shuffled_cell_has_its_own_values_elsewhere(values):
    examples = make_examples(values)
    made = make_outliers(examples, np.arange(12), 0)["shuffled"]
    real = examples.gather(np.arange(12), 0)
    np.testing.assert_allclose(np.sort(made.values, axis=1), np.sort(real, axis=1), rtol=1e-6)
    assert (made.values != real).any()


def test_the_seed_decides_and_one_class_has_no_doublets():
    examples = make_examples()
    rows = np.arange(12)
    one, again, other = (make_outliers(examples, rows, seed)["shuffled"] for seed in (1, 1, 2))
    assert (one.values == again.values).all()
    assert (one.values != other.values).any()
    alike = replace(examples, targets=np.zeros((12, 1), np.float32))
    assert set(make_outliers(alike, rows, 0)) == {"shuffled"}
    assert make_outliers(examples, rows[:0], 0) == {}
    regression = replace(examples, spec=Targets(kind="regression", names=("age",)))
    assert set(make_outliers(regression, rows, 0)) == {"doublet", "shuffled"}
