"""Placing the genes of a fold, on its training cells alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bioseq_dl.config import CellLayout
from bioseq_dl.encode.assignment import (
    assign_pixels,
    fall_on_pixels,
    find_side,
    scale_to_grid,
    turn_upright,
)
from bioseq_dl.encode.gene_embedding import embed_genes, order_genes
from bioseq_dl.encode.given_layout import place_by_name
from bioseq_dl.encode.layout import Layout
from bioseq_dl.encode.transform import Transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix, read_rows
from bioseq_dl.io.manifest import Fetched

_FEWEST = 4
"""Genes that an embedding needs."""


def fit_layout(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    train: NDArray[np.int64],
    transform: Transform,
    layout: CellLayout,
    files: Mapping[str, Fetched],
) -> Layout:
    """Place a fold's genes.

    Genes are taken by name, so that their order in the matrix does not matter, and numerical
    libraries are held to one thread, so that the number of processors does not either.

    Parameters
    ----------
    matrix : ExpressionMatrix
        Of n cells.
    totals : ndarray of float64 (n,)
        Sum of each.
    train : ndarray of int64 (cells,)
        Rows; no other is read.
    transform : Transform
        What was fitted on the same rows.
    layout : CellLayout
    files : mapping
        Source key to file, of a layout that is given.

    Raises
    ------
    InputError
        Where a file of places or pathways is malformed or lacks genes, the grid is too small, or
        there are too few genes for an embedding.
    """
    names = np.array(transform.genes)
    by_name = np.argsort(names, kind="stable")
    genes = tuple(names[by_name].tolist())
    if layout.kind in ("file", "pathways", "plain"):
        placed = place_by_name(genes, layout, files)
    else:
        if len(genes) < _FEWEST and layout.kind != "clustered":
            raise InputError(
                f"too few genes for {layout.kind}",
                position="key encode.layout.kind",
                found=len(genes),
                allowed=f"{_FEWEST} and more",
                fix="set encode.layout.kind: plain, or keep more genes",
            )
        table = _draw_cells(matrix, totals, train, transform, layout)[:, by_name]
        with threadpool_limits(1):
            placed = _place_by_expression(table, genes, layout)
    # Back to the order of the transform's columns.
    back = np.argsort(by_name)
    points = placed.coordinates
    return replace(
        placed,
        genes=transform.genes,
        pixels=placed.pixels[back],
        coordinates=None if points is None else points[back],
    )


def _draw_cells(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    train: NDArray[np.int64],
    transform: Transform,
    layout: CellLayout,
) -> NDArray[np.float32]:
    """Give some training cells, standardised, in their order; float32 (cells, k)."""
    rows = train
    if len(train) > layout.cells:
        draw = np.random.default_rng(layout.seed)
        rows = np.sort(draw.choice(train, layout.cells, replace=False))
    # Scaled, even where the network reads values as they are: genes differ in level.
    scaled = replace(transform, scale=True)
    columns = transform.find_columns(matrix.genes)
    table = np.empty((len(rows), len(transform.genes)), np.float32)
    start = 0
    for of, part in read_rows(matrix, rows):
        data = transform.steps.apply(part.data, part.owners, totals[of])
        table[start : start + len(of)] = scaled.fill(replace(part, data=data), columns)
        start += len(of)
    return table


def _place_by_expression(
    table: NDArray[np.float32], genes: tuple[str, ...], layout: CellLayout
) -> Layout:
    count = len(genes)
    if layout.kind == "clustered":
        pixels = np.empty(count, np.int64)
        pixels[order_genes(table, layout)] = np.arange(count)
        return Layout("clustered", 1, count, "lsa", genes, pixels)
    side = find_side(count, layout.size, shared=layout.assignment == "average")
    points = scale_to_grid(turn_upright(embed_genes(table, layout)), side, side)
    place = assign_pixels if layout.assignment == "lsa" else fall_on_pixels
    pixels = place(points, side, side)
    return Layout(layout.kind, side, side, layout.assignment, genes, pixels, points)
