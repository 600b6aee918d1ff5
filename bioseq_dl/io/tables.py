"""Sequence tables: CSV, TSV and Parquet, batch by batch."""

from __future__ import annotations

import csv
import difflib
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from bioseq_dl.config import TableInput
from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_binary, open_text, read_magic
from bioseq_dl.io.letters import join_letters
from bioseq_dl.io.records import Batch

_BLOCK = 1 << 23
"""Bytes of a text table read at a time."""
_ROWS = 32_768
"""Rows of a Parquet table read at a time."""
_PATIENCE = 5.0
"""Seconds to wait for Arrow's threads: they need less than one as a rule."""


def read_table_batches(entry: TableInput, path: str | Path) -> Iterator[Batch]:
    """Read a table input as batches.

    The delimiter of a text table (comma, tab, semicolon) is the one under which the header
    holds the sequence column. Rows count from 1 after the header; empty lines do not count.

    Raises
    ------
    InputError
        While reading: what `open_binary` raises, a missing or repeated column, a row with
        more or fewer fields than the header, a column of sequences that is no text.
    """
    fields = {"sequence": entry.sequence_column}
    optional = {"id": entry.id_column, "split": entry.split_column, "group": entry.group_column}
    fields |= {role: name for role, name in optional.items() if name is not None}
    fields |= {f"target:{target}": name for target, name in entry.columns.items()}
    columns = list(dict.fromkeys(fields.values()))
    rows = 0
    with closing(read_columns(path, columns, entry.sequence_column)) as batches:
        for batch in batches:
            found = {name: batch.column(place).to_pylist() for place, name in enumerate(columns)}
            places = np.arange(rows + 1, rows + 1 + batch.num_rows, dtype=np.int64)
            rows += batch.num_rows
            letters, offsets = join_letters([text.strip() for text in found[entry.sequence_column]])
            yield Batch(
                places=places,
                ids=(
                    [text.strip() for text in found[entry.id_column]]
                    if entry.id_column
                    else [f"row{place}" for place in places.tolist()]
                ),
                letters=letters,
                offsets=offsets,
                values={target: found[name] for target, name in entry.columns.items()},
                split=found[entry.split_column] if entry.split_column else None,
                group=found[entry.group_column] if entry.group_column else None,
            )
    if rows == 0:
        raise InputError("the table has a header but no rows", file=path)


def read_columns(
    path: str | Path, columns: Sequence[str], sequence_column: str
) -> Generator[pa.RecordBatch]:
    """Read some columns of a table as text, batch by batch.

    Who may stop before its end closes it (`contextlib.closing`): Arrow reads ahead in a thread,
    which must not outlive Python.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet.
    columns : sequence of str
        In the order to give them.
    sequence_column : str
        The one that must be text.

    Raises
    ------
    InputError
        As `read_table_batches`.
    """
    if read_magic(path, 4) == b"PAR1":
        return _read_parquet(path, columns, sequence_column)
    return _read_text(path, columns, sequence_column)


def _read_text(
    path: str | Path, columns: Sequence[str], sequence_column: str
) -> Generator[pa.RecordBatch]:
    header, delimiter = read_header(path, sequence_column)
    check_columns(path, header, columns)
    ragged: list[pv.InvalidRow] = []
    with open_binary(path) as handle:
        lent, stop, reader = _Lent(handle), _Stop(ragged), None
        held = (weakref.ref(lent), weakref.ref(stop))
        try:
            # Read on one thread, so that Arrow can tell the row's number.
            with pv.open_csv(
                lent,
                read_options=pv.ReadOptions(use_threads=False, block_size=_BLOCK),
                parse_options=pv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=stop
                ),
                convert_options=pv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(columns, pa.string()),
                    strings_can_be_null=False,
                ),
            ) as reader:
                yield from reader
        except pa.ArrowInvalid as error:
            if ragged:
                row = ragged[0]
                raise InputError(
                    f"the row has {row.actual_columns} fields, the header {row.expected_columns}",
                    file=path,
                    position=f"row {row.number - 1}" if row.number else None,
                    found=row.text,
                    fix="quote fields that hold the delimiter",
                ) from None
            raise InputError(f"cannot read the table: {error}", file=path) from None
        finally:
            del lent, stop, reader
            _await_release(held)


