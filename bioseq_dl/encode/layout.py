"""Where genes stand in a picture, and the pictures of cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError

VERSION = 1
"""Of what `describe_layout` gives."""
Assignment = Literal["lsa", "average"]
_BYTES = 1 << 22
"""Of the pictures that are drawn at a time: what fits a cache."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Places of k genes on a grid.

    Parameters
    ----------
    kind : str
        How it was made: a kind of `bioseq_dl.config.CellLayout`.
    height, width : int
        Pixels of the grid; an order of genes has the height 1.
    assignment : str
        ``lsa``: each gene has a pixel of its own; ``average``: genes may share one.
    genes : tuple of str
        Names, in the order of the transform's columns.
    pixels : ndarray of int64 (k,)
        Of each gene, row * width + column.
    coordinates : ndarray of float64 (k, 2), optional
        Row and column where the embedding puts each gene on the grid, before assignment.
    """

    kind: str
    height: int
    width: int
    assignment: Assignment
    genes: tuple[str, ...]
    pixels: NDArray[np.int64]
    coordinates: NDArray[np.float64] | None = None


def draw_images(layout: Layout, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw cells as pictures.

    Parameters
    ----------
    layout : Layout
    values : ndarray of float32 (n, k)
        As `bioseq_dl.encode.cells.CellExamples.gather` gives.

    Returns
    -------
    ndarray of float32 (n, height, width)
        A pixel of several genes is their mean; a pixel without a gene is 0.
    """
    size = layout.height * layout.width
    count = np.bincount(layout.pixels, minlength=size)
    order = np.argsort(layout.pixels, kind="stable")
    starts = np.cumsum(count) - count
    # Of each pixel its first gene; of an empty one any, and 0 afterwards. To read with an index
    # and write in order is several times as fast as the other way round.
    first = order[np.minimum(starts, len(order) - 1)]
    empty = np.flatnonzero(count == 0)
    shared = np.flatnonzero(count > 1)
    # The second genes of all pixels that have one, then the third, …
    further = [np.flatnonzero(count > place) for place in range(1, int(count.max()))]
    images = np.empty((len(values), size), np.float32)
    rows = max(1, _BYTES // (4 * size))
    for start in range(0, len(values), rows):
        part = np.ascontiguousarray(values[start : start + rows], np.float32)
        drawn = images[start : start + rows]
        np.take(part, first, axis=1, out=drawn, mode="clip")
        for place, pixels in enumerate(further, 1):
            drawn[:, pixels] += part[:, order[starts[pixels] + place]]
        drawn[:, shared] /= count[shared].astype(np.float32)
        drawn[:, empty] = 0
    return images.reshape(len(values), layout.height, layout.width)


def describe_layout(layout: Layout) -> dict[str, Any]:
    """Give a layout as JSON holds it; genes are those of the transform that it belongs to."""
    given = layout.coordinates
    return {
        "version": VERSION,
        "kind": layout.kind,
        "height": layout.height,
        "width": layout.width,
        "assignment": layout.assignment,
        "pixels": layout.pixels.tolist(),
        "coordinates": None if given is None else given.tolist(),
    }


def parse_layout(data: dict[str, Any], genes: tuple[str, ...], file: str | Path) -> Layout:
    """Read what `describe_layout` gave.

    Parameters
    ----------
    data : dict
    genes : tuple of str
        Of the transform.
    file : path
        For messages.

    Raises
    ------
    InputError
        Where it is damaged, or of another version.
    """
    fix = "run the encode step again"
    try:
        version, kind, assignment = data["version"], str(data["kind"]), data["assignment"]
        height, width = int(data["height"]), int(data["width"])
        pixels = np.array(data["pixels"], np.int64)
        given = data["coordinates"]
        coordinates = None if given is None else np.array(given, np.float64).reshape(-1, 2)
    except (ValueError, TypeError, KeyError):
        raise InputError("not a layout of genes", file=file, fix=fix) from None
    if version != VERSION:
        raise InputError(
            "a layout of another version", file=file, found=version, allowed=str(VERSION), fix=fix
        )
    whole = (
        pixels.shape == (len(genes),)
        and assignment in get_args(Assignment)
        and ((pixels >= 0) & (pixels < height * width)).all()
        and (assignment == "average" or len(np.unique(pixels)) == len(pixels))
        and (coordinates is None or coordinates.shape == (len(genes), 2))
    )
    if not whole:
        raise InputError("a damaged layout of genes", file=file, fix=fix)
    return Layout(kind, height, width, assignment, genes, pixels, coordinates)
