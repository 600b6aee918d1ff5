"""Small tables for people: tab-separated text."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa

from bioseq_dl.io.atomic import atomic_path


def write_tsv(path: str | Path, table: pa.Table) -> None:
    """Write a table as tab-separated text, atomically; missing is empty, numbers to 6 digits.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(table.column_names)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])
