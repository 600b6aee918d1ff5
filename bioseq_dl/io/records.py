"""The table of records and the table of rejects: their columns, and how they are kept."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.parquet import write_parquet

REJECTED_COLUMNS = ("source", "record", "position", "reason", "found")


class Reject(NamedTuple):
    """A record that cannot be used."""

    source: str
    record: str
    position: str
    reason: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some records of one input, column by column, as they stand in its file.

    Parameters
    ----------
    places : ndarray of int64 (n,)
        Line or row of each record, counted from 1.
    ids : sequence of str (n,)
        Before the input's name is put in front.
    letters : ndarray of uint8 (letters,)
        ASCII of all sequences end to end, unchecked.
    offsets : ndarray of int64 (n + 1,)
        Where each sequence starts in `letters`.
    values : mapping
        Target: its raw values (n,).
    split, group, chrom, strand : sequence of str (n,), optional
        Raw official folds; groups; contigs; ``+``, ``-`` or ``.``.
    start, end : ndarray of int64 (n,), optional
        0-based half-open, with `chrom`.
    """

    places: NDArray[np.int64]
    ids: Sequence[str]
    letters: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    values: dict[str, Sequence[str | float]]
    split: Sequence[str] | None = None
    group: Sequence[str] | None = None
    chrom: Sequence[str | None] | None = None
    start: NDArray[np.int64] | None = None
    end: NDArray[np.int64] | None = None
    strand: Sequence[str | None] | None = None


def record_schema(targets: Targets) -> pa.Schema:
    """Give the columns of ``records.parquet``, as docs/architecture.md has them."""
    fields = [pa.field("id", pa.string(), nullable=False)]
    fields.append(pa.field("sequence", pa.string(), nullable=False))
    fields += [pa.field(f"target:{name}", pa.float32()) for name in targets.names]
    fields += [pa.field(name, pa.string()) for name in ("group", "split", "chrom")]
    fields += [pa.field(name, pa.int64()) for name in ("start", "end")]
    fields += [pa.field("strand", pa.string()), pa.field("source", pa.string(), nullable=False)]
    return pa.schema(fields)


def write_records(path: str | Path, records: pa.Table) -> None:
    """Write ``records.parquet`` atomically; equal tables are equal bytes.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    write_parquet(path, records)


def read_records_table(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read ``records.parquet``, or some of its columns.

    Raises
    ------
    InputError
        Where the file is missing or damaged, or lacks a column.
    """
    fix = "run the ingest step again"
    try:
        with pq.ParquetFile(path) as file:
            for name in columns if columns is not None else ("id", "sequence"):
                if name not in file.schema_arrow.names:
                    raise InputError(f"the records have no column {name}", file=path, fix=fix)
            return file.read(columns=None if columns is None else list(columns))
    except FileNotFoundError:
        raise InputError("no such file", file=path, fix=fix) from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot read the records: {error}", file=path, fix=fix) from None


def make_rejected(rejects: Sequence[Reject]) -> pa.Table:
    """Give rejects as a table of five columns of strings."""
    columns: Any = list(zip(*rejects, strict=True)) or [()] * len(REJECTED_COLUMNS)
    return pa.table(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(REJECTED_COLUMNS, columns, strict=True)
        }
    )


def write_rejected(path: str | Path, rejected: pa.Table) -> None:
    """Write ``rejected.tsv`` atomically.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(REJECTED_COLUMNS)
        for batch in rejected.to_batches(max_chunksize=65_536):
            columns = (column.to_pylist() for column in batch.columns)
            writer.writerows(zip(*columns, strict=True))
