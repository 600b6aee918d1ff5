"""Letters drawn as tall as they matter: sequence logos and contribution logos."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from bioseq_dl.report.style import BLUE, GREEN, GREY, ORANGE, RED

LETTER_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": RED, "U": RED}
"""The field's green, blue, orange and red, in tones told apart with any colour vision."""
_TINY = 0.008
"""Letters of less than this share of the tallest stack cannot be seen and are not drawn."""
_PATH, _LONG = re.compile(r' d="[^"]*"'), re.compile(r"(\.\d\d)\d+")
_FILLED = 0.94
"""Share of a position's width that a letter takes."""


def draw_letters(
    axes: Axes,
    heights: ArrayLike,
    *,
    start: float = 0.0,
    letters: str = "ACGT",
    alpha: float = 1.0,
) -> None:
    """Draw a logo: at each position its letters, stacked, each as tall as its value.

    Positive values stand above the line, the tallest on top; negative ones hang below it
    upside down, the tallest at the bottom (as in DeepLIFT, Shrikumar et al. 2017, ICML).
    Position i is centred on ``start + i``, as the cells of a heatmap are. All letters of a
    kind are one path, so a logo is as many patches as there are letters. The limits of
    both axes are set to hold the letters; set them afterwards where they should be others.

    Parameters
    ----------
    axes : matplotlib Axes
        Where to draw; spines, ticks and labels are left as they are.
    heights : array (length, letters)
        In units of the y axis. NaN counts as 0.
    start : float
        Centre of the first position on the x axis.
    letters : str
        What the columns of `heights` are.
    alpha : float
        Opacity.
    """
    values = np.nan_to_num(np.asarray(heights, np.float64))
    if values.ndim != 2 or values.shape[1] != len(letters):
        raise ValueError(f"heights must be (length, {len(letters)}), not {values.shape}")
    low = np.minimum(values, 0).sum(axis=1).min(initial=0.0)
    high = np.maximum(values, 0).sum(axis=1).max(initial=0.0)
    bases = stack(values)
    for column, letter in enumerate(letters):
        rows = np.flatnonzero(np.abs(values[:, column]) > _TINY * (high - low))
        if len(rows):
            left = np.asarray(start + rows - _FILLED / 2, np.float64)
            path = _place(_glyph(letter), left, bases[rows, column], values[rows, column])
            colour = LETTER_COLOURS.get(letter, GREY)
            axes.add_patch(PathPatch(path, facecolor=colour, edgecolor="none", alpha=alpha))
    axes.set_xlim(start - 0.5, start + max(len(values), 1) - 0.5)
    if high > low:
        axes.set_ylim(low * 1.04, high * 1.04)


def stack(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give where each letter starts: the small ones next to the line, the tall ones outside.

    Parameters
    ----------
    values : float64 (length, letters)
        Heights.

    Returns
    -------
    float64 (length, letters)
        Where the letter's foot is: its lower edge, or its upper one below the line.
    """
    order = np.argsort(np.abs(values), axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    starts = np.zeros_like(ranked)
    for sign in (np.maximum, np.minimum):
        part = sign(ranked, 0.0)
        before = np.cumsum(part, axis=1) - part
        starts = np.where(part != 0, before, starts)
    bases = np.empty_like(starts)
    np.put_along_axis(bases, order, starts, axis=1)
    return bases


def information(pwm: ArrayLike, background: ArrayLike | None = None) -> NDArray[np.float64]:
    """Give the letter heights of a sequence logo, in bits.

    Schneider & Stephens 1990, Nucleic Acids Res 18:6097: a position is as tall as its
    information content, 2 bits at most for a uniform background, and is shared out by
    frequency. With another background the height is the relative entropy to it.

    Parameters
    ----------
    pwm : array (length, letters)
        Frequencies; each row sums to 1.
    background : array (letters,), optional
        Frequencies expected; uniform without it.
    """
    rows = np.asarray(pwm, np.float64)
    expected = np.full(rows.shape[1], 1 / rows.shape[1]) if background is None else background
    ratio = np.divide(rows, expected, out=np.ones_like(rows), where=rows > 0)
    bits = (rows * np.log2(ratio)).sum(axis=1, keepdims=True)
    heights: NDArray[np.float64] = rows * bits
    return heights


def shorten_paths(svg: str) -> str:
    """Round the paths of an SVG to a hundredth of a point: logos are mostly numbers."""
    return _PATH.sub(lambda path: _LONG.sub(r"\1", path.group()), svg)


@cache
def _glyph(letter: str) -> Path:
    """Give a letter's outline, filling the unit square."""
    font = FontProperties(family="DejaVu Sans", weight="bold")
    outline = TextPath((0, 0), letter, size=100, prop=font)
    box = outline.get_extents()
    vertices = (outline.vertices - [box.x0, box.y0]) / [box.width, box.height]
    return Path(vertices, outline.codes)


def _place(
    glyph: Path,
    left: NDArray[np.float64],
    foot: NDArray[np.float64],
    height: NDArray[np.float64],
) -> Path:
    """Put a letter at many places: one path."""
    shape = np.asarray(glyph.vertices)
    x = left[:, None] + shape[None, :, 0] * _FILLED
    y = foot[:, None] + shape[None, :, 1] * height[:, None]
    codes = glyph.codes
    assert codes is not None
    return Path(np.stack([x, y], axis=2).reshape(-1, 2), np.tile(codes, len(left)))
