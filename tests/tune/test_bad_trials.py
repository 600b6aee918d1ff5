"""Trials that the machine's memory is too small for, and whose files are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from planted import write_planted
from small_search import Small

from bioseq_dl.tune import worker as worker_module


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "search", write_planted(tmp_path / "examples.safetensors"))
    made.configure(trials=2)
    return made


def take_all() -> None:
    torch.empty(1 << 50)


def take_more() -> None:
    torch.empty(1 << 61)


def take_objects() -> None:
    bytearray(1 << 60)


@pytest.mark.parametrize("take", [take_all, take_more, take_objects])
def test_a_trial_too_large_for_the_machine_fails_alone(
    small: Small, monkeypatch: pytest.MonkeyPatch, take: Any
) -> None:
    fit = worker_module.fit_model

    def fill(job: Any, *arguments: Any) -> None:
        if job.out.parent.name == "0":
            take()
        fit(job, *arguments)

    monkeypatch.setattr(worker_module, "fit_model", fill)
    assert small.work() == 0
    assert small.choose() == 0
    assert [row["state"] for row in small.rows] == ["failed", "finished"]
    assert small.rows[0]["reason"] == "out of the machine's memory"


def test_another_fault_of_a_training_is_not_the_trials(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(worker_module, "fit_model", fail)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        small.work()


@pytest.mark.parametrize(
    "damaged", [b"", b"{}", b"[]", b"null", b"\xff", b'{"kept_val_loss": 0.1}', b'{"kept_val_']
)
def test_a_trial_with_a_damaged_summary_is_trained_again(
    small: Small, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    fit = worker_module.fit_model

    def die(*arguments: Any) -> None:
        fit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(worker_module, "fit_model", die)
    assert small.work() == 130
    monkeypatch.undo()
    summary = small.folder / "trials/0/train.json"
    value = json.loads(summary.read_text())["kept_val_loss"]
    summary.write_bytes(damaged)
    assert small.work() == 0
    assert small.choose() == 0
    assert float(small.rows[0]["value"]) == value
    assert json.loads(summary.read_text())["kept_val_loss"] == value
