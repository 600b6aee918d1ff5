"""What predict writes of cells beside its predictions: embeddings and reconstruction errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.parquet import read_parquet
from bioseq_dl.io.records import read_records_table

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a fold as one network (or PCA) sees them."""

    ids: NDArray[np.object_]
    """(n,)"""
    roles: NDArray[np.object_]
    """(n,): train, val or test."""
    embedding: NDArray[np.float32] | None
    """float32 (n, dimensions); None where there is none."""
    reconstruction: Floats | None
    """float64 (n,): error of each cell; None without a decoder."""


def find_ids(known: NDArray[np.object_], wanted: NDArray[np.object_]) -> NDArray[np.int64]:
    """Give the place of each wanted id among the known, int64; -1 where it is not there."""
    places = {name: place for place, name in enumerate(known.tolist())}
    return np.array([places.get(name, -1) for name in wanted.tolist()], np.int64)


def read_cells(path: Path) -> Cells | None:
    """Read cells.parquet, or a baseline's predictions with an embedding; None where there is none.

    Raises
    ------
    InputError
        Where the file is damaged, lacks a column, or a cell's embedding is missing, of another
        length than the first's, or not finite.
    """
    if not path.exists():
        return None
    table = read_parquet(path)
    for name in ("id", "role"):
        if name not in table.column_names:
            raise InputError("a column is missing", file=path, position=f"column {name}")
    ids = table.column("id").to_numpy(zero_copy_only=False).astype(object)
    roles = table.column("role").to_numpy(zero_copy_only=False).astype(object)
    reconstruction = None
    if "reconstruction" in table.column_names:
        column = table.column("reconstruction")
        if column.null_count < len(column):
            reconstruction = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return Cells(ids, roles, _read_embedding(table, ids, path), reconstruction)


def read_outliers(path: Path) -> dict[str, Floats]:
    """Read outliers.parquet: kind: reconstruction errors (n,); empty where there is no file.

    Raises
    ------
    InputError
        Where the file is damaged, or an error is not a finite number.
    """
    if not path.exists():
        return {}
    table = read_parquet(path)
    for name in ("kind", "reconstruction"):
        if name not in table.column_names:
            raise InputError("a column is missing", file=path, position=f"column {name}")
    kinds = table.column("kind").to_numpy(zero_copy_only=False).astype(object)
    values = table.column("reconstruction").to_numpy(zero_copy_only=False).astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(
            "a reconstruction error is not a finite number",
            file=path,
            position=f"row {row + 1}",
            fix="the training has diverged: lower train.learning_rate",
        )
    return {str(kind): values[kinds == kind] for kind in dict.fromkeys(kinds.tolist())}


def read_labels(path: Path, targets: Targets, ids: NDArray[np.object_]) -> Floats:
    """Read the labels of some cells from records.parquet.

    Returns
    -------
    float64 (n, targets)
        NaN is missing.

    Raises
    ------
    InputError
        Where a cell is not in the records.
    """
    columns = [f"target:{name}" for name in targets.names]
    table = read_records_table(path, ["id", *columns])
    rows = find_ids(table.column("id").to_numpy(zero_copy_only=False).astype(object), ids)
    if (rows < 0).any():
        record = str(ids[int(np.argmax(rows < 0))])
        raise InputError("a predicted cell is not in the records", file=path, record=record)
    found = [table.column(name).to_numpy(zero_copy_only=False) for name in columns]
    labels: Floats = np.stack([values[rows] for values in found], axis=1).astype(np.float64)
    return labels


def _read_embedding(
    table: pa.Table, ids: NDArray[np.object_], path: Path
) -> NDArray[np.float32] | None:
    if "embedding" not in table.column_names:
        return None
    column = table.column("embedding")
    if column.null_count == len(column):
        return None
    sizes = pc.fill_null(pc.list_value_length(column), -1).to_numpy()
    if (sizes != sizes[0]).any():
        row = int(np.argmax(sizes != sizes[0]))
        raise InputError(
            "embeddings differ in length",
            file=path,
            record=str(ids[row]),
            found="missing" if sizes[row] < 0 else int(sizes[row]),
            allowed=f"{sizes[0]} numbers",
        )
    values = np.asarray(pc.list_flatten(column).to_numpy(zero_copy_only=False), np.float32)
    embedding = values.reshape(len(ids), int(sizes[0]))
    bad = np.flatnonzero(~np.isfinite(embedding).all(axis=1))
    if len(bad):
        raise InputError(
            "an embedding is not finite",
            file=path,
            record=str(ids[bad[0]]),
            fix="the training has diverged: lower train.learning_rate",
        )
    return embedding
