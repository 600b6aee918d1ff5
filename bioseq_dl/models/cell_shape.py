"""What goes into a network on cells and comes out."""

from __future__ import annotations

from dataclasses import dataclass


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
