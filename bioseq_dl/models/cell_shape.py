"""What goes into a network on cells and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bioseq_dl.config import Targets
from bioseq_dl.encode.cells import CellExamples


@dataclass(frozen=True)
class CellShape:
    """The sizes a network takes from its data."""

    genes: int
    """Columns of a cell."""
    targets: int
    """Outputs (with a value for each class, where there are classes)."""
    classes: int
    """Classes of each target; 1 for binary and regression."""
    counts: bool = False
    """Whether counts are there beside the values."""
    height: int | None = None
    """Rows of a cell's image; 1 of an order; None where there is no layout."""
    width: int | None = None
    """Columns of it."""
    pixels: tuple[int, ...] | None = None
    """Of each gene its place, row * width + column."""
    averaged: bool = False
    """Whether several genes may share a place."""


def take_shape(targets: Targets, examples: CellExamples) -> CellShape:
    """Take the shape from encoded cells, as their fold reads them."""
    transform = examples.transform
    layout = transform.layout
    return CellShape(
        genes=len(transform.genes),
        targets=len(targets.names),
        classes=len(targets.classes) if targets.kind == "multiclass" else 1,
        counts=examples.counts is not None,
        height=None if layout is None else layout.height,
        width=None if layout is None else layout.width,
        pixels=None if layout is None else tuple(layout.pixels.tolist()),
        averaged=layout is not None and layout.assignment == "average",
    )


def read_shape(fields: Mapping[str, Any]) -> CellShape:
    """Build the shape that a checkpoint's JSON holds.

    Raises
    ------
    TypeError
        Where a field is unknown or missing.
    """
    pixels = fields.get("pixels")
    return CellShape(**{**fields, "pixels": None if pixels is None else tuple(pixels)})
