"""A run with the values that its search chose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bioseq_dl.config import Run, apply_parameters
from bioseq_dl.config.explain import explain
from bioseq_dl.config.tune_space import FREE
from bioseq_dl.errors import InputError


def apply_best(run: Run, file: Path, fold: int) -> Run:
    """Give the run with the values that a search of it chose.

    Parameters
    ----------
    run : Run
    file : Path
        best.json
    fold : int
        That is trained.

    Raises
    ------
    InputError
        Where the file cannot be read, or the values are of another task, fold, search or network.
    """
    try:
        best = json.loads(file.read_text(encoding="utf-8"))
        place = best["task"], best["fold"]
        parameters = best["parameters"]
        sections = {name: best[name] for name in ("model", "train")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "cannot read what a search chose", file=file, found=str(error), fix="run choose again"
        ) from None
    if place != (run.task, fold):
        raise InputError(
            "the values were chosen for another task or fold",
            file=file,
            found="{}, fold {}".format(*place),
            allowed=f"{run.task}, fold {fold}",
            fix="run choose again",
        )
    _check_parameters(run, parameters, file)
    try:
        tuned: Run = apply_parameters(run, parameters)
    except (ValidationError, KeyError, IndexError, TypeError, ValueError) as error:
        told = explain(error, type(run), None) if isinstance(error, ValidationError) else error
        raise InputError(
            "the values do not fit this run", file=file, found=str(told), fix="run tune again"
        ) from None
    own = {
        "model": tuned.model.model_dump(mode="json"),
        "train": tuned.train.model_dump(mode="json", exclude=set(FREE)),
    }
    for name, section in own.items():
        if section != sections[name]:
            raise InputError(
                f"the values were chosen for another section {name}",
                file=file,
                fix="run tune again",
            )
    return tuned


def _check_parameters(run: Run, parameters: Any, file: Path) -> None:
    """Compare the values with the space that is searched."""
    space = {} if run.tune is None else run.tune.space
    if not isinstance(parameters, Mapping) or parameters.keys() != space.keys():
        found = ", ".join(parameters) if isinstance(parameters, Mapping) else parameters
        raise InputError(
            "the values are not of the keys of tune.space",
            file=file,
            found=found or "none",
            allowed=", ".join(space),
            fix="run tune again",
        )
    for key, value in parameters.items():
        if not space[key].holds(value):
            raise InputError(
                f"the value of {key} is not one that tune.space allows",
                file=file,
                found=json.dumps(value),
                fix="run tune again",
            )
