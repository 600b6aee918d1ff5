"""Training on labels of each residue: what is learnt, and that an interruption changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bioseq_dl.config import Model, Targets, Train
from bioseq_dl.data.examples import write_examples
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import Examples
from bioseq_dl.train import fit
from bioseq_dl.train.fit import Job, fit_model
from bioseq_dl.train.loop import Interrupted

TARGETS = Targets(kind="residues", names=("q3", "rsa", "angles"))


def make_examples(path: Path) -> Path:
    """States follow the letter, accessibility and angles the state; a tenth has no label."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, 60, 50)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    codes = random.integers(0, 20, offsets[-1]).astype(np.uint8)
    states = codes % 3
    labels = np.stack([states, states / 2, states - 1.0, 2.0 - states], axis=1).astype(np.float32)
    labels[random.random(len(codes)) < 0.1] = np.nan
    roles = np.array([[0] * 40 + [1] * 5 + [2] * 5], np.uint8)
    examples = Examples(codes, offsets, labels, roles, TARGETS, "zeros", "0" * 64, alphabet=PROTEIN)
    write_examples(path, examples)
    return path


def make_job(folder: Path, examples: Path) -> Job:
    model = Model.model_validate(
        {
            "conv": [{"channels": 8, "kernel": 3, "dropout": 0.1}],
            "recurrent": {"kind": "lstm", "hidden": 4},
        }
    )
    train = Train(
        epochs=8,
        batch_size=8,
        learning_rate=0.03,
        device="cpu",
        precision="fp32",
        threads=1,
        ema_decay=0.9,
        monitor="score",
    )
    folder.mkdir(exist_ok=True)
    return Job("protein_residue", TARGETS, model, train, examples, 0, 1, folder / "model.pt")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("residues")
    job = make_job(folder, make_examples(folder / "examples.safetensors"))
    fit_model(job, lambda _: None)
    return folder


def test_what_follows_from_the_letter_is_learnt(finished: Path) -> None:
    summary = json.loads((finished / "train.json").read_text())
    assert summary["score"] == "accuracy"
    assert summary["kept_val_score"] > 0.95


@pytest.mark.parametrize("steps", [3, 17])
def test_an_interrupted_training_ends_in_the_same_bytes(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    job = make_job(tmp_path, finished / "examples.safetensors")
    asked = 0

    @contextmanager
    def stop_after() -> Iterator[object]:
        def ask() -> bool:
            nonlocal asked
            asked += 1
            return asked == steps

        yield ask

    monkeypatch.setattr(fit, "_stop_signals", stop_after)
    with pytest.raises(Interrupted):
        fit_model(job, lambda _: None)
    assert not job.out.exists()
    fit_model(job, lambda _: None)
    assert job.out.read_bytes() == (finished / "model.pt").read_bytes()
