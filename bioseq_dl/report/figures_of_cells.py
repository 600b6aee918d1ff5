"""Figures of a run on cells: the class unknown, maps of the embedding, anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from bioseq_dl.report.figures import MOST_LINES
from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.style import CYCLE, GREY, INK, Picture, drawing, render_svg
from bioseq_dl.report.tables_of_cells import name_outliers
from bioseq_dl.report.words import say_count

MOST_COLOURS = 20
"""Classes told apart on a map; smaller ones are grey."""
_FULL = 9.2
_NAMES = {"model": "Embedding of the model", "pca": "Principal components"}


def draw_unknown(run: RunResults) -> Picture | None:
    """Draw the accuracy of the most confident cells, and where the threshold lies."""
    curves = run.tables["unknown_curve"]
    if not len(curves):
        return None
    targets = list(dict.fromkeys(curves["target"]))[:MOST_LINES]
    with drawing() as figure:
        axis = figure.subplots()
        for place, target in enumerate(targets):
            points = curves[curves["target"] == target]
            label = target if len(targets) > 1 else None
            axis.plot(points["classified"], points["accuracy"], color=CYCLE[place], label=label)
            found = run.metrics["unknown"][target]
            share, right = found["unknown"]["value"], found["accuracy_rest"]
            if share is not None and right["value"] is not None:
                axis.vlines(1 - share, right["low"], right["high"], color=INK, lw=1)
                axis.plot(1 - share, right["value"], "o", ms=5, color=INK, zorder=3)
        low = float(curves["accuracy"].min())
        axis.set(
            xlabel="Share of cells that get a class", ylabel="Accuracy among them",
            xlim=(-0.01, 1.02), ylim=(max(0.0, low - 0.05), 1.003),
        )  # fmt: skip
        if len(targets) > 1:
            axis.legend(loc="lower left")
        svg = render_svg(figure, f"{run.name}-unknown", f"Accuracy and unknown cells of {run.name}")
    caption = (
        "Test cells, the most confident first; dot: the threshold that validation chose, with "
        "the interval of the accuracy."
    )
    return Picture("unknown", "Accuracy where cells may be unknown", caption, svg, curves)


def draw_maps(run: RunResults) -> Picture | None:
    """Draw the UMAP of the embedding beside that of PCA, coloured by true class."""
    table = run.tables["umap"]
    if not len(table):
        return None
    regression = run.metrics["kind"] == "regression"
    spaces = list(dict.fromkeys(table["space"]))
    colours = {} if regression else choose_colours(run.metrics["classes"], table["class"])
    rows = -(-len(colours) // 4)
    drawn: Any = None
    with drawing(_FULL if len(spaces) > 1 else 4.6, 4.1 + 0.19 * rows) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(spaces)))
        for axis, space in zip(axes, spaces, strict=True):
            points = table[table["space"] == space]
            if regression:
                drawn = _draw_values(axis, points)
            else:
                _draw_classes(axis, points, colours)
            axis.set_title(_NAMES.get(space, space), loc="left")
            axis.set(xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2")
            axis.grid(visible=False)
        if regression:
            figure.colorbar(drawn, ax=list(axes), label=run.metrics["targets"][0], shrink=0.7)
        else:
            figure.legend(
                handles=[_key(colour, name) for name, colour in colours.items()],
                loc="outside lower center",
                ncols=4 if len(spaces) > 1 else 2,
            )
        svg = render_svg(figure, f"{run.name}-umap", f"UMAP of the cells of {run.name}")
    tested = say_count((table[table["space"] == spaces[0]]["role"] == "test").sum())
    whole = say_count((table["space"] == spaces[0]).sum())
    marks = ("large", "small") if regression else ("strong", "pale")
    caption = (
        f"{whole} cells of fold {min(run.metrics['folds'])}, first seed; {marks[0]}: the {tested} "
        f"test cells, {marks[1]}: training and validation. Colours: true "
        f"{run.metrics['targets'][0]}. "
        "Distances between far groups mean little on such a map."
    )
    return Picture(
        "umap", "Maps of the cells", caption, svg, table, wide=True, full=len(spaces) > 1
    )


def draw_anomaly(run: RunResults) -> Picture | None:
    """Draw the ROC curve of each kind of outlier."""
    curves = run.tables["anomaly"]
    if not len(curves):
        return None
    with drawing() as figure:
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="chance")
        kinds = [kind for kind in dict.fromkeys(curves["kind"]) if kind != "all"]
        for place, kind in enumerate(kinds):
            points = curves[curves["kind"] == kind]
            colour = CYCLE[place % len(CYCLE)]
            axis.plot(points["x"], points["y"], color=colour, label=name_outliers(kind))
        axis.set(
            xlabel="Share of test cells called odd", ylabel="Share of outliers found",
            xlim=(-0.01, 1.01), ylim=(-0.01, 1.02),
        )  # fmt: skip
        axis.legend(loc="lower right")
        svg = render_svg(figure, f"{run.name}-anomaly", f"ROC of outliers of {run.name}")
    caption = "Cells in order of their reconstruction error; the mean curve of all models."
    return Picture("anomaly", "ROC of spiked outliers", caption, svg, curves)


def choose_colours(classes: Sequence[str], drawn: pd.Series[Any]) -> dict[str, Any]:
    """Give a colour to each class that is drawn, in the order of the classes."""
    counts = drawn.value_counts()
    present = [name for name in classes if counts.get(name, 0)]
    told = set(sorted(present, key=lambda name: -counts[name])[:MOST_COLOURS])
    if len(present) <= len(CYCLE):
        palette: list[Any] = list(CYCLE)
    else:
        palette = list(mpl.colormaps["tab10" if len(told) <= 10 else "tab20"](range(20)))
    order = [name for name in present if name in told]
    return {name: palette[order.index(name)] if name in told else GREY for name in present}


def _draw_classes(axis: Any, points: pd.DataFrame, colours: dict[str, Any]) -> None:
    tested = points["role"] == "test"
    for name, colour in colours.items():
        mine = points["class"] == name
        for rows, size, alpha in ((mine & ~tested, 2.5, 0.22), (mine & tested, 3.4, 0.9)):
            axis.plot(
                points["x"][rows], points["y"][rows], "o", ms=size, mew=0, alpha=alpha, color=colour
            )


def _draw_values(axis: Any, points: pd.DataFrame) -> Any:
    values = pd.to_numeric(points["class"]).to_numpy(float)
    strong = np.where(points["role"] == "test", 11.0, 5.0)
    return axis.scatter(points["x"], points["y"], c=values, s=strong, lw=0, cmap="viridis")


def _key(colour: Any, name: str) -> Any:
    return mpl.lines.Line2D([], [], ls="", marker="o", ms=5, mew=0, color=colour, label=name)
