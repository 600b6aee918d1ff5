"""Quality control: cells that hold too little, too much, or are dying."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config.expression import Quality, Values
from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix

EMPTY = "no value other than 0"
FEW_GENES = "fewer genes than min_genes"
MANY_GENES = "more genes than max_genes"
FEW_COUNTS = "fewer counts than min_counts"
MITOCHONDRIAL = "more mitochondrial counts than max_mitochondrial"


@dataclass(frozen=True, eq=False)
class CellQuality:
    """What is measured of each cell, from its own values alone.

    Parameters
    ----------
    genes : ndarray of int32 (n,)
        Genes with a value that is known and not 0.
    total : ndarray of float64 (n,)
        Sum of its known values.
    mitochondrial : ndarray of float32 (n,)
        Share of the sum in mitochondrial genes; NaN where no gene is known as such, or values
        are logged.
    """

    genes: NDArray[np.int32]
    total: NDArray[np.float64]
    mitochondrial: NDArray[np.float32]


def measure_cells(
    matrix: CellMatrix, quality: Quality, values: Values, path: str | Path
) -> CellQuality:
    """Count genes and sum values of each cell.

    Raises
    ------
    InputError
        Where a threshold is set that the values cannot be held against: of counts, where they are
        none; of mitochondrial genes, where no gene is one.
    """
    # Shares of sums mean something of normalised values too, sums do not.
    useless = [name for name in quality.of_counts if values == "logged" or name == "min_counts"]
    if values != "counts" and useless:
        raise InputError(
            f"quality.{useless[0]} needs counts, and these values are {values}",
            file=path,
            fix="leave it out, or give the matrix of counts",
        )
    sparse = matrix.values
    known = ~np.isnan(sparse.data)
    rows = np.repeat(np.arange(len(matrix.cells)), np.diff(sparse.indptr))[known]
    data, indices = sparse.data[known].astype(np.float64), sparse.indices[known]
    count = len(matrix.cells)
    total: NDArray[np.float64] = np.bincount(rows, data, count).astype(np.float64)
    prefix = quality.mitochondrial_prefix.upper()
    chosen = np.array([name.upper().startswith(prefix) for name in matrix.symbols])
    share = np.full(count, np.nan, np.float32)
    if chosen.any() and values != "logged":
        inside = chosen[indices]
        part = np.bincount(rows[inside], data[inside], count)
        share = (part / np.where(total > 0, total, 1)).astype(np.float32)
    elif quality.max_mitochondrial is not None:
        raise InputError(
            f"no gene begins with {quality.mitochondrial_prefix}, "
            "which quality.max_mitochondrial needs",
            file=path,
            found=", ".join(matrix.symbols[:3]),
            fix="set quality.mitochondrial_prefix, or leave quality.max_mitochondrial out",
        )
    return CellQuality(np.bincount(rows, minlength=count).astype(np.int32), total, share)


def judge_cells(measured: CellQuality, quality: Quality) -> dict[int, tuple[str, str]]:
    """Say which cells are left out.

    Returns
    -------
    dict
        Row: reason and what was found; the first that applies.
    """
    checks: list[tuple[str, NDArray[np.bool_], NDArray[Any]]] = [
        (EMPTY, measured.genes == 0, measured.genes),
        (FEW_GENES, measured.genes < quality.min_genes, measured.genes),
    ]
    if quality.max_genes is not None:
        checks.append((MANY_GENES, measured.genes > quality.max_genes, measured.genes))
    if quality.min_counts is not None:
        checks.append((FEW_COUNTS, measured.total < quality.min_counts, measured.total))
    if quality.max_mitochondrial is not None:
        over = measured.mitochondrial > quality.max_mitochondrial
        checks.append((MITOCHONDRIAL, over, measured.mitochondrial))
    found: dict[int, tuple[str, str]] = {}
    for reason, wrong, numbers in checks:
        for row in np.flatnonzero(wrong).tolist():
            found.setdefault(row, (reason, f"{numbers[row]:.6g}"))
    return found
