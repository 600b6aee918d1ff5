"""Trials that are trained: killed, pruned, failed, shared; and what is chosen of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalStorage
from planted import plant, write_planted
from small_search import SPACE, Small

from bioseq_dl.data.examples import write_examples
from bioseq_dl.encode.examples import Examples
from bioseq_dl.train.checkpoint import read_checkpoint
from bioseq_dl.train.signals import stop_signals
from bioseq_dl.tune import worker as worker_module
from bioseq_dl.tune.journal import Journal, open_study

Make = Callable[[str], Small]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "examples.safetensors")


@pytest.fixture
def make(tmp_path: Path, examples: Path) -> Make:
    def small(name: str) -> Small:
        return Small(tmp_path / name, examples)

    return small


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Small:
    """One worker, from start to end."""
    made = Small(tmp_path_factory.mktemp("undisturbed"), examples)
    made.configure()
    assert made.work() == 0
    assert made.choose() == 0
    return made


def kill_when(small: Small, worker: int, number: signal.Signals, due: Callable[[], bool]) -> int:
    """Start a worker, send a signal as soon as something is so; give the exit code."""
    process = subprocess.Popen(small.command(worker), stderr=subprocess.DEVNULL)
    while process.poll() is None and not due():
        time.sleep(0.001)
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(timeout=60)


def test_the_best_trial_is_chosen_with_whole_sections(undisturbed: Small) -> None:
    rows, best = undisturbed.rows, undisturbed.json("best.json")
    assert [row["state"] for row in rows] == ["finished"] * 8
    assert [row["epochs"] for row in rows] == ["2"] * 8
    values = [float(row["value"]) for row in rows]
    assert best["value"] == min(values)
    assert best["trial"] == int(np.argmin(values))
    chosen = rows[best["trial"]]
    assert {key: json.loads(chosen[key]) for key in SPACE} == best["parameters"]
    assert best["model"]["conv"][0]["channels"] == best["parameters"]["model.conv.0.channels"]
    assert best["model"]["conv"][0]["kernel"] == 9
    assert best["train"]["learning_rate"] == best["parameters"]["train.learning_rate"]
    assert best["train"]["epochs"] == 3  # of the run, not of a trial
    assert "seeds" not in best["train"]


def test_the_value_is_that_of_the_kept_epoch(undisturbed: Small) -> None:
    for row in undisturbed.rows:
        lines = (undisturbed.folder / f"trials/{row['trial']}/history.csv").read_text().splitlines()
        names = lines[0].split(",")
        losses = [float(line.split(",")[names.index("val_loss")]) for line in lines[1:]]
        assert float(row["value"]) == pytest.approx(min(losses), abs=1e-9)
        assert int(row["kept_epoch"]) == 1 + int(np.argmin(losses))


def test_no_weights_of_trials_are_left(undisturbed: Small) -> None:
    assert not list(undisturbed.folder.rglob("*.pt"))
    assert len(list(undisturbed.folder.rglob("history.csv"))) == 8


def test_a_killed_worker_goes_on_in_its_trial_to_the_same_bytes(
    make: Make, undisturbed: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = 3
    small = make("killed")
    small.configure()
    state = small.folder / f"trials/{trial}/resume.pt"
    assert kill_when(small, 0, signal.SIGKILL, state.exists) == -signal.SIGKILL
    assert state.exists()
    ended = {path: path.stat().st_mtime_ns for path in small.folder.rglob("train.json")}
    assert len(ended) == trial
    assert small.work() == 0
    told = capsys.readouterr().err
    assert f"trial {trial} of 8" in told.splitlines()[0]
    assert "resuming in epoch" in told
    assert {path: path.stat().st_mtime_ns for path in ended} == ended
    assert small.choose() == 0
    assert small.read() == undisturbed.read()
    assert small.json("worker0.json")["finished"] == list(range(trial, 8))


def test_tpe_and_pruning_with_one_worker_repeat_over_kills(make: Make) -> None:
    settings = {"sampler": "tpe", "random_trials": 3, "pruner": "median", "startup_trials": 2}
    whole, killed = make("whole"), make("killed")
    for small in (whole, killed):
        small.configure(trials=10, epochs=4, warmup_epochs=1, **settings)
    assert whole.work() == 0
    for trial in (2, 6):
        folder = killed.folder / f"trials/{trial}"
        kill_when(killed, 0, signal.SIGKILL, (folder / "resume.pt").exists)
    assert killed.work() == 0
    for small in (whole, killed):
        assert small.choose() == 0
    assert killed.read() == whole.read()
    states = [row["state"] for row in whole.rows]
    assert states[:2] == ["finished"] * 2
    assert 0 < states.count("pruned") < 8
    for row in whole.rows:
        if row["state"] == "pruned":
            assert 1 <= int(row["epochs"]) < 4
            assert row["trial"] != str(whole.json("best.json")["trial"])


def test_trials_of_two_processes_each_are_judged_and_pruned(make: Make) -> None:
    small = make("processes")
    small.configure(
        train={"devices": 2},
        space={"train.learning_rate": {"choices": [0.01, 1e-6]}},
        sampler="grid",
        trials=None,
        pruner="median",
        startup_trials=1,
        warmup_epochs=1,
        epochs=4,
    )
    assert small.work() == 0
    assert small.choose() == 0
    assert [row["state"] for row in small.rows] == ["finished", "pruned"]
    assert [row["epochs"] for row in small.rows] == ["4", "1"]
    assert json.loads((small.folder / "trials/0/train.json").read_text())["devices"] == 2
    assert not (small.folder / "trials/1/train.json").exists()


def test_sigterm_saves_the_trial_and_says_so(make: Make, undisturbed: Small) -> None:
    small = make("asked")
    small.configure()
    state = small.folder / "trials/1/resume.pt"
    assert kill_when(small, 0, signal.SIGTERM, state.exists) in (143, -signal.SIGTERM)
    assert not (small.folder / "worker0.json").exists()
    assert small.work() == 0
    assert small.choose() == 0
    assert small.read() == undisturbed.read()


def test_a_signal_in_a_trials_last_moment_ends_the_worker_after_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = make("late")
    small.configure(trials=3)
    fit = worker_module.fit_model

    def asked_late(*arguments: Any) -> None:
        with stop_signals():  # as fit_model hears it, with no step left to stop at
            fit(*arguments)
            os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(worker_module, "fit_model", asked_late)
    assert small.work() == 143
    monkeypatch.undo()
    assert small.work() == 0
    assert small.json("worker0.json")["finished"] == [1, 2]


def test_two_workers_at_once_give_what_one_gives(make: Make, undisturbed: Small) -> None:
    small = make("two")
    small.configure(workers=2)
    workers = [
        subprocess.Popen(small.command(worker), stderr=subprocess.DEVNULL) for worker in (0, 1)
    ]
    assert [process.wait(timeout=120) for process in workers] == [0, 0]
    parts = [small.json(f"worker{worker}.json")["finished"] for worker in (0, 1)]
    assert sorted(parts[0] + parts[1]) == list(range(8))
    assert all(parts)
    assert small.choose(0, 1) == 0
    assert small.read() == undisturbed.read()


def test_a_killed_worker_does_not_hold_up_the_other(make: Make, undisturbed: Small) -> None:
    small = make("lost")
    small.configure(workers=2)
    state = small.folder / "trials/0/resume.pt"
    assert kill_when(small, 1, signal.SIGKILL, state.exists) == -signal.SIGKILL
    assert small.work(0) == 0
    assert small.json("worker0.json")["finished"] == list(range(1, 8))
    assert state.exists()  # left alone
    assert small.work(1) == 0
    assert small.json("worker1.json")["finished"] == [0]
    assert small.choose(0, 1) == 0
    assert small.read() == undisturbed.read()


def test_more_trials_continue_the_study_and_another_space_starts_anew(make: Make) -> None:
    small = make("more")
    small.configure(trials=3)
    assert small.work() == 0
    small.configure(trials=5)
    assert small.work() == 0
    assert small.json("worker0.json")["finished"] == [3, 4]
    left = (small.folder / "trials/0/train.json").stat().st_mtime_ns
    small.configure(trials=2, space={"model.dropout": {"low": 0.0, "high": 0.5}})
    assert small.work() == 0
    assert (small.folder / "trials/0/train.json").stat().st_mtime_ns > left  # not the old value
    assert small.json("worker0.json")["finished"] == [0, 1]
    assert small.choose() == 0
    assert len(small.rows) == 2
    assert "model.dropout" in small.rows[0]
    # A seed more, or how often a checkpoint is written, changes no trial.
    small.configure({"seeds": [0, 1, 2], "checkpoint_seconds": 9}, trials=2,
                    space={"model.dropout": {"low": 0.0, "high": 0.5}})  # fmt: skip
    assert small.work() == 0
    assert small.json("worker0.json")["finished"] == []
    small.configure({"weight_decay": 0.1}, trials=2,
                    space={"model.dropout": {"low": 0.0, "high": 0.5}})  # fmt: skip
    assert small.work() == 0
    assert small.json("worker0.json")["finished"] == [0, 1]


def test_a_diverging_trial_fails_and_the_search_goes_on(make: Make) -> None:
    small = make("diverging")
    rate = {"train.learning_rate": {"choices": [0.01, 1e30]}}
    small.configure(
        {"clip_norm": None, "optimizer": "sgd"}, space=rate, sampler="grid", trials=None
    )
    assert small.work() == 0
    assert small.choose() == 0
    good, bad = small.rows
    assert (good["state"], bad["state"]) == ("finished", "failed")
    assert "loss is not finite" in bad["reason"]
    assert small.json("best.json")["trial"] == 0
    assert small.json("tune.json")["counts"]["failed"] == 1


def test_values_that_do_not_fit_together_fail_alone(make: Make) -> None:
    small = make("together")
    space = {
        "model.conv": {"choices": [[], [{"channels": 4, "kernel": 5}]]},
        "model.recurrent": {"choices": [None, {"kind": "gru", "hidden": 4}]},
    }
    small.configure(space=space, sampler="grid", trials=None)
    config = json.loads((small.folder / "config.yaml").read_text())
    config["runs"]["a"]["model"]["recurrent"] = {"hidden": 2}  # so that each alone may be left out
    (small.folder / "config.yaml").write_text(json.dumps(config))
    assert small.work() == 0
    assert small.choose() == 0
    assert [row["state"] for row in small.rows] == ["failed", *["finished"] * 3]
    assert "give a preset, conv layers, or a recurrent layer" in small.rows[0]["reason"]


def test_a_search_of_failures_alone_is_an_error(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make("failures")
    rates = {"train.learning_rate": {"choices": [1e30, 2e30]}}
    small.configure(
        {"clip_norm": None, "optimizer": "sgd"}, space=rates, sampler="grid", trials=None
    )
    assert small.work() == 0
    assert small.json("worker0.json")["failed"] == [0, 1]
    assert small.choose() == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert 'error: none of the 2 trials of fold 0 finished; found "the training loss is not' in told
    assert not (small.folder / "best.json").exists()


def test_a_full_disk_fails_no_trial(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    small = make("full")
    small.configure(trials=2)
    fit = worker_module.fit_model

    def refuse(*arguments: object) -> None:
        from bioseq_dl.io.atomic import explain_os_error

        error = OSError(28, "No space left on device")
        raise explain_os_error(error, Path("model.pt")) from error

    monkeypatch.setattr(worker_module, "fit_model", refuse)
    assert small.work() == 2
    monkeypatch.setattr(worker_module, "fit_model", fit)
    assert small.work() == 0
    assert small.json("worker0.json")["finished"] == [0, 1]


def test_a_trial_that_kills_its_worker_again_and_again_is_given_up(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = make("large")
    small.configure(trials=2)
    fit = worker_module.fit_model

    class Killed(BaseException):
        pass

    def die(*arguments: object) -> None:
        raise Killed

    monkeypatch.setattr(worker_module, "fit_model", die)
    for _ in range(worker_module.STARTS):
        with pytest.raises(Killed):
            small.work()
    monkeypatch.setattr(worker_module, "fit_model", fit)
    assert small.work() == 0
    assert small.choose() == 0
    assert [row["state"] for row in small.rows] == ["failed", "finished"]
    assert "its worker died 3 times without a checkpoint" in small.rows[0]["reason"]


def test_a_worker_that_died_before_its_last_word_trains_nothing_again(
    make: Make, undisturbed: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = make("word")
    small.configure()
    fit = worker_module.fit_model

    def die(*arguments: Any) -> None:
        fit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(worker_module, "fit_model", die)
    assert small.work() == 130
    monkeypatch.undo()
    history = small.folder / "trials/0/history.csv"
    before = history.stat().st_mtime_ns
    assert small.work() == 0
    assert history.stat().st_mtime_ns == before
    assert small.choose() == 0
    assert small.read() == undisturbed.read()


def test_two_processes_of_one_number_train_each_trial_once(make: Make, undisturbed: Small) -> None:
    small = make("same")
    small.configure()
    both = [subprocess.Popen(small.command(), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert "Traceback" not in "".join(told)
    assert small.choose() == 0
    assert small.read() == undisturbed.read()
    for path in small.folder.rglob("history.csv"):
        assert len(path.read_text().splitlines()) == 1 + 2
    assert "".join(told).count("train loss") == 8 * 2


def test_a_trial_that_another_process_ends_meanwhile_is_left_to_it(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make("meanwhile")
    small.configure(trials=2)
    fit = worker_module.fit_model

    def end_first(job: Any, *arguments: Any) -> None:
        if job.out.parent.name == "0":
            (name,) = {study.study_name for study in optuna.get_all_study_summaries(storage)}
            study = open_study(small.folder / "study.journal", name, higher=False)
            study.tell(0, 0.5)
        fit(job, *arguments)

    storage = JournalStorage(Journal(small.folder / "study.journal"))
    monkeypatch.setattr(worker_module, "fit_model", end_first)
    assert small.work() == 0
    assert "trial 0: another process has ended it" in capsys.readouterr().err
    assert small.json("worker0.json")["finished"] == [1]


def test_no_record_of_test_is_looked_at(make: Make, undisturbed: Small, tmp_path: Path) -> None:
    plain = plant()
    spoilt = tmp_path / "spoilt.safetensors"
    test = plain.roles[0] == 2
    targets = plain.targets.copy()
    targets[test] = 1 - targets[test]
    codes = plain.codes.copy().reshape(len(test), -1)
    codes[test] = 3 - codes[test]
    assert test.sum() > 50
    write_examples(
        spoilt,
        Examples(
            codes=codes.ravel(), offsets=plain.offsets, targets=targets, roles=plain.roles,
            spec=plain.spec, unknown=plain.unknown, ids_sha256=plain.ids_sha256,
        ),
    )  # fmt: skip
    small = Small(tmp_path / "spoilt", spoilt)
    small.configure()
    assert small.work() == 0
    assert small.choose() == 0
    assert small.read() == undisturbed.read()


def test_the_chosen_values_are_trained(
    make: Make, undisturbed: Small, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bioseq_dl.cli.main import main

    small = make("trained")
    small.configure()
    best = shutil.copy(undisturbed.folder / "best.json", small.folder)
    words = ["train", "--config", f"{small.folder}/config.yaml", "--examples", str(examples)]
    words += ["--seed", "3", "--threads", "1", "--model", f"{small.folder}/model.pt"]
    assert main(words) == 2
    assert "the run has a section tune; fix: give --tuned best.json" in capsys.readouterr().err
    assert main([*words, "--tuned", str(best)]) == 0
    checkpoint = read_checkpoint(small.folder / "model.pt")
    chosen = undisturbed.json("best.json")["parameters"]
    assert checkpoint.model.conv[0].channels == chosen["model.conv.0.channels"]
    assert list(checkpoint.model.dense) == chosen["model.dense"]
    lines = (small.folder / "history.csv").read_text().splitlines()
    assert len(lines) == 1 + 3  # the run's epochs
    # With other sections than those that were searched, the values are not its own.
    config = json.loads((small.folder / "config.yaml").read_text())
    config["runs"]["a"]["model"]["conv"][0]["kernel"] = 7
    (small.folder / "config.yaml").write_text(json.dumps(config))
    assert main([*words, "--tuned", str(best)]) == 2
    assert "chosen for another section model" in capsys.readouterr().err
    assert main([*words, "--tuned", str(best), "--fold", "1"]) == 2
    assert "for another task or fold; found 'dna_sequence, fold 0'" in capsys.readouterr().err
    Path(best).write_text("{}")
    assert main([*words, "--tuned", str(best)]) == 2
    assert "cannot read what a search chose" in capsys.readouterr().err
    del config["runs"]["a"]["tune"]
    (small.folder / "config.yaml").write_text(json.dumps(config))
    assert main([*words, "--tuned", str(best)]) == 2
    assert "the run has no section tune; fix: leave out --tuned" in capsys.readouterr().err


def test_what_stands_against_every_trial_is_told_at_once(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make("told")
    small.configure(workers=2)
    assert small.work(2) == 2
    assert "no such worker; found '2'; allowed: 0 to 1" in capsys.readouterr().err
    plain = plant()
    path = tmp_path / "unvalidated.safetensors"
    roles = np.where(plain.roles == 1, 0, plain.roles).astype(np.uint8)
    write_examples(
        path,
        Examples(
            codes=plain.codes, offsets=plain.offsets, targets=plain.targets, roles=roles,
            spec=plain.spec, unknown=plain.unknown, ids_sha256=plain.ids_sha256,
        ),
    )  # fmt: skip
    unvalidated = Small(tmp_path / "unvalidated", path)
    unvalidated.configure()
    assert unvalidated.work() == 2
    assert "a search needs validation records" in capsys.readouterr().err
    assert not (unvalidated.folder / "study.journal").exists()
    small.configure(workers=1)
    assert small.choose() == 2
    assert "not what a worker of tune wrote" in capsys.readouterr().err


def test_a_score_is_maximised(make: Make) -> None:
    small = make("score")
    small.configure({"monitor": "score"}, trials=4)
    assert small.work() == 0
    assert small.choose() == 0
    best = small.json("best.json")
    assert best["figure"] == "val_score"
    assert best["value"] == max(float(row["value"]) for row in small.rows)
