"""The workflow from files to a report, and what makes which step run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from workflow_project import Project

pytestmark = pytest.mark.workflow
Make = Callable[..., dict[str, Any]]


def test_files_to_report_then_nothing_then_only_what_changed(
    project: Project, make_run: Make
) -> None:
    other = make_run(model={"recurrent": {"kind": "gru", "hidden": 4}})
    project.configure(cnn=make_run(), gru=other)
    done = project.run()
    assert done.returncode == 0, done.stdout
    results = project.folder / "results"
    page = (results / "report" / "report.html").read_text()
    assert "cnn" in page
    assert "gru" in page
    assert len(list((results / "data").glob("*/records.parquet"))) == 1  # shared by both runs
    judged = json.loads((results / "runs/cnn/evaluation/metrics.json").read_text())
    auroc = judged["predictors"]["model"]["bound"]["auroc"]
    assert auroc["low"] <= auroc["value"] <= auroc["high"]
    assert auroc["value"] > judged["predictors"]["prior"]["bound"]["auroc"]["value"]

    again = project.run()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout

    faster = make_run(train=make_run()["train"] | {"learning_rate": 0.005})
    project.configure(cnn=faster, gru=other)
    assert project.planned() >= {"train", "predict", "evaluate", "report"}
    assert not project.planned() & {"fetch", "ingest", "split", "encode", "baseline"}

    more_seeds = make_run(train=make_run()["train"] | {"seeds": [1, 2, 3]})
    project.configure(cnn=more_seeds, gru=other)
    plan = project.run("--dry-run").stdout
    assert plan.count("rule train:") == 1

    project.configure(cnn=make_run(), gru=other)
    peaks = project.folder / "data" / "bound.fa"
    os.utime(peaks)
    assert not project.planned()  # a new date on the same content is no change
    with peaks.open("a") as handle:
        handle.write(f">more\n{'ACGT' * 15}\n")
    assert {"fetch", "ingest"} <= project.planned()


def test_k_fold_with_regression_targets(project: Project, make_run: Make) -> None:
    run = make_run(
        targets={"names": ["bound"], "kind": "regression"},
        split={"method": "random", "folds": 2, "val_fraction": 0.2},
        train=make_run()["train"] | {"seeds": [1]},
    )
    project.configure(reg=run)
    done = project.run()
    assert done.returncode == 0, done.stdout
    judged = json.loads((project.folder / "results/runs/reg/evaluation/metrics.json").read_text())
    assert judged["records"]["bound"]["test"] == 300  # every record tested once
    assert "pearson" in judged["predictors"]["model"]["bound"]


def test_a_leak_fails_the_run_and_names_the_pair(project: Project) -> None:
    path = project.folder / "data" / "bound.fa"
    sequences = path.read_text().splitlines()[1::2]
    path.write_text("".join(f">s{n}\n{s}\n" for n, s in enumerate(sequences + sequences)))
    done = project.run()
    assert done.returncode != 0
    assert "error: " in done.stdout
    assert "bound/s" in done.stdout
    assert "Traceback" not in done.stdout.split("error: ")[1].splitlines()[0]
    assert not list((project.folder / "results").glob("data/*/*/split.parquet"))


def test_a_config_mistake_stops_before_anything_runs(project: Project, make_run: Make) -> None:
    project.configure(cnn=make_run(train={"epoch": 3}))
    done = project.run()
    assert done.returncode != 0
    assert "key runs.cnn.train.epoch: unknown key" in done.stdout
    assert not (project.folder / "results").exists()


def test_two_at_once_end_with_a_clear_message_and_whole_results(project: Project) -> None:
    first = subprocess.Popen(
        project.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=project.folder
    )
    locks = project.folder / ".snakemake" / "locks"
    while not (locks.is_dir() and any(locks.iterdir())):
        assert first.poll() is None
        time.sleep(0.05)
    second = project.run()
    assert second.returncode != 0
    assert "cannot be locked" in second.stdout
    assert first.wait(timeout=300) == 0
    assert "Nothing to be done" in project.run().stdout


def test_killed_workflow_goes_on_to_the_same_model(project: Project, make_run: Make) -> None:
    slow = make_run()["train"] | {"seeds": [1], "epochs": 30, "patience": None}
    project.configure(cnn=make_run(train=slow | {"checkpoint_seconds": 0}))
    process = subprocess.Popen(
        project.command(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=project.folder,
        start_new_session=True,
    )
    folder = project.folder / "results/runs/cnn/fold0/seed1"
    while not (folder / "resume.pt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    project.run("--unlock")
    done = project.run()
    assert done.returncode == 0, done.stdout
    resumed = (folder / "model.pt").read_bytes()
    assert json.loads((folder / "train.json").read_text())["resumed"] == 1
    undisturbed = project.run("--forcerun", "train")
    assert undisturbed.returncode == 0, undisturbed.stdout
    assert json.loads((folder / "train.json").read_text())["resumed"] == 0
    assert (folder / "model.pt").read_bytes() == resumed
