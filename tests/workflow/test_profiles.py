"""The profiles are read, and each step asks for what it should and lands where it should."""

from __future__ import annotations

import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from workflow_project import REPOSITORY, Project

pytestmark = pytest.mark.workflow
Make = Callable[..., dict[str, Any]]
PROFILES = REPOSITORY / "profiles"
SLURM = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
RULE = re.compile(r"^ *(?:rule|localrule) (\w+):$")


def plan(project: Project, profile: str, *words: str) -> list[dict[str, Any]]:
    """What a dry run would ask for: the rule, its group and resources of each job."""
    cores = yaml.safe_load((PROFILES / profile / "config.yaml").read_text())["cores"]
    start = ["--workflow-profile", str(PROFILES / profile), "--cores", str(cores)]
    done = project.run(*start, "--dry-run", *words)
    assert done.returncode == 0, done.stdout
    jobs: list[dict[str, Any]] = []
    group = None
    for line in done.stdout.splitlines():
        if line.startswith("["):
            found = re.search(r"\] Group job (\w+)", line)
            group = found.group(1) if found else None
        elif match := RULE.match(line):
            jobs.append({"rule": match.group(1), "group": group, "threads": 1})
        elif jobs and (match := re.match(r"^ *(threads|wildcards|resources): (.*)$", line)):
            pairs = dict(pair.split("=", 1) for pair in match.group(2).split(", ") if "=" in pair)
            numbers = {key: int(each) if each.isdigit() else each for key, each in pairs.items()}
            jobs[-1] |= numbers or {match.group(1): int(match.group(2))}
    assert jobs
    return jobs


@pytest.fixture
def mixed(project: Project, make_run: Make) -> Project:
    """A run that insists on 2 GPUs, and searches, beside one that takes what there is."""
    train = make_run()["train"] | {"device": "cuda", "devices": 2, "threads": 8}
    tune = {"space": {"train.learning_rate": {"choices": [0.1, 0.01]}}, "pruner": "none"}
    project.configure(cpu=make_run(), gpu=make_run(train=train, tune=tune))
    return project


def partition_of(job: dict[str, Any]) -> str | None:
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm.partitions")
    partitions = plugin.read_partition_file(PROFILES / "slurm" / "config.yaml")
    asked = SimpleNamespace(name=job["rule"], threads=job["threads"], resources=job)
    found: str | None = plugin.get_best_partition(partitions, asked, logging.getLogger())
    return found


@pytest.mark.parametrize("attempt", [1, 1 + SLURM["retries"]])
def test_on_slurm_each_job_lands_in_its_partition_with_memory_and_gpus(
    mixed: Project, attempt: int
) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm")
    jobs = [job for job in plan(mixed, "slurm", "--attempt", str(attempt)) if "mem_mb" in job]
    for job in jobs:
        wants_gpu = job["rule"] in ("tune_worker", "train", "predict") and job["run"] == "gpu"
        count = 1 if job["rule"] == "predict" else 2
        assert job.get("gpu", 0) == (count if wants_gpu else 0), job
        assert partition_of(job) == ("gpu" if wants_gpu else "cpu"), job
        saves = job["rule"] in ("tune_worker", "train")
        assert ("--signal" in job.get("slurm_extra", "")) == saves, job
    memory = {job["rule"]: job["mem_mb"] for job in jobs}
    assert memory["train"] == 8000 * attempt
    assert memory["evaluate"] == 4000 * attempt
    time = {job["rule"]: job["runtime"] for job in jobs}
    assert time["train"] == 24 * 60  # goes on, and needs no more than a day at a time
    assert time["predict"] == 240 * attempt
    threads = {job["threads"] for job in jobs if job["rule"] == "train"}
    assert threads == {1, 2 * 8}  # of each of the processes


def test_on_slurm_short_steps_share_a_job_and_fit_the_partitions(mixed: Project) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm")
    jobs = plan(mixed, "slurm", "--attempt", str(1 + SLURM["retries"]))
    groups = {job["rule"]: job["group"] for job in jobs if job["rule"] != "default"}
    assert groups == {
        **dict.fromkeys(("fetch", "ingest", "split", "encode"), "prepare"),
        "baseline": "baselines",
        "evaluate": "judge",
        **dict.fromkeys(("tune_worker", "choose_trial", "train", "predict", "report"), None),
    }
    limit = min(each["max_runtime"] for each in SLURM["partitions"].values())
    prepare = {job["rule"]: job["runtime"] for job in jobs if job["group"] == "prepare"}
    assert sum(prepare.values()) <= limit  # one after the other, on the last try too


