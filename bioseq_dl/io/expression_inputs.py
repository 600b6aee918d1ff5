"""One input of expression: read, checked, its cells judged and labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import (
    ExpressionIngest,
    H5adInput,
    LoomInput,
    MatrixInput,
    MatrixTable,
    Source,
    Targets,
    TenXHdf5Input,
)
from bioseq_dl.config.expression import Values
from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix, check_numbers, recognise_values
from bioseq_dl.io.cell_quality import CellQuality, judge_cells, measure_cells
from bioseq_dl.io.cell_tables import add_annotations
from bioseq_dl.io.collect import NO_LABEL
from bioseq_dl.io.gene_names import check_names, check_orientation, merge_genes
from bioseq_dl.io.h5ad import read_h5ad
from bioseq_dl.io.labels import Place, parse_folds, parse_labels
from bioseq_dl.io.loom import read_loom
from bioseq_dl.io.matrix_tables import read_matrix_table
from bioseq_dl.io.records import Reject
from bioseq_dl.io.tenx import read_tenx_archive, read_tenx_files, read_tenx_hdf5


@dataclass(frozen=True, eq=False)
class ReadInput:
    """One input: the cells that stay, what was measured of them, and what was dropped."""

    entry: MatrixInput
    path: str
    matrix: CellMatrix
    """Of genes that differ."""
    values: Values
    """What its numbers are."""
    measured: CellQuality
    labels: dict[str, NDArray[np.float32]]
    """Target: number of each cell, NaN where missing."""
    splits: list[str | None]
    """Official fold of each cell."""
    rejects: list[Reject]
    notes: list[str]


def read_matrix(entry: MatrixInput, find: Callable[[Source], str]) -> CellMatrix:
    """Read the matrix of an input, with the columns of its cells.

    Parameters
    ----------
    entry : MatrixInput
    find : callable
        Source to path.

    Raises
    ------
    InputError
        As the reader of its format.
    """
    path = find(entry.source)
    inside = () if entry.annotations is not None else entry.known_columns
    if isinstance(entry, H5adInput):
        matrix = read_h5ad(path, matrix=entry.matrix, gene_column=entry.gene_column, columns=inside)
    elif isinstance(entry, LoomInput):
        matrix = read_loom(
            path,
            layer=entry.layer,
            gene_attribute=entry.gene_attribute,
            cell_attribute=entry.cell_attribute,
            columns=inside,
        )
    elif isinstance(entry, MatrixTable):
        matrix = read_matrix_table(
            path,
            genes_in_rows=entry.rows == "genes",
            id_column=entry.id_column,
            columns=inside,
            ignore=entry.ignore,
        )
    else:
        options: dict[str, Any] = {"genes": entry.genes, "feature_type": entry.feature_type}
        if isinstance(entry, TenXHdf5Input):
            matrix = read_tenx_hdf5(path, genome=entry.genome, **options)
        elif entry.features is not None and entry.barcodes is not None:
            beside = (find(entry.features), find(entry.barcodes))
            matrix = read_tenx_files(path, *beside, **options)
        else:
            matrix = read_tenx_archive(path, genome=entry.genome, **options)
    check_orientation(matrix, path)
    if (table := entry.annotations) is not None:
        file = find(table.source)
        matrix = add_annotations(matrix, file, entry.known_columns, table.id_column)
    return matrix


def read_input(
    entry: MatrixInput,
    ingest: ExpressionIngest,
    targets: Targets,
    find: Callable[[Source], str],
) -> ReadInput:
    """Read an input, check it, and leave out cells by quality control.

    Raises
    ------
    InputError
        Where a file is malformed, or numbers, genes or labels are not as the config says.
    """
    path = find(entry.source)
    matrix = read_matrix(entry, find)
    check_names(matrix, path, mixed=ingest.mixed_ids == "allow")
    check_numbers(
        matrix, path, negative=ingest.negative == "allow", missing=ingest.missing == "allow"
    )
    kind = recognise_values(matrix, ingest.values, path)
    if _repeats(matrix):
        _check_rule(ingest.duplicate_genes, kind, path)
    matrix, joined = merge_genes(matrix, ingest.duplicate_genes, path)
    notes = [f"{entry.source.label}: {joined} columns of repeated genes were joined"]
    measured = measure_cells(matrix, ingest.quality, kind, path)
    dropped = judge_cells(measured, ingest.quality)
    labels = _read_labels(entry, matrix, targets, path)
    if ingest.unlabelled == "reject":
        unlabelled = np.all([np.isnan(values) for values in labels.values()], axis=0)
        for row in np.flatnonzero(unlabelled).tolist():
            dropped.setdefault(row, (NO_LABEL, ""))
    rejects = [
        Reject(entry.source.label, matrix.cells[row], f"cell {row + 1}", reason, found)
        for row, (reason, found) in sorted(dropped.items())
    ]
    keep = np.ones(len(matrix.cells), bool)
    keep[list(dropped)] = False
    kept = np.flatnonzero(keep)
    splits = _read_splits(entry, matrix, path)
    return ReadInput(
        entry,
        path,
        _take(matrix, kept),
        kind,
        CellQuality(measured.genes[kept], measured.total[kept], measured.mitochondrial[kept]),
        {name: values[kept] for name, values in labels.items()},
        [splits[row] for row in kept.tolist()],
        rejects,
        notes if joined else [],
    )


def _check_rule(rule: str, kind: Values, path: str) -> None:
    if kind == "logged" and rule == "sum":
        raise InputError(
            "logged values of one gene cannot be added",
            file=path,
            fix="set ingest.duplicate_genes: mean, or give the matrix of counts",
        )
    if kind == "counts" and rule == "mean":
        raise InputError(
            "a mean of counts is no count",
            file=path,
            fix="set ingest.duplicate_genes: sum; or, where they are intensities, "
            "ingest.values: normalised",
        )


def _repeats(matrix: CellMatrix) -> bool:
    return len(set(matrix.genes)) < len(matrix.genes)


def _take(matrix: CellMatrix, kept: NDArray[np.int64]) -> CellMatrix:
    return replace(
        matrix,
        values=matrix.values[kept],
        cells=tuple(matrix.cells[row] for row in kept),
        columns={name: [values[row] for row in kept] for name, values in matrix.columns.items()},
    )


def _read_labels(
    entry: MatrixInput, matrix: CellMatrix, targets: Targets, path: str
) -> dict[str, NDArray[np.float32]]:
    labels = {}
    for name in targets.names:
        if name in entry.labels:
            place = Place(entry.source.label, None, f"labels, {name}")
            number = parse_labels([entry.labels[name]], targets, partial(_keep, place))
            labels[name] = np.repeat(number, len(matrix.cells))
        elif name in entry.columns:
            labels[name] = parse_labels(
                matrix.columns[entry.columns[name]],
                targets,
                _locator(entry.columns[name], matrix, path),
            )
        else:
            labels[name] = np.full(len(matrix.cells), np.nan, np.float32)
    return labels


def _read_splits(entry: MatrixInput, matrix: CellMatrix, path: str) -> Sequence[str | None]:
    if entry.split_column is None:
        return [entry.split] * len(matrix.cells)
    locate = _locator(entry.split_column, matrix, path)
    return parse_folds(matrix.columns[entry.split_column], locate)


def _keep(place: Place, _: int) -> Place:
    return place


def _locator(column: str, matrix: CellMatrix, path: str) -> Callable[[int], Place]:
    return lambda row: Place(path, matrix.cells[row], f"column {column}")
