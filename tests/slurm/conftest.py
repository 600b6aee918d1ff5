"""A Slurm for the session, and an undisturbed run without Slurm to compare with."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from slurm_lab import NoSlurm, has_own_slurm, run_lab
from slurm_project import REPOSITORY, ClusterProject, copy_prepared


@pytest.fixture(scope="session")
def slurm() -> Iterator[bool]:
    """A Slurm that answers; true where it is the lab, with two nodes and fake GPUs."""
    if has_own_slurm():
        yield False
        return
    with tempfile.TemporaryDirectory(prefix="slurm-lab-") as folder:
        try:
            with run_lab(Path(folder)):
                yield True
        except NoSlurm as reason:
            pytest.skip(str(reason))


@pytest.fixture
def lab(slurm: bool) -> None:
    """The lab and not a site's Slurm: the test wants root's power over nodes, or its partitions."""
    if not slurm:
        pytest.skip("this machine belongs to a Slurm: only a lab's nodes are taken down by tests")


@pytest.fixture(scope="session")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], ClusterProject]]:
    """Start the undisturbed run without Slurm; the function given waits for it and gives it."""
    project = ClusterProject(tmp_path_factory.mktemp("local")).fill()
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    words += ["--directory", str(project.folder), "--workflow-profile", "none", "--cores", "1"]
    with (project.folder / "local.log").open("wb") as handle:
        process = subprocess.Popen(
            words,
            stdout=handle,
            stderr=subprocess.STDOUT,
            env=os.environ | {"XDG_CACHE_HOME": str(project.folder / "cache")},
        )

    def wait() -> ClusterProject:
        assert process.wait(timeout=500) == 0, project.text("local.log")
        return project

    yield wait
    process.kill()
    process.wait()


@pytest.fixture
def undisturbed(local_run: Callable[[], ClusterProject]) -> ClusterProject:
    """What comes out where nothing goes wrong."""
    return local_run()


@pytest.fixture
def prepared(slurm: bool, undisturbed: ClusterProject, tmp_path: Path) -> Iterator[ClusterProject]:
    """A project whose data are encoded and whose baselines are fitted, ready to train."""
    made = copy_prepared(undisturbed, tmp_path / "project")
    yield made
    made.kill()
    for job in made.jobs():
        if job["JobState"] in ("PENDING", "RUNNING", "SUSPENDED"):
            subprocess.run(["scancel", job["JobId"]], check=False)
