"""Which trial is chosen, and what is told of all: studies that are made up."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from bioseq_dl.config import Run, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.tune.choice import choose_trial
from bioseq_dl.tune.trials import KEPT

RANGE = optuna.distributions.FloatDistribution(0.0, 0.5)
CHOICE = optuna.distributions.CategoricalDistribution(["null", '{"anywhere": 3}'])


def make_run(monitor: str = "loss", trials: int = 20) -> Run:
    run = {
        "task": "dna_sequence",
        "ingest": {"inputs": [{"format": "fasta", "source": {"path": "a.fa"}}]},
        "train": {"monitor": monitor},
        "tune": {
            "space": {
                "model.wide": {"choices": [None, {"anywhere": 3}]},
                "model.dropout": {"low": 0.0, "high": 0.5},
            },
            "trials": trials,
        },
    }
    return validate_config({"runs": {"a": run}}).runs["a"]


def make_study(*trials: tuple[TrialState, float | None]) -> optuna.Study:
    study = optuna.create_study()
    for number, (state, value) in enumerate(trials):
        label = ("null", '{"anywhere": 3}')[number % 2]
        made = create_trial(
            state=state,
            value=value,
            params={"model.dropout": number / 100, "model.wide": label},
            distributions={"model.dropout": RANGE, "model.wide": CHOICE},
            intermediate_values={1: math.nan, 2: 0.25},
            user_attrs={KEPT: 2} if state == TrialState.COMPLETE else {},
        )
        study.add_trial(made)
    return study


DONE, PRUNED, FAILED, RUNNING = (
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.FAIL,
    TrialState.RUNNING,
)
TRIALS: list[tuple[TrialState, float | None]] = [
    (FAILED, None),
    (DONE, 0.5),
    (PRUNED, 0.1),
    (DONE, 0.3),
    (DONE, 0.3),
    (PRUNED, 0.9),
    (DONE, 0.7),
    (RUNNING, None),
]


@pytest.mark.parametrize(("monitor", "best"), [("loss", 3), ("score", 6)])
def test_the_best_finished_trial_is_chosen_of_equal_ones_the_first(monitor: str, best: int) -> None:
    found = choose_trial(make_run(monitor), 0, make_study(*TRIALS))
    assert found.best["trial"] == found.history["best"] == best
    assert found.history["counts"] == {"finished": 4, "pruned": 2, "failed": 1, "unfinished": 1}
    assert found.best["parameters"]["model.dropout"] == best / 100


def test_a_trial_beyond_those_asked_for_is_not_looked_at() -> None:
    found = choose_trial(make_run(trials=3), 0, make_study(*TRIALS))
    assert found.best["trial"] == 1
    assert len(found.table.splitlines()) == 1 + 3
    assert len(found.history["trials"]) == 3


def test_choices_come_back_as_the_config_has_them() -> None:
    study = make_study((DONE, 0.5), (DONE, 0.1))
    found = choose_trial(make_run(), 0, study)
    assert found.best["parameters"]["model.wide"] == {"anywhere": 3}
    assert found.best["model"]["wide"]["anywhere"] == 3
    assert found.best["model"]["preset"] is None  # its sizes stand there, one of them changed
    lines = [line.split("\t") for line in found.table.splitlines()]
    assert lines[0] == [
        *("trial", "state", "value", "epochs", "kept_epoch"),
        *("model.wide", "model.dropout", "reason"),
    ]
    assert lines[1] == ["0", "finished", "0.5", "2", "2", "null", "0.0", ""]
    assert lines[2][5:7] == ['{"anywhere": 3}', "0.01"]


def test_an_epoch_without_a_score_is_null_in_json() -> None:
    found = choose_trial(make_run(), 0, make_study((DONE, 0.5)))
    assert found.history["trials"][0]["curve"] == {"1": None, "2": 0.25}


@pytest.mark.parametrize("trials", [[], [(FAILED, None)], [(PRUNED, 0.1), (RUNNING, None)]])
def test_without_a_finished_trial_nothing_is_chosen(trials: Any) -> None:
    with pytest.raises(InputError, match=f"none of the {len(trials)} trials of fold 2 finished"):
        choose_trial(make_run(), 2, make_study(*trials))
