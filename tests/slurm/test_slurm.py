"""The workflow on a real Slurm, and each thing that clusters do to jobs.

Whatever happens, what comes out has the bytes of a run in which nothing happened.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from slurm_lab import start_node
from slurm_project import (
    BEST,
    FOLDER,
    METRICS,
    MODEL,
    REPOSITORY,
    SEARCH,
    ClusterProject,
    Project,
    call,
    copy_prepared,
    wait_until,
)

pytestmark = pytest.mark.slurm
PREDICTIONS = str(FOLDER / "predictions.parquet")


def same_bytes(project: ClusterProject, undisturbed: ClusterProject, *names: str) -> bool:
    return all(
        (project.folder / name).read_bytes() == (undisturbed.folder / name).read_bytes()
        for name in names
    )


def test_files_to_report_on_slurm(
    lab: None,
    local_run: Callable[[], ClusterProject],
    tmp_path: Path,
) -> None:
    project = ClusterProject(tmp_path / "project")
    project.folder.mkdir()
    project.fill().set_profile(gpu=1)
    project.start()
    text = project.finish()
    jobs = {job["Comment"]: job for job in project.jobs()}
    assert len(jobs) == 6, sorted(jobs)  # prepare, baselines, train, predict, judge, report
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    assert {job["JobName"].split("_")[0] for job in jobs.values()} == {"bioseq"}
    gpu = [job for job in jobs.values() if job["Partition"] == "gpu"]
    assert [job["Comment"].split("_wildcards")[0] for job in gpu] == ["rule_train"]
    assert gpu[0]["TresPerJob"] == "gres:gpu:1"
    assert gpu[0]["NodeList"] == "n2"
    prepare = next(job for name, job in jobs.items() if "prepare" in name)
    assert "mem=4000M" in prepare["TRES"]  # the largest of its steps, which follow each other
    assert prepare["TimeLimit"] == "06:00:00"  # their sum
    assert "report.html" in text
    assert same_bytes(project, local_run(), MODEL, PREDICTIONS, METRICS)


def test_a_cancelled_training_comes_back_and_goes_on(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.start(MODEL)
    job = prepared.wait_for_training()
    call("scancel", job["JobId"])
    wait_until("the state's saving", lambda: "asked to end" in prepared.train_log(), 20)
    prepared.finish()
    assert [job["JobState"] for job in prepared.jobs("train")] == ["CANCELLED", "COMPLETED"]
    assert prepared.summary()["resumed"] == 1
    assert "resuming in epoch" in prepared.train_log()
    assert same_bytes(prepared, undisturbed, MODEL)


def test_an_interrupted_workflow_cancels_its_jobs_and_goes_on(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.start(MODEL)
    prepared.wait_for_training()
    assert prepared.process is not None
    prepared.process.send_signal(signal.SIGINT)
    assert prepared.process.wait(timeout=60) != 0
    wait_until("the job's end", lambda: state_of(prepared) == "CANCELLED", 40)
    assert "asked to end" in prepared.train_log()
    prepared.start(MODEL)
    prepared.finish()
    assert prepared.summary()["resumed"] == 1
    assert same_bytes(prepared, undisturbed, MODEL)


def test_a_job_over_its_memory_is_tried_again_with_more(
    lab: None, prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.set_profile(mem_mb="300 if attempt == 1 else 8000")
    prepared.start(MODEL)
    prepared.finish()
    first, second = prepared.jobs("train")
    assert first["JobState"] != "COMPLETED"
    assert "memory" in prepared.job_log(first), prepared.job_log(first)
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("300M", "8000M")
    assert second["JobState"] == "COMPLETED"
    assert same_bytes(prepared, undisturbed, MODEL)


def test_rerun_while_jobs_of_a_killed_workflow_still_run(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.start(METRICS)
    orphan = prepared.wait_for_training()
    python = prepared.running("train")
    os.kill(python, signal.SIGSTOP)  # slower than all that follows
    prepared.kill()
    assert prepared.run("--unlock").returncode == 0
    prepared.start(METRICS)
    wait_until("the second training", lambda: "waiting until" in prepared.train_log())
    assert [job["JobState"] for job in prepared.jobs("train")] == ["RUNNING", "RUNNING"]
    os.kill(python, signal.SIGCONT)
    prepared.finish()
    jobs = prepared.jobs("train")
    assert [job["JobState"] for job in jobs] == ["COMPLETED", "COMPLETED"]
    assert jobs[0]["JobId"] == orphan["JobId"]
    assert "the other process has finished this model" in prepared.train_log()
    assert prepared.summary()["resumed"] == 0  # trained once, by the first
    assert same_bytes(prepared, undisturbed, MODEL, PREDICTIONS, METRICS)


def test_rerun_after_cancelling_the_jobs_of_a_killed_workflow(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    guide = (REPOSITORY / "docs" / "clusters.md").read_text()
    (cancel,) = [line for line in guide.splitlines() if line.startswith("squeue --me ")]
    prepared.start(MODEL)
    prepared.wait_for_training()
    prepared.kill()
    subprocess.run(["bash", "-c", cancel], cwd=prepared.folder, check=True)
    wait_until("the job's end", lambda: state_of(prepared) == "CANCELLED", 60)
    assert prepared.run("--unlock").returncode == 0
    prepared.start(MODEL)
    prepared.finish()
    assert prepared.summary()["resumed"] == 1
    assert same_bytes(prepared, undisturbed, MODEL)


def test_rerun_after_jobs_of_a_killed_workflow_have_ended(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.start(MODEL)
    job = prepared.wait_for_training()
    prepared.kill()
    wait_until("the job's end", lambda: prepared.jobs("train")[0]["JobState"] == "COMPLETED")
    assert prepared.run("--unlock").returncode == 0
    assert "Nothing to be done" in prepared.run(MODEL).stdout
    assert [each["JobId"] for each in prepared.jobs("train")] == [job["JobId"]]
    assert same_bytes(prepared, undisturbed, MODEL)


def test_a_training_at_its_time_limit_saves_its_state_and_goes_on(
    prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    # Slurm looks every half minute: the signal comes 5 to 35 seconds before the end.
    prepared.set_profile(slurm_extra="'--signal=TERM@5'")
    prepared.start(MODEL)
    job = prepared.wait_for_training()
    hours, minutes, seconds = (int(part) for part in job["RunTime"].split(":"))
    limit = (seconds + 20) // 60 + minutes + 60 * hours + 1  # 20 seconds from now, or up to 80
    call("scontrol", "update", f"jobid={job['JobId']}", f"timelimit={limit}")
    python = prepared.running("train")
    # A second of work in thirty: longer than its limit, on whatever machine.
    asked = False
    while not asked and "asked to end" not in prepared.train_log():
        assert prepared.jobs("train")[0]["JobState"] == "RUNNING"
        try:
            os.kill(python, signal.SIGSTOP)
            time.sleep(0.9)
            asked = has_pending_sigterm(python)
            if asked:
                time.sleep(3)  # as a large state takes to be written: all above it must wait
            os.kill(python, signal.SIGCONT)
        except (ProcessLookupError, FileNotFoundError):
            break  # it was asked while it ran
        time.sleep(0.03)
    prepared.finish()
    first, second = prepared.jobs("train")
    assert first["JobId"] == job["JobId"]
    # Ended by itself before the limit, since it was asked to.
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    assert first["TimeLimit"] == f"00:{limit:02}:00"
    assert prepared.summary()["resumed"] == 1
    assert same_bytes(prepared, undisturbed, MODEL)


def test_a_training_on_a_node_that_goes_down_starts_again_elsewhere(
    lab: None, prepared: ClusterProject, undisturbed: ClusterProject
) -> None:
    prepared.start(MODEL)
    job = prepared.wait_for_training()
    node = job["NodeList"]
    power_off(job["JobId"], node)
    try:
        call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        wait_until("the job back in the queue", lambda: state_of(prepared) == "PENDING", 30)
        call("scontrol", "update", f"jobid={job['JobId']}", "starttime=now")  # not in 2 minutes
        prepared.finish()
    finally:
        start_node(node)
    (after,) = prepared.jobs("train")  # the same job, which Slurm itself has put back
    assert after["Restarts"] == "1"
    assert after["NodeList"] != node
    assert prepared.summary()["resumed"] == 1
    assert same_bytes(prepared, undisturbed, MODEL)


def test_workers_of_a_search_share_its_trials_and_outlive_a_cancelled_job(
    prepared: ClusterProject, undisturbed: ClusterProject, tmp_path: Path
) -> None:
    alone = copy_prepared(undisturbed, tmp_path / "alone")
    for project in (alone, prepared):
        project.search()
    local = subprocess.run(
        [*Project.command(alone, BEST), "--cores", "1", "--workflow-profile", "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert local.returncode == 0, local.stderr
    prepared.start(BEST)
    states = prepared.folder / SEARCH / "trials"
    (state, *_) = wait_until("a saved state", lambda: list(states.glob("*/resume.pt")))
    worker = prepared.worker_of(state.parent.name)
    python = prepared.running("tune", f"--worker {worker} ")
    os.kill(python, signal.SIGSTOP)  # no step further until it is asked to end
    assert state.exists()
    assert not state.with_name("train.json").exists()
    (cancelled,) = [
        job for job in prepared.jobs("tune_worker") if job["Comment"].endswith(f"_{worker}")
    ]
    call("scancel", cancelled["JobId"])
    with suppress(ProcessLookupError):  # Slurm lets it go on, too, before it asks
        os.kill(python, signal.SIGCONT)
    prepared.finish()
    states_of_jobs = [job["JobState"] for job in prepared.jobs("tune_worker")]
    assert sorted(states_of_jobs) == ["CANCELLED", "COMPLETED", "COMPLETED"]
    assert same_bytes(prepared, alone, BEST, str(SEARCH / "trials.tsv"))
    resumed = [json.loads(path.read_text())["resumed"] for path in states.glob("*/train.json")]
    assert sorted(resumed) == [0, 0, 0, 1]


def has_pending_sigterm(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = [line.split()[1] for line in lines if line.startswith("ShdPnd:")]
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def state_of(project: ClusterProject) -> str:
    return project.jobs("train")[-1]["JobState"]


def power_off(job: str, node: str) -> None:
    """Kill the job's processes and the node's daemon, at once and unasked."""
    lists = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in lists.splitlines()[1:]]
    children: dict[str, list[str]] = {}
    for pid, parent, _ in rows:
        children.setdefault(parent, []).append(pid)
    doomed = [
        pid
        for pid, _, words in rows
        if words.startswith(f"slurmstepd: [{job}.") or words.endswith(f"-N {node}")
    ]
    for pid in doomed:  # grows by what stands below
        doomed.extend(children.get(pid, []))
    assert len(doomed) > 3, lists
    for pid in doomed:
        os.kill(int(pid), signal.SIGKILL)