class _Lent:
    """A file lent to Arrow, whose threads let go of it when they have done with it."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.read = handle.read
        self.closed = False


class _Stop:
    """Stops Arrow at the first row that has not as many fields as the header, and keeps it."""

    def __init__(self, rows: list[pv.InvalidRow]) -> None:
        self._rows = rows

    def __call__(self, row: pv.InvalidRow) -> str:
        self._rows.append(row)
        return "error"


def _await_release(held: Sequence[weakref.ref[Any]]) -> None:
    """Wait until no thread of Arrow's has the file, or what it calls.

    Closing the reader does not wait for the threads that read ahead. One that lets go of a Python
    object while Python itself ends, as it does soon after an error, is killed by it, and the
    process with it (``terminate called without an active exception``).
    """
    end = time.monotonic() + _PATIENCE
    while any(one() is not None for one in held) and time.monotonic() < end:
        time.sleep(0.0005)


def read_header(path: str | Path, wanted: str) -> tuple[list[str], str]:
    """Give the column names of a text table and its delimiter.

    Parameters
    ----------
    path : path
        Plain or compressed.
    wanted : str
        A column that the header should hold: it decides between delimiters.
    """
    with open_text(path) as handle:
        line = next((line for line in handle if line.strip()), "").rstrip("\n")
    if line.startswith(">"):
        raise InputError(
            "a FASTA header, where a table's header is needed",
            file=path,
            position="line 1",
            found=line,
            fix="give it as format: fasta",
        )
    # A lone column may be read under any: the name of the file decides.
    marks = ("\t", ",", ";") if ".tsv" in Path(path).suffixes else (",", "\t", ";")
    readings = {mark: next(csv.reader([line], delimiter=mark), []) for mark in marks}
    for mark, names in readings.items():
        if wanted in names:
            return names, mark
    mark = max(readings, key=lambda mark: len(readings[mark]))
    return readings[mark], mark


def check_columns(path: str | Path, header: Sequence[str], columns: Sequence[str]) -> None:
    """See that a table has columns, each once.

    Raises
    ------
    InputError
        At the first that is missing or repeated.
    """
    for name in columns:
        if header.count(name) > 1:
            raise InputError(
                f"{header.count(name)} columns have the name {name}",
                file=path,
                fix="rename all but one",
            )
        if name not in header:
            lower = {other.lower(): other for other in reversed(header)}
            close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
            raise InputError(
                f"the table has no column {name}",
                file=path,
                allowed=", ".join(header[:20]) + (", …" if len(header) > 20 else ""),
                fix=f"did you mean {lower[close[0]]}?" if close else None,
            )


def _read_parquet(
    path: str | Path, columns: Sequence[str], sequence_column: str
) -> Generator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as table:
            check_columns(path, table.schema_arrow.names, columns)
            kind = table.schema_arrow.field(sequence_column).type
            value = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(value) or pa.types.is_large_string(value)):
                raise InputError(
                    f"column {sequence_column} is no text",
                    file=path,
                    found=kind,
                    allowed="a column of strings",
                )
            for batch in table.iter_batches(batch_size=_ROWS, columns=list(columns)):
                yield pa.record_batch(
                    [to_strings(path, name, batch.column(name)) for name in columns],
                    names=list(columns),
                )
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read the Parquet file: {error}", file=path) from None


def to_strings(path: str | Path, name: str, column: pa.Array) -> pa.Array:
    """Write a typed column as a text table would: missing is empty."""
    try:
        return column.cast(pa.string()).fill_null("")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"column {name} is no text or number", file=path, found=column.type
        ) from None
