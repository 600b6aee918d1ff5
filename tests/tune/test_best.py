"""What a search chose, as a training takes it: values of another search are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_choice import DONE, make_run, make_study

from bioseq_dl.errors import InputError
from bioseq_dl.tune.best import apply_best
from bioseq_dl.tune.choice import choose_trial


@pytest.fixture
def best() -> dict[str, Any]:
    found = choose_trial(make_run(), 0, make_study((DONE, 0.5), (DONE, 0.1)))
    made: dict[str, Any] = json.loads(json.dumps(found.best))
    return made


def write(folder: Path, best: dict[str, Any]) -> Path:
    path = folder / "best.json"
    path.write_text(json.dumps(best))
    return path


def test_the_values_stand_in_the_run(tmp_path: Path, best: dict[str, Any]) -> None:
    tuned = apply_best(make_run(), write(tmp_path, best), 0)
    assert tuned.model.dropout == 0.01
    assert tuned.model.wide.anywhere == 3


WIDE = {"anywhere": 3}
BAD: dict[str, tuple[Any, str]] = {
    "list": ([], "the values are not of the keys of tune.space"),
    "null": (None, "found 'none'; allowed: model.wide, model.dropout"),
    "text": ("x", "the values are not of the keys of tune.space; found 'x'"),
    "no key": ({}, "the values are not of the keys of tune.space; found 'none'"),
    "a key less": ({"model.dropout": 0.1}, "not of the keys of tune.space; found 'model.dropout'"),
    "a key more": (
        {"model.dropout": 0.1, "model.wide": WIDE, "train.epochs": 3},
        "not of the keys of tune.space",
    ),
    "beyond its range": (
        {"model.dropout": 0.6, "model.wide": WIDE},
        "the value of model.dropout is not one that tune.space allows; found '0.6'",
    ),
    "text for a number": (
        {"model.dropout": "0.1", "model.wide": WIDE},
        "the value of model.dropout is not one",
    ),
    "no choice": (
        {"model.dropout": 0.1, "model.wide": {"anywhere": 4}},
        "the value of model.wide is not one",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_values_of_another_search_are_refused(
    tmp_path: Path, best: dict[str, Any], case: str
) -> None:
    parameters, wanted = BAD[case]
    with pytest.raises(InputError) as caught:
        apply_best(make_run(), write(tmp_path, best | {"parameters": parameters}), 0)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", ["model", "train"])
@pytest.mark.parametrize("content", [{}, None, "x"])
def test_sections_of_another_search_are_refused(
    tmp_path: Path, best: dict[str, Any], section: str, content: Any
) -> None:
    with pytest.raises(InputError, match=f"chosen for another section {section}"):
        apply_best(make_run(), write(tmp_path, best | {section: content}), 0)


def test_a_run_that_trains_otherwise_is_refused(tmp_path: Path, best: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="chosen for another section train"):
        apply_best(make_run("score"), write(tmp_path, best), 0)
