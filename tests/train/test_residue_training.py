"""Training on labels of each residue: what is learnt, and that an interruption changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bioseq_dl.config import Model, Targets, Train
from bioseq_dl.data.examples import read_examples, write_examples
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.train import fit
from bioseq_dl.train.fit import Job, fit_model
from bioseq_dl.train.loop import Interrupted
from bioseq_dl.train.score import name_score, validation_score

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
    assert summary["score"] == "accuracy of q3"
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

    monkeypatch.setattr(fit, "stop_signals", stop_after)
    with pytest.raises(Interrupted):
        fit_model(job, lambda _: None)
    assert not job.out.exists()
    fit_model(job, lambda _: None)
    assert job.out.read_bytes() == (finished / "model.pt").read_bytes()


def random_outputs(names: tuple[str, ...]) -> tuple[Targets, np.ndarray, np.ndarray]:
    """Outputs and labels of 50 residues; a label is missing here and there."""
    targets = Targets(kind="residues", names=names)
    random = np.random.default_rng(1)
    outputs = random.normal(size=(50, len(targets.outputs))).astype(np.float32)
    columns = []
    for label in targets.labels:
        column = random.integers(0, 2, 50).astype(np.float64)
        if label in ("rsa", "phi", "psi"):
            column = random.random(50)
        columns.append(np.where(random.random(50) < 0.2, np.nan, column))
    return targets, outputs, np.stack(columns, axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("disorder", "q3"), "auroc of disorder"),
        (("rsa", "q3"), "pearson of rsa"),
        (("angles", "q3"), "mean cosine of the errors of phi and psi"),
        (("q8", "q3"), "accuracy of q8"),
    ],
)
def test_the_score_is_of_the_first_head(names: tuple[str, ...], called: str) -> None:
    targets, outputs, labels = random_outputs(names)
    assert name_score(targets) == called
    known = ~np.isnan(labels[:, 0])
    truth = labels[known, 0]
    if names[0] == "disorder":
        wanted = roc_auc_score(truth, outputs[known, 0])
    elif names[0] == "rsa":
        wanted = np.corrcoef(truth, 1 / (1 + np.exp(-outputs[known, 0])))[0, 1]
    elif names[0] == "angles":
        places = [(0, 0, 1), (1, 2, 3)]
        turns = [np.arctan2(outputs[:, s], outputs[:, c]) - labels[:, i] for i, s, c in places]
        wanted = np.nanmean(np.cos(turns))
    else:
        wanted = (outputs[known, :8].argmax(axis=1) == truth).mean()
    assert validation_score(outputs, labels, targets) == pytest.approx(wanted, abs=1e-6)


def test_a_score_without_labels_is_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path, make_examples(tmp_path / "examples.safetensors"))
    examples = read_examples(job.examples)
    labels = np.array(examples.targets)
    labels[examples.target_rows(np.arange(40, 45)), 0] = np.nan
    write_examples(job.examples, replace(examples, targets=labels))
    with pytest.raises(InputError, match="no validation record has a label of the first head, q3"):
        fit_model(job, lambda _: None)
    fit_model(replace(job, train=job.train.model_copy(update={"monitor": "loss"})), lambda _: None)
