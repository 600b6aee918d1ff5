"""Given places of genes: tables of pixels, and pathways as gene sets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_text, read_magic
from bioseq_dl.io.tables import read_columns, read_header

LARGEST = 1024
"""Pixels of a side of a picture, at most."""


def read_places(path: str | Path) -> dict[str, tuple[int, int]]:
    """Read a table of places: columns ``gene``, ``row``, ``column``, in any order.

    Parameters
    ----------
    path : path
        CSV, TSV (plain or compressed) or Parquet.

    Returns
    -------
    dict of str to (int, int)
        Gene: row and column, counted from 0.

    Raises
    ------
    InputError
        Where the table is malformed, a gene is unnamed or comes twice, or a place is no whole
        number from 0 to LARGEST - 1.
    """
    found: dict[str, tuple[int, int]] = {}
    rows: dict[str, int] = {}
    for number, (gene, row, column) in _read_rows(path, ["gene", "row", "column"]):
        if rows.setdefault(gene, number) != number:
            raise InputError(
                "a gene has two places",
                file=path,
                record=gene,
                position=f"rows {rows[gene]} and {number}",
                fix="keep one row a gene",
            )
        found[gene] = (
            _read_place(path, gene, "row", row),
            _read_place(path, gene, "column", column),
        )
    return found


def _read_place(path: str | Path, gene: str, name: str, text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not (0 <= number < LARGEST and number.is_integer()):
        raise InputError(
            "a place is no pixel of a picture",
            file=path,
            record=gene,
            position=f"column {name}",
            found=text,
            allowed=f"whole numbers from 0 to {LARGEST - 1}",
        )
    return int(number)


def read_gene_sets(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read pathways: a GMT file, or a table with the columns ``gene`` and ``pathway``.

    A line of GMT is a name, a description and genes, parted by tabs (Broad Institute, MSigDB).

    Parameters
    ----------
    path : path
        Plain or compressed; a table may be Parquet.

    Returns
    -------
    dict of str to tuple of str
        Pathway: its genes, each once, in the order of the file.

    Raises
    ------
    InputError
        Where the file is neither, a line is cut short, a pathway comes twice (GMT), or a name is
        empty.
    """
    if read_magic(path, 4) == b"PAR1" or {"gene", "pathway"} <= set(read_header(path, "gene")[0]):
        sets: dict[str, dict[str, None]] = {}
        for _, (gene, pathway) in _read_rows(path, ["gene", "pathway"]):
            sets.setdefault(pathway, {})[gene] = None
        return {name: tuple(genes) for name, genes in sets.items()}
    return _read_gmt(path)


def _read_gmt(path: str | Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    with open_text(path) as handle:
        for number, fields in enumerate(csv.reader(handle, "excel-tab", quoting=csv.QUOTE_NONE), 1):
            if not any(field.strip() for field in fields):
                continue
            name, *genes = [field.strip() for field in (fields[0], *fields[2:])]
            genes = [gene for gene in genes if gene]
            if not name or not genes:
                raise InputError(
                    "neither a gene set (GMT) nor a table of genes and pathways",
                    file=path,
                    position=f"line {number}",
                    found="\t".join(fields),
                    allowed="name, description, genes, parted by tabs; or columns gene, pathway",
                )
            if name in found:
                raise InputError(
                    "a pathway comes twice",
                    file=path,
                    record=name,
                    position=f"lines {lines[name]} and {number}",
                    fix="give each its own name",
                )
            found[name], lines[name] = tuple(dict.fromkeys(genes)), number
    if not found:
        raise InputError("the file holds no gene set", file=path)
    return found


def _read_rows(path: str | Path, columns: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give each row's number, from 1, and its fields, none of them empty."""
    number = 0
    with closing(read_columns(path, columns, "gene")) as batches:
        for batch in batches:
            for fields in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                row = tuple(field.strip() for field in fields)
                if "" in row:
                    raise InputError(
                        "an empty field",
                        file=path,
                        position=f"row {number}, column {columns[row.index('')]}",
                    )
                yield number, row
    if number == 0:
        raise InputError("the table has a header but no rows", file=path)
