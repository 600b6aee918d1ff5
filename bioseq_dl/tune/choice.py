"""What a search found: its best trial, and its history."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from bioseq_dl.config import Run, Tune, apply_parameters, name_figure
from bioseq_dl.config.tune_space import FREE
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_json, write_text
from bioseq_dl.tune.trials import KEPT, REASON, SIZE, WORKER, read_parameters

STATES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
    TrialState.WAITING: "unfinished",
}


@dataclass(frozen=True)
class Found:
    """A search that has ended."""

    best: Mapping[str, Any]
    """best.json"""
    table: str
    """trials.tsv"""
    history: Mapping[str, Any]
    """tune.json"""


def check_ended(tune: Tune, fold: int, study: optuna.Study) -> None:
    """Refuse a search that has not ended: the best of a part depends on when one looks.

    Raises
    ------
    InputError
        Where fewer trials ended than the config asks for.
    """
    trials = [trial for trial in study.get_trials() if trial.number < tune.total]
    ended = sum(trial.state.is_finished() for trial in trials)
    if ended < tune.total:
        raise InputError(
            f"the search of fold {fold} has not ended",
            found=f"{ended} of {tune.total} trials",
            fix="run tune to its end, with every worker",
        )


def choose_trial(run: Run, fold: int, study: optuna.Study) -> Found:
    """Choose the best of the finished trials; of equal ones the first.

    Parameters
    ----------
    run : Run
        With a search.
    fold : int
    study : optuna.Study

    Raises
    ------
    InputError
        Where no trial finished; tells why the first one failed.
    """
    tune = run.tune
    assert tune is not None
    trials = [trial for trial in study.get_trials() if trial.number < tune.total]
    figure, higher = name_figure(run)
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not finished:
        reasons = [trial.user_attrs[REASON] for trial in trials if REASON in trial.user_attrs]
        raise InputError(
            f"none of the {len(trials)} trials of fold {fold} finished",
            found=reasons[0] if reasons else None,
            fix="correct tune.space, then run tune again",
        )
    sign = 1 if higher else -1
    best = max(finished, key=lambda trial: (sign * _value(trial), -trial.number))
    parameters = read_parameters(best, tune)
    tuned = apply_parameters(run, parameters)
    counts = dict.fromkeys(STATES.values(), 0)
    for trial in trials:
        counts[STATES[trial.state]] += 1
    return Found(
        best={
            "task": run.task,
            "fold": fold,
            "trial": best.number,
            "figure": figure,
            "value": _value(best),
            "parameters": parameters,
            "model": tuned.model.model_dump(mode="json"),
            "train": tuned.train.model_dump(mode="json", exclude=set(FREE)),
        },
        table=_write_table(trials, tune),
        history={
            "fold": fold,
            "figure": figure,
            "higher": higher,
            "best": best.number,
            "counts": counts,
            "space": {key: found.model_dump(mode="json") for key, found in tune.space.items()},
            "settings": tune.model_dump(mode="json", exclude={"space"}) | {"trials": tune.total},
            "epochs": run.train.epochs if tune.epochs is None else tune.epochs,
            "trials": [_describe(trial, tune) for trial in trials],
        },
    )


def write_found(
    found: Found, best: Path, table: Path, history: Path, provenance: Mapping[str, Any]
) -> None:
    """Write best.json, trials.tsv and tune.json; the last with its provenance."""
    write_text(table, found.table)
    write_json(history, {**found.history, "provenance": provenance})
    write_json(best, found.best)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


def _describe(trial: FrozenTrial, tune: Tune) -> dict[str, Any]:
    started, ended = trial.datetime_start, trial.datetime_complete
    return {
        "trial": trial.number,
        "state": STATES[trial.state],
        "value": trial.value,
        "parameters": read_parameters(trial, tune),
        "curve": {
            str(step): _known(value) for step, value in sorted(trial.intermediate_values.items())
        },
        "kept_epoch": trial.user_attrs.get(KEPT),
        "network_parameters": trial.user_attrs.get(SIZE),
        "reason": trial.user_attrs.get(REASON),
        "worker": trial.user_attrs.get(WORKER),
        "seconds": round((ended - started).total_seconds(), 3) if started and ended else None,
    }


def _write_table(trials: Sequence[FrozenTrial], tune: Tune) -> str:
    """Give the table of all trials: what depends on the values alone, no times."""
    names = ["trial", "state", "value", "epochs", "kept_epoch", *tune.space, "reason"]
    lines = ["\t".join(names)]
    for trial in trials:
        values = read_parameters(trial, tune)
        row = [
            trial.number,
            STATES[trial.state],
            trial.value,
            len(trial.intermediate_values),
            trial.user_attrs.get(KEPT),
            *(json.dumps(values[key]) if key in values else None for key in tune.space),
            trial.user_attrs.get(REASON),
        ]
        lines.append("\t".join(_write_cell(item) for item in row))
    return "\n".join(lines) + "\n"


def _write_cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _known(value: float) -> float | None:
    """Give a number that JSON can hold: a score may have no value in some epoch."""
    return value if math.isfinite(value) else None
