"""Tables of what was found, ready for the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.table import (
    MOST_ROWS,
    TONES,
    Cell,
    Table,
    difference_cells,
    make_table,
    value_cell,
)
from bioseq_dl.report.words import (
    NONE,
    best_baseline,
    file_name,
    find_comparison,
    main_target,
    name_predictor,
    say_count,
    say_interval,
    say_number,
    say_spread,
    say_target,
)

WORST = 12
"""Mistakes shown on the page; errors.tsv lists more."""


def tabulate_overview(runs: Sequence[RunResults]) -> Table:
    """Give the table of runs: a row for the headline metric and for each published figure."""
    rows: list[list[Cell | str]] = []
    for run in runs:
        metrics = run.metrics
        target = main_target(metrics)
        wanted = [metrics["headline"]]
        wanted += [r["metric"] for r in metrics["published"] if r["target"] == target]
        for place, metric in enumerate(dict.fromkeys(wanted)):
            name = run.name if place == 0 else ""
            rows.append([name, *_overview_cells(metrics, target, metric)])
    columns = {
        "Run": "l", "Metric": "l", "Model": "r", "Single seeds": "r", "Best baseline": "r",
        "Difference": "r", "Published": "r",
    }  # fmt: skip
    return make_table("Every run", columns, rows)


def tabulate_metrics(run: RunResults) -> Table:
    """Give every metric of the run beside its baselines."""
    metrics = run.metrics
    target = main_target(metrics)
    baseline = best_baseline(metrics)
    names = ["model", *metrics["baselines"]]
    folds = len(metrics["folds"]) > 1
    columns = {"Metric": "l", "Model": "r"}
    if len(metrics["seeds"]) > 1:
        columns["Single seeds"] = "r"
    if folds:
        columns["Single folds"] = "r"
    columns |= {_capital(name_predictor(name, metrics)): "r" for name in names[1:]}
    if baseline:
        columns |= {f"Model less {name_predictor(baseline, metrics)}": "r", "p": "r"}
    rows: list[list[Cell | str]] = []
    notes: dict[str, None] = {}
    for metric in metrics["metrics"]:
        definition = metrics["definitions"][metric]
        found = {name: metrics["predictors"][name][target][metric] for name in names}
        better = "" if definition["higher"] else "lower is better"
        row: list[Cell | str] = [
            Cell(definition["label"], better),
            value_cell(found["model"], metric),
        ]
        if "Single seeds" in columns:
            row.append(say_spread(found["model"]["seeds"], metric))
        if folds:
            row.append(say_spread(found["model"]["folds"], metric))
        row += [value_cell(found[name], metric) for name in names[1:]]
        if baseline:
            row += difference_cells(find_comparison(metrics, baseline, target, metric), metric)
        rows.append(row)
        for name, item in found.items():
            if item["note"]:
                told = f"{definition['label']} of {name_predictor(name, metrics)}"
                notes[f"{told}: {item['note']}."] = None
    average = "Mean of the targets. " if len(metrics["targets"]) > 1 else ""
    return make_table("All metrics on the test records", columns, rows, average + " ".join(notes))


def tabulate_targets(run: RunResults) -> Table | None:
    """Give the headline metric of each target, where there are several; of many the worst."""
    metrics = run.metrics
    if len(metrics["targets"]) < 2:
        return None
    metric, baseline = metrics["headline"], best_baseline(metrics)
    label = metrics["definitions"][metric]["label"]
    columns = {"Target": "l", "Test records": "r", "Missing": "r", f"{label} of model": "r"}
    if baseline:
        columns |= {
            f"{label} of {name_predictor(baseline, metrics)}": "r",
            "Difference": "r",
            "p": "r",
        }
    values = {t: metrics["predictors"]["model"][t][metric]["value"] for t in metrics["targets"]}
    order: list[str] = list(metrics["targets"])
    if len(order) > MOST_ROWS:
        order.sort(key=lambda target: math.inf if (v := values[target]) is None else v)
    rows = []
    for target in order:
        counts = metrics["records"][target]
        classes = ", ".join(f"{c}: {say_count(counts['classes'][c])}" for c in metrics["classes"])
        row = [Cell(target), Cell(say_count(counts["test"]), classes)]
        row.append(Cell(say_count(counts["missing"])))
        row.append(value_cell(metrics["predictors"]["model"][target][metric], metric))
        if baseline:
            row.append(value_cell(metrics["predictors"][baseline][target][metric], metric))
            row += difference_cells(find_comparison(metrics, baseline, target, metric), metric)
        rows.append(row)
    return make_table(f"{label} of each target", columns, rows)


def tabulate_published(run: RunResults) -> Table | None:
    """Give the published figures beside ours."""
    rows = []
    for row in run.metrics["published"]:
        metric = row["metric"]
        ours = Cell(say_number(row["value"], metric), say_interval(row["low"], row["high"], metric))
        verdict = {
            "better": "ours is better",
            "worse": "ours is worse",
            "interval contains it": "within our interval",
        }.get(row["verdict"], "no comparison")
        label = run.metrics["definitions"][metric]["label"]
        several = row["target"] if len(run.metrics["targets"]) > 1 else ""
        rows.append(
            [
                Cell(label, several),
                f"{row['published']:g}",
                ours,
                say_spread(row["seeds"], metric),
                Cell(verdict, tone=TONES.get(row["verdict"], "")),
                row["source"],
            ]
        )
    if not rows:
        return None
    columns = {
        "Metric": "l", "Published": "r", "Ours": "r", "Single seeds": "r",
        "Finding": "l", "Source": "l",
    }  # fmt: skip
    note = "A published figure is taken as exact, as its own uncertainty is rarely reported."
    return make_table("Published figures", columns, rows, note)


def tabulate_calibration(run: RunResults) -> Table | None:
    """Give what temperature scaling did."""
    rows = []
    for target in run.metrics["targets"]:
        # Shares and angles have no probability, so no temperature.
        found = run.metrics["calibration"].get(target)
        if found is None:
            continue
        temperatures = [item["value"] for item in found["temperatures"]]
        notes = "; ".join(dict.fromkeys(t["note"] for t in found["temperatures"] if t["note"]))
        row = [Cell(target, notes), Cell(", ".join(f"{value:.2f}" for value in temperatures))]
        for metric in ("log_loss", "ece", "brier"):
            before, after = found["before"][metric], found["after"][metric]
            row.append(Cell(f"{say_number(before)} → {say_number(after)}"))
        rows.append(row)
    if not rows:
        return None
    columns = {"Target": "l", "Temperature": "r", "Log loss": "r", "ECE": "r", "Brier score": "r"}
    note = "Test records, before → after. Fitted on validation; all other figures are before."
    return make_table("Temperature scaling", columns, rows, note)


def tabulate_errors(run: RunResults) -> Table | None:
    """Give the most confident mistakes."""
    errors = run.tables["errors"]
    if not len(errors):
        return None
    regression = run.metrics["kind"] == "regression"
    baseline = str(errors["baseline"].iloc[0]) if errors["baseline"].notna().any() else ""
    head = "Residual" if regression else "P of wrong class"
    several = len(run.metrics["targets"]) > 1
    columns = {"Record": "l"} | ({"Target": "l"} if several else {})
    columns |= {"True": "l", "Predicted": "l", head: "r"}
    if baseline:
        columns[f"same, {name_predictor(baseline, run.metrics)}"] = "r"
    measures = _list_measures(run, errors)
    columns |= dict.fromkeys(measures, "r")
    order = errors["error"].abs().sort_values(ascending=False, kind="stable").index
    rows = []
    for _, item in errors.loc[order].head(WORST).iterrows():
        row: list[Cell | str] = [Cell(item["id"], _say_origin(item))]
        row += [item["target"]] if several else []
        row += [*_outcome(item, regression), say_number(item["error"])]
        if baseline:
            row.append(say_number(item["baseline_error"]))
        for name, form in measures.values():
            value = item[name]
            row.append(NONE if value != value else form(value))
        rows.append(row)
    note = "Where the baseline errs as surely as the model, the label itself is worth a look."
    title = "Largest residuals" if regression else "Most confident mistakes"
    return make_table(title, columns, rows, note if baseline else "")


def _list_measures(
    run: RunResults, errors: pd.DataFrame
) -> dict[str, tuple[str, Callable[[float], str]]]:
    """Give what is told of each mistake: head: column and how it is written."""
    listed: dict[str, tuple[str, Callable[[float], str]]] = {
        f"Length ({run.unit})": ("length", say_count),
        "GC": ("gc", "{:.2f}".format),
        "Genes": ("genes", say_count),
        "Sum of values": (
            "total",
            lambda value: say_count(value) if abs(value) >= 100 else f"{value:.3g}",
        ),
        "Mitochondrial": ("mitochondrial", "{:.3f}".format),
    }
    # Lengths are told even where they are not known.
    return {
        head: (name, form)
        for head, (name, form) in listed.items()
        if name in errors and (name == "length" or errors[name].notna().any())
    }


def _say_origin(item: Any) -> str:
    """Give a variant's mutations; of other records the file they came from."""
    if isinstance(item.get("mutations"), str):
        return "wild type" if item["mutations"] == "=" else str(item["mutations"])
    return file_name(item["source"]) if isinstance(item["source"], str) else ""


def _outcome(item: Any, regression: bool) -> Iterator[str]:
    for key in ("truth", "predicted"):
        yield say_number(float(item[key])) if regression else str(item[key])


def _overview_cells(metrics: Mapping[str, Any], target: str, metric: str) -> list[Cell | str]:
    ours = metrics["predictors"]["model"][target][metric]
    baseline = best_baseline(metrics)
    cells: list[Cell | str] = [
        Cell(metrics["definitions"][metric]["label"], say_target(metrics)),
        value_cell(ours, metric),
        say_spread(ours["seeds"], metric),
    ]
    if baseline:
        theirs = value_cell(metrics["predictors"][baseline][target][metric], metric)
        cells.append(Cell(theirs.text, f"{name_predictor(baseline, metrics)} {theirs.small}"))
        cells.append(
            difference_cells(find_comparison(metrics, baseline, target, metric), metric)[0]
        )
    else:
        cells += [NONE, NONE]
    published = [
        row for row in metrics["published"] if row["metric"] == metric and row["target"] == target
    ]
    text = ", ".join(f"{row['published']:g}" for row in published)
    return [*cells, Cell(text or NONE, "; ".join(row["source"] for row in published))]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
