"""Figures of one run: how well it predicts, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.style import (
    CYCLE,
    GREY,
    INK,
    PREDICTOR_COLOURS,
    Picture,
    drawing,
    render_svg,
)
from bioseq_dl.report.words import file_name, name_predictor, say_count

MOST_LINES = 6
"""With more targets than colours, lines are grey and not told apart."""
MOST_NAMED = 10
"""Classes of one target that are told apart, by names under the picture."""
MOST_GREY = 60
"""Grey lines drawn, evenly chosen among the targets."""
MOST_TABLES = 4
"""Targets whose confusion or scatter is drawn; the TSV holds all."""
MANY = 6
"""Classes from which a confusion table holds counts alone."""
MOST_CLASSES = 25
"""Classes up to which a confusion table is drawn."""


def draw_performance(run: RunResults) -> Iterator[Picture]:
    """Draw ROC, precision-recall, calibration and confusion, or predicted against true."""
    curves = run.tables["curves"]
    if len(curves):
        ranking = (
            ("roc", "ROC curve", "False positive rate", "True positive rate"),
            ("pr", "Precision and recall", "Recall", "Precision"),
        )
        for curve, title, x, y in ranking:
            rows = curves[curves["curve"] == curve]
            if len(rows):
                yield draw_ranking(run, rows, curve, title, x, y)
        rows = curves[curves["curve"] == "calibration"]
        if len(rows):
            yield draw_calibration(run, rows)
        rows = curves[curves["curve"] == "scatter"]
        for target, points in _first_targets(rows):
            yield _draw_scatter(run, str(target), points)
    confusion = run.tables["confusion"]
    if len(run.metrics["classes"]) <= MOST_CLASSES:
        for target, cells in _first_targets(confusion):
            yield draw_confusion(run, str(target), cells)


def draw_error_rates(run: RunResults, without: Sequence[str] = ()) -> Picture | None:
    """Draw the error rate by class, by what a record is, and by source, first target.

    Parameters
    ----------
    run : RunResults
    without : sequence of str
        Properties not to draw.
    """
    table = run.tables["error_rates"]
    if not len(table):
        return None
    target = run.metrics["targets"][0]
    rows = table[table["target"] == target].reset_index(drop=True)
    names = {
        "class": "True class",
        "length": f"Length ({run.unit})",
        "gc": "GC content",
        "genes": "Genes that are not 0",
        "total": "Sum of the values",
        "mitochondrial": "Mitochondrial share",
        "batch": "Batch",
        "group": "Group",
        "source": "Input",
    }
    groups = [
        (by, rows[rows["by"] == by])
        for by in names
        if by not in without and (rows["by"] == by).any()
    ]
    if not groups:
        return None
    label = name_error(run, target)
    residues = run.metrics["kind"] == "residues"
    with drawing(4.3, 0.55 + sum(0.3 + 0.21 * len(part) for _, part in groups)) as figure:
        axes = figure.subplots(
            len(groups),
            1,
            sharex=True,
            squeeze=False,
            gridspec_kw={"height_ratios": [len(part) + 0.8 for _, part in groups]},
        )[:, 0]
        for axis, (by, part) in zip(axes, groups, strict=True):
            places = np.arange(len(part))[::-1]
            axis.hlines(places, part["low"], part["high"], color=PREDICTOR_COLOURS["model"], lw=1.4)
            axis.plot(
                part["rate"], places, "o", ms=4, color=PREDICTOR_COLOURS["model"], clip_on=False
            )
            ticks = [
                f"{_shorten(file_name(name) if by == 'source' else name)}  (n = {say_count(count)})"
                for name, count in zip(part["bin"], part["records"], strict=True)
            ]
            axis.set_yticks(places, ticks)
            axis.set_ylim(-0.6, len(part) - 0.4)
            axis.set_title(names[by], loc="left", color="#4b5563", fontsize=8.5)
            axis.grid(axis="y", visible=False)
        axes[-1].set_xlabel(label)
        axes[-1].set_xlim(left=0)
        key = f"{run.name}-error_rates"
        svg = render_svg(figure, key, f"Errors of {run.name} by what a record is")
    among = "test residues" if residues else "test records"
    by_protein = " by resampling proteins" if residues else ""
    caption = f"Dots: {label.lower()} among {among}; lines: 95% intervals{by_protein}."
    if len(run.metrics["targets"]) > 1:
        caption += f" Target {target}; the others are in the table."
    return Picture("error_rates", "Errors by group", caption, svg, table, wide=True)


def name_error(run: RunResults, target: str) -> str:
    """Say what the error rates of a target are."""
    metrics = run.metrics["predictors"]["model"][target]
    if "angle_mae" in metrics:
        return "Mean absolute error (degrees)"
    if run.metrics["kind"] == "regression" or "mae" in metrics:
        return "Mean absolute error"
    return "Share classified wrong"


def draw_ranking(
    run: RunResults, rows: pd.DataFrame, curve: str, title: str, x: str, y: str
) -> Picture:
    """Draw ROC or precision-recall curves: of predictors, or of targets and classes."""
    lines = _lines(run, rows)
    # Many names stand under the picture.
    under = len(lines) > MOST_LINES and lines[0][0] is not None
    with drawing(height=2.9 + 0.17 * len(lines) * under) as figure:
        axis = figure.subplots()
        if curve == "roc":
            axis.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="chance")
        for name, colour, points in lines:
            style: dict[str, Any] = {"color": colour, "label": name}
            axis.plot(points["x"], points["y"], **style | ({"lw": 0.7} if name is None else {}))
        axis.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        if under:
            figure.legend(loc="outside lower center", alignment="left")
        elif curve == "roc" or lines[0][0]:
            axis.legend(loc="lower right" if curve == "roc" else "lower left")
        svg = render_svg(figure, f"{run.name}-{curve}", f"{title} of {run.name}")
    caption = _caption(run, rows) if lines[0][0] else "One line per target or class."
    return Picture(curve, title, caption, svg, rows.dropna(axis=1, how="all"))


def _lines(run: RunResults, rows: pd.DataFrame) -> list[tuple[str | None, str, pd.DataFrame]]:
    """Give name, colour and points of each line to draw."""
    model = rows[rows["predictor"] == "model"]
    parts = [(key, part) for key, part in model.groupby(["target", "class"], sort=False)]
    if len(parts) == 1:
        return [
            (name_predictor(str(name)), PREDICTOR_COLOURS.get(str(name), CYCLE[3]), points)
            for name, points in rows.groupby("predictor", sort=False)
        ]
    many = len(parts) > MOST_LINES
    parts = parts[:: -(-len(parts) // MOST_GREY)]
    place = 1 if run.metrics["kind"] == "multiclass" and len(run.metrics["targets"]) == 1 else 0
    if place and many and len(parts) <= MOST_NAMED:
        palette = [mpl.colors.to_hex(colour) for colour in mpl.colormaps["tab10"](range(10))]
        codes = [list(run.metrics["classes"]).index(str(key[1])) for key, _ in parts]
        return [
            (_shorten(key[1]), palette[code % 10], points)
            for code, (key, points) in zip(codes, parts, strict=True)
        ]
    return [
        (None, GREY, points)
        if many
        else (_shorten(key[place] if place else _both(run, key)), CYCLE[i], points)
        for i, (key, points) in enumerate(parts)
    ]


def _both(run: RunResults, key: tuple[Any, ...]) -> str:
    target, name = key
    return f"{target}: {name}" if run.metrics["kind"] == "multiclass" else str(target)


def _caption(run: RunResults, rows: pd.DataFrame) -> str:
    names = run.metrics["targets"]
    if run.metrics["kind"] == "residues":
        return f"Positive: {', '.join(dict.fromkeys(rows['target']))}."
    if len(names) == 1 and run.metrics["kind"] == "binary":
        return f"Positive class: {run.metrics['classes'][1]}."
    return "One line per target." if len(names) > 1 else "Each class against the rest."


def draw_calibration(run: RunResults, rows: pd.DataFrame, unit: str = "records") -> Picture:
    """Draw how often stated probabilities come true; `unit` is what is counted."""
    targets = list(dict.fromkeys(rows["target"]))
    single = len(targets) == 1
    with drawing() as figure:
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="calibrated")
        if single:
            for name, part in rows.groupby("predictor", sort=False):
                if name == "prior":
                    continue
                colour = PREDICTOR_COLOURS.get(str(name), CYCLE[3])
                if name == "model":
                    axis.vlines(part["x"], part["low"], part["high"], color=colour, lw=1)
                axis.plot(
                    part["x"], part["y"], "o-", ms=3.5, lw=1, color=colour,
                    label=name_predictor(str(name)),
                )  # fmt: skip
        else:
            model = rows[rows["predictor"] == "model"]
            parts = list(model.groupby("target", sort=False))
            for i, (name, part) in enumerate(parts[:: -(-len(parts) // MOST_GREY)]):
                few = len(targets) <= MOST_LINES
                axis.plot(
                    part["x"], part["y"], "o-", ms=3, lw=1, color=CYCLE[i] if few else GREY,
                    label=_shorten(name) if few else None,
                )  # fmt: skip
        axis.set(
            xlabel="Stated probability", ylabel="Share that came true",
            xlim=(-0.01, 1.01), ylim=(-0.01, 1.02),
        )  # fmt: skip
        axis.legend(loc="best")
        svg = render_svg(figure, f"{run.name}-calibration", f"Calibration of {run.name}")
    what = "the class named" if run.metrics["kind"] != "binary" else "the positive class"
    caption = f"Probability of {what}, in bins of equally many {unit}"
    bars = "; bars: 95% intervals of the model" if rows["low"].notna().any() else ""
    caption += f"{bars}." if single else ", a line per target."
    return Picture("calibration", "Calibration", caption, svg, rows.drop(columns="curve"))


def _draw_scatter(run: RunResults, target: str, points: pd.DataFrame) -> Picture:
    points = points[points["predictor"] == "model"]
    both = points[["x", "y"]].to_numpy()
    low, high = both.min(), both.max()
    with drawing() as figure:
        axis = figure.subplots()
        axis.plot([low, high], [low, high], "--", color=GREY, lw=1)
        colour = PREDICTOR_COLOURS["model"]
        axis.plot(points["x"], points["y"], "o", ms=2.5, alpha=0.35, mew=0, color=colour)
        axis.set(xlabel=f"True {_shorten(target)}", ylabel=f"Predicted {_shorten(target)}")
        key = f"scatter_{_safe(target)}"
        svg = render_svg(figure, f"{run.name}-{key}", f"Predicted against true {target}")
    caption = f"{say_count(len(points))} test records; dashed: equal."
    columns = ["target", "x", "y"]
    return Picture(key, f"Predicted against true: {target}", caption, svg, points[columns])


def draw_confusion(
    run: RunResults, target: str, cells: pd.DataFrame, unit: str = "records"
) -> Picture:
    """Draw counts of true and predicted classes, coloured by their share of the true class."""
    classes = list(dict.fromkeys(cells["truth"]))
    counts = cells["records"].to_numpy().reshape(len(classes), len(classes))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    many = len(classes) >= MANY
    names = [_shorten(name, 28 if many else 14) for name in classes]
    side = max(2.9, 0.9 + 0.42 * len(classes))
    # Names that are long, and may begin alike, get the room they need.
    room = 0.065 * max(0, max(map(len, names)) - 14) if many else 0.0
    with drawing(side + 0.6 + room if many else 3.5, side + 0.7 * room) as figure:
        axis = figure.subplots()
        edges = np.arange(len(classes) + 1) - 0.5
        axis.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1, ec="white", lw=1)
        axis.invert_yaxis()
        for i, row in enumerate(counts):
            for j, count in enumerate(row):
                share = f"{shares[i, j]:.0%}"
                text = f"{count}" if many else f"{say_count(count)}\n{share}"
                if unit != "records" and many:  # counts of many residues are long
                    text = share
                colour = "white" if shares[i, j] > 0.55 else INK
                axis.text(j, i, text, ha="center", va="center", color=colour)
        turn = 0 if sum(map(len, names)) < 30 else 45
        axis.set_xticks(range(len(classes)), names, rotation=turn, ha="right" if turn else "center")
        axis.set_yticks(range(len(classes)), names)
        axis.set(xlabel="Predicted", ylabel="True")
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        key = "confusion" if len(run.metrics["targets"]) == 1 else f"confusion_{_safe(target)}"
        svg = render_svg(figure, f"{run.name}-{key}", f"Confusion table of {target}")
    several = f": {target}" if len(run.metrics["targets"]) > 1 else ""
    caption = f"Test {unit}; shares are of the true class."
    if many and unit == "records":
        caption = "Counts of test records; colours: share of the true class."
    return Picture(key, f"Confusion{several}", caption, svg, cells, large=room > 0)


def _first_targets(rows: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    return list(rows.groupby("target", sort=False))[:MOST_TABLES] if len(rows) else []


def _shorten(text: object, limit: int = 28) -> str:
    words = str(text)
    if words.startswith("_"):
        words = f"\u200a{words}"  # matplotlib keeps a label with a leading _ out of the legend
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
