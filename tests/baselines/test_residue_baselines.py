"""Baselines for each residue: priors by hand, windows that learn what stands in them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from bioseq_dl.baselines import predict_residue_prior, predict_window
from bioseq_dl.baselines.window import cut_windows
from bioseq_dl.config import ResidueBaselines, Targets
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import Examples
from bioseq_dl.metrics import auroc

ALL = Targets(kind="residues", names=("q3", "disorder", "rsa", "angles"))
CONFIG = ResidueBaselines(window=5)


def make(proteins: int = 60, spec: Targets = ALL, missing: float = 0.1) -> Examples:
    """Labels that follow from the residue before: by its code modulo three, and so on."""
    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 80, proteins)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    codes = generator.integers(0, 21, offsets[-1]).astype(np.uint8)
    before = np.concatenate([[0], codes[:-1]]).astype(float)
    before[offsets[:-1]] = 20
    columns = {
        "q3": before % 3,
        "disorder": (before < 3).astype(float),
        "rsa": before / 25 + 0.05,
        "phi": before / 10 - 1,
        "psi": 3 - before / 4,
    }
    targets = np.stack([columns[label] for label in spec.labels], axis=1).astype(np.float32)
    targets[generator.random(targets.shape) < missing] = np.nan
    roles = np.array([[0, 0, 0, 1, 2] * (proteins // 5)], np.uint8)
    return Examples(
        codes=codes, offsets=offsets, targets=targets, roles=roles, spec=spec, unknown="zeros",
        ids_sha256="", alphabet=PROTEIN,
    )  # fmt: skip


def test_prior_says_what_train_has() -> None:
    examples = make()
    found = predict_residue_prior(examples, 0, CONFIG)
    rows = examples.target_rows(examples.select(0, "train"))
    train = examples.targets[rows]
    judged = examples.target_rows(found.rows)
    assert found.outputs.shape == (len(judged), len(ALL.outputs))
    assert (found.outputs == found.outputs[0]).all()
    shares = (
        np.bincount(train[~np.isnan(train[:, 0]), 0].astype(int)) / (~np.isnan(train[:, 0])).sum()
    )
    assert special.softmax(found.outputs[0, :3]) == pytest.approx(shares, abs=1e-5)
    assert special.expit(found.outputs[0, 3]) == pytest.approx(np.nanmean(train[:, 1]), abs=1e-5)
    assert special.expit(found.outputs[0, 4]) == pytest.approx(np.nanmean(train[:, 2]), abs=1e-5)
    angle = np.angle(np.nanmean(np.exp(1j * train[:, 4])))
    assert np.arctan2(*found.outputs[0, 7:9]) == pytest.approx(angle, abs=1e-5)


def test_window_learns_from_the_neighbour() -> None:
    examples = make(300)
    found = predict_window(examples, 0, CONFIG)
    truth = examples.targets[examples.target_rows(found.rows)]
    outputs = found.outputs
    assert outputs.dtype == np.float32
    assert outputs.shape == (len(truth), len(ALL.outputs))
    known = ~np.isnan(truth)
    assert (outputs[:, :3].argmax(axis=1) == truth[:, 0])[known[:, 0]].mean() > 0.99
    assert auroc(truth[known[:, 1], 1], outputs[known[:, 1], 3]) > 0.99
    assert np.abs(special.expit(outputs[:, 4]) - truth[:, 2])[known[:, 2]].mean() < 0.02
    turn = np.angle(np.exp(1j * (np.arctan2(outputs[:, 7], outputs[:, 8]) - truth[:, 4])))
    assert np.abs(turn)[known[:, 4]].mean() < 0.05
    assert "windows of 5" in found.note
    assert all(f"{label}: " in found.note for label in ALL.labels)


def test_narrow_window_does_not_see_the_neighbour() -> None:
    examples = make(300)
    found = predict_window(examples, 0, ResidueBaselines(window=1))
    truth = examples.targets[examples.target_rows(found.rows), 0]
    known = ~np.isnan(truth)
    assert (found.outputs[:, :3].argmax(axis=1) == truth)[known].mean() < 0.5


def test_windows_end_with_their_protein() -> None:
    examples = make(5)
    positions = examples.target_rows(np.arange(5))
    windows = cut_windows(examples, positions, 5).toarray().reshape(len(positions), 5, 22)
    assert (windows.sum(axis=2) == 1).all()
    assert (windows[:, 2].argmax(axis=1) == examples.codes).all()
    starts = examples.offsets[:-1][examples.lengths > 0]
    assert (windows[starts, :2].argmax(axis=2) == 21).all()
    assert (windows[examples.offsets[1:] - 1, 3:].argmax(axis=2) == 21).all()
    inner = np.setdiff1d(positions, starts)
    assert (windows[inner, 1].argmax(axis=1) == examples.codes[inner - 1]).all()


def test_same_seed_same_fit_and_drawn_residues() -> None:
    examples = make(300)
    few = ResidueBaselines(window=3, window_residues=1000, seed=4)
    first, again = (predict_window(examples, 0, few) for _ in range(2))
    assert (first.outputs == again.outputs).all()
    assert "q3: 1000 residues" in first.note
    other = predict_window(examples, 0, few.model_copy(update={"seed": 5}))
    assert not np.array_equal(first.outputs, other.outputs)


def test_labels_of_test_do_not_move_the_fit() -> None:
    examples = make(100)
    changed = examples.targets.copy()
    rows = examples.target_rows(examples.select(0, "test"))
    changed[rows, 0] = 0
    other = Examples(**{**vars(examples), "targets": changed})
    for predict in (predict_residue_prior, predict_window):
        assert (predict(examples, 0, CONFIG).outputs == predict(other, 0, CONFIG).outputs).all()


def test_missing_states_and_labels_fall_back() -> None:
    spec = Targets(kind="residues", names=("q8", "rsa"))
    examples = make(50, spec=Targets(kind="residues", names=("q3", "rsa")))
    examples = Examples(**{**vars(examples), "spec": spec})
    targets = examples.targets.copy()
    targets[:, 1] = np.nan
    found = predict_window(Examples(**{**vars(examples), "targets": targets}), 0, CONFIG)
    assert np.isfinite(found.outputs).all()
    assert (found.outputs[:, :8].argmax(axis=1) < 3).all()  # codes beyond 2 are not in train
    assert (found.outputs[:, 8] == 0).all()
    assert "rsa: the prior" in found.note
