"""Figures of explained sequences: what each base contributes, what each mutation changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bioseq_dl.report.logo import draw_letters
from bioseq_dl.report.style import INK, Picture, drawing, render_svg
from bioseq_dl.report.words import say_count, say_number

METHODS = {
    "mutagenesis": "Mutagenesis",
    "integrated_gradients": "Integrated gradients",
    "deeplift": "DeepLIFT",
}
MOST_PICTURES = 12
"""Sequences drawn of a run; the tables hold all."""
LONGEST = 200
"""Of longer sequences, the stretch of `STRETCH` bases that contributes most is drawn."""
STRETCH = 100
_LINE = 100
"""Bases a line, at most."""
_FULL, _HALF = 10.4, 5.0
"""Width of a picture in inches, as wide as the page or less."""
_NARROW = 45
"""Up to so many bases a picture takes half the page's width."""
_LETTERS = "ACGT"


def draw_windows(run: str, windows: Sequence[Mapping[str, Any]], scale: str) -> Iterator[Picture]:
    """Draw explained sequences.

    For each, the letters as tall as they contribute, by each method, above the changes that
    every substitution makes.

    Parameters
    ----------
    run : str
        Whose; part of the ids.
    windows : sequence of mapping
        Of ``windows.json``; the first `MOST_PICTURES` are drawn.
    scale : str
        What the explained number is.
    """
    for number, window in enumerate(windows[:MOST_PICTURES], 1):
        yield draw_window(run, window, scale, f"explained_{number}")


