"""Tables of what is known of each cell, beside its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix
from bioseq_dl.io.handles import read_magic
from bioseq_dl.io.tables import read_columns, read_header


def add_annotations(
    matrix: CellMatrix,
    path: str | Path,
    columns: Sequence[str],
    id_column: str | None = None,
) -> CellMatrix:
    """Take columns of the cells from a table beside the matrix.

    Parameters
    ----------
    matrix : CellMatrix
    path : path
        CSV, TSV or Parquet, a row a cell, in any order. Cells that it does not list have no
        values; rows of other cells are passed over.
    columns : sequence of str
        Which columns.
    id_column : str, optional
        Column of the cells' ids; the first where it is not given.

    Raises
    ------
    InputError
        Where the table is malformed; a column is missing; an id comes twice; no id is a cell's.
    """
    ids = _first_column(path) if id_column is None else id_column
    rows: dict[str, int] = {}
    found: dict[str, list[str]] = {name: [] for name in columns}
    number = 0
    wanted = list(dict.fromkeys([ids, *columns]))
    for batch in read_columns(path, wanted, ids):
        for name in batch.column(0).to_pylist():
            if rows.setdefault(name.strip(), number) != number:
                raise InputError(
                    "an id comes twice",
                    file=path,
                    record=name.strip(),
                    position=f"rows {rows[name.strip()] + 1} and {number + 1}",
                    fix="keep one row a cell",
                )
            number += 1
        for name in columns:
            found[name].extend(batch.column(wanted.index(name)).to_pylist())
    places = [rows.get(cell) for cell in matrix.cells]
    if all(place is None for place in places):
        _refuse(matrix, path, rows)
    taken = {
        name: ["" if place is None else values[place].strip() for place in places]
        for name, values in found.items()
    }
    return replace(matrix, columns=taken)


def _refuse(matrix: CellMatrix, path: str | Path, rows: dict[str, int]) -> None:
    if any(gene in rows for gene in matrix.genes):
        raise InputError(
            "the table of cells lists what the matrix has as genes: its orientation is wrong",
            file=path,
            found=next(gene for gene in matrix.genes if gene in rows),
            fix="set rows the other way (table), or transpose the matrix",
        )
    raise InputError(
        "no id of the table is a cell of the matrix",
        file=path,
        found=", ".join(list(rows)[:3]),
        allowed=", ".join(matrix.cells[:3]) + ", …",
        fix="name the id_column, and mind suffixes such as -1",
    )


def _first_column(path: str | Path) -> str:
    if read_magic(path, 4) != b"PAR1":
        names = read_header(path, "")[0]
        if not names:
            raise InputError("the table has no header", file=path)
        return names[0]
    try:
        with pq.ParquetFile(path) as table:
            return str(table.schema_arrow.names[0])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read the Parquet file: {error}", file=path) from None
