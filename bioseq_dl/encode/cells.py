"""Cells as a network reads them: sparse values, and how each fold makes them dense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.encode.examples import ROLES
from bioseq_dl.encode.transform import Transform, dump_transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix, Rows, find_rows, read_rows

Part = tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.float32] | None]
"""Values (n, genes), counts (n, genes) and sums (n,) of some cells; the last two where counted."""
_STORED = 1 << 18
"""Stored values of a part whose table is dense."""


@dataclass(frozen=True, eq=False)
class CellExamples:
    """All cells of a run, in the order of ``records.parquet``; arrays may be memory-mapped.

    Values are sparse and as `bioseq_dl.encode.transform.Steps` leaves them, of the genes that a
    fold keeps; what is fitted stands in `transforms`, a fold each.
    """

    indptr: NDArray[np.int64]
    """int64 (n + 1,): where each cell's values start."""
    indices: NDArray[np.int32]
    """int32 (stored,): their genes, places in `genes`."""
    data: NDArray[np.float32]
    """float32 (stored,): normalised and logged; NaN is missing."""
    counts: NDArray[np.float32] | None
    """float32 (stored,): counts as they were read; None where the values were none."""
    totals: NDArray[np.float64]
    """float64 (n,): sum of each cell over all genes that were read."""
    targets: NDArray[np.float32]
    """float32 (n, targets): NaN where missing."""
    roles: NDArray[np.uint8]
    """uint8 (folds, n): places in ROLES."""
    genes: tuple[str, ...]
    """All genes that some fold keeps."""
    spec: Targets
    """What the columns of `targets` mean."""
    ids_sha256: str
    """`hash_ids` of the records' ids."""
    transforms: tuple[Transform, ...]
    """How each fold makes cells dense."""
    fold: int = 0
    """Whose network reads them."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def size_in_words(self) -> str:
        """How much the examples hold, for a log."""
        return f"{len(self.data):,} values of {len(self.genes):,} genes"

    @property
    def transform(self) -> Transform:
        """That of the fold."""
        return self.transforms[self.fold]

    @property
    def fitted(self) -> str:
        """The fold's transform as JSON: what other cells are mapped through."""
        return dump_transform(self.transform)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Genes of each cell, int64 (n,): all alike."""
        return np.full(len(self), len(self.transform.genes), np.int64)

    @property
    def unknown(self) -> str:
        """Of letters: a cell has none."""
        return "zeros"

    @property
    def weights(self) -> None:
        """How much each cell counts: all alike."""

    def target_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of `targets` that belong to cells: the cells'."""
        return rows

    def select(self, fold: int, role: str) -> NDArray[np.int64]:
        """Rows that have a role (``train``, ``val``, ``test``, ``drop``) in a fold, int64."""
        return np.flatnonzero(self.roles[fold] == ROLES.index(role))

    @cached_property
    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Of each fold: for each of `genes` its column there, or -1."""
        return tuple(transform.find_columns(self.genes) for transform in self.transforms)

    def gather(self, rows: NDArray[np.int64], fold: int) -> NDArray[np.float32]:
        """Give some cells as a fold's network reads them; float32 (rows, genes of the fold)."""
        return self.transforms[fold].fill(self._take(self.data, rows), self.columns[fold])

    def gather_plain(self, rows: NDArray[np.int64], fold: int) -> NDArray[np.float32]:
        """Give the values of some cells before scaling, float32 (rows, genes of the fold)."""
        return self.transforms[fold].spread(self._take(self.data, rows), self.columns[fold])

    def gather_counts(self, rows: NDArray[np.int64], fold: int) -> NDArray[np.float32]:
        """Give the counts of some cells, float32 (rows, genes of the fold).

        Raises
        ------
        ValueError
            Where the values were no counts.
        """
        if self.counts is None:
            raise ValueError("these cells have no counts")
        return self.transforms[fold].spread(self._take(self.counts, rows), self.columns[fold])

    def _take(self, stored: NDArray[np.float32], rows: NDArray[np.int64]) -> Rows:
        lengths, places = find_rows(self.indptr, rows)
        return Rows(lengths, self.indices[places], stored[places])


def map_cells(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    transform: Transform,
    max_missing: float = 0.0,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Map other cells through what was fitted in training, a part of them at a time.

    As `map_parts`, which see, with the rows of each part and without its counts.
    """
    for of, part in _map_rows(matrix, totals, transform, max_missing):
        yield of, part[0]


def map_parts(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    transform: Transform,
    max_missing: float = 0.0,
) -> Iterator[Part]:
    """Map other cells through what was fitted in training, a part of them at a time.

    Parameters
    ----------
    matrix : ExpressionMatrix
        Of n cells, with any genes in any order.
    totals : ndarray of float64 (n,)
        Sum of each.
    transform : Transform
    max_missing : float
        Largest share of the kept genes that `matrix` may lack; `Transform.match` names them.

    Yields
    ------
    values : ndarray of float32 (part, genes of the transform)
    counts : ndarray of float32 (part, genes of the transform), or None
        Where the values are counts.
    totals : ndarray of float32 (part,), or None

    Raises
    ------
    InputError
        Where the values are of another kind than those of training, or too many genes are absent.
    """
    for _, part in _map_rows(matrix, totals, transform, max_missing):
        yield part


def _map_rows(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    transform: Transform,
    max_missing: float,
) -> Iterator[tuple[NDArray[np.int64], Part]]:
    if matrix.values != transform.values:
        raise InputError(
            "values of another kind than those of training",
            found=matrix.values,
            allowed=transform.values,
            fix="give the same kind of matrix as in training",
        )
    transform.match(matrix.genes, max_missing)
    columns = transform.find_columns(matrix.genes)
    for of, part in read_rows(matrix, np.arange(len(matrix)), _STORED):
        data = transform.steps.apply(part.data, part.owners, totals[of])
        values = transform.fill(replace(part, data=data), columns)
        if matrix.values != "counts":
            yield of, (values, None, None)
            continue
        yield of, (values, transform.spread(part, columns), totals[of].astype(np.float32))
