"""The keys that a search varies: whether they fit a run, and a run with other values."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from bioseq_dl.config.explain import explain

_FIXED = {
    "model.preset": "make a run of each preset",
    "model.kind": "make a run of each kind",
    "model.weights": "make a run of each file",
    "train.seeds": "tune.seed is that of all trials",
    "train.epochs": "set tune.epochs",
    "train.monitor": "it names the figure that trials are judged by",
    "train.keep": "it says which epoch is judged",
    "train.device": "it changes no result that could be compared",
    "train.devices": "trials train on those of the run",
    "train.threads": "it changes no result that could be compared",
    "train.compile": "it changes no result that could be compared",
    "train.tensorboard": "it changes no result",
    "train.checkpoint_seconds": "it changes no result",
}
"""Key: why it is not varied, or what to do instead."""
FREE = ("seeds", "threads", "tensorboard", "checkpoint_seconds")
"""Of train: what changes no result, or is not of one training."""
_OF_LOSS = ("train.loss", "model.decoder")
"""Keys that change what a validation loss means."""


def check_tune(run: Any) -> None:
    """Compare the keys and values of a search with the run's sections.

    Each end of a range and each choice is tried: the run is built with it.

    Raises
    ------
    ValueError
        For the first fault, told by the key.
    """
    tune = run.tune
    if tune is None:
        return
    epochs = run.train.epochs if tune.epochs is None else tune.epochs
    if tune.pruner == "median" and tune.warmup_epochs >= epochs:
        raise ValueError(
            f"tune.warmup_epochs must be below the {epochs} epochs of a trial, or nothing is ever "
            "pruned; set pruner: none for that"
        )
    sections = _dump_sections(run)
    for key in tune.space:
        _check_key(key, run, sections)
    for key in tune.space:
        inside = [other for other in tune.space if key.startswith(f"{other}.")]
        if inside:
            raise ValueError(f"tune.space.{key} stands within tune.space.{inside[0]}; give one")
    for key, dimension in tune.space.items():
        for name, value in dimension.tell_values():
            try:
                apply_parameters(run, {key: value})
            except ValidationError as error:
                problem = explain(error, type(run), None)
                raise ValueError(
                    f"tune.space.{key}: {name} {value!r} cannot be used: {problem}"
                ) from None


def apply_parameters(run: Any, parameters: Mapping[str, Any]) -> Any:
    """Give the run with other values, without a search.

    Parameters
    ----------
    run : Run
        Of any task.
    parameters : mapping
        Key, as in ``tune.space``, to its value.

    Raises
    ------
    ValidationError
        Where the values do not fit, alone or together.
    """
    sections = _dump_sections(run)
    for key, value in parameters.items():
        *way, last = key.split(".")
        place: Any = sections
        for part in way:
            place = place[_index(place, part)]
        place[_index(place, last)] = value
    data = run.model_dump(mode="json") | sections | {"tune": None}
    return type(run).model_validate(data)


def name_figure(run: Any) -> tuple[str, bool]:
    """Give the column of history.csv that trials are judged by, and whether more is better."""
    of_score = run.train.monitor == "score"
    return ("val_score", True) if of_score else ("val_loss", False)


def _dump_sections(run: Any) -> dict[str, Any]:
    # The preset's sizes stand in the section: with its name it would not let them change.
    return {
        "model": run.model.model_dump(mode="json", exclude={"preset"}),
        "train": run.train.model_dump(mode="json"),
    }


def _check_key(key: str, run: Any, sections: dict[str, Any]) -> None:
    where = f"tune.space.{key}"
    if key in sections or key.partition(".")[0] not in sections:
        raise ValueError(
            f"{where}: keys are those below model and train, such as train.learning_rate"
        )
    for fixed, why in _FIXED.items():
        if f"{key}.".startswith(f"{fixed}."):
            raise ValueError(f"{where} is not varied: {why}")
    if run.train.monitor == "loss" and f"{key}.".startswith(tuple(f"{name}." for name in _OF_LOSS)):
        raise ValueError(
            f"{where} changes what a loss means, so losses cannot be compared; "
            "set train.monitor: score"
        )
    place: Any = sections
    walked: list[str] = []
    for part in key.split("."):
        at = ".".join(walked)
        if isinstance(place, dict) and part not in place:
            near = get_close_matches(part, place, n=1)
            fix = f"; fix: did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"{where}: unknown key {part!r} of {at}; allowed: {', '.join(place)}{fix}"
            )
        if isinstance(place, list) and part not in map(str, range(len(place))):
            allowed = f"0 to {len(place) - 1}" if place else "none, the list is empty"
            raise ValueError(f"{where}: no such place {part!r} in {at}; allowed: {allowed}")
        if not isinstance(place, dict | list):
            found = "null in this run: give it, or choices of it" if place is None else "no section"
            raise ValueError(f"{where}: {at} is {found}")
        place = place[_index(place, part)]
        walked.append(part)


def _index(place: Any, part: str) -> Any:
    return int(part) if isinstance(place, list) else part
