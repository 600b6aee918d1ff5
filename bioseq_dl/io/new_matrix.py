"""A matrix of new cells, for trained networks: read with the format that its name tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from bioseq_dl.config import MatrixInput, Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import check_numbers, recognise_values
from bioseq_dl.io.expression_inputs import read_matrix
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.io.gene_names import check_names, merge_genes

FORMATS = ".h5ad, .h5 (10x), .loom, .csv, .tsv, .txt, .parquet, or the folder of 10x"
_TABLES = (".csv", ".tsv", ".txt", ".parquet")
_PARTS = (
    ("matrix.mtx", "matrix.mtx.gz"),
    ("features.tsv.gz", "features.tsv", "genes.tsv", "genes.tsv.gz"),
    ("barcodes.tsv", "barcodes.tsv.gz"),
)


@dataclass(frozen=True, eq=False)
class NewCells:
    """Cells without labels.

    Parameters
    ----------
    ids : tuple of str (n,)
    matrix : ExpressionMatrix
    totals : ndarray of float64 (n,)
        Sum of each cell over all its genes.
    """

    ids: tuple[str, ...]
    matrix: ExpressionMatrix
    totals: NDArray[np.float64]


def read_new_cells(path: str | Path, rows: str = "samples", part: str = "X") -> NewCells:
    """Read new cells, all of them: no quality control, since what is asked for is predicted.

    Parameters
    ----------
    path : path
        Its ending names the format, see `FORMATS`.
    rows : str
        Of a table: what its rows are, ``samples`` or ``genes``.
    part : str
        Of h5ad: which matrix, ``X``, ``raw`` or ``layers/NAME``.

    Raises
    ------
    InputError
        Where the format is not known, or the file is malformed; as the readers of ingest.
    """
    path = Path(path)
    entry = _describe(path, rows, part)
    found = read_matrix(entry, lambda source: str(source.path))
    check_names(found, path, mixed=True)
    check_numbers(found, path, negative=True, missing=True)
    kind = recognise_values(found, "auto", path)
    found, _ = merge_genes(found, "sum" if kind == "counts" else "mean", path)
    values = found.values.tocsr()
    totals = np.nan_to_num(np.asarray(values.sum(axis=1), np.float64)).ravel()
    matrix = ExpressionMatrix(
        values.indptr.astype(np.int64),
        values.indices.astype(np.int32),
        values.data.astype(np.float32),
        found.genes,
        kind,
    )
    return NewCells(found.cells, matrix, totals)


def _describe(path: Path, rows: str, part: str) -> Any:
    """Give the input as ingest knows it."""
    source = Source(path=str(path)).model_dump(exclude_none=True)
    name = path.name.lower().removesuffix(".gz")
    fields: Mapping[str, Any]
    if path.is_dir():
        matrix, features, barcodes = (_find_part(path, names) for names in _PARTS)
        fields = {
            "format": "10x_mtx",
            "source": {"path": matrix},
            "features": {"path": features},
            "barcodes": {"path": barcodes},
        }
    elif name.endswith(".h5ad"):
        fields = {"format": "h5ad", "source": source, "matrix": part}
    elif name.endswith(".loom"):
        fields = {"format": "loom", "source": source}
    elif name.endswith(".h5"):
        fields = {"format": "10x_h5", "source": source}
    elif name.endswith(_TABLES):
        fields = {"format": "table", "source": source, "rows": rows}
    else:
        raise InputError("the name does not tell the format", file=path, allowed=FORMATS)
    try:
        return TypeAdapter(MatrixInput).validate_python(fields)
    except ValidationError as error:
        raise InputError(error.errors()[0]["msg"], file=path) from None


def _find_part(folder: Path, names: tuple[str, ...]) -> str:
    for name in names:
        if (folder / name).is_file():
            return str(folder / name)
    raise InputError(
        "the folder is not one that Cell Ranger writes",
        file=folder,
        allowed=f"a file {' or '.join(names)}",
    )
