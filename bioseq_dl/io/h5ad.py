"""AnnData files: a matrix, the names of its genes, and columns of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
from anndata.io import read_elem

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
        obs = _read_frame(file["obs"], path, "obs")
        home = file if matrix != "raw" else find_member(file, "raw", path, "part")
        var = _read_frame(find_member(home, "var", path, "part"), path, "var")
        values = _read_matrix(_find_matrix(home, matrix, path), path, matrix)
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
        if found.ndim != 2:
            raise InputError("not a matrix", file=path, position=name, found=f"{found.shape}")
        return read_dense(found)
    try:
        return tidy(read_elem(found))
    except _FAULTS as error:
        raise InputError("cannot read the matrix", file=path, position=name, found=error) from None


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
