"""Figures of explained sequences: what each base contributes, what each mutation changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
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
LONGEST = 120
"""Of longer sequences, a stretch of `STRETCH` bases is drawn."""
STRETCH = 100
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
    methods = _order_methods(window)
    changes = None if window["changes"] is None else np.array(window["changes"], float)
    heights = [1.0] * len(methods) + [0.55] * (changes is not None)
    wide = end - start > _NARROW
    with drawing(_FULL if wide else _HALF, 0.72 * sum(heights) + 0.35) as figure:
        figure.set_layout_engine("constrained", h_pad=0.015, w_pad=0.02)
        grid = figure.subplots(
            len(heights), 2, squeeze=False, height_ratios=heights, width_ratios=[1, 0.011]
        )
        for axis in grid[:, 1]:
            axis.axis("off")
        for axis, method in zip(grid[:, 0], methods, strict=False):
            _draw_logo(axis, window, method, start, end)
        if changes is not None:
            _draw_scale(grid[-1, 1], _draw_changes(grid[-1, 0], window, changes, start, end))
        for axis in grid[:, 0]:
            axis.set_xlim(start - 0.5, end - 0.5)
            axis.set_xticks([])
        _mark_positions(grid[-1, 0], window, start, end)
        grid[-1, 0].set_xlabel(_name_axis(window))
        title = f"{window['target']}: {window['id']}"
        svg = render_svg(figure, f"{run}-{key}", f"Contributions of the bases of {title}")
        svg = _shorten_paths(svg)
    return Picture(
        key,
        title,
        _caption(window, scale, start, end),
        svg,
        tabulate_window(window),
        wide=not wide,
        full=wide,
    )


def choose_stretch(window: Mapping[str, Any]) -> tuple[int, int]:
    """Give the bases that are drawn: all, or the `STRETCH` around what contributes most.

    By the first method, contributions of either sign; those in its middle weigh more, so
    that a motif does not stand at its edge. 0-based half-open.
    """
    length = len(window["sequence"])
    if length <= LONGEST:
        return 0, length
    first = window["methods"][_order_methods(window)[0]]
    sizes = np.abs(np.array(first["contribution"], float))
    weights = np.hanning(STRETCH + 2)[1:-1]
    start = int(np.convolve(sizes, weights, "valid").argmax())
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


def _draw_logo(axis: Axes, window: Mapping[str, Any], method: str, first: int, last: int) -> None:
    values = np.array(window["methods"][method]["contribution"][first:last], float)
    letters = np.array(list(window["sequence"][first:last]))
    heights = np.where(letters[:, None] == np.array(list(_LETTERS)), values[:, None], 0.0)
    draw_letters(axis, heights, start=first)
    low, high = min(0.0, values.min()), max(0.0, values.max())
    edge = 0.04 * (high - low) or 1.0
    axis.set_ylim(low - edge, high + edge)
    axis.axhline(0, color=INK, lw=0.5)
    axis.locator_params(axis="y", nbins=3)
    axis.tick_params(axis="y", labelsize=7, length=2)
    axis.grid(visible=False)
    axis.spines["bottom"].set_visible(False)
    axis.set_title(METHODS.get(method, method), loc="left", fontsize=7.5, pad=1.5)


def _draw_changes(
    axis: Axes, window: Mapping[str, Any], changes: NDArray[np.float64], first: int, last: int
) -> AxesImage:
    drawn = changes[first:last]
    largest = max(float(np.abs(drawn).max()), 1e-12)
    image = axis.imshow(
        drawn.T,
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
    return image


def _mark_positions(axis: Axes, window: Mapping[str, Any], first: int, last: int) -> None:
    """Put ticks at round positions; on a minus strand they run down."""
    found = locate(window)[first:last]
    step = 10 if len(found) <= 60 else 20
    places = np.flatnonzero(found % step == 0)
    axis.set_xticks(places + first, [f"{found[place]:,}" for place in places], fontsize=7)
    axis.tick_params(axis="x", length=2, pad=1.5)


def _draw_scale(axis: Axes, image: AxesImage) -> None:
    """Draw what the colours mean, as an image as small as the map's."""
    low, high = image.get_clim()
    axis.axis("on")
    axis.imshow(
        np.linspace(high, low, 64)[:, None],
        cmap=image.get_cmap(),
        vmin=low,
        vmax=high,
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
            f" Drawn are {end - start} of {say_count(length)} bases, around what contributes "
            f"most (from position {say_count(start)} of the sequence)."
        )
    return text


def _list_methods(window: Mapping[str, Any]) -> str:
    names = [re.sub(r"^([A-Z])(?=[a-z]+\b)", lambda m: m[1].lower(), METHODS.get(name, name))
             for name in _order_methods(window)]  # fmt: skip
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
