"""Mutants scored by tiles against the model itself, in double precision, on edited windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bioseq_dl.config import Model
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.models.shape import shortest_length
from bioseq_dl.perturb import strand
from bioseq_dl.perturb.engine import prepare
from bioseq_dl.perturb.strand import Batches

CPU = torch.device("cpu")
MakeModel = Callable[..., SequenceModel]
ReadSlowly = Callable[..., np.ndarray]


def draw_changes(
    generator: np.random.Generator, references: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw mutants: single letters, short stretches, shifts of either flank, nothing at all."""
    length = references.shape[1]
    rows = generator.integers(0, len(references), count)
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    mutants = references[rows].copy()
    for place in range(count):
        kind = place % 6
        start = int(generator.integers(0, length))
        if kind < 3:
            start = (start, 0, length - 1)[kind]
            end = start + 1
        elif kind == 3:
            end = min(length, start + int(generator.integers(0, 6)))
        elif kind == 4:
            end = length
        else:
            start, end = 0, start + 1
        starts[place], ends[place] = start, end
        mutants[place, start:end] = generator.integers(0, 5, end - start)
    return rows, starts, ends, mutants


@torch.inference_mode()
def round_off(model: SequenceModel, windows: np.ndarray, unknown: str, exact: np.ndarray) -> float:
    """Tell how far the model's own pass in single precision is from the exact one.

    An exponential of an exponential amplifies rounding past 1e-5 in a plain pass too; an
    engine cannot be asked for more than the network itself gives.
    """
    plain = model(one_hot(torch.from_numpy(windows), unknown, torch.float32)).numpy()
    return float(np.abs(plain - exact).max())