def test_no_request_goes_beyond_the_largest_node(mixed: Project) -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm")
    jobs = plan(mixed, "slurm", "--attempt", "100")
    assert max(job.get("mem_mb", 0) for job in jobs) == SLURM["resources"]["mem_mb"]


def test_groups_name_rules_and_none_that_takes_a_gpu() -> None:
    paths = (REPOSITORY / "workflow").rglob("*.smk")
    text = "".join(f"\n{path.read_text()}" for path in paths)
    rules = {}
    for block in re.split(r"\n(?=rule |use rule )", text)[1:]:
        name = re.match(r"(?:use rule \w+ as|rule) (\w+)", block)
        assert name is not None
        rules[name.group(1)] = "gpu=" in block or block.startswith("use rule predict ")
    assert set(SLURM["groups"]) <= set(rules)
    assert not [name for name in SLURM["groups"] if rules[name]]
    assert rules["train"]
    assert rules["predict_cells"]


def test_a_site_edits_the_top_of_one_file() -> None:
    text = (PROFILES / "slurm" / "config.yaml").read_text()
    edited, _, rest = text.partition("# ---- The rest holds on every cluster")
    assert rest
    assert len(edited.splitlines()) < 30
    assert set(yaml.safe_load(edited)) == {
        *("default-resources", "partitions", "jobs", "cores", "resources"),
    }


def test_on_kubernetes_the_pod_runs_the_workflow(mixed: Project) -> None:
    profile = yaml.safe_load((PROFILES / "kubernetes" / "config.yaml").read_text())
    jobs = plan(mixed, "kubernetes", "--attempt", "9")
    assert max(job.get("mem_mb", 0) for job in jobs) == profile["resources"]["mem_mb"] == 60000
    assert max(job.get("gpu", 0) for job in jobs) == 1  # of the two that the run asks for
    pod = yaml.safe_load((PROFILES / "kubernetes" / "job.yaml").read_text())
    spec = pod["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert "--workflow-profile profiles/kubernetes" in container["args"][0]
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert int(requests["cpu"]) == profile["cores"]
    assert int(requests["memory"].removesuffix("Gi")) * 1024**3 / 1e6 > 60000
    assert limits["nvidia.com/gpu"] == profile["resources"]["gpu"]
    (volume,) = spec["volumes"]
    (mount,) = container["volumeMounts"]
    assert volume["name"] == mount["name"]
    assert mount["mountPath"] == container["workingDir"]


def test_the_default_profile_goes_on_and_keeps_going(mixed: Project) -> None:
    default = yaml.safe_load((PROFILES / "default" / "config.yaml").read_text())
    assert default["cores"]
    for name in ("keep-going", "rerun-incomplete", "rerun-triggers"):
        others = (yaml.safe_load((PROFILES / each / "config.yaml").read_text()) for each in
                  ("slurm", "kubernetes"))  # fmt: skip
        assert all(other[name] == default[name] for other in others)
    assert {job["group"] for job in plan(mixed, "default")} == {None}


def test_the_shell_of_a_step_waits_for_its_command_when_asked_to_end(tmp_path: Path) -> None:
    prefix = "set -euo pipefail; trap : TERM; "
    assert prefix in (REPOSITORY / "workflow" / "rules" / "common.smk").read_text()
    command = (
        "import signal, sys, time\n"
        "asked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
        "open('ready', 'w').close()\n"
        "while not asked:\n    time.sleep(0.01)\n"
        "time.sleep(0.5)\n"  # what a large state takes to be written
        "open('saved', 'w').close()\n"
        "sys.exit(143)\n"
    )
    (tmp_path / "command.py").write_text(command)
    line = f"{prefix}{shlex.quote(sys.executable)} command.py > log 2>&1"
    shell = subprocess.Popen(["bash", "-c", line], cwd=tmp_path, start_new_session=True)
    while not (tmp_path / "ready").exists():
        assert shell.poll() is None
        time.sleep(0.01)
    os.killpg(shell.pid, signal.SIGTERM)  # as Slurm does: all processes of the job
    assert shell.wait(timeout=30) == 143
    assert (tmp_path / "saved").exists()
