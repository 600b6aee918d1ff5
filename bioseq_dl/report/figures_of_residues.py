"""Figures of a run with labels for each residue: protein by protein, and three proteins drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.io.psipred import PredictedProtein
from bioseq_dl.io.secondary_structure import NO_LABEL
from bioseq_dl.report.figures import draw_calibration, draw_confusion, draw_ranking, name_error
from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.residues import TrueStates, draw_protein
from bioseq_dl.report.style import (
    GREY,
    INK,
    PREDICTOR_COLOURS,
    Picture,
    drawing,
    render_svg,
)
from bioseq_dl.report.words import name_predictor, say_count, say_number

BINS = 25
"""Of the histogram over proteins."""
MOST_DRAWN = 600
"""Residues of a protein that the page draws; the table beside it has all."""
LEAST_RESIDUES = 30
"""Test residues of an amino acid that is drawn; error_rates.tsv has all."""
_TITLES = {
    "good": "A protein that is predicted well",
    "middling": "A protein in the middle",
    "bad": "A protein that is predicted badly",
}


def draw_residue_performance(run: RunResults) -> Iterator[Picture]:
    """Draw confusion tables of states, calibration, and the curves of masks."""
    for target, cells in run.tables["confusion"].groupby("target", sort=False):
        yield draw_confusion(run, str(target), cells, "residues")
    curves = run.tables["curves"]
    if not len(curves):
        return
    rows = curves[curves["curve"] == "calibration"]
    if len(rows):
        yield draw_calibration(run, rows, "residues")
    for curve, title, x, y in (
        ("roc", "ROC curve", "False positive rate", "True positive rate"),
        ("pr", "Precision and recall", "Recall", "Precision"),
    ):
        rows = curves[curves["curve"] == curve]
        if len(rows):
            yield draw_ranking(run, rows, curve, title, x, y)


def draw_spread(run: RunResults) -> Picture | None:
    """Draw how the main figure is spread over test proteins, the best baseline's beside it."""
    listed = run.tables["errors"]
    listed = listed[listed["value"].notna()] if len(listed) else listed
    if not len(listed):
        return None
    metric, target = str(listed["metric"].iloc[0]), str(listed["target"].iloc[0])
    label = run.metrics["definitions"][metric]["label"]
    given = listed["baseline"].iloc[0]
    parts = [("model", listed["value"])]
    if isinstance(given, str) and listed["baseline_value"].notna().any():
        parts.append((given, listed["baseline_value"].dropna()))
    both = pd.concat([values for _, values in parts])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    numbers: dict[str, NDArray[np.float64]] = {"from": edges[:-1], "to": edges[1:]}
    with drawing() as figure:
        axis = figure.subplots()
        for name, values in parts:
            counts = np.histogram(values, edges)[0]
            numbers[name_predictor(name)] = counts
            colour = PREDICTOR_COLOURS.get(name, GREY)
            axis.stairs(counts, edges, color=colour, lw=1.4, label=name_predictor(name))
            axis.stairs(counts, edges, color=colour, fill=True, alpha=0.15)
            axis.axvline(float(values.median()), color=colour, ls="--", lw=1)
        axis.set(xlabel=f"{label} of a protein", ylabel="Test proteins")
        axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-proteins", f"{label} of the proteins of {run.name}")
    medians = "; ".join(
        f"{name_predictor(name)} {say_number(float(values.median()), metric)}"
        for name, values in parts
    )
    caption = f"{label} of {target} in each of {say_count(len(listed))} test proteins. Dashed: "
    caption += f"medians ({medians})."
    return Picture("proteins", "Protein by protein", caption, svg, pd.DataFrame(numbers))


