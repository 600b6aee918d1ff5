"""Loom files (https://linnarssonlab.org/loompy/format): genes in rows, cells in columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix
from bioseq_dl.io.hdf5 import check_matrix, find_member, open_hdf5, read_dense, read_strings


def read_loom(
    path: str | Path,
    *,
    layer: str | None = None,
    gene_attribute: str = "Gene",
    cell_attribute: str = "CellID",
    columns: Sequence[str] = (),
) -> CellMatrix:
    """Read a loom file.

    Parameters
    ----------
    path : path
    layer : str, optional
        The main matrix where it is not given.
    gene_attribute, cell_attribute : str
        Attributes that name rows and columns.
    columns : sequence of str
        Further attributes of the cells.

    Raises
    ------
    InputError
        Where the file is damaged; a part or an attribute is missing; parts do not fit together.
    """
    with open_hdf5(path, "a loom file") as file:
        if layer is None:
            matrix = find_member(file, "matrix", path, "part")
        else:
            matrix = find_member(find_member(file, "layers", path, "part"), layer, path, "layer")
        check_matrix(matrix, path)
        of_rows = find_member(file, "row_attrs", path, "part")
        of_cells = find_member(file, "col_attrs", path, "part")
        genes = read_strings(find_member(of_rows, gene_attribute, path, "row attribute"))
        cells = read_strings(find_member(of_cells, cell_attribute, path, "column attribute"))
        if matrix.shape != (len(genes), len(cells)):
            turned = matrix.shape == (len(cells), len(genes))
            raise InputError(
                "the matrix does not fit its attributes" + (": it is transposed" if turned else ""),
                file=path,
                found=" x ".join(str(side) for side in matrix.shape),
                allowed=f"{len(genes)} genes x {len(cells)} cells",
            )
        found = {
            name: read_strings(find_member(of_cells, name, path, "column attribute"))
            for name in columns
        }
        for name, values in found.items():
            if len(values) != len(cells):
                raise InputError(
                    f"the column attribute {name} does not fit the cells",
                    file=path,
                    found=f"{len(values)} values",
                    allowed=f"{len(cells)}",
                )
        sparse = read_dense(matrix, path, transposed=True)
    return CellMatrix(sparse, tuple(cells), tuple(genes), tuple(genes), found)
