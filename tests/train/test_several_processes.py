"""Two processes train as one does on the same batches, and end together whatever happens."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_jobs import KINDS, make_job, train_all
from planted import write_planted

from bioseq_dl.data.batches import plan_batches
from bioseq_dl.errors import InputError, ProcessLost
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import read_checkpoint
from bioseq_dl.train.device import set_determinism
from bioseq_dl.train.fit import fit_model
from bioseq_dl.train.history import Epoch
from bioseq_dl.train.processes import run_together
from bioseq_dl.train.ranks import ALONE, Ranks, agree, count_own, deal_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind trained by one process and by two."""
    folder = tmp_path_factory.mktemp("processes")
    for name in KINDS:
        fit_model(make_job(folder, name, 1), lambda _: None)
    together = [make_job(folder, name, 2) for name in KINDS]
    run_together(train_all, together, 2, "cpu", lambda _: None)
    return folder


def curve(path: Path) -> list[list[float]]:
    with path.open() as handle:
        rows = list(csv.reader(handle))[1:]
    return [[float(value or "nan") for value in row[:-1]] for row in rows]


@pytest.mark.parametrize("name", KINDS)
def test_two_processes_end_in_the_weights_of_one(folder: Path, name: str) -> None:
    one = read_checkpoint(folder / f"{name}-1" / "model.pt")
    two = read_checkpoint(folder / f"{name}-2" / "model.pt")
    set_determinism(3)
    network: Any = find_task(one.task).load("build_model")(one.model, one.shape)
    trained = {key: value for key, value in network.named_parameters() if value.requires_grad}
    moved = max(float((one.weights[key] - trained[key].detach()).abs().max()) for key in trained)
    assert moved > 0.01, "nothing was learnt, so nothing is compared"
    for key, weight in one.weights.items():
        gap = float((weight.double() - two.weights[key].double()).abs().max())
        assert gap <= 1e-4 * moved, key


@pytest.mark.parametrize("name", KINDS)
def test_loss_and_validation_are_those_of_all_records(folder: Path, name: str) -> None:
    one, two = (curve(folder / f"{name}-{count}" / "history.csv") for count in (1, 2))
    assert len(one) == 2
    for row, other in zip(one, two, strict=True):
        assert row == pytest.approx(other, rel=1e-4, abs=1e-5, nan_ok=True)
    told = json.loads((folder / f"{name}-2" / "train.json").read_text())
    alone = json.loads((folder / f"{name}-1" / "train.json").read_text())
    assert told["devices"] == 2
    assert {key: told[key] for key in ("steps", "kept_epoch", "train_records")} == {
        key: alone[key] for key in ("steps", "kept_epoch", "train_records")
    }


def test_rows_are_dealt_out_and_none_is_left() -> None:
    rows = np.arange(10, 15)
    parts = [deal_rows(Ranks(rank, 2), rows).tolist() for rank in range(2)]
    assert parts == [[10, 12, 14], [11, 13]]
    assert deal_rows(Ranks(1, 2), rows[:1]).tolist() == [10]
    assert count_own(Ranks(1, 2), 1) == 0
    assert agree(ALONE, 0.0, 2.0) == (0.0, 2.0)


def test_size_and_budget_are_of_one_process() -> None:
    lengths = np.array([3, 9, 5, 8, 7, 7, 2, 6, 9, 4, 1, 8], np.int64)
    for batch in plan_batches(lengths, np.arange(12), 3, 16, shuffle=True, parts=2):
        for rank in range(2):
            own = lengths[batch[rank::2]]
            assert len(own) <= 3
            assert len(own) * own.max(initial=0) <= 16
    equal = plan_batches(np.full(40, 5), np.arange(40), 3, parts=4)
    assert {len(batch) for batch in equal} == {10}


