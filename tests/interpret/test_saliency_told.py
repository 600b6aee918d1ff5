"""What is told of the genes of a class, on networks and counts made up for it."""

from __future__ import annotations

import json
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy.sparse import csr_matrix

from bioseq_dl.config import CellModel, ExpressionEncode, Saliency, Targets
from bioseq_dl.encode.cell_encoding import encode_cells
from bioseq_dl.encode.cells import CellExamples
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.saliency import COLUMNS, Told, _compare, tell_saliency
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.models.cell_shape import take_shape
from bioseq_dl.models.cells import build_model
from bioseq_dl.train.checkpoint import Checkpoint

CPU = torch.device("cpu")
NAMES = ("a", "b", "c")
CLASSES = Targets(kind="multiclass", names=("type",), classes=NAMES)
ROLES = ("train", "train", "val", "test")
MARKERS = 4
"""Genes that are high in a class, the first of all those of the first."""


def make_examples(
    targets: Targets, labels: np.ndarray, roles: list[str], layout: str | None = None
) -> CellExamples:
    """Encode counts where each class has genes of its own."""
    draw = np.random.default_rng(0)
    genes = 24
    rates = np.full((len(labels), genes), 2.0)
    for code in range(3):
        rates[labels == code, MARKERS * code : MARKERS * (code + 1)] += 8
    counts = csr_matrix(draw.poisson(rates).astype(np.float32))
    matrix = ExpressionMatrix(
        counts.indptr.astype(np.int64), counts.indices.astype(np.int32), counts.data,
        tuple(f"g{number:02}" for number in range(genes)), "counts",
    )  # fmt: skip
    ids = pa.array([f"c{number}" for number in range(len(labels))])
    totals = np.asarray(counts.sum(axis=1), np.float64).ravel()
    columns = {f"target:{name}": pa.array(labels, pa.float32()) for name in targets.names}
    records = pa.table({"id": ids, "total": totals} | columns)
    settings: dict[str, Any] = {} if layout is None else {"layout": {"kind": layout}}
    encode = ExpressionEncode.model_validate(settings)
    return encode_cells(records, pa.table({"id": ids, "fold0": roles}), targets, encode, matrix)


