"""The report's section on a search for sizes and settings."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioseq_dl.errors import InputError
from bioseq_dl.report.figures_of_search import draw_history, draw_values
from bioseq_dl.report.files import read_json
from bioseq_dl.report.sections import Section
from bioseq_dl.report.table import Cell, Table, make_table
from bioseq_dl.report.words import NONE, name_score, say_count, say_number, say_seconds

BEST = 10
"""Trials of a fold that the page lists; trials.tsv holds all."""
EDGE = 0.05
"""Share of a range, on the scale it is drawn on, that counts as its end."""
_COLUMNS = 6
"""Keys with columns of their own."""
_REASONS = 3

History = Mapping[str, Any]


def read_searches(files: Sequence[Path]) -> list[History]:
    """Read tune.json of each fold; those that are not there are left out.

    Raises
    ------
    InputError
        Where a file is damaged.
    """
    found: list[History] = []
    for path in files:
        if not path.exists():
            continue
        history = read_json(path, "choose")
        if not isinstance(history, dict) or not isinstance(history.get("trials"), list):
            raise InputError("not the history of a search", file=path, fix="run choose again")
        found.append(history)
    return found


def tell_search(run: str, searches: Sequence[History], metrics: Mapping[str, Any]) -> Section:
    """Write the section: how the search went, what it chose, and what that was judged by."""
    first = searches[0]
    score = first["figure"] == "val_score"
    label = f"Validation {name_score(metrics) if score else 'loss'}"
    texts = [
        " ".join(_tell_counts(searches)),
        f"Trials were judged by the {label[:1].lower()}{label[1:]} of the epoch that training "
        f"keeps ({'more' if first['higher'] else 'less'} is better), and the search read records "
        "of training and validation alone: test records were read only when the models of this "
        "page, trained with the chosen values, were evaluated."
        + (
            " Each fold has a search of its own, so that no test record of a fold had a say in "
            "its values."
            if len(metrics["folds"]) > 1
            else ""
        ),
        "The validation figure of the chosen trial is the best of many and flatters it; the "
        "figures on test records do not.",
    ]
    texts += _tell_edges(searches)
    texts += _tell_failures(searches)
    tables = [_tabulate_chosen(searches, label), *(_tabulate_best(s, label) for s in searches)]
    pictures = [draw_history(run, searches, label)]
    pictures += filter(None, [draw_values(run, searches, label)])
    return Section("search", "Hyper-parameter search", texts, tables, pictures)


def _tell_counts(searches: Sequence[History]) -> Iterator[str]:
    settings = searches[0]["settings"]
    counts: Counter[str] = Counter()
    for search in searches:
        counts.update(search["counts"])
    ended = ", ".join(
        f"{say_count(counts[name])} {told}"
        for name, told in (
            ("finished", "finished"),
            ("pruned", "were pruned"),
            ("failed", "failed"),
            ("unfinished", "were not ended when the choice was made"),
        )
        if counts[name] or name in ("finished", "pruned", "failed")
    )
    folds = f" in {len(searches)} searches, one a fold" if len(searches) > 1 else ""
    yield f"Of {say_count(sum(counts.values()))} trials{folds}, {ended}."
    pruner = (
        "without pruning"
        if settings["pruner"] == "none"
        else f"pruner median (after {settings['startup_trials']} finished trials, not before epoch "
        f"{settings['warmup_epochs']})"
    )
    workers = settings["workers"]
    seconds = sum(trial["seconds"] or 0 for search in searches for trial in search["trials"])
    yield f"Together they took {say_seconds(seconds)}."
    yield (
        f"Sampler {settings['sampler']} with seed {settings['seed']}, {pruner}; at most "
        f"{searches[0]['epochs']} epochs a trial, {workers} worker{'s' if workers > 1 else ''} "
        "side by side."
    )


def _tell_failures(searches: Sequence[History]) -> list[str]:
    reasons = Counter(
        str(trial["reason"])
        for search in searches
        for trial in search["trials"]
        if trial["state"] == "failed"
    )
    told = [f"{reason} ({say_count(n)})" for reason, n in reasons.most_common(_REASONS)]
    return [f"Why trials failed: {'; '.join(told)}."] if told else []


def _tell_edges(searches: Sequence[History]) -> list[str]:
    """Say which chosen values are among the outermost of their range."""
    told = []
    for search in searches:
        chosen = _find_best(search)["parameters"]
        for key, dimension in search["space"].items():
            if not dimension["choices"] and _is_outermost(chosen[key], dimension):
                fold = f" (fold {search['fold']})" if len(searches) > 1 else ""
                told.append(f"{key} {say_value(chosen[key])} of {say_dimension(dimension)}{fold}")
    if not told:
        return []
    return [
        f"Chosen at an end of its range, beyond which nothing was tried: {'; '.join(told)}. "
        "A wider range may hold a better value."
    ]


def _is_outermost(value: float, dimension: Mapping[str, Any]) -> bool:
    scale = math.log if dimension["log"] else float
    low, high, place = (scale(x) for x in (dimension["low"], dimension["high"], value))
    return min(place - low, high - place) <= EDGE * (high - low)


def _tabulate_chosen(searches: Sequence[History], label: str) -> Table:
    several = len(searches) > 1
    columns = {"Key": "l", "Searched": "l"} | {
        f"Chosen, fold {search['fold']}" if several else "Chosen": "r" for search in searches
    }
    best = [_find_best(search) for search in searches]
    rows: list[list[Cell | str]] = [
        [key, say_dimension(dimension), *(say_value(trial["parameters"][key]) for trial in best)]
        for key, dimension in searches[0]["space"].items()
    ]
    rows.append([label, "", *(say_number(trial["value"]) for trial in best)])
    return make_table("Chosen values", columns, rows)


def _tabulate_best(search: History, label: str) -> Table:
    sign = -1 if search["higher"] else 1
    ended = [trial for trial in search["trials"] if trial["state"] == "finished"]
    ended.sort(key=lambda trial: (sign * trial["value"], trial["trial"]))
    keys = list(search["space"])
    wide = len(keys) <= _COLUMNS
    columns = {"Trial": "r", label: "r"}
    columns |= dict.fromkeys(keys, "r") if wide else {"Values": "l"}
    columns |= {"Kept epoch": "r", "Parameters": "r"}
    rows: list[list[Cell | str]] = []
    for trial in ended[:BEST]:
        values = [say_value(trial["parameters"][key]) for key in keys]
        pairs = ", ".join(f"{key} {value}" for key, value in zip(keys, values, strict=True))
        chosen = "good" if trial["trial"] == search["best"] else ""
        row: list[Cell | str] = [str(trial["trial"]), Cell(say_number(trial["value"]), "", chosen)]
        row += values if wide else [pairs]
        kept = NONE if trial["kept_epoch"] is None else str(trial["kept_epoch"])
        rows.append([*row, kept, say_count(trial["network_parameters"])])
    fold = f" of fold {search['fold']}" if search["fold"] else ""
    note = f"The best {len(rows)} of {say_count(len(ended))} finished; trials.tsv holds all."
    return make_table(f"Best trials{fold}", columns, rows, note)


def _find_best(search: History) -> Mapping[str, Any]:
    return next(trial for trial in search["trials"] if trial["trial"] == search["best"])


def say_value(value: Any) -> str:
    """Write a value as a config would: four digits of a real number, JSON of a section."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def say_dimension(dimension: Mapping[str, Any]) -> str:
    """Write what a key may be."""
    if dimension["choices"]:
        return " | ".join(say_value(value) for value in dimension["choices"])
    text = f"{say_value(dimension['low'])} to {say_value(dimension['high'])}"
    if dimension["step"] is not None:
        text += f" in steps of {say_value(dimension['step'])}"
    return text + (", log" if dimension["log"] else "")
