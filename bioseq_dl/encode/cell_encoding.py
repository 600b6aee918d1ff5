"""Records and a matrix of cells to arrays: what fits the folds, and is needed in encode alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import ExpressionEncode, Targets
from bioseq_dl.encode.cells import CellExamples
from bioseq_dl.encode.examples import ROLES, hash_ids
from bioseq_dl.encode.fit_layout import fit_layout
from bioseq_dl.encode.fit_transform import fit_transform, plan_steps
from bioseq_dl.encode.sequence import check_tables, read_roles, read_values
from bioseq_dl.encode.transform import Transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix, read_rows
from bioseq_dl.io.manifest import Fetched


def encode_cells(
    records: pa.Table,
    folds: pa.Table,
    targets: Targets,
    encode: ExpressionEncode,
    matrix: ExpressionMatrix,
    files: Mapping[str, Fetched] | None = None,
) -> CellExamples:
    """Fit each fold on its training cells, and lay out the values that the folds keep.

    Parameters
    ----------
    records : table
        As `bioseq_dl.io.expression.read_expression` gives.
    folds : table
        Columns of ``split.parquet``.
    targets : Targets
    encode : ExpressionEncode
    matrix : ExpressionMatrix
        Of the same cells.
    files : mapping, optional
        Source key to file; what a layout that is given in a file needs.

    Raises
    ------
    InputError
        What `fit_layout` raises; where records, folds and matrix are not of one making; no gene is
        left; logged values would be logged again.
    """
    check_tables(records, folds, targets, "total")
    if len(matrix) != records.num_rows:
        raise InputError(
            "the table of records and the matrix hold different cells",
            found=f"{len(matrix)} rows",
            allowed=f"{records.num_rows}",
            fix="run ingest again",
        )
    totals = records["total"].to_numpy(zero_copy_only=False).astype(np.float64)
    roles = read_roles(folds)
    transforms = tuple(
        _fit(matrix, totals, np.flatnonzero(row == ROLES.index("train")), encode, files or {})
        for row in roles
    )
    wanted = set().union(*(transform.genes for transform in transforms))
    kept = np.array([place for place, name in enumerate(matrix.genes) if name in wanted])
    columns = np.full(len(matrix.genes), -1, np.int32)
    columns[kept] = np.arange(len(kept))
    steps = plan_steps(encode, matrix.values)
    lengths, indices, data, counts = [], [], [], []
    for of, part in read_rows(matrix, np.arange(len(matrix))):
        places = columns[part.indices]
        inside = places >= 0
        owners = part.owners
        lengths.append(np.bincount(owners[inside], minlength=len(of)))
        indices.append(places[inside])
        data.append(steps.apply(part.data, owners, totals[of])[inside])
        if matrix.values == "counts":
            counts.append(part.data[inside])
    return CellExamples(
        indptr=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64),
        indices=np.concatenate(indices).astype(np.int32),
        data=np.concatenate(data).astype(np.float32),
        counts=np.concatenate(counts).astype(np.float32) if counts else None,
        totals=totals,
        targets=read_values(records, targets),
        roles=roles,
        genes=tuple(matrix.genes[place] for place in kept.tolist()),
        spec=targets,
        ids_sha256=hash_ids(records["id"]),
        transforms=transforms,
    )


def _fit(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    train: NDArray[np.int64],
    encode: ExpressionEncode,
    files: Mapping[str, Fetched],
) -> Transform:
    transform = fit_transform(matrix, totals, train, encode)
    if encode.layout is None:
        return transform
    layout = fit_layout(matrix, totals, train, transform, encode.layout, files)
    return replace(transform, layout=layout)