def make_network(examples: CellExamples, seed: int, **model: Any) -> Checkpoint:
    """A linear network that knows the markers, but for a little noise of its seed."""
    layers = CellModel.model_validate({"kind": "mlp", "dense": (), "dropout": 0.0} | model)
    shape = take_shape(examples.spec, examples)
    torch.manual_seed(seed)
    weights = build_model(layers, shape).state_dict()
    if layers.kind == "mlp":
        outputs = weights["head.weight"].shape[0]
        told = torch.zeros(outputs, len(examples.transform.genes))
        for output in range(outputs):
            code = 1 if outputs == 1 else output
            for column, gene in enumerate(examples.transform.genes):
                told[output, column] = float(int(gene[1:]) // MARKERS == code)
        weights["head.weight"] = told + 0.02 * torch.randn(told.shape)
    notes = {"fold": 0, "seed": seed}
    return Checkpoint("expression", layers, shape, examples.spec, "zeros", weights, notes)


def tell(examples: CellExamples, seeds: int = 2, **model: Any) -> Told:
    networks = [make_network(examples, seed, **model) for seed in range(seeds)]
    return tell_saliency(networks, examples, Saliency(top=MARKERS), CPU)


@pytest.fixture(scope="module")
def examples() -> CellExamples:
    cells = np.arange(96)
    return make_examples(CLASSES, cells % 3, [ROLES[cell // 3 % 4] for cell in cells])


def test_a_network_that_knows_the_markers_agrees_with_the_test(examples: CellExamples) -> None:
    told = tell(examples)
    assert told.summary["method"] == "integrated gradients"
    assert told.summary["images"] is None
    assert list(told.genes.columns) == list(COLUMNS)
    for code, name in enumerate(NAMES):
        found = told.summary["targets"]["type"][name]
        assert found["cells"] == 8
        assert found["train"] == 16
        assert found["shared"] == MARKERS
        assert found["agreement"] == 1
        assert found["p"] == pytest.approx(1 / comb(24, MARKERS))
        listed = told.genes[told.genes["class"] == name]
        assert list(listed["rank"]) == [1, 2, 3, 4]
        markers = {f"g{MARKERS * code + number:02}" for number in range(MARKERS)}
        assert set(listed["gene"]) == markers
        assert sorted(listed["scanpy_rank"]) == [1, 2, 3, 4]


def test_chance_is_that_of_two_lists_drawn_at_random() -> None:
    """Counted over all lists of three of seven genes."""
    genes = [f"g{number}" for number in range(7)]
    ranked = pd.DataFrame(
        {"names": genes, "scores": 1.0, "logfoldchanges": 0.0, "pvals": 0.5, "pvals_adj": 0.5}
    )
    lists = [set(np.flatnonzero(row)) for row in np.ndindex(*[2] * 7) if sum(row) == 3]
    assert len(lists) == comb(7, 3)
    first = {0, 1, 2}
    for chosen in ({0, 1, 2}, {0, 1, 3}, {2, 4, 5}, {4, 5, 6}):
        scores = np.zeros((1, 7), np.float32)
        scores[0, list(chosen)] = 1
        table, found = _compare(scores, ranked, genes, 3)
        shared = len(chosen & first)
        assert found["shared"] == shared
        assert found["p"] == pytest.approx(np.mean([len(one & first) >= shared for one in lists]))
        assert found["expected"] == pytest.approx(np.mean([len(one & first) for one in lists]))
        assert found["agreement"] is None
        assert set(table["gene"]) == {genes[place] for place in chosen | first}


def test_agreement_of_seeds_is_the_mean_over_pairs() -> None:
    genes = [f"g{number}" for number in range(6)]
    ranked = pd.DataFrame(
        {"names": genes, "scores": 1.0, "logfoldchanges": 0.0, "pvals": 0.5, "pvals_adj": 0.5}
    )
    scores = np.zeros((3, 6), np.float32)
    scores[0, [0, 1]] = scores[1, [0, 1]] = scores[2, [1, 2]] = 1
    _, found = _compare(scores, ranked, genes, 2)
    assert found["agreement"] == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_a_class_with_one_training_cell_or_no_test_cell_is_left_out() -> None:
    cells = np.arange(64)
    roles = [ROLES[cell // 2 % 4] for cell in cells]
    # One cell to train and one to test of the third class; or two to train and none to test.
    for third in (["train", "test"], ["train", "train"]):
        labels = np.concatenate([cells % 2, [2, 2]])
        told = tell(make_examples(CLASSES, labels, roles + third))
        assert set(told.summary["targets"]["type"]) == {"a", "b"}
        assert set(told.genes["class"]) == {"a", "b"}


def test_of_two_classes_the_positive_one_is_told_of() -> None:
    cells = np.arange(64)
    targets = Targets(kind="binary", names=("sick",))
    found = make_examples(targets, cells % 2, [ROLES[cell // 2 % 4] for cell in cells])
    told = tell(found)
    assert set(told.summary["targets"]["sick"]) == {"1"}
    assert set(told.genes["class"]) == {"1"}
    best = told.genes.sort_values("rank")["gene"].head(MARKERS)
    assert set(best) == {"g04", "g05", "g06", "g07"}


def test_the_same_is_told_again_and_maps_have_the_size_of_the_picture() -> None:
    cells = np.arange(96)
    roles = [ROLES[cell // 3 % 4] for cell in cells]
    found = make_examples(CLASSES, cells % 3, roles, layout="plain")
    model = {"kind": "cnn2d", "stem": {"channels": 4, "kernel": 3}, "stages": (), "grid": 3}
    first, again = tell(found, **model), tell(found, **model)
    assert first.genes.to_csv() == again.genes.to_csv()
    assert json.dumps(first.summary) == json.dumps(again.summary)
    images = first.summary["images"]
    layout = found.transform.layout
    assert layout is not None
    assert images["genes"] == list(found.transform.genes)
    assert images["pixels"] == layout.pixels.tolist()
    assert set(images["classes"]) == set(NAMES)
    for code, item in enumerate(images["classes"].values()):
        mean, seen = np.array(item["mean"]), np.array(item["map"])
        assert mean.shape == seen.shape == (layout.height, layout.width)
        assert seen.min() >= 0
        assert seen.max() <= 1
        # The mean picture of a class is bright where its markers stand.
        brightest = set(np.argsort(-mean.ravel())[:MARKERS])
        markers = {f"g{MARKERS * code + number:02}" for number in range(MARKERS)}
        assert brightest == {images["pixels"][images["genes"].index(gene)] for gene in markers}


def test_values_and_other_folds_are_refused(examples: CellExamples) -> None:
    values = Targets(kind="regression", names=("age",))
    with pytest.raises(InputError, match="saliency is of classes"):
        tell(make_examples(values, np.arange(16.0), ["train", "val"] * 8))
    network = make_network(examples, 0)
    network.notes["fold"] = 1
    with pytest.raises(InputError, match="a model of another fold"):
        tell_saliency([network], examples, Saliency(), CPU)
