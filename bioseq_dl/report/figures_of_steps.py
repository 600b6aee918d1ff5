"""Figures of what came before: the data, the training, and all runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.style import (
    BLUE,
    CYCLE,
    GREY,
    INK,
    PREDICTOR_COLOURS,
    RED,
    Picture,
    drawing,
    render_svg,
)
from bioseq_dl.report.tables_of_steps import kept_epoch
from bioseq_dl.report.words import MEAN, best_baseline, main_target, name_predictor, name_score


def draw_overview(runs: Sequence[RunResults]) -> Iterator[Picture]:
    """Draw every run's headline metric, and every metric with a published figure, as a row."""
    wanted: dict[str, None] = {}
    for run in runs:
        wanted[run.metrics["headline"]] = None
    for run in runs:
        for row in run.metrics["published"]:
            if row["target"] == main_target(run.metrics):
                wanted[row["metric"]] = None
    for metric in wanted:
        rows = [row for run in runs for row in _overview_rows(run, metric)]
        if any(row["value"] is not None for row in rows):
            label = next(
                run.metrics["definitions"][metric]["label"]
                for run in runs
                if metric in run.metrics["definitions"]
            )
            yield _draw_overview(metric, label, pd.DataFrame(rows))


def draw_data(run: RunResults) -> Iterator[Picture]:
    """Draw the histograms of length and, of DNA, GC content."""
    if run.ingest is None:
        return
    lengths, gc = run.ingest["lengths"], run.ingest.get("gc")
    if lengths["min"] < lengths["max"]:
        yield _draw_histogram(run, "lengths", "Length", f"Length ({run.unit})", lengths, {})
    if gc is None:
        return
    counts = gc.get("by_class", {})
    by_class = {name: counts[name] for name in run.metrics["classes"] if name in counts}
    yield _draw_histogram(
        run, "gc", "GC content", "GC content (share of known bases)", gc, by_class
    )


def draw_learning(run: RunResults) -> Iterator[Picture]:
    """Draw the loss and the validation score over the epochs, a line per fold and seed."""
    histories = [item for item in run.training if len(item.history)]
    if not histories:
        return
    numbers = pd.concat(
        [item.history.assign(fold=item.fold, seed=item.seed) for item in histories]
    ).drop(columns="seconds", errors="ignore")
    with drawing() as figure:
        axis = figure.subplots()
        for place, item in enumerate(histories):
            for column, colour, name in (
                ("train_loss", GREY, "training"),
                ("val_loss", BLUE, "validation"),
            ):
                label = name if place == 0 else None
                axis.plot(
                    item.history["epoch"], item.history[column], color=colour, lw=1.1, label=label
                )
            _mark_best(axis, item.history, "val_loss", item.summary, place)
        axis.set(xlabel="Epoch", ylabel="Loss")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-loss", f"Loss of {run.name} over the epochs")
    count = len(histories)
    caption = f"{count} trainings" if count > 1 else "One training"
    caption += "; dots: the epoch that was kept."
    yield Picture("loss", "Loss", caption, svg, numbers)
    if not numbers["val_score"].notna().any():
        return
    with drawing() as figure:
        axis = figure.subplots()
        for place, item in enumerate(histories):
            few = count <= len(CYCLE)
            seed = f"seed {item.seed}"
            name = seed if len(run.metrics["folds"]) == 1 else f"fold {item.fold}, {seed}"
            axis.plot(
                item.history["epoch"], item.history["val_score"], lw=1.1,
                color=CYCLE[place] if few else GREY, label=name if few else None,
            )  # fmt: skip
            _mark_best(axis, item.history, "val_score", item.summary, None)
        label = name_score(run.metrics)
        axis.set(xlabel="Epoch", ylabel=f"Validation {label}")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if count <= len(CYCLE):
            axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-score", f"Validation {label} of {run.name}")
    caption += " Here and in history.csv it is the column val_score."
    yield Picture("score", f"Validation {label}", caption, svg, numbers)


