"""The report's section on variants that nobody has measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioseq_dl.report.files import read_json, read_table
from bioseq_dl.report.sections import Section
from bioseq_dl.report.style import INK, Picture, drawing, render_svg
from bioseq_dl.report.table import Table, make_table
from bioseq_dl.report.words import (
    NONE,
    best_baseline,
    find_comparison,
    name_predictor,
    say_count,
    say_number,
)

LETTERS = "GAVLIMFWYPSTNQCHKRDE"
"""Rows of the heatmap: small, aliphatic, aromatic, polar, positive, negative."""
_COLUMNS = 80
"""Places in a row of the heatmap."""


@dataclass(frozen=True, eq=False)
class Told:
    """What the step landscape wrote."""

    summary: Mapping[str, Any]
    singles: pd.DataFrame
    designs: pd.DataFrame


def read_landscape(folder: Path | None) -> Told | None:
    """Read what landscape wrote; None where it was not run.

    Raises
    ------
    InputError
        Where a file is missing beside landscape.json, or damaged.
    """
    if folder is None or not (folder / "landscape.json").exists():
        return None
    singles, designs = (
        read_table(folder / name, "landscape") for name in ("singles.tsv", "designs.tsv")
    )
    return Told(read_json(folder / "landscape.json", "landscape"), singles, designs)


def tell_landscape(run: str, told: Told, metrics: Mapping[str, Any]) -> Section:
    """Write the section: a heatmap and the best designs of each target.

    At its head stands what `metrics` (metrics.json) say against the model, where a baseline is
    better on the test records.
    """
    confidence = told.summary["settings"]["confidence"]
    texts = [*filter(None, (_warn(name, metrics) for name in told.summary["targets"]))]
    texts += [
        f"All {say_count(told.summary['singles'])} single mutants of the wild type, by "
        f"{say_count(told.summary['models'])} models; singles.tsv holds them with their "
        f"{confidence:.0%} intervals."
    ]
    tables: list[Table] = []
    for name, found in told.summary["targets"].items():
        texts.append(" ".join([_tell_intervals(name, found, confidence), *found["cautions"]]))
        designs = told.designs[told.designs["target"] == name]
        if len(designs):
            tables.append(_tabulate_designs(name, designs, told.summary, found))
    return Section("landscape", "Single mutants and designs", texts, tables, [*_draw(run, told)])


def _warn(target: str, metrics: Mapping[str, Any]) -> str | None:
    """Say where the model does not beat its best baseline; None where it does."""
    metric, baseline = metrics["headline"], best_baseline(metrics, target)
    row = find_comparison(metrics, baseline, target, metric) if baseline else None
    if row is None or baseline is None:
        return None
    ours, theirs = row["model_value"], row["baseline_value"]
    sign = 1 if metrics["definitions"][metric]["higher"] else -1
    if theirs is None or (ours is not None and sign * ours > sign * theirs):
        return None
    judged = "worse" if row["verdict"] == "worse" else "no better"
    return (
        f"Caution: on the test records the model is {judged} than the "
        f"{name_predictor(baseline, metrics)} baseline (of {target}: "
        f"{metrics['definitions'][metric]['label']} {say_number(ours, metric)} against "
        f"{say_number(theirs, metric)}). What follows is what that model says; mend it before its "
        "designs are made."
    )


def _tell_intervals(name: str, found: Mapping[str, Any], confidence: float) -> str:
    if found["median_width"] is None:
        return (
            f"{name}: no intervals, as {say_count(found['validation'])} validation records are too "
            f"few for {confidence:.0%}."
        )
    held, width = f"{found['coverage']:.0%}", say_number(found["median_width"])
    return (
        f"{name}: the wild type's prediction is {say_number(found['wild_type'])}. Intervals are "
        f"set on {say_count(found['validation'])} validation records (split conformal, in units "
        f"of the models' spread); they hold {held} of {say_count(found['test'])} test values, and "
        f"are {width} wide in the median."
    )


def _tabulate_designs(
    name: str, designs: pd.DataFrame, summary: Mapping[str, Any], found: Mapping[str, Any]
) -> Table:
    settings = summary["settings"]["designs"]
    rows = [
        [
            str(item["rank"]),
            str(item["mutations"]),
            say_number(item["value"]),
            say_number(item["sd"]),
            NONE
            if not np.isfinite(item["low"])
            else f"{say_number(item['low'])} to {say_number(item['high'])}",
        ]
        for _, item in designs.iterrows()
    ]
    columns = {"": "r", "Mutations": "l", "Predicted": "r", "SD of models": "r", "Interval": "r"}
    note = (
        f"The {settings['goal']}est by {_say_acquisition(settings)}, of at most "
        f"{settings['max_mutations']} mutations, {settings['min_distance']} or more places apart, "
        f"not measured yet; {say_count(found['scored'])} variants were scored."
    )
    if found.get("left_out"):
        note += (
            f" {say_count(found['left_out'])} further mutations of variants of the beam were not: "
            "max_scored kept, of each variant, those with the best single mutants."
        )
    return make_table(f"Designs: {name}", columns, rows, note)


def _say_acquisition(settings: Mapping[str, Any]) -> str:
    mean = "the mean of the models"
    if settings["acquisition"] == "mean":
        return mean
    # Towards the goal or away from it: what is sought may be a low value.
    away = (settings["acquisition"] == "lower") == (settings["goal"] == "high")
    return f"{mean} {'less' if away else 'plus'} {say_number(settings['exploration'])} of their SD"


def _draw(run: str, told: Told) -> Iterator[Picture]:
    """Draw each target's heatmap: the difference from the wild type, by place and letter."""
    for name, found in told.summary["targets"].items():
        rows = told.singles[told.singles["target"] == name]
        grid = rows.pivot_table(index="letter", columns="place", values="value", sort=False)
        grid = grid.reindex(index=list(LETTERS), columns=sorted(grid.columns))
        changes = grid.to_numpy(float) - found["wild_type"]
        known = np.abs(changes[~np.isnan(changes)])
        # A few extremes would drown all else.
        largest = float(np.quantile(known, 0.99)) or 1e-12
        strips = [slice(at, at + _COLUMNS) for at in range(0, changes.shape[1], _COLUMNS)]
        with drawing(7.4, 0.5 + 2.3 * len(strips)) as figure:
            axes = figure.subplots(len(strips), 1, squeeze=False)[:, 0]
            for axis, strip in zip(axes, strips, strict=True):
                places = np.array(grid.columns[strip])
                image = axis.imshow(
                    changes[:, strip],
                    cmap="RdBu_r",
                    vmin=-largest,
                    vmax=largest,
                    aspect="auto",
                    interpolation="none",
                    extent=(-0.5, len(places) - 0.5, len(LETTERS) - 0.5, -0.5),
                )
                _mark(axis, places, told.summary)
                axis.set_xlim(-0.5, max(min(changes.shape[1], _COLUMNS), 10) - 0.5)
            figure.colorbar(image, ax=list(axes), shrink=0.6, label=f"Change of {name}")
            key = f"landscape-{name}"
            svg = render_svg(figure, f"{run}-{key}", f"Single mutants of the wild type: {name}")
        yield Picture(
            key,
            f"Single mutants: {name}",
            "Predicted value less the wild type's, by place (below, with the wild type's residue) "
            "and new residue (left). Dots: the wild type.",
            svg,
            rows.drop(columns="target"),
            wide=True,
            full=True,
        )


def _mark(axis: Any, places: Any, summary: Mapping[str, Any]) -> None:
    native = [summary["wild_type"][place - summary["first"]] for place in places]
    spots = [(at, LETTERS.index(x)) for at, x in enumerate(native) if x in LETTERS]
    if spots:
        axis.plot(*zip(*spots, strict=True), "o", ms=1.8, color=INK, ls="")
    axis.set_yticks(range(len(LETTERS)), list(LETTERS), fontsize=6)
    step = 1 if len(places) <= 25 else 10
    ticks = [at for at, place in enumerate(places) if step == 1 or place % step == 0]
    axis.set_xticks(ticks, [f"{native[at]}{places[at]}" for at in ticks], fontsize=6.5)
    axis.tick_params(axis="both", length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
