"""Which trial a worker trains next, and with which values."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial

from bioseq_dl.config import Dimension, Tune
from bioseq_dl.tune.journal import hold_file

WORKER, BEGUN, MARKS = "worker", "begun", "marks"
"""Attributes of a trial: who trains it; that its folder is its own; where it stood each time that
it was taken up."""
KEPT, SIZE, REASON = "kept_epoch", "network_parameters", "reason"
"""Attributes of a trial that ended: the epoch that was judged; numbers in the network; why it
failed."""


def claim_trial(study: optuna.Study, tune: Tune, worker: int, claims: Path) -> Trial | None:
    """Give a worker its next trial: its own unfinished one, an abandoned one, or a new one.

    A trial is abandoned where its worker's number is above those of the config, or where a worker
    died before it wrote its number. One process at a time looks and takes, so there are never more
    than ``tune.total`` trials.

    Parameters
    ----------
    study : optuna.Study
    tune : Tune
    worker : int
        From 0 to ``tune.workers`` - 1.
    claims : Path
        A file on the study's file system that the lock is named after.

    Returns
    -------
    Trial or None
        None where all trials have ended, or are in the hands of others.
    """
    with hold_file(claims):
        trials = [trial for trial in study.get_trials() if trial.number < tune.total]
        unfinished = [trial for trial in trials if not trial.state.is_finished()]
        for trial in unfinished:
            if trial.user_attrs.get(WORKER) == worker:
                return _take_up(study, trial)
        for trial in unfinished:
            owner = trial.user_attrs.get(WORKER)
            if owner is None or owner >= tune.workers:
                taken = _take_up(study, trial)
                taken.set_user_attr(WORKER, worker)
                return taken
        if len(trials) >= tune.total:
            return None
        new = study.ask()
        new.set_user_attr(WORKER, worker)
        return new


def draw_parameters(study: optuna.Study, trial: Trial, tune: Tune) -> dict[str, Any]:
    """Draw a trial's values; of one that has some already, those that it lacks.

    Each draw has its own seed, of the trial's number and the key. So random and grid searches give
    the same trials for any number of workers.

    Returns
    -------
    dict
        Key of ``tune.space`` to its value.
    """
    return {key: _draw(study, trial, key, dimension, tune) for key, dimension in tune.space.items()}


def make_pruner(tune: Tune) -> optuna.pruners.BasePruner:
    """Give the config's pruner; epochs are its steps."""
    if tune.pruner == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(
        n_startup_trials=tune.startup_trials, n_warmup_steps=tune.warmup_epochs
    )


def read_parameters(trial: FrozenTrial, tune: Tune) -> dict[str, Any]:
    """Give the values of a trial, as the config has them."""
    return {
        key: tune.space[key].labels[value] if tune.space[key].choices else value
        for key, value in sorted(trial.params.items())
    }


def _take_up(study: optuna.Study, trial: FrozenTrial) -> Trial:
    # Optuna tells a trial's number in public, and takes its id where a trial is made again.
    return Trial(study, trial._trial_id)


def _draw(study: optuna.Study, trial: Trial, key: str, dimension: Dimension, tune: Tune) -> Any:
    study.sampler = _make_sampler(tune, trial.number, key)
    if dimension.choices:
        label = trial.suggest_categorical(key, list(dimension.labels))
        return dimension.labels[str(label)]
    low, high = dimension.bounds
    if dimension.whole:
        step = 1 if dimension.step is None else int(dimension.step)
        return trial.suggest_int(key, int(low), int(high), step=step, log=dimension.log)
    return trial.suggest_float(key, low, high, step=dimension.step, log=dimension.log)


def _make_sampler(tune: Tune, number: int, key: str) -> BaseSampler:
    seed = _derive_seed(tune.seed, number, key)
    if tune.sampler == "tpe":
        return TPESampler(seed=seed, n_startup_trials=tune.random_trials)
    if tune.sampler == "random":
        return RandomSampler(seed=seed)
    point = {
        name: json.dumps(value, sort_keys=True) if tune.space[name].choices else value
        for name, value in tune.find_point(number).items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return PartialFixedSampler(point, RandomSampler(seed=seed))


def _derive_seed(*parts: object) -> int:
    text = "\n".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
