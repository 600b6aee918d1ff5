"""Fixtures of the command line's tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("variants", "io/bad_input")]

from small_project import Project, make_project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """Two FASTA files and a config, no step run."""
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("finished"))
    for step in ("fetch", "ingest", "split", "encode", "train", "predict", "baseline", "evaluate"):
        assert project.run(step) == 0, step
    return project


@pytest.fixture
def finished(_finished: Project, tmp_path: Path) -> Project:
    """A copy of a project of which all steps are run."""
    shutil.copytree(_finished.folder, tmp_path, dirs_exist_ok=True)
    made = Project(tmp_path)
    made.configure(cnn=made.section())
    return made
