"""Parquet tables between the steps."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path


def read_parquet(path: str | Path) -> pa.Table:
    """Read a Parquet table.

    Raises
    ------
    InputError
        Where the file is missing or is not Parquet.
    """
    if Path(path).is_dir():
        raise InputError("a folder, where a file is needed", file=path)
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0].rpartition("': ")[2]
        raise InputError(
            "not a readable Parquet file", file=path, found=reason, fix="run the step before again"
        ) from None


def write_parquet(path: str | Path, table: pa.Table) -> None:
    """Write a Parquet table atomically (zstd); equal tables are equal bytes."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
