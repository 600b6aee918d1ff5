"""How figures look, and how one becomes an SVG that is the same on every machine."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe & Ito: told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY, GREY, INK = "#cc79a7", "#56b4e9", "#8a8f98", "#22262b"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
PREDICTOR_COLOURS = {
    "model": BLUE,
    "kmer": ORANGE,
    "additive": PURPLE,
    "pairwise": SKY,
    "blosum": ORANGE,
    "window": ORANGE,
    "logistic": ORANGE,
    "forest": PURPLE,
    "pca": SKY,
    "prior": GREY,
    "calibrated model": GREEN,
}
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same layout everywhere
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#6b7280",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.6,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.4,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a class may be called "$x$"
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, its words and its numbers."""

    key: str
    """File name without ending."""
    title: str
    caption: str
    svg: str
    """An ``<svg>`` element."""
    numbers: pd.DataFrame
    wide: bool = False
    """Whether it takes a whole line of the page."""
    large: bool = False
    """Whether it takes a line of its own, in its own size."""
    full: bool = False
    """Whether it takes the page's whole width."""


@contextmanager
def drawing(width: float = 3.5, height: float = 2.9) -> Iterator[Figure]:
    """Give an empty figure, in inches, in the report's style."""
    with mpl.rc_context(_RC):
        yield Figure(figsize=(width, height))


def render_svg(figure: Figure, key: str, label: str) -> str:
    """Turn a figure into an ``<svg>`` element for a page and for a file.

    Text stays text, in the reader's own interface font, which is narrower than the font it
    was laid out with, so nothing is cut. Ids get the key as prefix, as a page holds many
    figures.

    Parameters
    ----------
    figure : Figure
        Drawn within `drawing`.
    key : str
        Unique on the page; letters, digits, ``_``, ``-``, ``.``.
    label : str
        What it shows, for those who do not see it.
    """
    FigureCanvasSVG(figure)
    buffer = io.StringIO()
    with mpl.rc_context(_RC | {"svg.hashsalt": key}):
        metadata: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # The page holds the drawing's one style rule as attributes: a rule would hold for all of it.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", key)
    # Numbered: matplotlib's ids hash positions, which the layout's solver gives only to some
    # 13 digits the same from run to run.
    ids = dict.fromkeys(re.findall(r'\bid="([^"]+)"', text))
    numbered = {name: f"{prefix}-{number}" for number, name in enumerate(ids)}
    text = re.sub(
        r'(\bid="|href="#|url\(#)([^")]+)',
        lambda found: found[1] + numbered.get(found[2], found[2]),
        text,
    )
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*sans-serif)?", _FONTS, text)
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    attributes = f'role="img" aria-label="{escaped}" stroke-linejoin="round" '
    return text.replace("<svg ", f"<svg {attributes}", 1).strip() + "\n"
