"""Names of genes and cells: which axis is which, what is mixed, what comes twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.sparse import csr_array, diags_array

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix, tidy

ENSEMBL = re.compile(r"ENS[A-Z]{0,4}G\d{11}(\.\d+)?")
_BARCODE = re.compile(r"[ACGT]{12,}([-_.].*)?")
# Genes that nearly every expressed set of human or mouse holds, whatever the platform.
_COMMON = frozenset(
    {"ACTB", "GAPDH", "B2M", "MALAT1", "RPLP0", "RPL13A", "EEF1A1", "TUBB", "UBC", "MT-CO1"}
)
_FEW = 0.1


def check_orientation(matrix: CellMatrix, path: str | Path) -> None:
    """Look for genes where cells should be, and cells where genes should be.

    Raises
    ------
    InputError
        Where most cells are named like Ensembl genes, or two like common genes; where most genes
        are named like barcodes.
    """
    common = [name for name in matrix.cells if name.upper() in _COMMON]
    if _share(ENSEMBL, matrix.cells) > 0.5 or len(common) > 1:
        raise _turned("cells are named like genes", path, common or matrix.cells)
    if _share(_BARCODE, matrix.genes) > 0.5:
        raise _turned("genes are named like barcodes of cells", path, matrix.genes)


def _turned(problem: str, path: str | Path, names: Sequence[str]) -> InputError:
    return InputError(
        f"{problem}: the orientation is wrong",
        file=path,
        found=", ".join(names[:3]),
        fix="set rows the other way (table), or transpose the matrix",
    )


def _share(pattern: re.Pattern[str], names: Sequence[str]) -> float:
    return sum(pattern.fullmatch(name) is not None for name in names) / max(len(names), 1)


def check_names(matrix: CellMatrix, path: str | Path, *, mixed: bool) -> None:
    """Look for an empty matrix, genes without a name, and ids of two kinds.

    Parameters
    ----------
    matrix : CellMatrix
    path : path
    mixed : bool
        Allow Ensembl ids beside other names.

    Raises
    ------
    InputError
    """
    if not matrix.cells or not matrix.genes:
        raise InputError(
            "an empty matrix",
            file=path,
            found=f"{len(matrix.cells)} cells x {len(matrix.genes)} genes",
        )
    if "" in matrix.genes:
        raise InputError(
            "a gene has no name", file=path, position=f"gene {matrix.genes.index('') + 1}"
        )
    share = _share(ENSEMBL, matrix.genes)
    if not mixed and _FEW <= share <= 1 - _FEW:
        other = next(name for name in matrix.genes if not ENSEMBL.fullmatch(name))
        ensembl = next(name for name in matrix.genes if ENSEMBL.fullmatch(name))
        raise InputError(
            f"mixed gene ids: {share:.0%} are Ensembl ids",
            file=path,
            found=f"{ensembl}, {other}",
            fix="name all genes alike (of 10x genes: id), or set ingest.mixed_ids: allow",
        )


def merge_genes(
    matrix: CellMatrix, rule: Literal["error", "sum", "mean"], path: str | Path
) -> tuple[CellMatrix, int]:
    """Make genes unique.

    Parameters
    ----------
    matrix : CellMatrix
    rule : str
        ``sum`` adds columns of one gene; ``mean`` averages them. A missing value makes theirs
        missing.
    path : path

    Returns
    -------
    matrix : CellMatrix
        Genes in the order in which each comes first.
    count : int
        Columns that were joined to an earlier one.

    Raises
    ------
    InputError
        With rule ``error``, naming the first repeated gene.
    """
    first: dict[str, int] = {}
    member = np.array([first.setdefault(name, len(first)) for name in matrix.genes], np.int64)
    joined = len(matrix.genes) - len(first)
    if not joined:
        return matrix, 0
    if rule == "error":
        counted = Counter(matrix.genes)
        name = next(name for name, count in counted.items() if count > 1)
        repeated = sum(count > 1 for count in counted.values())
        raise InputError(
            f"{repeated} gene names come more than once",
            file=path,
            found=f"{name}, {counted[name]} times",
            fix="set ingest.duplicate_genes: sum (counts) or mean (probes), or name genes by id",
        )
    ones = np.ones(len(member), np.float32)
    places = (np.arange(len(member)), member)
    joining = csr_array((ones, places), shape=(len(member), len(first)))
    values = matrix.values @ joining
    if rule == "mean":
        values = values @ diags_array(1 / np.bincount(member).astype(np.float32))
    _, kept = np.unique(member, return_index=True)
    return (
        replace(
            matrix,
            values=tidy(values),
            genes=tuple(first),
            symbols=tuple(matrix.symbols[row] for row in kept),
        ),
        joined,
    )
