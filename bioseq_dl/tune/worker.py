"""A worker of a search: trains trials until all have ended."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import torch
from optuna.trial import Trial, TrialState
from pydantic import ValidationError

from bioseq_dl.config import Run, apply_parameters, name_figure
from bioseq_dl.config.explain import explain
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import explain_os_error
from bioseq_dl.provenance import hash_file
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.claim import claim_model
from bioseq_dl.train.device import choose_device
from bioseq_dl.train.fit import Job, fit_model
from bioseq_dl.train.history import Epoch
from bioseq_dl.train.loop import Interrupted
from bioseq_dl.train.rows import select_rows
from bioseq_dl.train.signals import stop_signals
from bioseq_dl.tune.journal import hold_file, open_study
from bioseq_dl.tune.settings import select_settings
from bioseq_dl.tune.trials import (
    BEGUN,
    KEPT,
    MARKS,
    REASON,
    SIZE,
    claim_trial,
    draw_parameters,
    make_pruner,
)

Log = Callable[[str], None]
STARTS = 3
"""Times that a trial is taken up at the same place before it counts as failed."""


class Pruned(Exception):  # noqa: N818  (an end, not an error)
    """The trial is not worth its further epochs."""


@dataclass(frozen=True)
class Search:
    """What is searched, and where it stands."""

    run: Run
    fold: int
    examples: Path
    """examples.safetensors"""
    storage: Path
    """The journal; trials have folders beside it."""
    study: str
    """Name of the study: a digest of all that its values depend on."""
    threads: int | None = None
    """CPU threads of one process of a trial; default those of train."""
    initial: Path | None = None
    """Weights to start from."""

    @property
    def claims(self) -> Path:
        """What the lock of those who take trials is named after."""
        return self.storage.with_name("claims")

    def folder(self, number: int) -> Path:
        """Give the folder of a trial: history.csv, train.json, and resume.pt while it trains."""
        return self.storage.parent / "trials" / str(number)


@dataclass
class Report:
    """What a worker did, this time."""

    finished: list[int] = field(default_factory=list)
    pruned: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


def name_study(settings: dict[str, Any], examples: Path, fold: int, code: str) -> str:
    """Give the name of a study: equal where all that its values depend on is equal.

    Parameters
    ----------
    settings : dict
        The part of the config that the step depends on. The numbers of trials and workers do not
        count: a study is continued with others.
    examples : Path
    fold : int
    code : str
        Digest of the code.
    """
    parts = [select_settings(settings), hash_file(examples), fold, code]
    text = json.dumps(parts)  # the order of keys is a grid's
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_worker(search: Search, worker: int, log: Log) -> Report:
    """Train trials until all of the study have ended or are with others.

    Raises
    ------
    InputError
        Where data, device or disk do not allow any trial.
    Interrupted
        After SIGTERM or SIGUSR1, with the trial's state saved; run again to go on.
    """
    tune = search.run.tune
    assert tune is not None
    _, higher = name_figure(search.run)
    _check_data(search)
    study = open_study(search.storage, search.study, higher)
    study.pruner = make_pruner(tune)
    report = Report()
    with stop_signals() as stop_asked:
        while (trial := claim_trial(study, tune, worker, search.claims)) is not None:
            # A job that outlived its Snakemake may train it. Not in its folder, which may go.
            claim = search.storage.parent / "held" / str(trial.number) / "model.pt"
            with claim_model(claim, log):
                _end_trial(search, study, trial, report, log)
            if stop_asked():  # too late for the training to hear it
                raise Interrupted
    return report


def _end_trial(search: Search, study: optuna.Study, trial: Trial, report: Report, log: Log) -> None:
    """Train a trial, and write how it ended, unless another process has."""
    if not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
        # Another may still end it meanwhile, where a file system has no locks.
        with suppress(optuna.exceptions.UpdateFinishedTrialError):
            _train_to_end(search, study, trial, report, log)
            return
    log(f"trial {trial.number}: another process has ended it")


def _train_to_end(
    search: Search, study: optuna.Study, trial: Trial, report: Report, log: Log
) -> None:
    tune = search.run.tune
    assert tune is not None
    figure, _ = name_figure(search.run)
    parameters = draw_parameters(study, trial, tune)
    told = ", ".join(f"{key} {value}" for key, value in parameters.items())
    log(f"trial {trial.number} of {tune.total}: {told}")
    _begin_trial(search, trial)
    try:
        value = _train_trial(search, trial, parameters, figure, log)
    except Pruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        report.pruned.append(trial.number)
        log(f"trial {trial.number}: pruned")
    except _Failed as failed:
        trial.set_user_attr(REASON, str(failed))
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        report.failed.append(trial.number)
        log(f"trial {trial.number}: failed: {failed}")
    else:
        study.tell(trial, value, skip_if_finished=True)
        report.finished.append(trial.number)
        log(f"trial {trial.number}: {figure} {value:.5g}")
    for name in ("model.pt", "resume.pt"):
        (search.folder(trial.number) / name).unlink(missing_ok=True)


def _begin_trial(search: Search, trial: Trial) -> None:
    """Remove a folder that a study of another config left; never one that a process trains in."""
    with hold_file(search.claims):
        if not trial.user_attrs.get(BEGUN):
            shutil.rmtree(search.folder(trial.number), ignore_errors=True)
            trial.set_user_attr(BEGUN, True)


class _Failed(Exception):  # noqa: N818  (an end of one trial)
    """The trial has no value; the text says why."""


def _train_trial(
    search: Search, trial: Trial, parameters: dict[str, Any], figure: str, log: Log
) -> float:
    """Train a trial, or go on with it; give its value."""
    folder = search.folder(trial.number)
    done = folder / "train.json"
    summary = _read_summary(done, figure)
    if summary is None:  # else the worker died between the training's end and its last word
        job = _make_job(search, parameters, folder)
        _mark_start(trial, job)

        def watch(curve: list[Epoch]) -> None:
            row = curve[-1]
            value = getattr(row, figure)
            if value is not None:
                trial.report(float(value), row.epoch)
            if trial.should_prune():
                raise Pruned

        try:
            fit_model(job, log, watch)
        except InputError as error:
            if isinstance(error.__cause__, OSError):  # the disk's fault, not the trial's
                raise
            raise _Failed(str(error)) from error
        except torch.cuda.OutOfMemoryError as error:
            gc.collect()
            torch.cuda.empty_cache()
            raise _Failed("out of the GPU's memory") from error
        except (MemoryError, RuntimeError) as error:
            if not _lacks_memory(error):
                raise
            gc.collect()
            raise _Failed("out of the machine's memory") from error
        summary = _read_summary(done, figure)
    if summary is None:
        raise InputError("the trial's training was just written, and is damaged", file=done)
    value = summary[f"kept_{figure}"]
    if value is None:
        raise _Failed(f"the validation {summary['score']} has no value")
    trial.set_user_attr(KEPT, summary["kept_epoch"])
    trial.set_user_attr(SIZE, summary["parameters"])
    return float(value)


def _read_summary(done: Path, figure: str) -> dict[str, Any] | None:
    """Give what the training wrote; a damaged file goes, so that the trial is trained again."""
    names = {f"kept_{figure}", "kept_epoch", "parameters", "score"}
    try:
        summary = json.loads(done.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explain_os_error(error, done) from error
    except ValueError:
        summary = None
    if isinstance(summary, dict) and names <= summary.keys():
        return summary
    done.unlink()
    return None


def _lacks_memory(error: Exception) -> bool:
    """Tell whether the machine's memory was too small: torch has no class for that."""
    return isinstance(error, MemoryError) or any(
        told in str(error)
        for told in ("DefaultCPUAllocator", "Storage size calculation overflowed")
    )


