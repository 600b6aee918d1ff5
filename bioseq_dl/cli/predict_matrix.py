"""``bioseq-dl predict --matrix``: new cells, their classes, and which are unknown."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    import torch

    from bioseq_dl.train.checkpoint import Checkpoint


def predict_new_cells(
    arguments: argparse.Namespace,
    checkpoints: list[Checkpoint],
    device: torch.device,
    log: Callable[[str], None],
) -> int:
    """Predict every cell of a matrix; give their number."""
    import pyarrow as pa

    from bioseq_dl.calls import call_cells, read_rules
    from bioseq_dl.io.new_matrix import read_new_cells
    from bioseq_dl.io.parquet import write_parquet
    from bioseq_dl.io.tsv import write_tsv
    from bioseq_dl.predict_cells import predict_matrix

    out = arguments.predictions
    if out.suffix not in (".h5ad", ".tsv", ".parquet"):
        raise InputError("the ending names no format", file=out, allowed=".h5ad, .tsv, .parquet")
    cells = read_new_cells(arguments.matrix, arguments.rows, arguments.part)
    log(f"{len(cells.ids):,} cells, {len(cells.matrix.genes):,} genes, {cells.matrix.values}")
    table, embedding, absent = predict_matrix(
        checkpoints, cells.matrix, cells.totals, device, arguments.max_missing
    )
    if absent:
        log(
            f"WARNING: {absent:,} genes of the network are not in the matrix: mean of train instead"
        )
    folds = sorted({int(checkpoint.notes["fold"]) for checkpoint in checkpoints})
    rules = None if arguments.metrics is None else read_rules(arguments.metrics, folds)
    table = call_cells(table, checkpoints[0].targets, rules)
    if out.suffix == ".h5ad":
        _write_h5ad(arguments, cells, table, embedding, checkpoints)
    else:
        table = table.add_column(0, "id", pa.array(cells.ids))
        (write_parquet if out.suffix == ".parquet" else write_tsv)(out, table)
    return len(cells.ids)


def _write_h5ad(
    arguments: argparse.Namespace,
    cells: Any,
    table: Any,
    embedding: Any,
    checkpoints: list[Checkpoint],
) -> None:
    import numpy as np
    import pandas as pd

    from bioseq_dl.io.annotated import build_anndata, read_anndata, write_annotated
    from bioseq_dl.provenance import hash_file

    if str(arguments.matrix).endswith(".h5ad"):
        made = read_anndata(arguments.matrix)
    else:
        made = build_anndata(cells.matrix, pd.DataFrame(index=list(cells.ids)))
    obsm = {"X_bioseq_dl": embedding}
    columns = {}
    targets = checkpoints[0].targets
    for name in table.column_names:
        if targets.kind == "multiclass" and name.count(":") > 1:
            continue  # a column a class: together in obsm, whatever signs their names have
        columns[name.replace(":", "_")] = table[name].to_numpy()
    if targets.kind == "multiclass":
        for target in targets.names:
            parts = [table[f"probability:{target}:{label}"].to_numpy() for label in targets.classes]
            obsm[f"probability_{target}"] = np.stack(parts, axis=1).astype(np.float32)
    models = [str(Path(path)) for path in arguments.model]
    notes: dict[str, object] = {"models": models, "sha256": [hash_file(path) for path in models]}
    notes |= {"task": checkpoints[0].task, "classes": list(targets.classes)}
    write_annotated(arguments.predictions, made, columns, obsm, notes)
