"""Batches, groups and other engines' settings change no score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from bioseq_dl.errors import InputError
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.perturb import batches as batches_module
from bioseq_dl.perturb import strand
from bioseq_dl.perturb.batches import measure_batch
from bioseq_dl.perturb.engine import Engine, prepare
from bioseq_dl.perturb.mutagenesis import mutate_each, mutate_everywhere
from bioseq_dl.perturb.strand import Batches

CPU = torch.device("cpu")
MakeModel = Callable[..., SequenceModel]
SIZES: dict[str, Any] = {
    "conv": [
        {"channels": 12, "kernel": 9, "pool": 3},
        {"channels": 16, "kernel": 5, "residual": True, "pool": 2},
    ],
    "pooling": ["max", "mean", "attention", "flatten"],
    "dense": [12],
    "wide": {"anywhere": 3},
}
LENGTH = 90


@pytest.fixture
def engine(make_model: MakeModel) -> Engine:
    return prepare(make_model(SIZES, LENGTH), CPU)


def draw(count: int, references: int = 7) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(3)
    windows = generator.integers(0, 4, (references, LENGTH)).astype(np.uint8)
    rows = np.sort(generator.integers(0, references, count))
    starts = generator.integers(0, LENGTH, count)
    ends = np.minimum(LENGTH, starts + generator.integers(1, 4, count))
    letters = generator.integers(0, 4, int((ends - starts).sum())).astype(np.uint8)
    return windows, rows, starts, ends, letters


@pytest.mark.parametrize("recurrent", [None, {"hidden": 4}])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 5), (3, 64), (16, 13)])
def test_a_batch_of_any_size_gives_the_same_bytes(
    make_model: MakeModel, sizes: tuple[int, int], recurrent: Any
) -> None:
    engine = prepare(make_model(SIZES | {"recurrent": recurrent}, LENGTH), CPU)
    arguments = draw(40)
    wanted = engine.with_batches(Batches(8, 32)).score_changes(*arguments)
    found = engine.with_batches(Batches(*sizes)).score_changes(*arguments)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])


def test_groups_that_fit_into_little_memory_give_the_same_bytes(engine: Engine) -> None:
    arguments = draw(40)
    wanted = engine.score_changes(*arguments)
    engine = engine.with_batches(Batches(2, 4))
    with mock.patch.dict(strand._KEPT_BYTES, {"cpu": 1}):
        found = engine.score_changes(*arguments)
    np.testing.assert_array_equal(found[1], wanted[1])


def test_a_mutant_scores_the_same_alone(engine: Engine) -> None:
    windows, rows, starts, ends, letters = draw(20)
    _, wanted = engine.score_changes(windows, rows, starts, ends, letters)
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])
    for place in (0, 7, 19):
        own = slice(place, place + 1)
        changed = letters[offsets[place] : offsets[place + 1]]
        _, found = engine.score_changes(windows, rows[own], starts[own], ends[own], changed)
        np.testing.assert_array_equal(found[0], wanted[place])


def test_nothing_to_score_gives_nothing(engine: Engine) -> None:
    none = np.zeros(0, np.int64)
    windows = draw(1)[0]
    references, mutants = engine.score_changes(windows, none, none, none, np.zeros(0, np.uint8))
    assert references.shape == (7, 2)
    assert mutants.shape == (0, 2)
    references, _ = engine.score_changes(windows[:0], none, none, none, np.zeros(0, np.uint8))
    assert references.shape == (0, 2)


def test_arguments_that_do_not_fit_are_refused(engine: Engine) -> None:
    windows, rows, starts, ends, letters = draw(5)
    with pytest.raises(ValueError, match="rows of references"):
        engine.score_changes(windows, rows + 7, starts, ends, letters)
    with pytest.raises(ValueError, match="start <= end"):
        engine.score_changes(windows, rows, ends, starts, letters)
    with pytest.raises(ValueError, match="letters, found"):
        engine.score_changes(windows, rows, starts, ends, letters[1:])
    with pytest.raises(ValueError, match="0 to 4"):
        engine.score_changes(windows, rows, starts, ends, letters + 4)
    with pytest.raises(InputError, match="windows of one length"):
        engine.forward(torch.zeros((2, LENGTH + 1), dtype=torch.uint8))


def test_every_letter_everywhere(
    make_model: MakeModel, read_slowly: Callable[..., np.ndarray]
) -> None:
    model = make_model(SIZES | {"reverse_complement": True}, LENGTH, classes=3)
    codes = np.random.default_rng(0).integers(0, 4, LENGTH).astype(np.uint8)
    codes[5] = 4
    found = mutate_everywhere(prepare(model, CPU), codes)
    assert found.shape == (LENGTH, 4, 2, 3)
    edited = np.repeat(codes[None], LENGTH * 4, axis=0)
    edited[np.arange(LENGTH * 4), np.repeat(np.arange(LENGTH), 4)] = np.tile(range(4), LENGTH)
    wanted = read_slowly(model, edited).reshape(found.shape)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found[7, codes[7]], found[8, codes[8]])
    part = mutate_everywhere(prepare(model, CPU), codes, 10, 20)
    np.testing.assert_array_equal(part, found[10:20])
    for one in mutate_each(prepare(model, CPU), [codes, codes]):
        np.testing.assert_array_equal(one, found)


def test_bf16_keeps_the_ranking_of_effects(make_model: MakeModel) -> None:
    model = make_model({"conv": [{"channels": 32, "kernel": 9, "pool": 3}] * 2}, LENGTH, targets=1)
    codes = np.random.default_rng(0).integers(0, 4, LENGTH).astype(np.uint8)
    full, half = (
        mutate_everywhere(prepare(model, CPU, precision=precision), codes)[..., 0].ravel()
        for precision in ("fp32", "bf16")
    )
    assert (full != half).any()
    ranks = [values.argsort().argsort() for values in (full, half)]
    assert np.corrcoef(*ranks)[0, 1] > 0.98


def test_the_batch_is_measured_once(engine: Engine, make_model: MakeModel, tmp_path: Path) -> None:
    first = measure_batch(engine, LENGTH, tmp_path)
    (kept,) = tmp_path.glob("*.json")
    assert json.loads(kept.read_text())["of"]["length"] == LENGTH
    with mock.patch.object(batches_module, "_measure", side_effect=AssertionError):
        assert measure_batch(engine, LENGTH, tmp_path) == first
        # A network of the same layers with other weights is as fast.
        other = prepare(make_model(SIZES, LENGTH, seed=5), CPU)
        assert measure_batch(other, LENGTH, tmp_path) == first
    other = prepare(make_model(SIZES | {"dense": [13]}, LENGTH), CPU)
    with mock.patch.object(batches_module, "_measure", return_value=Batches(3, 5)):
        assert measure_batch(other, LENGTH, tmp_path) == Batches(3, 5)
