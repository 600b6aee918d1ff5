"""Figures of the genes that speak for a class: maps class by class, and where genes stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.report.figures_of_cells import choose_colours
from bioseq_dl.report.style import INK, Picture, drawing, render_svg

Floats = NDArray[np.float64]
MOST_PICTURES = 20
"""Classes that are drawn."""
_LABELS = 6
"""Genes at most that are named in a map."""
_WIDTH = 9.2
_PANEL, _GAP, _BETWEEN = 2.12, 0.1, 0.36
"""Inches: side of a panel, between the two of a class, between classes."""
_MARGIN, _TITLE, _HEAD, _FOOT = 0.06, 0.34, 0.2, 0.66
"""Inches: beside the panels, a class's name, heads of columns, colour bars."""
_LETTER, _LINE = 0.068, 0.115
"""Inches of a label's letter and height."""


def draw_saliency(run: str, summary: Mapping[str, Any], genes: pd.DataFrame) -> Picture:
    """Draw of each class the mean picture of its cells and where the network looks.

    Parameters
    ----------
    run : str
    summary : mapping
        saliency.json, with ``images``.
    genes : DataFrame
        genes.tsv.
    """
    images = summary["images"]
    classes = list(images["classes"].items())[:MOST_PICTURES]
    means = {name: np.array(item["mean"], float) for name, item in classes}
    maps = {name: np.array(item["map"], float) for name, item in classes}
    # A few bright pixels would drown all else.
    largest = float(np.quantile(np.abs([*means.values()]), 0.995)) or 1e-12
    brightest = max(float(np.max([*maps.values()])), 1e-12)
    columns = min(2, len(classes))
    lines = -(-len(classes) // columns)
    panel = _PANEL * images["height"] / images["width"]
    height = _HEAD + lines * (panel + _TITLE) + _FOOT
    width = _WIDTH if columns == 2 else 2 * (_MARGIN + _PANEL) + _GAP
    mine = genes[genes["target"] == images["target"]]
    with drawing(width, height) as figure:
        # Placed by hand: long names may run over both panels of their class.
        figure.set_layout_engine("none")

        def place(left: float, top: float, wide: float, high: float) -> Any:
            bounds = (left / width, 1 - (top + high) / height, wide / width, high / height)
            return figure.add_axes(bounds)

        step = 2 * _PANEL + _GAP + _BETWEEN
        shown: list[Any] = [None, None]
        for number, (name, _) in enumerate(classes):
            left = _MARGIN + number % columns * step
            top = _HEAD + number // columns * (panel + _TITLE) + _TITLE
            styles: tuple[dict[str, Any], ...] = (
                {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest},
                {"cmap": "YlGnBu", "vmin": 0, "vmax": brightest},
            )
            for side, picture in enumerate((means[name], maps[name])):
                axis = place(left + side * (_PANEL + _GAP), top, _PANEL, panel)
                shown[side] = axis.imshow(
                    picture, aspect="auto", interpolation="none", **styles[side]
                )
                _frame(axis)
                if side == 0:
                    axis.set_title(name, loc="left", pad=4, fontsize=9, weight="bold")
                if number < columns:
                    head = ("Mean of the cells", "Where the network looks")[side]
                    x, y = left + side * (_PANEL + _GAP), _HEAD - 0.04
                    figure.text(x / width, 1 - y / height, head, fontsize=8.5, va="bottom")
            _name_genes(axis, mine[mine["class"] == name], images, panel, summary["top"])
        bars = (
            (shown[0], "Value; 0: mean of training cells"),
            (shown[1], "Strength of the map"),
        )
        for side, (mappable, label) in enumerate(bars):
            place_of_bar = place(
                _MARGIN + side * (_PANEL + _GAP) + 0.1, height - 0.5, _PANEL - 0.2, 0.09
            )
            bar = figure.colorbar(mappable, cax=place_of_bar, orientation="horizontal")
            bar.set_label(label, fontsize=7.5)
            bar.ax.tick_params(labelsize=7)
        svg = render_svg(figure, f"{run}-saliency", f"Maps of the classes of {run}")
    caption = (
        f"Left: the mean of the class's test cells, as the network reads them; right: the mean "
        f"class activation map, with the pixels of the network's top genes (at most {_LABELS}; "
        "bold: among scanpy's top genes too). One colour scale for all classes."
    )
    return Picture(
        "saliency",
        f"Where the network looks, by {images['target']}",
        caption,
        svg,
        _list_pixels(means, maps, images),
        wide=True,
        full=columns == 2,
    )


def _frame(axis: Any) -> None:
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set(visible=True, color="#c3c8cf", linewidth=0.6)


def _name_genes(
    axis: Any, genes: pd.DataFrame, images: Mapping[str, Any], panel: float, length: int
) -> None:
    """Mark the top genes, and name those whose names cover no other."""
    pixels = dict(zip(images["genes"], images["pixels"], strict=True))
    wide, high = images["width"] / _PANEL, images["height"] / panel  # pixels in an inch
    taken: list[tuple[float, float, float, float]] = []
    named = 0
    for _, item in genes[genes["rank"] <= length].sort_values("rank").iterrows():
        if named == _LABELS:
            break
        row, column = divmod(pixels[item["gene"]], images["width"])
        size = len(item["gene"]) * _LETTER * wide, _LINE * high
        right = column + 0.05 * wide + size[0] <= images["width"] - 0.5
        start = column + (0.05 * wide if right else -0.05 * wide - size[0])
        box = (start, row - size[1] / 2, start + size[0], row + size[1] / 2)
        dot = (column - 0.5, row - 0.5, column + 0.5, row + 0.5)
        if start < -0.5 or any(_overlap(one, other) for one in (box, dot) for other in taken):
            continue
        named += 1
        taken += [box, dot]
        axis.plot(column, row, "o", ms=3, mew=0.6, mec="white", color=INK)
        axis.annotate(
            item["gene"], (column, row), (4 if right else -4, 0), textcoords="offset points",
            fontsize=6.5, va="center", ha="left" if right else "right",
            weight="bold" if item["scanpy_rank"] <= length else "normal",
            bbox={"facecolor": "white", "alpha": 0.8, "pad": 0.5, "lw": 0},
        )  # fmt: skip


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _list_pixels(
    means: Mapping[str, Floats], maps: Mapping[str, Floats], images: Mapping[str, Any]
) -> pd.DataFrame:
    """List the numbers of all pictures, a row a pixel."""
    rows, columns = np.divmod(np.arange(images["height"] * images["width"]), images["width"])
    return pd.concat(
        [
            pd.DataFrame(
                {"class": name, "row": rows, "column": columns, "mean": means[name].ravel()}
            ).assign(map=maps[name].ravel())
            for name in means
        ]
    )


def draw_layout(run: str, summary: Mapping[str, Any], genes: pd.DataFrame) -> Picture:
    """Draw where the genes stand, and those that a test finds for each class.

    Parameters as `draw_saliency`.
    """
    images = summary["images"]
    height, width = images["height"], images["width"]
    mine = genes[(genes["target"] == images["target"]) & (genes["scanpy_rank"] <= summary["top"])]
    best = mine.sort_values("scanpy_rank", kind="stable").drop_duplicates("gene")
    of = dict(zip(best["gene"], best["class"], strict=True))
    classes = list(images["classes"])
    colours = choose_colours(classes, pd.Series([of[gene] for gene in of], dtype=object))
    table = pd.DataFrame({"gene": images["genes"], "pixel": images["pixels"]})
    table["row"], table["column"] = np.divmod(table.pop("pixel").to_numpy(), width)
    table["class"] = table["gene"].map(of)
    picture = np.ones((height, width, 3))
    picture[table["row"], table["column"]] = mpl.colors.to_rgb("#e3e6ea")
    for name, colour in colours.items():
        spots = table[table["class"] == name]
        picture[spots["row"], spots["column"]] = mpl.colors.to_rgb(colour)
    lines = len(colours)
    with drawing(5.6, max(3.2, 0.4 + 0.19 * lines)) as figure:
        axis = figure.subplots()
        axis.imshow(picture, interpolation="none")
        _frame(axis)
        handles = [mpl.patches.Patch(color=colour, label=name) for name, colour in colours.items()]
        handles.append(mpl.patches.Patch(color="#e3e6ea", label="other genes"))
        figure.legend(handles=handles, loc="outside right center")
        svg = render_svg(figure, f"{run}-layout", f"Places of the genes of {run}")
    caption = (
        f"Each pixel is a gene, white has none. Coloured: the top {summary['top']} genes of each "
        "class by scanpy; a gene of several classes has the colour of the one where it ranks "
        "best. Where colours stand together, the picture shows a class as a patch."
    )
    return Picture("layout", "Where the genes stand", caption, svg, table, wide=True, large=True)
