"""Columns of records.parquet and split.parquet as numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bioseq_dl.encode.examples import ROLES
from bioseq_dl.errors import InputError

TRAIN, VAL, TEST, DROP = range(4)
"""Codes of ROLES."""


def as_table(records: Any, *columns: str) -> pa.Table:
    """Give records (a table or a data frame) as a table with an `id` and `columns`.

    Raises
    ------
    InputError
        Where a column is absent, there are no records, or an id comes twice.
    """
    table = records
    if not isinstance(records, pa.Table):
        table = pa.Table.from_pandas(records, preserve_index=False)
    for name in ("id", *columns):
        if name not in table.column_names:
            raise InputError(
                f"the records have no column {name!r}",
                found=", ".join(table.column_names),
                fix="run ingest again, or choose another split.method",
            )
    if table.num_rows == 0:
        raise InputError("there are no records to split")
    order = sort_ids(table)
    ids = table["id"].take(pa.array(order))
    twice = np.flatnonzero(pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))
    if len(twice):
        raise InputError("an id comes twice", record=ids[int(twice[0])].as_py())
    return table


def sort_ids(table: pa.Table) -> NDArray[np.int64]:
    """Give the rows in the order of their ids; shape (n,)."""
    order: NDArray[np.int64] = pc.sort_indices(table["id"]).to_numpy().astype(np.int64)
    return order


def read_labels(table: pa.Table) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Give the names and values (n, targets) of the ``target:`` columns, NaN for missing."""
    names = [name for name in table.column_names if name.startswith("target:")]
    values = np.empty((table.num_rows, len(names)), np.float32)
    for place, name in enumerate(names):
        column = table[name].cast(pa.float32())
        values[:, place] = column.to_numpy(zero_copy_only=False)
    return tuple(name.removeprefix("target:") for name in names), values


def read_codes(table: pa.Table, name: str, why: str) -> tuple[NDArray[np.int64], list[str]]:
    """Number a string column's values in alphabetical order.

    Returns
    -------
    codes : ndarray of int64, shape (n,)
    values : list of str

    Raises
    ------
    InputError
        Where a value is missing; `why` says what needs it.
    """
    column = table[name].cast(pa.string())
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(
            f"no {name}, which {why} needs ({column.null_count} such records)",
            record=table["id"][row].as_py(),
            position=f"column {name}",
        )
    encoded = pc.dictionary_encode(column).combine_chunks()
    values: list[str] = encoded.dictionary.to_pylist()
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(np.array(values, dtype=object), kind="stable")] = np.arange(len(values))
    return rank[encoded.indices.to_numpy()], sorted(values)


def read_roles(folds: pa.Table) -> NDArray[np.uint8]:
    """Give the ``fold0``, ``fold1``, … columns as codes of ROLES; shape (folds, n).

    Raises
    ------
    InputError
        Where a value is no role.
    """
    rows = []
    for place in range(folds.num_columns - 1):
        name = f"fold{place}"
        codes = pc.index_in(folds[name].cast(pa.string()), pa.array(ROLES))
        if codes.null_count:
            row = int(np.flatnonzero(codes.is_null().to_numpy(zero_copy_only=False))[0])
            raise InputError(
                "not a role",
                record=folds["id"][row].as_py(),
                position=f"column {name}",
                found=folds[name][row].as_py(),
                allowed=", ".join(ROLES),
            )
        rows.append(codes.to_numpy().astype(np.uint8))
    return np.stack(rows)


def write_roles(ids: pa.ChunkedArray, roles: NDArray[np.uint8]) -> pa.Table:
    """Give split.parquet's table from codes of ROLES; shape (folds, n)."""
    names = pa.array(ROLES)
    columns = {f"fold{place}": names.take(pa.array(row)) for place, row in enumerate(roles)}
    return pa.table({"id": ids, **columns})
