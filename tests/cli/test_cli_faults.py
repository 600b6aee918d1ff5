"""Full and read-only disks, and files in the way: told in a line, nothing half-written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_project import Project

from bioseq_dl.io import atomic

OUTPUTS: dict[str, dict[str, str]] = {
    "fetch": {"out": "sources.json"},
    "ingest": {"records": "records.parquet", "rejected": "rejected.tsv", "summary": "i.json"},
    "split": {"folds": "split.parquet", "audit": "audit.json", "pairs": "audit_pairs.tsv"},
    "encode": {"examples": "examples.safetensors"},
    "train": {"model": "model.pt"},
    "predict": {"predictions": "predictions.parquet"},
    "baseline": {"predictions": "prior-fold0.parquet"},
    "evaluate": {"metrics": "metrics.json"},
}
STEPS = pytest.mark.parametrize("step", OUTPUTS)
FULL = "cannot write: no space left on the disk; fix: free some space, then run again"
NO_PERMISSION = (
    "cannot write: the file system is read-only; fix: write to another results folder",
    "cannot write: no permission to write here; fix: change the folder's permissions",
)


def into(step: str, folder: str) -> dict[str, str]:
    return {option: f"{folder}/{name}" for option, name in OUTPUTS[step].items()}


def error_of(
    project: Project, capsys: pytest.CaptureFixture[str], step: str, **changes: Any
) -> str:
    """Run a step that must end with 2 and one error; give it."""
    capsys.readouterr()
    assert project.run(step, **changes) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    return errors[0].removeprefix("error: ")


def renew(project: Project) -> None:
    """Make sources.json fit the copy's own paths."""
    assert project.run("fetch") == 0


@STEPS
def test_full_disk(
    step: str, finished: Project, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renew(finished)
    error = error_of(finished, capsys, step, **into(step, "full"))
    assert error.startswith(f"{full_disk}/")
    assert error.endswith(FULL)
    assert [path.name for path in full_disk.iterdir()] == ["filler"]
    (full_disk / "filler").unlink()
    assert finished.run(step, **into(step, "full")) == 0
    assert {path.name for path in full_disk.iterdir()} >= set(OUTPUTS[step].values())


@STEPS
def test_disk_that_fills_up_while_it_is_written(
    step: str,
    finished: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    renew(finished)

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("bioseq_dl.io.atomic.os.fsync", fail)
        error = error_of(finished, capsys, step, **into(step, "out"))
    assert error.endswith(FULL)
    assert [path for path in (finished / "out").rglob("*") if path.is_file()] == []
    assert finished.run(step, **into(step, "out")) == 0


@STEPS
def test_read_only_results(
    step: str,
    finished: Project,
    read_only: Callable[[Path], Callable[[], None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    renew(finished)
    (finished / "out").mkdir()
    read_only(finished / "out")
    error = error_of(finished, capsys, step, **into(step, "out"))
    assert error.startswith(f"{finished / 'out'}/")
    assert error.endswith(NO_PERMISSION)
    assert list((finished / "out").iterdir()) == []


@STEPS
def test_a_file_where_the_folder_should_be(
    step: str, finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    renew(finished)
    (finished / "out").write_text("mine")
    error = error_of(finished, capsys, step, **into(step, "out"))
    assert "cannot write: a file stands where a folder is needed; fix: remove" in error
    assert (finished / "out").read_text() == "mine"


@STEPS
def test_a_folder_where_an_output_should_be(
    step: str, finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    renew(finished)
    last = list(OUTPUTS[step].values())[-1]
    (finished / "out" / last).mkdir(parents=True)
    error = error_of(finished, capsys, step, **into(step, "out"))
    assert error.startswith(f"{finished / 'out' / last}: cannot write: a folder stands where")
    assert not [path for path in (finished / "out").rglob("*") if ".part" in path.name]


def test_old_results_outlive_a_failed_step(
    finished: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / "examples.safetensors").read_bytes()

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bioseq_dl.io.atomic.os.fsync", fail)
    error_of(finished, capsys, "encode")
    assert (finished / "examples.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", ["history.csv", "resume.pt", "train.json", "model.pt"])
def test_training_that_meets_a_full_disk_goes_on_to_the_same_model(
    name: str,
    finished: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flush = atomic._flush
    written = []
    # What is written after each epoch fails after the second: the first is then kept.
    failing = 2 if name in ("history.csv", "resume.pt") else 1

    def fail(path: Path) -> None:
        written.extend([path] if path.name.startswith(f".{name}.") else [])
        if len(written) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(path)

    with monkeypatch.context() as patch:
        patch.setattr("bioseq_dl.io.atomic._flush", fail)
        error = error_of(finished, capsys, "train", model="again/model.pt")
    assert error == f"{finished / 'again' / name}: {FULL}"
    left = {path.name for path in (finished / "again").iterdir()}
    assert "model.pt" not in left
    assert not [each for each in left if ".part" in each]
    assert finished.run("train", model="again/model.pt") == 0
    assert json.loads((finished / "again" / "train.json").read_text())["resumed"] == 1
    model = (finished / "again" / "model.pt").read_bytes()
    assert model == (finished / "fold0" / "seed1" / "model.pt").read_bytes()


def test_cache_on_a_full_disk(
    fresh: Project, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fresh / "peaks.bed").write_text("chr1\t10\t30\n")
    (fresh / "genome.fa").write_text(f">chr1\n{'ACGT' * 5000}\n")
    peaks = {
        "format": "bed",
        "source": {"path": str(fresh / "peaks.bed")},
        "genome": {"path": str(fresh / "genome.fa")},
        "negatives": {},
    }
    fresh.configure(cnn=fresh.section(ingest={"inputs": [peaks]}))
    assert fresh.run("fetch") == 0
    error = error_of(fresh, capsys, "ingest", cache="full")
    assert error.endswith(FULL)
    assert not (fresh / "records.parquet").exists()
    files = {path.name for path in full_disk.rglob("*") if path.is_file() and path.stat().st_size}
    assert files == {"filler"}


def test_download_onto_a_full_disk(
    fresh: Project, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = fresh.section()
    path = fresh / "bound.fa"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    section["ingest"]["inputs"][0]["source"] = {"url": path.as_uri(), "sha256": digest}
    fresh.configure(cnn=section)
    error = error_of(fresh, capsys, "fetch", cache="full")
    assert error.endswith(FULL)
    assert not (fresh / "sources.json").exists()
    files = {path.name for path in full_disk.rglob("*") if path.is_file() and path.stat().st_size}
    assert files == {"filler"}