def draw_lengths(run: RunResults) -> Picture | None:
    """Draw the main figure of each test protein against its length."""
    listed = run.tables["errors"]
    listed = listed[listed["value"].notna()] if len(listed) else listed
    if listed.empty or listed["length"].nunique() < 2:
        return None
    metric, target = str(listed["metric"].iloc[0]), str(listed["target"].iloc[0])
    label = run.metrics["definitions"][metric]["label"]
    colour = PREDICTOR_COLOURS["model"]
    with drawing() as figure:
        axis = figure.subplots()
        axis.plot(
            listed["length"], listed["value"], "o", ms=2.5, alpha=0.35, mew=0, color=colour,
            label="a protein",
        )  # fmt: skip
        rates = _rates_by_length(run, target)
        if metric == "accuracy" and len(rates):
            ends = rates["bin"].str.split(" to ", expand=True).astype(float)
            axis.hlines(
                1 - rates["rate"], ends[0], ends[1], color=INK, lw=1.6, label="all residues"
            )
            middle = np.sqrt(ends[0] * ends[1])
            axis.vlines(middle, 1 - rates["high"], 1 - rates["low"], color=INK, lw=1.2)
        axis.set_xscale("log")
        ticks = [n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if _within(n, listed)]
        axis.set_xticks(ticks, [str(n) for n in ticks])
        axis.minorticks_off()
        axis.set(xlabel="Length (aa)", ylabel=label)
        axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-by_length", f"{label} of {run.name} by length")
    caption = f"{label} of {target} by the protein's length; a dot a test protein."
    if metric == "accuracy" and len(rates):
        caption += " Lines: all residues of proteins of these lengths, with 95% intervals."
    columns = ["id", "length", "residues", "value", "baseline_value"]
    return Picture("by_length", f"{label} by length", caption, svg, listed[columns])


def draw_amino_acids(run: RunResults) -> Picture | None:
    """Draw the error of the main target by amino acid, the worst first."""
    table = run.tables["error_rates"]
    target = run.metrics["main"]
    rows = table[(table["target"] == target) & (table["by"] == "residue")] if len(table) else table
    if not len(rows):
        return None
    rows = rows[rows["records"] >= LEAST_RESIDUES]
    if not len(rows):
        return None
    rows = rows.sort_values("rate", ascending=False, kind="stable").reset_index(drop=True)
    label = name_error(run, target)
    places = np.arange(len(rows))
    with drawing(4.3, 2.6) as figure:
        axis = figure.subplots()
        colour = PREDICTOR_COLOURS["model"]
        axis.vlines(places, rows["low"], rows["high"], color=colour, lw=1.4)
        axis.plot(places, rows["rate"], "o", ms=4, color=colour)
        axis.set_xticks(places, list(rows["bin"]))
        axis.set(xlabel="Amino acid", ylabel=label)
        axis.grid(axis="x", visible=False)
        svg = render_svg(figure, f"{run.name}-amino_acids", f"{label} of {run.name} by amino acid")
    caption = f"{label} of {target}; lines: 95% intervals by resampling proteins. Amino acids with "
    caption += f"{LEAST_RESIDUES} test residues or more."
    return Picture("amino_acids", "Errors by amino acid", caption, svg, rows, wide=True)


def draw_examples(run: RunResults) -> Iterator[Picture]:
    """Draw a protein that is predicted well, one in the middle and one predicted badly."""
    drawn = run.tables["drawn"]
    if "position" not in drawn.columns:
        return
    metric, main = run.metrics["headline"], run.metrics["main"]
    label = run.metrics["definitions"][metric]["label"]
    for (rank, name), rows in drawn.groupby(["rank", "id"], sort=False):
        # The string drawn is that of the main target: what the value counts.
        target = (
            main if f"true:{main}" in rows else next(t for t in ("q3", "q8") if f"true:{t}" in rows)
        )
        columns = [f"{target}:{state}" for state in run.metrics["states"][target]]
        predicted = PredictedProtein(
            id=str(name),
            sequence="".join(rows["residue"]),
            disorder=rows["disorder"].to_numpy(float) if "disorder" in rows else None,
            **{target: rows[columns].to_numpy(float)},
        )
        letters = "".join(rows[f"true:{target}"]).replace(" ", NO_LABEL)
        picture = draw_protein(
            predicted, TrueStates(**{target: letters}), most=MOST_DRAWN, key=f"{run.name}-{rank}"
        )
        title = f"{_TITLES[str(rank)]}: {name}"
        value = say_number(float(rows["value"].iloc[0]), metric)
        yield Picture(
            key=f"protein_{rank}",
            title=title,
            caption=f"{label} {value}. {picture.caption}",
            svg=picture.svg,
            numbers=picture.numbers,
            wide=True,
            full=True,
        )


def _rates_by_length(run: RunResults, target: str) -> pd.DataFrame:
    table = run.tables["error_rates"]
    if not len(table):
        return table
    return table[(table["target"] == target) & (table["by"] == "length")]


def _within(number: int, listed: pd.DataFrame) -> bool:
    return bool(listed["length"].min() <= number <= listed["length"].max())
