"""Figures of a search: its history, and values against what they led to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from bioseq_dl.report.style import BLUE, CYCLE, GREY, INK, Picture, drawing, render_svg

MOST_KEYS = 12
"""Keys that are drawn."""
_PER_ROW = 3
_SHOWN = 14
"""Letters of a choice on an axis."""

History = Mapping[str, Any]


def draw_history(run: str, searches: Sequence[History], label: str) -> Picture:
    """Draw each trial's figure by its number, and the best so far."""
    numbers = _list_trials(searches)
    lowest, highest = _limits(numbers, searches[0]["higher"])
    with drawing(6.6, 2.9) as figure:
        axis = figure.subplots()
        for search, colour in zip(searches, _colours(searches), strict=True):
            part = numbers[numbers["fold"] == search["fold"]]
            name = f"fold {search['fold']}, " if len(searches) > 1 else ""
            first = search is searches[0]
            _plot_points(axis, part, colour, lowest, highest, name, first=first)
            done = part[part["state"] == "finished"]
            best = done["value"].cummax() if search["higher"] else done["value"].cummin()
            axis.step(
                done["trial"], best.clip(lowest, highest), where="post", color=colour, lw=1.2,
                label=f"{name}best so far",
            )  # fmt: skip
            chosen = part[part["trial"] == search["best"]]
            axis.plot(
                chosen["trial"], chosen["value"], "o", ms=8, mfc="none", mec=INK, mew=1.2,
                label="chosen" if first else None, zorder=4,
            )  # fmt: skip
        failed = numbers[numbers["state"] == "failed"]
        if len(failed):
            edge = [lowest if searches[0]["higher"] else highest] * len(failed)
            axis.plot(failed["trial"], edge, "^", ms=5, color=INK, label="failed", clip_on=False)
        margin = 0.04 * (highest - lowest)
        axis.set_ylim(lowest - margin, highest + margin)
        axis.set(xlabel="Trial", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside right upper")
        svg = render_svg(figure, f"{run}-search", f"{label} of each trial of the search")
    caption = "Crosses: pruned, at their last epoch. "
    if _is_cut(numbers, lowest, highest):
        caption += "Trials beyond the edge are drawn on it. "
    return Picture("search", "Trials", caption.strip(), svg, numbers, large=True)


def draw_values(run: str, searches: Sequence[History], label: str) -> Picture | None:
    """Draw the finished trials' figure by the value of each key; pruned ones as crosses."""
    keys = list(searches[0]["space"])[:MOST_KEYS]
    numbers = _list_trials(searches)
    if not (numbers["state"] == "finished").any():
        return None
    lowest, highest = _limits(numbers, searches[0]["higher"])
    rows = math.ceil(len(keys) / _PER_ROW)
    columns = min(len(keys), _PER_ROW)
    with drawing(2.35 * columns + 0.3, 2.3 * rows) as figure:
        axes = np.atleast_1d(figure.subplots(rows, columns, sharey=True)).ravel()
        for axis, key in zip(axes, keys, strict=False):
            dimension = searches[0]["space"][key]
            for search, colour in zip(searches, _colours(searches), strict=True):
                part = numbers[numbers["fold"] == search["fold"]]
                part = part.assign(place=_place(part[key], dimension))
                _plot_points(axis, part, colour, lowest, highest, x="place")
                chosen = part[part["trial"] == search["best"]]
                axis.plot(chosen["place"], chosen["value"], "o", ms=8, mfc="none", mec=INK)
            axis.set_xlabel(key)
            if dimension["choices"]:
                names = [_shorten(_write(value)) for value in dimension["choices"]]
                axis.set_xticks(range(len(names)), names, fontsize=7)
                axis.set_xlim(-0.5, len(names) - 0.5)
            elif dimension["log"]:
                axis.set_xscale("log")
                low, high = dimension["low"], dimension["high"]
                axis.set_xlim(low / (high / low) ** 0.06, high * (high / low) ** 0.06)
                decades = 10.0 ** np.arange(math.ceil(math.log10(low)), math.log10(high) + 1e-9)
                axis.set_xticks(decades if len(decades) > 1 else [low, high])
                axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
                axis.xaxis.set_minor_formatter(NullFormatter())
        for axis in axes[len(keys) :]:
            axis.set_visible(False)
        margin = 0.04 * (highest - lowest)
        axes[0].set_ylim(lowest - margin, highest + margin)
        for axis in axes[::_PER_ROW]:
            axis.set_ylabel(label)
        svg = render_svg(figure, f"{run}-values", f"{label} by the values of the search")
    pruned = (numbers["state"] == "pruned").any()
    caption = f"Dots: finished; {'crosses: pruned; ' if pruned else ''}ring: chosen."
    if len(keys) < len(searches[0]["space"]):
        caption += f" The first {MOST_KEYS} of {len(searches[0]['space'])} keys."
    return Picture("search-values", "Values", caption, svg, numbers, large=True)


def _plot_points(
    axis: Any,
    part: pd.DataFrame,
    colour: str,
    lowest: float,
    highest: float,
    name: str = "",
    *,
    x: str = "trial",
    first: bool = True,
) -> None:
    for state, marker, size in (("finished", "o", 3.5), ("pruned", "x", 4.0)):
        found = part[(part["state"] == state) & part["value"].notna()]
        told = f"{name}{state}" if state == "finished" or first else None
        if len(found):
            axis.plot(
                found[x], found["value"].clip(lowest, highest), marker, ms=size, color=colour,
                alpha=0.9 if state == "finished" else 0.55, label=told,
            )  # fmt: skip


def _list_trials(searches: Sequence[History]) -> pd.DataFrame:
    rows = [
        {
            "fold": search["fold"],
            "trial": trial["trial"],
            "state": trial["state"],
            "value": trial["value"],
            **{key: _write(trial["parameters"].get(key)) for key in search["space"]},
        }
        for search in searches
        for trial in search["trials"]
    ]
    frame = pd.DataFrame(rows)
    frame["value"] = pd.to_numeric(frame["value"])
    return frame


def _limits(numbers: pd.DataFrame, higher: bool) -> tuple[float, float]:
    """Give the range that is drawn: a few that went astray would flatten all others."""
    values = numbers["value"].dropna().to_numpy(float)
    best = float(values.max() if higher else values.min())
    middle = float(np.median(values))
    worst = float(values.min() if higher else values.max())
    far = best + 4 * (middle - best)
    if middle != best:
        worst = max(worst, far) if higher else min(worst, far)
    low, high = sorted((best, worst))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _is_cut(numbers: pd.DataFrame, lowest: float, highest: float) -> bool:
    values = numbers["value"].dropna()
    return bool(((values < lowest) | (values > highest)).any())


def _place(values: pd.Series[Any], dimension: Mapping[str, Any]) -> NDArray[np.float64]:
    if not dimension["choices"]:
        return pd.to_numeric(values).to_numpy(float)
    order = {_write(value): place for place, value in enumerate(dimension["choices"])}
    return np.array([order.get(value, np.nan) for value in values], float)


def _colours(searches: Sequence[History]) -> list[str]:
    if len(searches) == 1:
        return [BLUE]
    return list(CYCLE[: len(searches)]) + [GREY] * max(0, len(searches) - len(CYCLE))


def _write(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
