"""Each step in its own env: the whole workflow, then each env by itself.

``make test-envs`` runs these. The envs are made of packages of this machine's channel, which holds
what requirements.lock names and nothing else; docs/environments.md says what that proves.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from env_files import IMPORT_NAMES, INDEX_NAMES, REPOSITORY, read_envs, read_lock
from lab import Finished, Lab

from bioseq_dl.source_code import imported_modules, step_modules, step_packages
from bioseq_dl.steps import STEPS

pytestmark = [pytest.mark.envs, pytest.mark.timeout(1800)]

OPTIONAL = {"tensorboard", "torch.utils.tensorboard"}
"""Imported only where the config asks for it."""


def ask(python: Path, script: str) -> Any:
    """Run a script that prints JSON, in an interpreter that hears of nothing outside its env."""
    done = subprocess.run(
        [python, "-I", "-c", script], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def list_imports(step: str) -> list[str]:
    """All modules that a step may import, of other packages and our own."""
    modules = step_modules(step)
    names = {name for module in modules for name in imported_modules(module)} | set(modules)
    return sorted(names - OPTIONAL)


def python_of(finished: Finished, step: str) -> Path:
    assert step in finished.envs, f"no env was made of envs/{step}.yaml:\n{finished.done.stdout}"
    return finished.envs[step] / "bin" / "python"


def test_whole_workflow_runs_with_an_env_a_step(finished: Finished) -> None:
    assert finished.done.returncode == 0, finished.done.stdout
    page = (finished.folder / "results" / "report" / "report.html").read_text()
    for run in ("dna", "protein", "cells"):
        assert run in page


def test_every_env_file_is_made_into_an_env_and_used(finished: Finished) -> None:
    told = re.findall(r"Activating conda environment: (.+)", finished.done.stdout)
    used = {Path(path).name for path in told}
    assert set(read_envs()) == set(STEPS)
    unused = {step for step in STEPS if getattr(finished.envs.get(step), "name", "") not in used}
    assert not unused, (
        f"no job ran in the env of: {', '.join(sorted(unused))}; fix: let a run of"
        " tests/envs/env_project.py reach each of these steps"
    )


@pytest.mark.parametrize("step", STEPS)
def test_env_imports_all_that_its_step_may(finished: Finished, step: str) -> None:
    script = (
        "import importlib, json, sys\n"
        f"sys.path.append({str(REPOSITORY)!r})\n"
        f"for name in {list_imports(step)!r}: importlib.import_module(name)\n"
        "print(json.dumps(len(sys.modules)))"
    )
    assert ask(python_of(finished, step), script) > 0


@pytest.mark.parametrize("step", STEPS)
def test_env_holds_the_locked_versions(finished: Finished, step: str) -> None:
    lock = read_lock()
    names = [INDEX_NAMES.get(name, name) for name in read_envs()[step].packages]
    script = (
        "import json\nfrom importlib.metadata import version\n"
        f"print(json.dumps({{name: version(name) for name in {names!r}}}))"
    )
    found = ask(python_of(finished, step), script)
    # What follows a plus names the build, such as that for processors alone.
    assert {name: version.partition("+")[0] for name, version in found.items()} == {
        name: lock[name] for name in names
    }


@pytest.mark.parametrize("step", STEPS)
def test_env_stands_alone(finished: Finished, step: str) -> None:
    """Nothing of the host can stand in for a package that the env lacks."""
    python = python_of(finished, step)
    script = (
        "import importlib.util, json, sys\n"
        "found = importlib.util.find_spec('torch') is not None\n"
        "print(json.dumps({'prefix': sys.prefix, 'path': sys.path, 'torch': found}))"
    )
    found = ask(python, script)
    env = python.parents[1]
    assert found["prefix"] == str(env)
    assert all(Path(path).is_relative_to(env) for path in found["path"])
    assert found["torch"] == ("torch" in step_packages(step))


@pytest.mark.parametrize("step", STEPS)
def test_what_launches_the_workflow_could_not_run_the_step(lab: Lab, step: str) -> None:
    names = [IMPORT_NAMES.get(name, name) for name in read_envs()[step].packages]
    script = (
        "import importlib.util, json\n"
        f"print(json.dumps([n for n in {names!r} if importlib.util.find_spec(n) is None]))"
    )
    assert ask(lab.launcher / "python", script)


def test_paths_may_be_relative_and_hold_spaces(lab: Lab, finished: Finished) -> None:
    assert " " in finished.folder.name
    relative = Path("..", *[".."] * len(finished.folder.parents), *REPOSITORY.parts[1:])
    words = ("--snakefile", str(relative / "Snakefile"), "--directory", finished.folder.name)
    again = lab.deploy(finished.folder.parent, *words, "--dry-run")
    assert again.returncode == 0, again.stdout
    assert "Nothing to be done" in again.stdout


def break_file(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_package_that_an_env_lacks_fails_its_step_by_name(
    lab: Lab, finished: Finished, copy: Path
) -> None:
    """The results are whole, and only the env has changed: its step runs again, and fails."""
    break_file(copy / "envs" / "gather.yaml", "  - pysam =0.24\n", "")
    words = ("--snakefile", str(copy / "Snakefile"), "--cores", "1")
    done = lab.deploy(finished.folder, *words)
    assert done.returncode != 0
    assert "ModuleNotFoundError: No module named 'pysam'" in done.stdout
    assert "Error in rule gather" in done.stdout


def test_a_package_that_pip_lacks_fails_its_step_by_name(
    lab: Lab, finished: Finished, copy: Path
) -> None:
    break_file(copy / "envs" / "explain.yaml", "      - memelite ==0.5.*\n", "")
    words = ("--snakefile", str(copy / "Snakefile"), "--cores", "1")
    done = lab.deploy(finished.folder, *words)
    assert done.returncode != 0
    assert "ModuleNotFoundError: No module named 'memelite'" in done.stdout
    assert "Error in rule explain" in done.stdout


def test_a_version_that_no_channel_has_is_named(lab: Lab, finished: Finished, copy: Path) -> None:
    break_file(copy / "envs" / "gather.yaml", "numpy =2.4", "numpy =99.9")
    words = ("--snakefile", str(copy / "Snakefile"), "--cores", "1")
    done = lab.deploy(finished.folder, *words)
    assert done.returncode != 0
    assert "Could not create conda environment" in done.stdout
    assert "99.9" in done.stdout


def test_a_wrong_path_of_an_env_file_fails_the_dry_run_with_conda(
    lab: Lab, finished: Finished, copy: Path
) -> None:
    break_file(copy / "workflow" / "rules" / "report.smk", "envs/report.yaml", "envs/reprot.yaml")
    words = ("--snakefile", str(copy / "Snakefile"), "--dry-run", "--forcerun", "report")
    done = lab.deploy(finished.folder, *words)
    assert done.returncode != 0
    assert "reprot.yaml" in done.stdout
    # A dry run without --sdm conda does not look, which docs/environments.md warns of.
    assert lab.run(finished.folder, *words).returncode == 0


def test_a_container_can_be_made_of_all_envs(lab: Lab, copy: Path) -> None:
    """In the checkout itself: the recipe names the files as seen from where it is printed."""
    (copy / "config").mkdir()
    shutil.copy(REPOSITORY / "config" / "config.yaml", copy / "config")
    done = lab.run(copy, "--containerize")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^FROM \S+", done.stdout, re.MULTILINE)
    copied = re.findall(r"^COPY (\S+) ", done.stdout, re.MULTILINE)
    assert sorted(copied) == sorted(f"envs/{step}.yaml" for step in STEPS)
