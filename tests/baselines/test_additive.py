"""The additive baseline knows letters by place, and nothing of their combinations."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.baselines import predict_additive
from bioseq_dl.baselines.additive import one_hot_places
from bioseq_dl.config import Baselines, Targets, validate_config
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.metrics import auroc, pearson

CONFIG = Baselines(additive=True, strengths=(0.01, 0.1, 1.0))
VALUE = Targets(kind="regression", names=("level",))


def _make(codes: np.ndarray, truth: np.ndarray, spec: Targets) -> Examples:
    n, length = codes.shape
    return Examples(
        codes=codes.astype(np.uint8).ravel(),
        offsets=np.arange(0, length * n + 1, length, dtype=np.int64),
        targets=truth.astype(np.float32).reshape(n, -1),
        roles=np.array([[0, 0, 0, 1, 2] * (n // 5)], np.uint8),
        spec=spec,
        unknown="zeros",
        ids_sha256="",
    )


def _draw(n: int, length: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (n, length))


def test_one_hot_by_place_with_an_unknown_base() -> None:
    examples = _make(np.array([[0, 3], [4, 2]] * 5), np.zeros(10), VALUE)
    dense = one_hot_places(examples).toarray()
    assert dense[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]
    assert dense[1].tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert dense.dtype == np.float32


def test_additive_values_are_found_exactly() -> None:
    codes = _draw(1000)
    weights = np.random.default_rng(1).normal(size=(8, 4))
    truth = 2 + weights[np.arange(8), codes].sum(axis=1)
    found = predict_additive(_make(codes, truth, VALUE), 0, CONFIG)
    assert found.outputs.dtype == np.float32
    assert found.rows.tolist()[:3] == [3, 4, 8]
    assert found.outputs[:, 0] == pytest.approx(truth[found.rows], abs=0.05)
    assert "letters at 8 places, 32 features; level: strength 1 of" in found.note


def test_an_interaction_of_two_places_is_out_of_reach() -> None:
    codes = _draw(4000)
    truth = np.where((codes[:, 2] < 2) == (codes[:, 5] < 2), 1.0, -1.0)
    found = predict_additive(_make(codes, truth, VALUE), 0, CONFIG)
    assert abs(pearson(truth[found.rows], found.outputs[:, 0])) < 0.1


def test_binary_gives_logits() -> None:
    codes = _draw(1000)
    truth = (codes[:, 3] == 2).astype(float)
    found = predict_additive(_make(codes, truth, Targets()), 0, CONFIG)
    assert auroc(truth[found.rows], found.outputs[:, 0]) == 1.0


def test_lengths_must_agree() -> None:
    examples = _make(_draw(10), np.zeros(10), VALUE)
    examples.offsets[1] += 1
    with pytest.raises(InputError, match=r"one length; found '7 to 9'; fix: give encode\.length"):
        predict_additive(examples, 0, CONFIG)


def test_empty_training_fold() -> None:
    examples = _make(_draw(10), np.zeros(10), VALUE)
    examples.roles[:] = 2
    with pytest.raises(InputError, match="training fold is empty"):
        predict_additive(examples, 0, CONFIG)


def test_the_config_asks_for_one_length() -> None:
    inputs = [{"format": "fasta", "source": {"path": "a.fa"}, "labels": {"label": 1}}]
    run = {"task": "dna_sequence", "ingest": {"inputs": inputs}, "baselines": {"additive": True}}
    with pytest.raises(InputError, match=r"baselines\.additive needs encode\.length"):
        validate_config({"runs": {"a": run}})
    validate_config({"runs": {"a": run | {"encode": {"length": 8}}}})
