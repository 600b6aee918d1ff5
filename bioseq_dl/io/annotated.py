"""AnnData files with what networks say of the cells, ready for scanpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

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
    obsm: Mapping[str, NDArray[np.float32] | pd.DataFrame],
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
        kept = table.set_axis(cells.obs_names) if isinstance(table, pd.DataFrame) else table
        cells.obsm[name] = kept
    cells.uns["bioseq_dl"] = dict(notes)
    with atomic_path(path) as temporary:
        cells.write_h5ad(temporary, compression="gzip")
