"""A matrix of cells by genes as one file holds it, and what must be true of its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from bioseq_dl.config.expression import Values
from bioseq_dl.errors import InputError

BLOCK_VALUES = 1 << 22
"""Values of a dense matrix that are held at a time."""
_LARGEST_LOG = 50.0
"""No logarithm of a measured abundance is larger: 2^50 molecules are not in a cell."""


@dataclass(frozen=True, eq=False)
class CellMatrix:
    """Cells (or samples) by genes.

    Parameters
    ----------
    values : csr_array of float32 (cells, genes)
        Sorted, without explicit zeros; NaN is missing.
    cells, genes : tuple of str
        Names, as the file has them.
    symbols : tuple of str (genes,)
        Gene symbols, where the file has others beside its names; else the names.
    columns : mapping
        Column: its value for each cell as text, empty where missing.
    """

    values: Any
    cells: tuple[str, ...]
    genes: tuple[str, ...]
    symbols: tuple[str, ...]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)


def stack_blocks(blocks: Iterable[NDArray[Any]], columns: int) -> Any:
    """Make dense rows sparse, block by block, so that the whole is never dense.

    Parameters
    ----------
    blocks : iterable of ndarray (rows, columns)
    columns : int

    Returns
    -------
    csr_array of float32 (all rows, columns)
    """
    parts = [csr_array(np.asarray(block, np.float32)) for block in blocks]
    if not parts:
        return csr_array((0, columns), dtype=np.float32)
    return tidy(vstack(parts, format="csr"))


def tidy(values: Any) -> Any:
    """Give a sparse matrix of any kind as sorted csr_array of float32 without zeros."""
    # A copy, so that sorting in place changes nothing of the caller's.
    matrix = csr_array(values, dtype=np.float32, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def check_numbers(matrix: CellMatrix, path: str | Path, *, negative: bool, missing: bool) -> None:
    """Look for numbers that the config does not allow.

    Raises
    ------
    InputError
        At the first infinite, negative or missing number, with its cell and gene.
    """
    data = matrix.values.data
    faults: list[tuple[str, NDArray[np.bool_], str, str | None]] = [
        ("an infinite number", np.isinf(data), "finite numbers", None)
    ]
    if not missing:
        mend = "set ingest.missing: allow, or fill it in"
        faults.append(("a missing value (NaN)", np.isnan(data), "numbers", mend))
    if not negative:
        mend = "give counts (of h5ad matrix: raw or a layer), or set ingest.negative: allow"
        faults.append(("a negative number", data < 0, "0 and more", mend))
    for problem, found, allowed, fix in faults:
        if found.any():
            place = int(np.argmax(found))
            raise InputError(
                f"{problem}, one of {int(found.sum()):,}",
                file=path,
                found=f"{data[place]:g}",
                allowed=allowed,
                fix=fix,
                **locate(matrix, place),
            )


def locate(matrix: CellMatrix, place: int) -> dict[str, Any]:
    """Give the cell and gene of a stored number, as an error names them."""
    row = int(np.searchsorted(matrix.values.indptr, place, side="right")) - 1
    gene = matrix.genes[int(matrix.values.indices[place])]
    return {"record": matrix.cells[row], "position": f"gene {gene}"}


def recognise_values(matrix: CellMatrix, asked: str, path: str | Path) -> Values:
    """Say what the numbers are: counts, normalised, or logged.

    Parameters
    ----------
    matrix : CellMatrix
    asked : str
        ``ingest.values``; ``auto`` decides: whole numbers, none negative, are counts; with a
        negative one, or none above 50, they are logged; else normalised.
    path : path
        For messages.

    Raises
    ------
    InputError
        Where counts are no whole numbers (logged already, or normalised), or logged values are
        whole numbers that no logarithm gives.
    """
    data = matrix.values.data[~np.isnan(matrix.values.data)]
    largest = float(data.max(initial=0))
    whole = data == np.floor(data)
    counts = bool(whole.all()) and float(data.min(initial=0)) >= 0
    logged = float(data.min(initial=0)) < 0 or largest <= _LARGEST_LOG
    if asked == "counts" and not counts:
        place = int(np.argmax((matrix.values.data % 1 != 0) | (matrix.values.data < 0)))
        state = "logged" if logged else "normalised"
        raise InputError(
            f"counts that are no whole numbers: these look {state} already",
            file=path,
            found=f"{matrix.values.data[place]:g}, largest {largest:g}",
            allowed="0, 1, 2, …",
            fix="give the matrix of counts, or set ingest.values: auto",
            **locate(matrix, place),
        )
    if asked == "logged" and counts and largest > _LARGEST_LOG:
        raise InputError(
            "values said to be logged are whole numbers: these look like counts",
            file=path,
            found=f"largest {largest:g}",
            allowed=f"logarithms, up to {_LARGEST_LOG:g}",
            fix="set ingest.values: auto or counts",
        )
    if asked == "counts" or (asked == "auto" and counts):
        return "counts"
    if asked == "logged" or (asked == "auto" and logged):
        return "logged"
    return "normalised"
