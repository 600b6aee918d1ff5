"""AnnData files with what networks say of the cells, ready for scanpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.expression_matrix import ExpressionMatrix


def build_anndata(matrix: ExpressionMatrix, obs: pd.DataFrame) -> anndata.AnnData:
    """Make an AnnData object of a matrix.

    Parameters
    ----------
    matrix : ExpressionMatrix
        Of n cells.
    obs : DataFrame (n rows)
        Columns of the cells; its index is their ids.
    """
    shape = (len(matrix), len(matrix.genes))
    parts = (np.asarray(matrix.data), np.asarray(matrix.indices), np.asarray(matrix.indptr))
    made = anndata.AnnData(
        csr_matrix(parts, shape=shape), obs=obs, var=pd.DataFrame(index=list(matrix.genes))
    )
    made.uns["values"] = matrix.values
    return made


def read_anndata(path: str | Path) -> anndata.AnnData:
    """Read a whole AnnData file, of which the matrix has been read before.

    Raises
    ------
    InputError
        Where anndata cannot read the rest of it.
    """
    try:
        return anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            "anndata cannot read the whole file",
            file=path,
            found=reason,
            fix="write predictions to .tsv or .parquet instead",
        ) from None


def write_annotated(
    path: str | Path,
    cells: anndata.AnnData,
    obs: Mapping[str, Any],
    obsm: Mapping[str, NDArray[np.float32]],
    notes: Mapping[str, Any],
) -> None:
    """Write cells with further columns, atomically.

    Parameters
    ----------
    path : path
    cells : AnnData
        Of n cells; changed.
    obs : mapping
        Column: its n values; a column of that name is replaced.
    obsm : mapping
        Name: (n, dimensions).
    notes : mapping
        For ``uns["bioseq_dl"]``: how it was made.

    Raises
    ------
    InputError
        Where the folder cannot be written or the disk is full.
    """
    for name, values in obs.items():
        cells.obs[name] = values
    for name, table in obsm.items():
        cells.obsm[name] = table
    cells.uns["bioseq_dl"] = dict(notes)
    with atomic_path(path) as temporary:
        cells.write_h5ad(temporary, compression="gzip")


def describe_records(records: pa.Table, targets: Targets) -> pd.DataFrame:
    """Give the records of cells as columns of ``obs``: labels by their names, groups, quality."""
    columns: dict[str, Any] = {}
    for name in targets.names:
        values = records[f"target:{name}"].to_numpy(zero_copy_only=False)
        if targets.kind == "regression":
            columns[name] = values
            continue
        names = targets.classes if targets.kind == "multiclass" else ("0", "1")
        words = [None if np.isnan(value) else names[int(value)] for value in values]
        columns[name] = pd.Categorical(words, categories=list(names))
    for name in ("group", "batch", "source"):
        if records[name].null_count < records.num_rows:
            columns[name] = pd.Categorical(records[name].to_pylist())
    for name in ("genes", "total", "mitochondrial"):
        columns[name] = records[name].to_numpy(zero_copy_only=False)
    return pd.DataFrame(columns, index=records["id"].to_pylist())
