"""A training that is killed, at whatever moment, ends in the same weights bit by bit."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from planted import write_planted

from bioseq_dl.train.checkpoint import read_checkpoint

# Everything with state: dropout, augmentation, moving averages, momentum, batch
# statistics, accumulation over steps, a schedule, early stopping.
SETTINGS = {
    "task": "dna_sequence",
    "targets": {},
    "model": {
        "conv": [{"channels": 8, "kernel": 9, "pool": 2, "dropout": 0.1}],
        "recurrent": {"kind": "gru", "hidden": 8},
        "dense": [8],
        "dropout": 0.2,
    },
    "train": {
        "epochs": 4,
        "batch_size": 16,
        "accumulate": 2,
        "ema_decay": 0.9,
        "checkpoint_seconds": 0,
        "augment": {"reverse_complement": True, "shift": 3, "substitution": 0.05},
        "schedule": "plateau",
        "plateau_patience": 0,
    },
}


def command(folder: Path, examples: Path, settings: dict[str, Any] = SETTINGS) -> list[str]:
    source = {"path": "not-read.fa"}
    run = settings | {"ingest": {"inputs": [{"format": "fasta", "source": source}]}}
    text = json.dumps({"runs": {"run": run}})
    config = examples.with_name(f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml")
    config.write_text(text)
    words = [sys.executable, "-m", "bioseq_dl", "train", "--config", str(config)]
    words += ["--examples", str(examples), "--seed", "7", "--threads", "1"]
    return [*words, "--model", str(folder / "model.pt")]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "examples.safetensors")


@pytest.fixture(scope="module")
def undisturbed(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(folder, examples), check=True, capture_output=True)
    return folder


def run_until(folder: Path, examples: Path, checkpoints: int, number: signal.Signals) -> int:
    """Start a training, send a signal after so many new checkpoints; give the exit code."""
    process = subprocess.Popen(
        command(folder, examples), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    state, seen, last = folder / "resume.pt", 0, None
    while process.poll() is None and seen < checkpoints:
        if state.exists():
            try:
                now = state.stat().st_ino
            except FileNotFoundError:
                continue
            seen += now != last
            last = now
        time.sleep(0.0005)
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(timeout=60)


def curve(folder: Path) -> list[str]:
    """The learning curve without its last column, wall time."""
    return [line.rpartition(",")[0] for line in (folder / "history.csv").read_text().splitlines()]


@pytest.mark.parametrize("checkpoints", [1, 8, 25])
def test_killed_training_resumes_to_the_same_bytes(
    tmp_path: Path, examples: Path, undisturbed: Path, checkpoints: int
) -> None:
    assert run_until(tmp_path, examples, checkpoints, signal.SIGKILL) == -signal.SIGKILL
    assert not (tmp_path / "model.pt").exists()
    done = subprocess.run(command(tmp_path, examples), check=True, capture_output=True, text=True)
    assert "resuming in epoch" in done.stderr
    assert (tmp_path / "model.pt").read_bytes() == (undisturbed / "model.pt").read_bytes()
    assert curve(tmp_path) == curve(undisturbed)
    assert json.loads((tmp_path / "train.json").read_text())["resumed"] == 1
    assert not (tmp_path / "resume.pt").exists()


def test_sigterm_saves_the_state_and_says_so(
    tmp_path: Path, examples: Path, undisturbed: Path
) -> None:
    assert run_until(tmp_path, examples, 5, signal.SIGTERM) == 143
    assert (tmp_path / "resume.pt").exists()
    subprocess.run(command(tmp_path, examples), check=True, capture_output=True)
    assert (tmp_path / "model.pt").read_bytes() == (undisturbed / "model.pt").read_bytes()


def test_killed_again_and_again(tmp_path: Path, examples: Path, undisturbed: Path) -> None:
    for _ in range(4):
        run_until(tmp_path, examples, 6, signal.SIGKILL)
    subprocess.run(command(tmp_path, examples), check=True, capture_output=True)
    assert (tmp_path / "model.pt").read_bytes() == (undisturbed / "model.pt").read_bytes()


def test_state_of_another_config_is_not_used(
    tmp_path: Path, examples: Path, undisturbed: Path
) -> None:
    other = SETTINGS | {"train": SETTINGS["train"] | {"learning_rate": 0.01}}  # type: ignore[operator]
    process = subprocess.Popen(command(tmp_path, examples, other), stderr=subprocess.DEVNULL)
    while not (tmp_path / "resume.pt").exists():
        assert process.poll() is None
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    done = subprocess.run(command(tmp_path, examples), check=True, capture_output=True, text=True)
    assert "resuming" not in done.stderr
    assert (tmp_path / "model.pt").read_bytes() == (undisturbed / "model.pt").read_bytes()


def test_another_seed_gives_other_weights(
    tmp_path: Path, examples: Path, undisturbed: Path
) -> None:
    words = command(tmp_path, examples)
    words[words.index("7")] = "8"
    subprocess.run(words, check=True, capture_output=True)
    mine = read_checkpoint(tmp_path / "model.pt").weights
    theirs = read_checkpoint(undisturbed / "model.pt").weights
    assert any(not torch.equal(mine[name], theirs[name]) for name in mine)
