"""Baselines learn what is there, and only from what they may see."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.baselines import predict_kmer, predict_prior
from bioseq_dl.config import Baselines, Targets
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.metrics import auroc, pearson

MOTIF = np.array([3, 2, 0, 1, 3, 1, 0], np.uint8)  # TGACTCA, the AP-1 site
CONFIG = Baselines(kmer=4, strengths=(0.001, 0.01, 0.1))


def _make(spec: Targets, truth: np.ndarray, motifs: np.ndarray, seed: int = 0) -> Examples:
    """Random sequences of 60 bases with a motif where `motifs`; a fifth each val and test."""
    generator = np.random.default_rng(seed)
    n = len(truth)
    codes = generator.integers(0, 4, (n, 60)).astype(np.uint8)
    for row in np.flatnonzero(motifs):
        start = generator.integers(0, 53)
        codes[row, start : start + 7] = MOTIF
    roles = np.array([[0, 0, 0, 1, 2]] * (n // 5), np.uint8).reshape(1, -1)
    return Examples(
        codes=codes.ravel(),
        offsets=np.arange(0, 60 * n + 1, 60, dtype=np.int64),
        targets=truth.astype(np.float32).reshape(n, -1),
        roles=np.concatenate([roles, np.roll(roles, 1)]),
        spec=spec,
        unknown="zeros",
        ids_sha256="",
    )


def _test_rows(examples: Examples, rows: np.ndarray) -> np.ndarray:
    return examples.roles[0, rows] == 2


def test_kmer_finds_a_planted_motif_and_the_prior_does_not() -> None:
    labels = np.arange(1000) % 2
    examples = _make(Targets(), labels, labels)
    found = predict_kmer(examples, 0, CONFIG)
    test = _test_rows(examples, found.rows)
    assert len(found.rows) == 400
    assert found.outputs.dtype == np.float32
    assert auroc(labels[found.rows][test], found.outputs[test, 0]) > 0.85
    assert "strength" in found.note
    prior = predict_prior(examples, 0, CONFIG)
    assert (prior.rows == found.rows).all()
    assert prior.outputs == pytest.approx(0, abs=1e-6)


def test_labels_of_val_and_test_do_not_move_the_fit() -> None:
    labels = np.arange(500) % 2
    examples = _make(Targets(), labels, labels)
    alone = predict_kmer(examples, 0, Baselines(kmer=3, strengths=(0.1,)))
    changed = labels.copy()
    changed[examples.select(0, "test")] = 1 - changed[examples.select(0, "test")]
    changed[examples.select(0, "val")] = 1 - changed[examples.select(0, "val")]
    again = predict_kmer(_make(Targets(), changed, labels), 0, Baselines(kmer=3, strengths=(0.1,)))
    assert (alone.outputs == again.outputs).all()
    assert (predict_prior(examples, 0, CONFIG).outputs[0] == 0).all()


def test_folds_have_their_own_rows() -> None:
    labels = np.arange(100) % 2
    examples = _make(Targets(), labels, labels)
    assert predict_prior(examples, 0, CONFIG).rows.tolist()[:3] == [3, 4, 8]
    assert predict_prior(examples, 1, CONFIG).rows.tolist()[:3] == [0, 4, 5]
    with pytest.raises(InputError, match="no such fold"):
        predict_kmer(examples, 2, CONFIG)


def test_missing_labels_are_masked_per_target() -> None:
    generator = np.random.default_rng(4)
    truth = np.stack([np.arange(1000) % 2, np.arange(1000) % 2], axis=1).astype(float)
    hidden = truth.copy()
    hidden[generator.random(1000) < 0.5, 1] = np.nan
    spec = Targets(names=("a", "b"))
    found = predict_kmer(_make(spec, hidden, truth[:, 0]), 0, CONFIG)
    whole = predict_kmer(_make(spec, truth, truth[:, 0]), 0, CONFIG)
    assert np.isfinite(found.outputs).all()
    assert (found.outputs[:, 0] == whole.outputs[:, 0]).all()  # untouched target
    assert (found.outputs[:, 1] != whole.outputs[:, 1]).any()
    assert auroc(truth[found.rows, 1], found.outputs[:, 1]) > 0.8
    # What is hidden cannot matter: other values behind the mask change nothing.
    prior = predict_prior(_make(spec, hidden, truth[:, 0]), 0, CONFIG)
    train = hidden[np.arange(1000) % 5 < 3, 1]
    share = train[~np.isnan(train)].mean()
    assert prior.outputs[0, 1] == pytest.approx(np.log(share / (1 - share)), abs=1e-5)


def test_multiclass_gives_a_logit_per_class() -> None:
    labels = np.arange(900) % 3
    spec = Targets(kind="multiclass", names=("site",), classes=("x", "ap1", "z", "unseen"))
    found = predict_kmer(_make(spec, labels, labels == 1), 0, CONFIG)
    assert found.outputs.shape == (360, 1, 4)
    assert np.isfinite(found.outputs).all()
    assert auroc((labels[found.rows] == 1).astype(int), found.outputs[:, 0, 1]) > 0.8
    assert (found.outputs[:, 0, 3] < found.outputs[:, 0, :3].min(axis=1)).all()
    prior = predict_prior(_make(spec, labels, labels == 1), 0, CONFIG)
    assert np.exp(prior.outputs[0, 0, :3]) == pytest.approx(1 / 3, rel=1e-5)


def test_regression_is_ridge() -> None:
    generator = np.random.default_rng(1)
    motif = np.arange(1000) % 2
    value = 3 + 2 * motif + 0.1 * generator.normal(size=1000)
    examples = _make(Targets(kind="regression", names=("level",)), value, motif)
    found = predict_kmer(examples, 0, CONFIG)
    assert pearson(value[found.rows], found.outputs[:, 0]) > 0.6
    assert found.outputs.mean() == pytest.approx(4, abs=0.2)
    assert "squared error" in found.note
    prior = predict_prior(examples, 0, CONFIG)
    train = examples.targets[examples.select(0, "train"), 0]
    assert prior.outputs[0, 0] == pytest.approx(float(train.mean()), rel=1e-5)


def test_one_class_in_train_falls_back_to_the_prior_and_says_so() -> None:
    labels = np.zeros(50)
    labels[np.arange(50) % 5 > 2] = 1  # val and test only
    examples = _make(Targets(), labels, labels)
    found = predict_kmer(examples, 0, CONFIG)
    assert (found.outputs == predict_prior(examples, 0, CONFIG).outputs).all()
    assert np.isfinite(found.outputs).all()
    assert "the prior" in found.note


def test_without_validation_the_middle_strength_is_taken_unseen() -> None:
    labels = np.arange(100) % 2
    examples = _make(Targets(), labels, labels)
    examples.roles[:] = np.where(examples.roles == 1, 3, examples.roles)
    found = predict_kmer(examples, 0, CONFIG)
    assert len(found.rows) == 20
    assert "strength 0.01, unseen" in found.note
    with pytest.raises(InputError, match="null"):
        predict_kmer(examples, 0, Baselines(kmer=None))


def test_same_input_gives_same_bytes() -> None:
    labels = np.arange(200) % 2
    first, second = (
        predict_kmer(_make(Targets(), labels, labels), 0, CONFIG).outputs for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
