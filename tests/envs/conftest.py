"""Fixtures of the tests of the env files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from env_files import REPOSITORY, read_envs
from env_project import write_project
from lab import Finished, Lab, set_up


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """What the workflow runs with."""
    if sys.platform != "linux":
        pytest.skip("the channel is made of this machine's Python, which is tried on Linux only")
    with set_up() as made:
        yield made


@pytest.fixture(scope="session")
def finished(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The small project after one run of the whole workflow, in a folder with a space."""
    folder = tmp_path_factory.mktemp("whole") / "small project"
    write_project(folder)
    words = ("--snakefile", str(REPOSITORY / "Snakefile"), "--cores", "2")
    done = lab.deploy(folder, *words)
    envs = {}
    for made in lab.prefix.glob("*.yaml"):
        for step in read_envs():
            if made.read_bytes() == (REPOSITORY / "envs" / f"{step}.yaml").read_bytes():
                envs[step] = made.with_suffix("")
    return Finished(folder, done, envs)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the workflow, in a folder with a space, to be broken."""
    folder = tmp_path / "a copy"
    folder.mkdir()
    for name in ("bioseq_dl", "envs", "profiles", "workflow"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignore)
    shutil.copy(REPOSITORY / "Snakefile", folder)
    return folder
