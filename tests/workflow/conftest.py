"""Fixtures of the workflow tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workflow_project import Project, small_run, write_fasta


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_fasta(tmp_path / "data" / "bound.fa", 150, motif=True, seed=1)
    write_fasta(tmp_path / "data" / "background.fa", 150, motif=False, seed=2)
    made = Project(tmp_path)
    made.configure(cnn=small_run())
    return made


@pytest.fixture
def make_run() -> Callable[..., dict[str, Any]]:
    return small_run
