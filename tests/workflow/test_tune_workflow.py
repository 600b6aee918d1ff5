"""A search in the workflow: two workers, the best values trained, what reruns and what does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workflow_project import Project

from bioseq_dl.train.checkpoint import read_checkpoint

pytestmark = pytest.mark.workflow
Make = Callable[..., dict[str, Any]]
SPACE = {
    "model.conv.0.channels": {"low": 2, "high": 12},
    "train.learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
}
TUNE = {"space": SPACE, "trials": 6, "workers": 2, "sampler": "random", "pruner": "none"}


def rules_of(output: str) -> list[str]:
    """The rules that Snakemake says it runs, each once a job."""
    starts = ("rule ", "localrule ")
    return [line.split()[1].rstrip(":") for line in output.splitlines() if line.startswith(starts)]


def test_two_workers_search_and_the_best_values_are_trained(
    project: Project, make_run: Make
) -> None:
    run = make_run(tune=TUNE)
    project.configure(cnn=run)
    done = project.run()
    assert done.returncode == 0, done.stdout
    folder = project.folder / "results/runs/cnn"
    search = folder / "tune/fold0"
    best = json.loads((search / "best.json").read_text())
    rows = (search / "trials.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[1] for row in rows] == ["finished"] * 6
    values = [float(row.split("\t")[2]) for row in rows]
    assert best["value"] == min(values)
    assert best["trial"] == values.index(min(values))
    parts = [json.loads((search / f"worker{k}.json").read_text())["finished"] for k in (0, 1)]
    assert sorted(parts[0] + parts[1]) == list(range(6))
    for seed in (1, 2):
        model = read_checkpoint(folder / f"fold0/seed{seed}/model.pt").model
        assert model.conv[0].channels == best["parameters"]["model.conv.0.channels"]
    assert not list(search.rglob("*.pt"))
    page = (project.folder / "results/report/report.html").read_text()
    assert "Hyper-parameter search" in page

    assert "Nothing to be done" in project.run().stdout
    # A further seed trains, and searches nothing.
    project.configure(cnn=run | {"train": run["train"] | {"seeds": [1, 2, 3]}})
    ran = rules_of(project.run("--dry-run").stdout)
    assert ran.count("train") == 1
    assert "tune_worker" not in ran
    # Another space searches and trains anew.
    other = TUNE | {"space": SPACE | {"train.momentum": {"choices": [0.8, 0.9]}}}
    project.configure(cnn=run | {"tune": other})
    ran = rules_of(project.run("--dry-run").stdout)
    assert [ran.count(name) for name in ("tune_worker", "choose_trial", "train")] == [2, 1, 2]
    # Without the section, the sizes of the config are trained.
    project.configure(cnn=make_run())
    ran = rules_of(project.run("--dry-run").stdout)
    assert ran.count("train") == 2
    assert "tune_worker" not in ran


def test_each_fold_has_a_search_of_its_own(project: Project, make_run: Make) -> None:
    short = make_run()["train"] | {"seeds": [1], "epochs": 2}
    project.configure(
        cnn=make_run(
            split={"method": "random", "folds": 2, "val_fraction": 0.2},
            train=short,
            tune=TUNE | {"trials": 2},
        )
    )
    done = project.run()
    assert done.returncode == 0, done.stdout
    folds = [
        json.loads((project.folder / f"results/runs/cnn/tune/fold{fold}/best.json").read_text())
        for fold in (0, 1)
    ]
    assert [found["fold"] for found in folds] == [0, 1]
    assert folds[0]["value"] != folds[1]["value"]


def test_a_killed_search_goes_on_where_it_was(project: Project, make_run: Make) -> None:
    train = make_run()["train"] | {"seeds": [1], "epochs": 6, "patience": None}
    run = make_run(train=train | {"checkpoint_seconds": 0}, tune=TUNE)
    project.configure(cnn=run)
    process = subprocess.Popen(
        project.command(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=project.folder,
        start_new_session=True,
    )
    search = project.folder / "results/runs/cnn/tune/fold0"
    # Both workers have begun a trial, and one of them their second.
    while not ((search / "trials/2/resume.pt").exists() or (search / "trials/3").exists()):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    ended = list((search / "trials").glob("*/train.json"))
    before = {path: path.stat().st_mtime_ns for path in ended}
    project.run("--unlock")
    done = project.run()
    assert done.returncode == 0, done.stdout
    assert {path: path.stat().st_mtime_ns for path in ended} == before  # not trained again
    killed = (search / "trials.tsv").read_bytes()
    best = (search / "best.json").read_bytes()
    for path in sorted(search.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert project.run("--forcerun", "tune_worker").returncode == 0
    assert (search / "trials.tsv").read_bytes() == killed
    assert (search / "best.json").read_bytes() == best


def test_a_bad_key_is_told_before_anything_runs(project: Project, make_run: Make) -> None:
    space = {"model.conv.3.channels": {"low": 2, "high": 4}}
    project.configure(cnn=make_run(tune={"space": space}))
    done = project.run()
    assert done.returncode != 0
    assert "no such place '3' in model.conv; allowed: 0 to 0" in done.stdout
    assert not Path(project.folder, "results").exists()