def fail_in_second(what: str, ranks: Ranks, log: Any, watch: Any) -> None:
    log("both are here")
    if ranks.rank == 1:
        if what == "refuse":
            raise InputError("no such thing", found="it") from OSError(28, "no space left")
        if what == "fail":
            raise ValueError("something broke")
        os.kill(os.getpid(), signal.SIGKILL)
    agree(ranks, 1.0)  # waits for the other


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("refuse", InputError, "no such thing; found 'it'"),
        ("fail", ProcessLost, "process 2 of 2 failed: ValueError: something broke"),
        ("kill", ProcessLost, "process 2 of 2 was ended by SIGKILL"),
    ],
)
def test_what_ends_one_ends_all(what: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        run_together(fail_in_second, what, 2, "cpu", lambda _: None)
    assert isinstance(caught.value.__cause__, OSError) == (what == "refuse")


def test_who_listens_may_end_them_all(tmp_path: Path) -> None:
    heard: list[int] = []

    def listen(curve: list[Epoch]) -> None:
        heard.append(curve[-1].epoch)
        if len(heard) == 2:
            raise RuntimeError("enough")

    job = make_job(tmp_path, "binary", 2, epochs=50, patience=None)
    with pytest.raises(RuntimeError, match="enough"):
        run_together(train_all, [job], 2, "cpu", lambda _: None, listen)
    assert heard == [1, 2]
    assert not job.out.exists()


def test_a_process_that_waits_ends_with_its_caller() -> None:
    code = (
        "from made_jobs import wait_for_ever\n"
        "from bioseq_dl.train.processes import run_together\n"
        "run_together(wait_for_ever, '', 2, 'cpu', lambda line: print(line, flush=True))"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    found = workers(process)
    assert len(found) == 2
    process.kill()
    process.communicate(timeout=30)
    wait_gone(found)


RUN = {
    "task": "dna_sequence",
    "targets": {},
    "model": {
        "conv": [{"channels": 8, "kernel": 9, "pool": 2, "dropout": 0.1}],
        "recurrent": {"kind": "gru", "hidden": 8},
        "dense": [8],
    },
    "train": {
        "epochs": 2,
        "batch_size": 8,
        "devices": 2,
        "device": "cpu",
        "accumulate": 2,
        "ema_decay": 0.9,
        "patience": 2,
        "checkpoint_seconds": 0,
        "augment": {"reverse_complement": True, "shift": 3},
    },
    "ingest": {"inputs": [{"format": "fasta", "source": {"path": "not-read.fa"}}]},
}
# What a job of Slurm finds, of another number of tasks; and a port that all would take.
ELSEWHERE = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NAME": "training",
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "4",
    "SLURM_NNODES": "2",
    "SLURM_NODELIST": "node[1-2]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "3",
    "SLURM_NODEID": "1",
    "MASTER_ADDR": "192.0.2.1",
    "MASTER_PORT": "29500",
    "WORLD_SIZE": "8",
}


def start(folder: Path, examples: Path, **extra: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    config = examples.with_name("run.yaml")
    config.write_text(json.dumps({"runs": {"run": RUN}}))
    words = [sys.executable, "-m", "bioseq_dl", "train", "--config", str(config)]
    words += ["--examples", str(examples), "--seed", "7", "--threads", "2"]
    words += ["--model", str(folder / "model.pt")]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ | extra)


def finish(process: subprocess.Popen[str]) -> str:
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    return told


def workers(process: subprocess.Popen[str]) -> list[int]:
    """The processes that train, of the process that was called."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            line = (folder / "cmdline").read_text()
        except OSError:
            continue
        if parent == str(process.pid) and "spawn_main" in line:
            found.append(int(folder.name))
    return sorted(found)


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_gone(numbers: list[int]) -> None:
    until = time.monotonic() + 30
    while any(is_running(number) for number in numbers):
        assert time.monotonic() < until, "left behind"
        time.sleep(0.05)


def wait_for_state(process: subprocess.Popen[str], folder: Path, checkpoints: int = 3) -> list[int]:
    """Wait for so many checkpoints; give the numbers of the processes that train."""
    state, seen, last = folder / "resume.pt", 0, None
    while seen < checkpoints:
        assert process.poll() is None, process.communicate()[1]
        now = state.stat().st_ino if state.exists() else None
        seen += now is not None and now != last
        last = now
        time.sleep(0.001)
    found = workers(process)
    assert len(found) == 2
    return found


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "examples.safetensors", 207)


@pytest.fixture(scope="module")
def undisturbed(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two at once, one of them where a scheduler and a user have left their variables."""
    folder = tmp_path_factory.mktemp("undisturbed")
    both = [start(folder / "plain", examples, MASTER_PORT="29500")]
    both += [start(folder / "elsewhere", examples, **ELSEWHERE)]
    for process in both:
        told = finish(process)
        assert told.count("epoch 1/2") == 1, "each line once"
        assert "2 processes, each of 1 threads" in told
        assert "Traceback" not in told
        assert "arning" not in told
    return folder


def test_equal_runs_beside_each_other_are_equal_bytes(undisturbed: Path) -> None:
    plain, elsewhere = (undisturbed / name / "model.pt" for name in ("plain", "elsewhere"))
    assert plain.read_bytes() == elsewhere.read_bytes()
    assert torch.load(plain, weights_only=True)["format"] == 1


@pytest.mark.parametrize(
    ("of", "number"), [("caller", signal.SIGTERM), ("process", signal.SIGUSR1)]
)
def test_asked_to_end_all_stop_at_one_step(
    tmp_path: Path, examples: Path, undisturbed: Path, of: str, number: signal.Signals
) -> None:
    process = start(tmp_path, examples)
    found = wait_for_state(process, tmp_path)
    os.kill(process.pid if of == "caller" else found[1], number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    assert "holds the state, run again to go on" in told
    assert "Traceback" not in told
    wait_gone(found)
    told = finish(start(tmp_path, examples))
    assert told.count("resuming in epoch") == 1
    expected = (undisturbed / "plain" / "model.pt").read_bytes()
    assert (tmp_path / "model.pt").read_bytes() == expected


@pytest.mark.parametrize("of", ["caller", "process"])
def test_killed_none_stays_and_nothing_is_lost(
    tmp_path: Path, examples: Path, undisturbed: Path, of: str
) -> None:
    process = start(tmp_path, examples)
    found = wait_for_state(process, tmp_path)
    os.kill(process.pid if of == "caller" else found[0], signal.SIGKILL)
    _, told = process.communicate(timeout=60)
    if of == "process":
        assert process.returncode == 1
        assert told.splitlines()[-1].startswith("error: process ")
        assert "of 2 was ended by SIGKILL" in told
        assert "Traceback" not in told
    wait_gone(found)
    assert "resuming in epoch" in finish(start(tmp_path, examples))
    expected = (undisturbed / "plain" / "model.pt").read_bytes()
    assert (tmp_path / "model.pt").read_bytes() == expected
