"""A run with the values that its search chose."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from bioseq_dl.config import Run, apply_parameters
from bioseq_dl.config.explain import explain
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
        Where the file cannot be read, or the values are of another task, fold or network.
    """
    try:
        best = json.loads(file.read_text(encoding="utf-8"))
        place = best["task"], best["fold"]
        parameters, model = best["parameters"], best["model"]
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
    try:
        tuned: Run = apply_parameters(run, parameters)
    except (ValidationError, KeyError, IndexError, TypeError, ValueError) as error:
        told = explain(error, type(run), None) if isinstance(error, ValidationError) else error
        raise InputError(
            "the values do not fit this run", file=file, found=str(told), fix="run tune again"
        ) from None
    if tuned.model.model_dump(mode="json") != model:
        raise InputError(
            "the values were chosen for another section model", file=file, fix="run tune again"
        )
    return tuned