def check_model(
    read_slowly: ReadSlowly,
    model: SequenceModel,
    length: int,
    unknown: str = "zeros",
    batches: Batches | None = None,
    seed: int = 1,
    count: int = 60,
) -> None:
    generator = np.random.default_rng(seed)
    references = generator.integers(0, 4, (5, length)).astype(np.uint8)
    references[1, : length // 3] = 4
    references[2, generator.integers(0, length, 3)] = 4
    rows, starts, ends, mutants = draw_changes(generator, references, count)
    engine = prepare(model, CPU, unknown).with_batches(batches or Batches(2, 16))
    found = engine.score_changes(references, rows, starts, ends, mutants)
    with mock.patch.object(strand, "is_worth_tiles", lambda plan, *_: bool(plan.stages)):
        tiled = engine.score_changes(references, rows, starts, ends, mutants)
    wanted = read_slowly(model, references, unknown), read_slowly(model, mutants, unknown)
    allowed = max(
        1e-5, 1e-5 * np.abs(wanted[1]).max(), 5 * round_off(model, mutants, unknown, wanted[1])
    )
    for had, want in (
        (found[0], wanted[0]),
        (found[1], wanted[1]),
        (tiled[1], wanted[1]),
        (engine.score_windows(references), wanted[0]),
    ):
        np.testing.assert_allclose(had, want, rtol=0, atol=allowed)
    letters = [mutants[place, starts[place] : ends[place]] for place in range(count)]
    again = engine.score_changes(references, rows, starts, ends, np.concatenate(letters))
    np.testing.assert_array_equal(again[1], found[1])


MODELS: dict[str, dict[str, Any]] = {
    "tiny": {"conv": [{"channels": 8, "kernel": 7}]},
    "valid": {
        "conv": [
            {"channels": 12, "kernel": 9, "padding": "valid", "pool": 3},
            {"channels": 10, "kernel": 5, "padding": "valid", "pool": 4},
        ],
        "pooling": "flatten",
        "dense": [16, 8],
    },
    "even": {
        "conv": [
            {"channels": 6, "kernel": 6, "pool": 4, "pool_stride": 3, "activation": "exp"},
            {"channels": 8, "kernel": 4, "dilation": 3, "pool": 2},
        ],
        "pooling": ["mean", "max"],
        "activation": "gelu",
    },
    "residual": {
        "conv": [
            {"channels": 16, "kernel": 5, "pool": 2},
            {"channels": 16, "kernel": 3, "repeat": 2, "residual": True, "dilation": 2},
            {"channels": 20, "kernel": 3, "residual": True, "pool": 3},
        ],
        "pooling": ["max", "mean", "attention"],
        "attention_heads": 3,
        "activation": "silu",
        "dense": [12],
        "wide": {"anywhere": 4, "positional": 3},
        "reverse_complement": True,
    },
    "layer": {
        "conv": [
            {"channels": 8, "kernel": 5, "pool": 3, "pool_stride": 5},
            {"channels": 10, "kernel": 4, "repeat": 3, "residual": True, "pool_stride": 2},
        ],
        "normalisation": "layer",
        "pooling": ["attention", "flatten"],
        "flatten_channels": 3,
        "dense": [12],
        "reverse_complement": "evaluation",
    },
    "recurrent": {
        "conv": [{"channels": 8, "kernel": 5, "pool": 3}],
        "recurrent": {"kind": "gru", "hidden": 5, "layers": 2},
        "pooling": ["max", "flatten"],
        "wide": {"anywhere": 3},
    },
    "bare": {"recurrent": {"hidden": 4}, "normalisation": "none"},
}


@pytest.mark.parametrize("name", MODELS)
def test_mutants_score_as_the_model_scores_edited_windows(
    make_model: MakeModel, read_slowly: ReadSlowly, name: str
) -> None:
    check_model(read_slowly, make_model(MODELS[name], 71), 71)


def test_classes_and_uniform_unknown_letters(
    make_model: MakeModel, read_slowly: ReadSlowly
) -> None:
    model = make_model(MODELS["residual"], 60, targets=2, classes=3)
    check_model(read_slowly, model, 60, "uniform")


def test_a_window_shorter_than_the_network(make_model: MakeModel, read_slowly: ReadSlowly) -> None:
    model = make_model({"conv": [{"channels": 5, "kernel": 9, "padding": "valid"}] * 2}, 40)
    check_model(read_slowly, model, 12)


CONV = st.fixed_dictionaries(
    {
        "channels": st.integers(1, 12),
        "kernel": st.integers(1, 8),
        "dilation": st.integers(1, 3),
        "repeat": st.integers(1, 2),
        "residual": st.booleans(),
        "padding": st.sampled_from(["same", "valid"]),
        "activation": st.sampled_from([None, "relu", "gelu", "silu", "exp"]),
        "pool": st.integers(1, 4),
        "pool_stride": st.sampled_from([None, 1, 2, 3, 5]),
    }
).map(lambda layer: layer | {"residual": layer["residual"] and layer["padding"] == "same"})
SIZES = st.fixed_dictionaries(
    {
        "conv": st.lists(CONV, min_size=1, max_size=4),
        "recurrent": st.sampled_from([None, None, None, {"hidden": 3}, {"kind": "gru"}]),
        "normalisation": st.sampled_from(["batch", "layer", "none"]),
        "activation": st.sampled_from(["relu", "gelu", "silu", "exp"]),
        "pooling": st.lists(
            st.sampled_from(["max", "mean", "attention", "flatten"]), min_size=1, unique=True
        ),
        "dense": st.lists(st.integers(1, 9), max_size=2),
        "wide": st.sampled_from([None, {"anywhere": 3}, {"positional": 2}]),
        "reverse_complement": st.sampled_from([False, True, "evaluation"]),
    }
)


@example(
    sizes={
        "conv": [
            {"channels": 4, "kernel": 3, "repeat": 2, "residual": True, "activation": "exp"},
            {"channels": 4, "kernel": 1, "repeat": 2, "residual": True, "activation": "exp"},
            {"channels": 4, "kernel": 8, "repeat": 2, "activation": "exp"},
        ],
        "pooling": ["max"],
    },
    length=20,
    classes=2,
    seed=3,
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    sizes=SIZES,
    length=st.integers(20, 120),
    classes=st.integers(1, 3),
    seed=st.integers(0, 10_000),
)
def test_any_network(
    make_model: MakeModel,
    read_slowly: ReadSlowly,
    sizes: dict[str, Any],
    length: int,
    classes: int,
    seed: int,
) -> None:
    length = max(length, shortest_length(Model.model_validate(sizes)))
    model = make_model(sizes, length, classes=classes, seed=seed)
    batches = Batches(1 + seed % 4, 1 + seed % 32)
    check_model(read_slowly, model, length, batches=batches, seed=seed, count=24)
