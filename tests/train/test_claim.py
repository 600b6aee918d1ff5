"""Two trainings of one model at once: the second waits, and takes over what the first leaves."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from planted import write_planted

from bioseq_dl.train.claim import claim_model, is_finished

RUN = {
    "task": "dna_sequence",
    "targets": {},
    "model": {"conv": [{"channels": 4, "kernel": 9}]},
    "train": {"epochs": 3, "batch_size": 16, "checkpoint_seconds": 0, "patience": None},
    "ingest": {"inputs": [{"format": "fasta", "source": {"path": "not-read.fa"}}]},
}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "examples.safetensors")


def start(folder: Path, examples: Path, log: str, **train: object) -> subprocess.Popen[bytes]:
    config = folder / f"{log}.yaml"
    config.write_text(json.dumps({"runs": {"run": RUN | {"train": RUN["train"] | train}}}))  # type: ignore[operator]
    words = [sys.executable, "-m", "bioseq_dl", "train", "--config", str(config), "--threads", "1"]
    words += ["--examples", str(examples), "--model", str(folder / "model.pt")]
    with (folder / log).open("wb") as handle:
        return subprocess.Popen(words, stderr=handle)


def wait_for(folder: Path, log: str, words: str) -> None:
    end = time.monotonic() + 60
    while words not in (folder / log).read_text():
        assert time.monotonic() < end, (folder / log).read_text()
        time.sleep(0.02)


@pytest.fixture
def stopped(tmp_path: Path, examples: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A training that stands still after its first epoch."""
    first = start(tmp_path, examples, "first")
    wait_for(tmp_path, "first", "epoch 1/3")
    first.send_signal(signal.SIGSTOP)
    yield first
    first.kill()
    first.wait()


def test_the_second_takes_the_model_that_the_first_has_finished(
    tmp_path: Path, examples: Path, stopped: subprocess.Popen[bytes]
) -> None:
    second = start(tmp_path, examples, "second")
    wait_for(tmp_path, "second", "another process trains this model")
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(timeout=60) == 0
    model = (tmp_path / "model.pt").stat()
    assert second.wait(timeout=60) == 0
    assert "has finished this model" in (tmp_path / "second").read_text()
    assert (tmp_path / "model.pt").stat() == model
    assert not (tmp_path / ".train.lock").exists()


def test_the_second_goes_on_where_the_first_was_killed(
    tmp_path: Path, examples: Path, stopped: subprocess.Popen[bytes]
) -> None:
    second = start(tmp_path, examples, "second")
    wait_for(tmp_path, "second", "another process trains this model")
    stopped.kill()
    assert second.wait(timeout=60) == 0
    assert "resuming in epoch" in (tmp_path / "second").read_text()
    assert json.loads((tmp_path / "train.json").read_text())["resumed"] == 1


def test_a_model_of_another_config_is_not_taken(
    tmp_path: Path, examples: Path, stopped: subprocess.Popen[bytes]
) -> None:
    second = start(tmp_path, examples, "second", epochs=2)
    wait_for(tmp_path, "second", "another process trains this model")
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(timeout=60) == 0
    assert second.wait(timeout=60) == 0
    assert "epoch 2/2" in (tmp_path / "second").read_text()
    assert json.loads((tmp_path / "train.json").read_text())["epochs_run"] == 2


def test_a_finished_model_alone_is_trained_anew(tmp_path: Path, examples: Path) -> None:
    assert start(tmp_path, examples, "first").wait(timeout=60) == 0
    assert start(tmp_path, examples, "second").wait(timeout=60) == 0
    assert "epoch 3/3" in (tmp_path / "second").read_text()  # as --forcerun means it


def test_one_at_a_time_however_many_wait(tmp_path: Path) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def work(number: int) -> None:
        with claim_model(tmp_path / "model.pt", lambda _: None):
            inside.append(number)
            seen.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 20
    assert not list(tmp_path.iterdir())


def test_where_there_are_no_locks_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(fcntl, "flock", fail)
    said: list[str] = []
    with claim_model(tmp_path / "model.pt", said.append) as waited:
        assert not waited
    assert len(said) == 1
    assert said[0].startswith("no locks on this file system (")


def test_a_model_older_than_its_summary_is_not_finished(tmp_path: Path) -> None:
    model = tmp_path / "model.pt"
    assert not is_finished(model, "key")
    model.write_bytes(b"model")
    (tmp_path / "train.json").write_text('{"key": "key"}')
    os.utime(model)
    assert is_finished(model, "key")
    assert not is_finished(model, "other")
    os.utime(model, (0, 0))
    assert not is_finished(model, "key")