def _make_job(search: Search, parameters: dict[str, Any], folder: Path) -> Job:
    run = search.run
    assert run.tune is not None
    try:
        tuned = apply_parameters(run, parameters)
    except ValidationError as error:
        raise _Failed(str(explain(error, type(run), None))) from error
    changes: dict[str, Any] = {"tensorboard": False}
    if run.tune.epochs is not None:
        changes["epochs"] = run.tune.epochs
    if search.threads is not None:
        changes["threads"] = search.threads
    return Job(
        task=run.task,
        targets=run.targets,
        model=tuned.model,
        train=tuned.train.model_copy(update=changes),
        examples=search.examples,
        fold=search.fold,
        seed=run.tune.seed,
        out=folder / "model.pt",
        initial=search.initial,
    )


def _mark_start(trial: Trial, job: Job) -> None:
    """Note where a trial stands; a network too large for the machine would die for ever."""
    mark = hash_file(job.state) if job.state.exists() else "start"
    marks = [*trial.user_attrs.get(MARKS, []), mark]
    if marks[-STARTS - 1 :] == [mark] * (STARTS + 1):
        raise _Failed(
            f"its worker died {STARTS} times without a checkpoint further on (out of memory?)"
        )
    trial.set_user_attr(MARKS, marks[-STARTS - 1 :])


def _check_data(search: Search) -> None:
    """Find out what would make every trial fail."""
    run = search.run
    choose_device(run.train)
    examples = find_task(run.task).load("open")(search.examples, search.fold)
    rows = select_rows(search.examples, search.fold, run.targets, examples)
    if not len(rows["val"]):
        raise InputError(
            "a search needs validation records, and the fold has none",
            file=search.examples,
            fix="set split.val_fraction, or mark records val",
        )
