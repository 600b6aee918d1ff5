"""Tables of numbers: samples by genes or genes by samples, as CSV, TSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix, stack_blocks
from bioseq_dl.io.handles import open_binary, read_magic
from bioseq_dl.io.labels import MISSING
from bioseq_dl.io.tables import check_columns, read_header, to_strings

_BLOCK = 1 << 23
"""Bytes of a text table read at a time."""
_CELLS = 1 << 20
"""Numbers of a Parquet table read at a time."""


def read_matrix_table(
    path: str | Path,
    *,
    genes_in_rows: bool,
    id_column: str | None = None,
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> CellMatrix:
    """Read a table of numbers.

    Parameters
    ----------
    path : path
        CSV, TSV (plain or compressed) or Parquet.
    genes_in_rows : bool
        Whether a row is a gene; else it is a sample.
    id_column : str, optional
        Column of the rows' names; the first where it is not given.
    columns : sequence of str
        Columns of labels and the like, of samples in rows.
    ignore : sequence of str
        Columns to leave out.

    Returns
    -------
    CellMatrix
        Empty cells and ``NA`` are NaN.

    Raises
    ------
    InputError
        Where the table is malformed, a column is missing, or a value is no number.
    """
    header, delimiter = _read_names(path, id_column)
    if not header:
        raise InputError("the table has no header", file=path)
    ids = header[0] if id_column is None else id_column
    check_columns(path, header, [ids, *columns, *ignore])
    apart = {ids, *columns, *ignore}
    numbers = [name for name in header if name not in apart]
    if not numbers:
        raise InputError(
            "the table has no column of numbers",
            file=path,
            found=", ".join(header[:20]),
            fix="check the delimiter, and id_column",
        )
    if repeated := next((name for name in numbers if header.count(name) > 1), None):
        # Arrow takes columns by name, so that two of one name cannot be told apart.
        what = "samples" if genes_in_rows else "genes"
        raise InputError(
            f"{header.count(repeated)} columns have the name {repeated}",
            file=path,
            fix=f"rename all but one: columns are {what}",
        )
    names: list[str] = []
    texts: dict[str, list[str]] = {name: [] for name in columns}

    def read() -> Iterator[NDArray[np.float32]]:
        wanted = [ids, *columns]
        for batch in _read_batches(path, [*wanted, *numbers], delimiter):
            start = len(names)
            for place, kept in enumerate((names, *texts.values())):
                kept.extend(to_strings(path, wanted[place], batch.column(place)).to_pylist())
            block = np.empty((batch.num_rows, len(numbers)), np.float32)
            for place, name in enumerate(numbers):
                column = batch.column(1 + len(columns) + place)
                block[:, place] = _to_numbers(path, name, column, names, start)
            yield block

    values = stack_blocks(read(), len(numbers))
    if not names:
        raise InputError("the table has a header but no rows", file=path)
    if unnamed := [row for row, name in enumerate(names, 1) if not name.strip()]:
        raise InputError(
            "a row has no name", file=path, position=f"row {unnamed[0]}, column {ids or 1}"
        )
    rows = tuple(name.strip() for name in names)
    across = tuple(name.strip() for name in numbers)
    if genes_in_rows:
        return CellMatrix(values.T.tocsr(), across, rows, rows, texts)
    return CellMatrix(values, rows, across, across, texts)


def _read_names(path: str | Path, id_column: str | None) -> tuple[list[str], str | None]:
    """Give the header, and of a text table its delimiter."""
    if read_magic(path, 4) != b"PAR1":
        return read_header(path, id_column or "")
    try:
        with pq.ParquetFile(path) as table:
            return list(table.schema_arrow.names), None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read the Parquet file: {error}", file=path) from None


def _read_batches(
    path: str | Path, columns: list[str], delimiter: str | None
) -> Iterator[pa.RecordBatch]:
    if delimiter is not None:
        yield from _read_text(path, columns, delimiter)
        return
    try:
        with pq.ParquetFile(path) as table:
            rows = max(1, _CELLS // len(columns))
            for batch in table.iter_batches(batch_size=rows, columns=columns):
                # Named, since Parquet gives them in its own order.
                yield pa.record_batch([batch.column(name) for name in columns], names=columns)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read the Parquet file: {error}", file=path) from None


def _read_text(path: str | Path, columns: list[str], delimiter: str) -> Iterator[pa.RecordBatch]:
    ragged: list[pv.InvalidRow] = []

    def stop_at(row: pv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    options = {
        "read_options": pv.ReadOptions(use_threads=False, block_size=_BLOCK),
        "parse_options": pv.ParseOptions(delimiter=delimiter, invalid_row_handler=stop_at),
        "convert_options": pv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
    }
    with open_binary(path) as handle:
        try:
            yield from pv.open_csv(handle, **options)
        except pa.ArrowInvalid as error:
            if not ragged:
                raise InputError(f"cannot read the table: {error}", file=path) from None
            row = ragged[0]
            unnamed = row.actual_columns == row.expected_columns + 1
            raise InputError(
                f"the row has {row.actual_columns} fields, the header {row.expected_columns}",
                file=path,
                position=f"row {row.number - 1}" if row.number else None,
                found=row.text,
                fix="name the first column: R leaves its name out" if unnamed else None,
            ) from None


def _to_numbers(
    path: str | Path, name: str, column: pa.Array, rows: Sequence[str], start: int
) -> NDArray[np.float32]:
    """Give a column as numbers (n,), NaN where it is empty."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        try:
            column = column.cast(pa.float32(), safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InputError(
                "a column is no numbers", file=path, position=f"column {name}", found=column.type
            ) from None
        return np.asarray(column.to_numpy(zero_copy_only=False), np.float32)
    trimmed = pc.utf8_trim_whitespace(column)
    gone = pc.is_in(pc.utf8_lower(trimmed), pa.array(sorted(MISSING)))
    trimmed = pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)
    try:
        found = trimmed.cast(pa.float32())
    except pa.ArrowInvalid:
        row, text = next(
            (row, text)
            for row, text in enumerate(trimmed.to_pylist())
            if text is not None and not _is_number(text)
        )
        comma = "," in text and _is_number(text.replace(",", "."))
        raise InputError(
            "not a number",
            file=path,
            record=rows[start + row],
            position=f"column {name}",
            found=text,
            fix="write a point for the decimal comma"
            if comma
            else "name columns of text in columns or ignore",
        ) from None
    return np.asarray(found.to_numpy(zero_copy_only=False), np.float32)


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.float32())
    except pa.ArrowInvalid:
        return False
    return True