def _mark_best(
    axis: Any, history: pd.DataFrame, column: str, summary: Mapping[str, Any], place: int | None
) -> None:
    best = history[history["epoch"] == kept_epoch(summary)]
    label = "kept" if place == 0 else None
    axis.plot(best["epoch"], best[column], "o", ms=4, color=INK, label=label, zorder=3)


def _draw_histogram(
    run: RunResults,
    key: str,
    title: str,
    x: str,
    found: Mapping[str, Any],
    by_class: Mapping[str, Sequence[int]],
) -> Picture:
    edges = np.array(found["edges"], float)
    parts = dict(by_class) if 1 < len(by_class) <= len(CYCLE) else {"": found["counts"]}
    with drawing(3.5, 2.4) as figure:
        axis = figure.subplots()
        for i, (name, counts) in enumerate(parts.items()):
            axis.stairs(counts, edges, color=CYCLE[i], lw=1.3, label=name or None)
            axis.stairs(counts, edges, color=CYCLE[i], fill=True, alpha=0.15)
        axis.set(xlabel=x, ylabel="Records")
        if len(parts) > 1:
            axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-{key}", f"{title} of the records of {run.name}")
    numbers = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "records": found["counts"]})
    for name, counts in by_class.items():
        numbers[f"records of {name}"] = counts
    low, high = found["q05"], found["q95"]
    caption = f"Median {found['median']:.3g}; 90% between {low:.3g} and {high:.3g}."
    return Picture(key, title, caption, svg, numbers)


def _overview_rows(run: RunResults, metric: str) -> Iterator[dict[str, Any]]:
    metrics = run.metrics
    target = main_target(metrics)
    # A run may know a metric of another target than its main one.
    if metric not in metrics["predictors"]["model"][target]:
        return
    names = ["model", *filter(None, [best_baseline(metrics)])]
    for name in names:
        found = metrics["predictors"][name][target][metric]
        row = {"run": run.name, "predictor": name_predictor(name, metrics), "metric": metric}
        yield row | {key: found[key] for key in ("value", "low", "high")}
    for published in metrics["published"]:
        if (published["metric"], published["target"]) == (metric, target):
            row = {"run": run.name, "predictor": "published", "metric": metric}
            yield row | {"value": published["published"], "low": None, "high": None}


def _draw_overview(metric: str, label: str, rows: pd.DataFrame) -> Picture:
    runs = list(dict.fromkeys(rows["run"]))
    styles = {"model": ("o", BLUE, 0.16), "published": ("D", RED, 0.0)}
    baselines = [name for name in dict.fromkeys(rows["predictor"]) if name not in styles]
    colours = {name_predictor(key): colour for key, colour in PREDICTOR_COLOURS.items()}
    colours[MEAN] = PREDICTOR_COLOURS["prior"]
    # Baselines of several kinds share a colour and a name; the table above says which is whose.
    common = colours[name_predictor("kmer")]
    labels = {"model": "model", "published": "published"}
    for place, name in enumerate(baselines):
        alone = len(baselines) == 1
        styles[name] = ("s", colours.get(name, common) if alone else common, -0.16)
        labels[name] = name if alone else "best baseline" if place == 0 else "_"
    with drawing(4.3, 0.95 + 0.42 * len(runs)) as figure:
        axis = figure.subplots()
        for name in ("model", *baselines, "published"):
            part = rows[rows["predictor"] == name]
            if not len(part):
                continue
            marker, colour, shift = styles[name]
            places = np.array([len(runs) - 1 - runs.index(run) for run in part["run"]]) + shift
            low, high, value = (part[c].to_numpy(float) for c in ("low", "high", "value"))
            axis.hlines(places, low, high, color=colour, lw=1.5)
            axis.plot(value, places, marker, ms=4.5, color=colour, label=labels[name])
        axis.set_yticks(range(len(runs)), runs[::-1])
        axis.set_ylim(-0.6, len(runs) - 0.4)
        axis.set_xlabel(label)
        axis.grid(axis="y", visible=False)
        figure.legend(loc="outside upper right", ncols=4)
        svg = render_svg(figure, f"overview-{metric}", f"{label} of every run")
    caption = "Test records; lines: bootstrap intervals."
    return Picture(f"overview_{metric}", label, caption, svg, rows, wide=True)
