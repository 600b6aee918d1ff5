"""A picture of a protein: its sequence, predicted and true states, and how sure the model is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bioseq_dl.io.psipred import PredictedProtein, call_states, get_three
from bioseq_dl.io.secondary_structure import NO_LABEL, Q3, Q8
from bioseq_dl.report.style import (
    BLUE,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    Picture,
    drawing,
    render_svg,
)

_COLOURS = {
    "H": RED,
    "G": ORANGE,
    "I": PURPLE,
    "E": BLUE,
    "B": SKY,
    "T": "#b9bec6",
    "S": "#d3d7dc",
    "C": "#e8eaed",
}
_NAMES = {"H": "helix (H)", "E": "strand (E)", "C": "coil (C)"}
_ROW = 60
"""Residues a line."""
MOST_RESIDUES = 1_200
"""Residues that are drawn; a longer protein is cut, and the caption says so."""
_LINE_INCHES = 0.95
_SOFT = "#6b7280"


class HasStates(Protocol):
    """What has true states: a `bioseq_dl.io.labelled_proteins.LabelledProtein`, `TrueStates`."""

    @property
    def q8(self) -> str | None:
        """Eight states, a letter a residue, or X; None where not known."""

    @property
    def q3(self) -> str | None:
        """Three states."""


@dataclass(frozen=True)
class TrueStates:
    """True states of n residues; X has no label.

    Parameters
    ----------
    q8, q3 : str (n,), optional
    """

    q8: str | None = None
    q3: str | None = None


def draw_protein(
    predicted: PredictedProtein,
    true: HasStates | None = None,
    *,
    most: int = MOST_RESIDUES,
    key: str | None = None,
) -> Picture:
    """Draw a protein in lines of 60 residues.

    Each line has the sequence, the predicted states, the true ones (where known), and the
    probabilities of helix, strand and coil stacked to 1; with predicted disorder a dotted
    line. Eight states are drawn where eight are predicted.

    Parameters
    ----------
    predicted : PredictedProtein
    true : HasStates, optional
        Of the same sequence. Residues without a label are left blank.
    most : int
        Residues to draw at most.
    key : str, optional
        Name of the picture, unique on its page; by default it has the protein's id.

    Raises
    ------
    ValueError
        Where the two have different lengths.
    """
    n = len(predicted.sequence)
    three = np.asarray(get_three(predicted), np.float64)
    eight = predicted.q8 is not None and (true is None or true.q8 is not None)
    called = call_states(predicted.q8 if eight else three, Q8 if eight else Q3)  # type: ignore[arg-type]
    given = None if true is None else (true.q8 if eight else true.q3)
    if given is not None and len(given) != n:
        raise ValueError(f"{predicted.id}: {n} residues predicted, {len(given)} known")
    shown = min(n, most)
    lines = -(-shown // _ROW)
    rows = 3 if given is not None else 2
    key = key or "protein_" + re.sub(r"[^A-Za-z0-9_.-]", "-", predicted.id)
    label = f"secondary structure of {predicted.id}, predicted" + (" and true" if given else "")
    with drawing(7.2, 0.35 + lines * (_LINE_INCHES + 0.08 * (rows - 2))) as figure:
        blocks = figure.subplots(lines, 1, squeeze=False)[:, 0]
        for number, axes in enumerate(blocks):
            start = number * _ROW
            end = min(start + _ROW, shown)
            _draw_line(axes, predicted, three, called, given, start, end)
        handles = [Rectangle((0, 0), 1, 1, color=_COLOURS[state]) for state in Q3]
        figure.legend(
            handles,
            [_NAMES[state] for state in Q3],
            loc="outside upper right",
            ncols=3,
            borderaxespad=0.1,
        )
        svg = render_svg(figure, key, label)
    return Picture(
        key=key,
        title=predicted.id,
        caption=_explain(called, given, shown, n, predicted.disorder is not None),
        svg=svg,
        numbers=_tabulate(predicted, three, called, given),
        wide=True,
        full=True,
    )


def _draw_line(
    axes: Axes,
    predicted: PredictedProtein,
    three: NDArray[np.float64],
    called: str,
    given: str | None,
    start: int,
    end: int,
) -> None:
    """Draw residues start to end: probabilities between 0 and 1, strings above."""
    strings = [("predicted", called), *([("true", given)] if given is not None else [])]
    edges = np.arange(start, end + 1)
    floor = np.zeros(end - start)
    for code, state in enumerate(Q3):
        ceiling = floor + three[start:end, code]
        axes.stairs(ceiling, edges, baseline=floor, fill=True, color=_COLOURS[state], linewidth=0)
        floor = ceiling
    if predicted.disorder is not None:
        axes.stairs(
            predicted.disorder[start:end], edges, baseline=None, color=INK, ls=":", linewidth=1
        )
    for row, (_, states) in enumerate(strings):
        base = 1.12 + 0.42 * (len(strings) - 1 - row)
        cells, colours = [], []
        for place in range(start, end):
            if states[place] != NO_LABEL:
                cells.append(Rectangle((place, base), 1, 0.36))
                colours.append(_COLOURS[states[place]])
                dark = states[place] in "HEI"
                _write(axes, place, base + 0.17, states[place], "white" if dark else INK)
        axes.add_collection(PatchCollection(cells, facecolors=colours, linewidths=0))
    top = 1.12 + 0.42 * len(strings)
    for place in range(start, end):
        _write(axes, place, top + 0.17, predicted.sequence[place], INK)
    names = [name for name, _ in reversed(strings)] + ["sequence"]
    ticks = [1.29 + 0.42 * row for row in range(len(names))]
    axes.set_yticks([0, 1, *ticks], ["0", "1", *names], fontsize=6.5)
    numbers = [place for place in range(start, end) if (place + 1) % 10 == 0]
    axes.set_xticks([place + 0.5 for place in numbers], [str(place + 1) for place in numbers])
    axes.tick_params(axis="x", labelsize=6.5, length=2, pad=1)
    axes.tick_params(axis="y", length=0, pad=3)
    axes.set(xlim=(start, start + _ROW), ylim=(0, top + 0.4))
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.grid(visible=False)


def _write(axes: Axes, place: int, height: float, letter: str, colour: str) -> None:
    # Letters stand within the axes: measuring each for the layout would take a third of the time.
    axes.text(
        place + 0.5, height, letter, ha="center", va="center_baseline", fontsize=6, color=colour,
        in_layout=False,
    )  # fmt: skip


def _explain(called: str, given: str | None, shown: int, n: int, disorder: bool) -> str:
    text = "Predicted probabilities of helix, strand and coil, stacked, below the most probable"
    text += " states" + (" and the true ones" if given is not None else "") + "."
    if disorder:
        text += " Dotted: predicted probability of disorder."
    if given is not None:
        labelled = [pair for pair in zip(called, given, strict=True) if pair[1] != NO_LABEL]
        right = sum(one == other for one, other in labelled)
        blank = n - len(labelled)
        text += f" {right} of {len(labelled)} labelled residues are right"
        text += f"; {blank} without a label are left blank." if blank else "."
    if shown < n:
        text += f" The first {shown} of {n} residues are drawn; the table has all."
    return text


def _tabulate(
    predicted: PredictedProtein, three: NDArray[np.float64], called: str, given: str | None
) -> pd.DataFrame:
    columns: dict[str, object] = {
        "position": np.arange(1, len(called) + 1),
        "residue": list(predicted.sequence),
        "predicted": list(called),
    }
    if given is not None:
        columns["true"] = ["" if letter == NO_LABEL else letter for letter in given]
    columns |= {f"P({state})": three[:, code] for code, state in enumerate(Q3)}
    if predicted.disorder is not None:
        columns["P(disorder)"] = predicted.disorder
    return pd.DataFrame(columns)