def draw_window(run: str, window: Mapping[str, Any], scale: str, key: str) -> Picture:
    """Draw one explained sequence."""
    start, end = choose_stretch(window)
    count = -(-(end - start) // _LINE)
    line = -(-(end - start) // count)
    rows = [(first, min(first + line, end)) for first in range(start, end, line)]
    methods = _order_methods(window)
    changes = None if window["changes"] is None else np.array(window["changes"], float)
    tracks = [*methods, *(["changes"] if changes is not None else [])]
    heights = [1.0] * len(methods) + [0.55] * (changes is not None)
    gap = [0.12] * (len(rows) > 1)
    size = (_FULL if line > _NARROW else _HALF, 0.72 * sum(heights + gap) * len(rows) + 0.35)
    with drawing(*size) as figure:
        figure.set_layout_engine("constrained", h_pad=0.015, w_pad=0.02)
        grid = figure.subplots(
            len(heights + gap) * len(rows),
            2,
            squeeze=False,
            height_ratios=(heights + gap) * len(rows),
            width_ratios=[1, 0.011],
        )
        for axis in [*grid[:, 1], *(grid[len(heights) :: len(heights) + 1, 0] if gap else [])]:
            axis.axis("off")
        limits = _limit(window, start, end)
        for number, (first, last) in enumerate(rows):
            part = grid[number * len(heights + gap) :, 0]
            for axis, track in zip(part, tracks, strict=False):
                if changes is not None and track == "changes":
                    _draw_changes(axis, window, changes, first, last)
                else:
                    _draw_logo(axis, window, track, first, last, limits[track])
                axis.set_xlim(first - 0.5, first + line - 0.5)
                axis.set_xticks([])
            _mark_positions(part[len(tracks) - 1], window, first, last)
        if changes is not None:
            _draw_scale(grid[len(methods), 1], grid[len(methods), 0].get_images()[0])
        grid[len(heights + gap) * (len(rows) - 1) + len(tracks) - 1, 0].set_xlabel(
            _name_axis(window)
        )
        title = f"{window['target']}: {window['id']}"
        svg = render_svg(figure, f"{run}-{key}", f"Contributions of the bases of {title}")
        svg = _shorten_paths(svg)
    return Picture(
        key,
        title,
        _caption(window, scale, start, end),
        svg,
        tabulate_window(window),
        wide=line <= _NARROW,
        full=line > _NARROW,
    )


def choose_stretch(window: Mapping[str, Any]) -> tuple[int, int]:
    """Give the bases that are drawn: all, or the `STRETCH` that contribute most together.

    By the first method, contributions of either sign; 0-based half-open.
    """
    length = len(window["sequence"])
    if length <= LONGEST:
        return 0, length
    first = window["methods"][_order_methods(window)[0]]
    sizes = np.abs(np.array(first["contribution"], float))
    start = int(np.convolve(sizes, np.ones(STRETCH), "valid").argmax())
    return start, start + STRETCH


def locate(window: Mapping[str, Any]) -> NDArray[np.int64]:
    """Give where each base stands: on its contig, or in the sequence; 0-based."""
    positions = np.arange(len(window["sequence"]))
    place = window["place"]
    if place is None:
        return positions
    if place["strand"] == "-":
        return np.asarray(place["end"] - 1 - positions)
    return np.asarray(place["start"] + positions)


def tabulate_window(window: Mapping[str, Any]) -> pd.DataFrame:
    """Give all numbers of a sequence: a row a base."""
    table = pd.DataFrame({"position": range(len(window["sequence"]))})
    if window["place"] is not None:
        table["chrom"] = window["place"]["chrom"]
        table["genome_position"] = locate(window)
    table["letter"] = list(window["sequence"])
    for method in _order_methods(window):
        found = window["methods"][method]
        table[method] = found["contribution"]
        if found["sd"] is not None:
            table[f"{method} sd"] = found["sd"]
    if window["changes"] is not None:
        for letter, column in zip(_LETTERS, np.array(window["changes"], float).T, strict=True):
            table[f"change to {letter}"] = column
    return table


def _order_methods(window: Mapping[str, Any]) -> list[str]:
    return [name for name in METHODS if name in window["methods"]]


def _shorten_paths(svg: str) -> str:
    """Round what paths are made of to hundredths of a point: letters are most of the drawing."""

    def shorten(path: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path[0])

    return re.sub(r' d="[^"]*"', shorten, svg)


def _limit(window: Mapping[str, Any], start: int, end: int) -> dict[str, tuple[float, float]]:
    """Give the y limits of each method, the same for all lines."""
    limits = {}
    for method, found in window["methods"].items():
        values = np.array(found["contribution"][start:end], float)
        low, high = min(0.0, values.min()), max(0.0, values.max())
        edge = 0.04 * (high - low) or 1.0
        limits[method] = (low - edge, high + edge)
    return limits


def _draw_logo(
    axis: Axes,
    window: Mapping[str, Any],
    method: str,
    first: int,
    last: int,
    limits: tuple[float, float],
) -> None:
    values = np.array(window["methods"][method]["contribution"][first:last], float)
    letters = np.array(list(window["sequence"][first:last]))
    heights = np.where(letters[:, None] == np.array(list(_LETTERS)), values[:, None], 0.0)
    draw_letters(axis, heights, start=first)
    axis.axhline(0, color=INK, lw=0.5)
    axis.set_ylim(*limits)
    axis.locator_params(axis="y", nbins=3)
    axis.tick_params(axis="y", labelsize=7, length=2)
    axis.grid(visible=False)
    axis.spines["bottom"].set_visible(False)
    axis.set_title(METHODS.get(method, method), loc="left", fontsize=7.5, pad=1.5)


def _draw_changes(
    axis: Axes, window: Mapping[str, Any], changes: NDArray[np.float64], first: int, last: int
) -> None:
    largest = max(float(np.abs(changes[slice(*choose_stretch(window))]).max()), 1e-12)
    axis.imshow(
        changes[first:last].T,
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="none",
        extent=(first - 0.5, last - 0.5, 3.5, -0.5),
    )
    letters = window["sequence"][first:last]
    known = [(first + place, _LETTERS.index(x)) for place, x in enumerate(letters) if x in _LETTERS]
    if known:
        axis.plot(*zip(*known, strict=True), "o", ms=1.6, color=INK, ls="")
    axis.set_yticks(range(4), list(_LETTERS), fontsize=6.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _mark_positions(axis: Axes, window: Mapping[str, Any], first: int, last: int) -> None:
    """Put ticks at round positions; on a minus strand they run down."""
    found = locate(window)[first:last]
    step = 10 if len(found) <= 60 else 20
    places = np.flatnonzero(found % step == 0)
    axis.set_xticks(places + first, [f"{found[place]:,}" for place in places], fontsize=7)
    axis.tick_params(axis="x", length=2, pad=1.5)


def _draw_scale(axis: Axes, image: Any) -> None:
    """Draw what the colours mean.

    Not by matplotlib's colour bar, whose SVG holds an id that differs from run to run.
    """
    low, high = image.get_clim()
    axis.axis("on")
    axis.imshow(
        np.linspace(high, low, 64)[:, None],
        cmap=image.get_cmap(),
        norm=image.norm,
        aspect="auto",
        interpolation="none",
        extent=(0, 1, low, high),
    )
    axis.set_xticks([])
    axis.yaxis.tick_right()
    axis.tick_params(axis="y", labelsize=6.5, length=2)
    axis.locator_params(axis="y", nbins=3)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _name_axis(window: Mapping[str, Any]) -> str:
    place = window["place"]
    if place is None:
        return "Position in the sequence, from 0"
    strand = "minus strand" if place["strand"] == "-" else "plus strand"
    return f"Position on {place['chrom']}, from 0 as in BED ({strand})"


def _caption(window: Mapping[str, Any], scale: str, start: int, end: int) -> str:
    length = len(window["sequence"])
    text = f"The output ({scale}) is {say_number(window['score'])}. Letters: what each base "
    text += f"contributes, by {_list_methods(window)}."
    if window["changes"] is not None:
        text += " Map: how much each substitution changes the output; dots: the sequence itself."
    if end - start < length:
        text += (
            f" Drawn are {end - start} of {say_count(length)} bases, the stretch that contributes "
            f"most (from position {say_count(start)} of the sequence)."
        )
    return text


def _list_methods(window: Mapping[str, Any]) -> str:
    names = [re.sub(r"^([A-Z])(?=[a-z]+\b)", lambda m: m[1].lower(), METHODS.get(name, name))
             for name in _order_methods(window)]  # fmt: skip
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
