"""One training, in this process."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from planted import plant, write_planted
from torch import Tensor, nn

from bioseq_dl.config import Model, Targets, Train
from bioseq_dl.data.examples import write_examples
from bioseq_dl.errors import InputError
from bioseq_dl.predict import predict_examples
from bioseq_dl.train.checkpoint import read_checkpoint, read_state, write_state
from bioseq_dl.train.fit import Job, fit_model
from bioseq_dl.train.loop import Feed, train_model
from bioseq_dl.train.optimizer import build_optimizer
from bioseq_dl.train.weights import class_weights

SMALL = {"conv": [{"channels": 16, "kernel": 9}]}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "examples.safetensors", 800)


def job(examples: Path, out: Path, **train: Any) -> Job:
    options: dict[str, Any] = {"epochs": 6, "batch_size": 32, "threads": 1, "learning_rate": 0.01}
    return Job(
        task="dna_sequence",
        targets=Targets(),
        model=Model.model_validate(SMALL),
        train=Train.model_validate(options | train),
        examples=examples,
        fold=0,
        seed=1,
        out=out / "model.pt",
    )


def test_a_planted_motif_is_learnt_and_the_checkpoint_predicts(
    examples: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    fit_model(job(examples, tmp_path), lines.append)
    summary = json.loads((tmp_path / "train.json").read_text())
    assert summary["kept_val_score"] > 0.97
    assert summary["precision"] in ("fp32", "bf16")
    with (tmp_path / "history.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [int(row["epoch"]) for row in rows] == list(range(1, summary["epochs_run"] + 1))
    data = plant(800)
    test = data.select(0, "test")
    checkpoint = read_checkpoint(tmp_path / "model.pt")
    outputs = predict_examples(checkpoint, data, test, torch.device("cpu"))
    accuracy = np.mean((outputs[:, 0] > 0) == (data.targets[test, 0] == 1))
    assert accuracy > 0.9
    assert any("device CPU" in line for line in lines)


def test_equal_jobs_give_equal_bytes(examples: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        fit_model(job(examples, tmp_path / name, epochs=2), lambda _: None)
    assert (tmp_path / "a/model.pt").read_bytes() == (tmp_path / "b/model.pt").read_bytes()


def test_early_stopping_keeps_the_best_epoch(examples: Path, tmp_path: Path) -> None:
    fit_model(job(examples, tmp_path, epochs=60, patience=2, schedule="constant"), lambda _: None)
    summary = json.loads((tmp_path / "train.json").read_text())
    assert summary["epochs_run"] == summary["kept_epoch"] + 2 < 60


def test_a_score_without_a_value_is_null(tmp_path: Path) -> None:
    spec = Targets(kind="regression", names=("value",))
    data = plant(100, targets=spec)
    data.targets[data.select(0, "val")] = 1.0  # a correlation with these is 0 / 0
    write_examples(tmp_path / "examples.safetensors", data)
    asked = replace(job(tmp_path / "examples.safetensors", tmp_path, epochs=1), targets=spec)
    fit_model(asked, lambda _: None)
    summary = json.loads((tmp_path / "train.json").read_text())
    assert summary["kept_val_score"] is None
    assert summary["kept_val_loss"] > 0


def test_no_such_fold(examples: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match="no such fold; found '3'; allowed: 0 to 0"):
        fit_model(replace(job(examples, tmp_path), fold=3), lambda _: None)
    assert not list(tmp_path.iterdir())


def test_examples_of_other_targets_are_refused(examples: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    other = replace(job(examples, tmp_path), targets=Targets(names=("other",)))
    with pytest.raises(InputError, match="encoded for other targets"):
        fit_model(other, lambda _: None)


def test_an_exploding_loss_is_told(examples: Path, tmp_path: Path) -> None:
    wild = job(examples, tmp_path, learning_rate=1e30, clip_norm=None, optimizer="sgd")
    with pytest.raises(
        InputError, match=r"loss is not finite in epoch 1.*lower train.learning_rate"
    ):
        fit_model(wild, lambda _: None)
    assert not (tmp_path / "model.pt").exists()


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="cannot read the checkpoint"):
        read_checkpoint(path)


def test_state_of_another_key_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "resume.pt"
    write_state(path, "a", {"x": torch.ones(1)})
    assert read_state(path, "b") is None
    state = read_state(path, "a")
    assert state is not None
    assert torch.equal(state["x"], torch.ones(1))


def linear_gradient_step(accumulate: int, batch: int) -> Tensor:
    """One epoch of plain SGD on 8 rows; give the weights."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1, bias=False)
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    train = Train(
        epochs=1, optimizer="sgd", momentum=0, weight_decay=0, schedule="constant",
        warmup_fraction=0, learning_rate=0.1, clip_norm=None, accumulate=accumulate,
    )  # fmt: skip

    def plan(epoch: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
        return [np.arange(start, start + batch) for start in range(0, 8, batch)]

    feed = Feed(plan, lambda rows, _: ((x[rows],), y[rows]), lambda _: None)
    fabric = Fabric(accelerator="cpu", devices=1)
    loss = nn.functional.mse_loss
    trained = train_model(fabric, model, build_optimizer(model, train), loss, feed, train, 0)
    return trained.weights["weight"]


def test_accumulated_batches_make_the_gradient_of_the_whole() -> None:
    torch.testing.assert_close(linear_gradient_step(4, 2), linear_gradient_step(1, 8))


def test_class_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    truth = np.array([0, 0, 0, 1, np.nan], np.float32)
    found = class_weights(truth[:, None], Targets())
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=truth[:4])
    np.testing.assert_allclose(found, expected[None], rtol=1e-6)
    with pytest.raises(InputError, match="needs classes"):
        class_weights(truth[:, None], Targets(kind="regression"))
