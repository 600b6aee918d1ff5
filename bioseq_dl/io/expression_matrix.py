"""``matrix.safetensors``: the values of all cells, sparse, beside records.parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config.expression import Values
from bioseq_dl.errors import InputError
from bioseq_dl.io.tensors import map_tensors, write_tensors

MATRIX = "matrix.safetensors"
"""Name of the file; it stands beside records.parquet."""
_TENSORS = {"indptr": ("I64", 1), "indices": ("I32", 1), "data": ("F32", 1)}
_METADATA = ("genes", "values")
_FIX = "run the ingest step again"


@dataclass(frozen=True, eq=False)
class ExpressionMatrix:
    """Values of n cells by genes, as compressed sparse rows. The arrays may be memory-mapped.

    Parameters
    ----------
    indptr : ndarray of int64 (n + 1,)
        Where each cell's values start in `data`.
    indices : ndarray of int32 (stored,)
        Their genes, ascending within a cell.
    data : ndarray of float32 (stored,)
        Without zeros; NaN is missing.
    genes : tuple of str
        Names, each once.
    values : str
        ``counts``, ``normalised`` or ``logged``.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]
    genes: tuple[str, ...]
    values: Values

    def __len__(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True, eq=False)
class Rows:
    """Some cells of a matrix, in memory.

    Parameters
    ----------
    lengths : ndarray of int64 (k,)
        Stored values of each.
    indices : ndarray of int32 (stored,)
        Their genes.
    data : ndarray of float32 (stored,)
    """

    lengths: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]

    @property
    def owners(self) -> NDArray[np.int64]:
        """Which of the k cells each value is of; shape (stored,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def find_rows(
    indptr: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the lengths (k,) and the places (stored,) of the values of some rows."""
    starts = np.asarray(indptr[rows])
    lengths = np.asarray(indptr[rows + 1]) - starts
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if len(ends) else 0
    return lengths, np.arange(count) + np.repeat(starts - ends + lengths, lengths)


def read_rows(
    matrix: ExpressionMatrix, rows: NDArray[np.int64], stored: int = 1 << 20
) -> Iterator[tuple[NDArray[np.int64], Rows]]:
    """Read cells in parts, so that memory does not grow with their number.

    Parameters
    ----------
    matrix : ExpressionMatrix
    rows : ndarray of int64 (k,)
        Which cells, in this order.
    stored : int
        Values that are held at a time, about; a cell is never divided.

    Yields
    ------
    rows : ndarray of int64
        The part's.
    part : Rows
    """
    lengths = np.asarray(matrix.indptr[rows + 1] - matrix.indptr[rows])
    number = np.cumsum(lengths) // max(stored, 1)
    for part in np.split(rows, np.flatnonzero(np.diff(number)) + 1):
        if len(part):
            counts, places = find_rows(matrix.indptr, part)
            yield part, Rows(counts, matrix.indices[places], matrix.data[places])


def check_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[np.float32],
    path: str | Path,
    fix: str,
) -> None:
    """See that the arrays of compressed rows are of one length; reads their ends alone.

    Raises
    ------
    InputError
    """
    whole = len(indptr) and indptr[0] == 0 and indptr[-1] == len(indices) == len(data)
    if not whole:
        raise InputError(
            "the arrays of the sparse rows do not fit together",
            file=path,
            found=f"{len(indices)} indices, {len(data)} values",
            fix=fix,
        )


def write_matrix(path: str | Path, matrix: ExpressionMatrix) -> None:
    """Write ``matrix.safetensors`` atomically; equal matrices are equal bytes."""
    arrays: dict[str, Any] = {name: getattr(matrix, name) for name in _TENSORS}
    metadata = {"genes": list(matrix.genes), "values": matrix.values}
    write_tensors(path, arrays, _TENSORS, metadata)


def map_matrix(path: str | Path) -> ExpressionMatrix:
    """Map ``matrix.safetensors``.

    Raises
    ------
    InputError
        Where the file is missing, cut short, or another.
    """
    arrays, metadata = map_tensors(path, _TENSORS, (), _METADATA, what="the matrix", fix=_FIX)
    values = metadata["values"]
    if values not in get_args(Values):
        raise InputError("values of an unknown kind", file=path, found=values, fix=_FIX)
    check_rows(arrays["indptr"], arrays["indices"], arrays["data"], path, _FIX)
    return ExpressionMatrix(**arrays, genes=tuple(metadata["genes"]), values=values)
