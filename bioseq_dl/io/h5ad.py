"""AnnData files: a matrix, the names of its genes, and columns of its cells."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata
import h5py
from anndata.io import read_elem
from scipy.sparse import csr_array

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix, tidy
from bioseq_dl.io.hdf5 import find_member, open_hdf5, read_dense

_FAULTS = (KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError)


def read_h5ad(
    path: str | Path,
    *,
    matrix: str = "X",
    gene_column: str | None = None,
    columns: Sequence[str] = (),
) -> CellMatrix:
    """Read an AnnData file (``.h5ad``); only what is asked for.

    Parameters
    ----------
    path : path
    matrix : str
        ``X``, ``raw`` or ``layers/NAME``.
    gene_column : str, optional
        Column of ``var`` that names the genes.
    columns : sequence of str
        Columns of ``obs``.

    Returns
    -------
    CellMatrix
        Its `symbols` are the index of ``var``.

    Raises
    ------
    InputError
        Where the file is damaged; a part or a column is missing; parts do not fit together.
    """
    with open_hdf5(path, "an h5ad file") as file:
        for part in ("obs", "var"):
            find_member(file, part, path, "part")
        old = isinstance(file["obs"], h5py.Dataset)
        if not old:
            obs = _read_frame(file["obs"], path, "obs")
            home = file if matrix != "raw" else find_member(file, "raw", path, "part")
            var = _read_frame(find_member(home, "var", path, "part"), path, "var")
            values = _read_matrix(_find_matrix(home, matrix, path), path, matrix)
    if old:
        obs, var, values = _read_old(path, matrix)
    symbols = tuple(str(name) for name in var.index)
    genes = symbols
    if gene_column is not None:
        genes = tuple(_read_column(var, gene_column, "var", path))
    cells = tuple(str(name) for name in obs.index)
    found = {name: _read_column(obs, name, "obs", path, var) for name in columns}
    if values.shape != (len(cells), len(genes)):
        turned = values.shape == (len(genes), len(cells))
        raise InputError(
            "the matrix does not fit obs and var" + (": it is transposed" if turned else ""),
            file=path,
            position=matrix,
            found=f"{values.shape[0]} x {values.shape[1]}",
            allowed=f"{len(cells)} cells x {len(genes)} genes",
        )
    return CellMatrix(values, cells, genes, symbols, found)


def _find_matrix(home: Any, matrix: str, path: str | Path) -> Any:
    if matrix.startswith("layers/"):
        layers = find_member(home, "layers", path, "part")
        return find_member(layers, matrix.removeprefix("layers/"), path, "layer")
    return find_member(home, "X", path, "part")


def _read_matrix(found: Any, path: str | Path, name: str) -> Any:
    if isinstance(found, h5py.Dataset):
        return read_dense(found, path)
    try:
        values = read_elem(found)
        # Scipy trusts places that lie outside, and reads beyond its memory.
        values.check_format(full_check=True)
        return tidy(values)
    except _FAULTS as error:
        raise _unreadable(path, name, error) from None


def _unreadable(path: str | Path, name: str, error: Exception) -> InputError:
    return InputError("cannot read the matrix", file=path, position=name, found=error)


def _read_old(path: str | Path, matrix: str) -> tuple[Any, Any, Any]:
    """Read obs, var and the matrix of a file that anndata before 0.7 wrote."""
    with warnings.catch_warnings():
        # It warns of the old format, and of what it changes that is not asked for here.
        warnings.simplefilter("ignore")
        try:
            data = anndata.read_h5ad(path, backed="r")
        except _FAULTS as error:
            raise InputError("cannot read the h5ad file", file=path, found=error) from None
    try:
        home = data.raw if matrix == "raw" else data
        if home is None:
            raise InputError("the file has no part raw", file=path, fix="set matrix: X")
        if matrix.startswith("layers/"):
            found = find_member(home.layers, matrix.removeprefix("layers/"), path, "layer")
        else:
            found = home.X
        if isinstance(found, h5py.Dataset):
            return data.obs, home.var, read_dense(found, path)
        values = csr_array(found.to_memory() if hasattr(found, "to_memory") else found)
        values.check_format(full_check=True)
        return data.obs, home.var, tidy(values)
    except _FAULTS as error:
        raise _unreadable(path, matrix, error) from None
    finally:
        data.file.close()


def _read_frame(found: Any, path: str | Path, name: str) -> Any:
    try:
        frame = read_elem(found)
        if frame.index is None or not hasattr(frame, "columns"):
            raise TypeError(type(frame).__name__)
    except _FAULTS as error:
        raise InputError("cannot read the table", file=path, position=name, found=error) from None
    return frame


def _read_column(
    frame: Any, name: str, part: str, path: str | Path, other: Any = None
) -> list[str]:
    if name not in frame.columns:
        turned = other is not None and name in other.columns
        names = ", ".join(str(column) for column in frame.columns[:20])
        raise InputError(
            f"{part} has no column {name}" + (", but var has: cells must be rows" * turned),
            file=path,
            allowed=names or "none",
            fix="transpose the AnnData object" if turned else None,
        )
    column = frame[name]
    missing = column.isna().tolist()
    return [
        "" if gone else str(value) for gone, value in zip(missing, column.tolist(), strict=True)
    ]
