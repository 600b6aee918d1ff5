"""The workflow on a full and on a read-only disk: a clear end, and a rerun that completes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow_project import Project

pytestmark = pytest.mark.workflow
Make = Callable[..., dict[str, Any]]


def configure(project: Project, results: Path, run: dict[str, Any]) -> None:
    short = run | {"train": run["train"] | {"seeds": [1], "epochs": 1}}
    config = {"results": str(results), "runs": {"cnn": short}}
    (project.folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))


def completes(project: Project, results: Path) -> None:
    done = project.run()
    assert done.returncode == 0, done.stdout
    assert "cnn" in (results / "report" / "report.html").read_text()
    assert not [path for path in results.rglob("*") if ".part" in path.name]


def test_full_disk(project: Project, make_run: Make, full_disk: Path) -> None:
    configure(project, full_disk, make_run())
    done = project.run()
    assert done.returncode != 0
    assert "cannot write: no space left on the disk; fix: free some space" in done.stdout
    left = [path for path in full_disk.rglob("*") if path.suffix in (".parquet", ".pt", ".json")]
    assert left == []
    (full_disk / "filler").unlink()
    completes(project, full_disk)


def test_read_only_results(
    project: Project, make_run: Make, read_only: Callable[[Path], Callable[[], None]]
) -> None:
    results = project.folder / "results"
    results.mkdir()
    configure(project, results, make_run())
    undo = read_only(results)
    done = project.run()
    assert done.returncode != 0
    wanted = f"error: {results / 'config.yaml'}: cannot write: "
    assert wanted in done.stdout, done.stdout
    assert "Traceback" not in done.stdout
    assert list(results.iterdir()) == []
    undo()
    completes(project, results)
