"""Files of a run on made-up cells: predictions, embeddings, outliers, PCA, records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.config import Targets

TYPES = (
    "CD14+ Monocyte",
    "CD19+ B",
    "CD34+",
    "CD4+/CD25 T Reg",
    "CD4+/CD45RA+/CD25- Naive T",
    "CD4+/CD45RO+ Memory",
    "CD56+ NK",
    "CD8+ Cytotoxic T",
    "CD8+/CD45RA+ Naive Cytotoxic",
    "Dendritic",
)


@dataclass
class MadeCells:
    """Paths, and what is in them."""

    targets: Targets
    truth: np.ndarray
    fold_of: np.ndarray
    records: Path
    models: list[tuple[int, int, Path]] = field(default_factory=list)
    baselines: list[tuple[str, int, Path]] = field(default_factory=list)


def make_cells(
    folder: Path,
    write_predictions: Callable[..., None],
    targets: Targets,
    *,
    cells: int = 240,
    folds: int = 2,
    seeds: tuple[int, ...] = (0, 1),
    decoder: bool = True,
    embeddings: bool = True,
    spread: float = 0.5,
    doublets: float = 1.3,
) -> MadeCells:
    """Make a model whose embedding tells the classes apart, and a PCA that does so less."""
    generator = np.random.default_rng(7)
    classes = {"multiclass": len(targets.classes), "binary": 2, "regression": 4}[targets.kind]
    codes = generator.integers(0, classes, cells)
    codes[:classes] = np.arange(classes)
    truth = codes.astype(float)[:, None]
    if targets.kind == "regression":
        truth = truth + generator.normal(size=truth.shape)
    ids = np.array([f"cell{i}" for i in range(cells)])
    made = MadeCells(targets, truth, np.arange(cells) % 4, folder / "records.parquet")
    pq.write_table(_record(made, ids, generator), made.records)
    centres = 3 * generator.normal(size=(classes, 8))
    for fold in range(folds):
        role = np.full(cells, "train")
        role[made.fold_of == fold] = "test"
        role[made.fold_of == (fold + 1) % 4] = "val"
        judged = role != "train"
        seen = centres[codes] + 6 * spread * generator.normal(size=(cells, 8))
        outputs = _guess(targets, truth, generator, 1.0)
        path = folder / f"pca-fold{fold}.parquet"
        write_predictions(path, targets, ids, role, truth, outputs, "PCA and 15 neighbours")
        _append(path, embedding=_lists(seen))
        made.baselines.append(("pca", fold, path))
        path = folder / f"prior-fold{fold}.parquet"
        kept = outputs[judged] * 0
        write_predictions(path, targets, ids[judged], role[judged], truth[judged], kept, "prior")
        made.baselines.append(("prior", fold, path))
        for seed in seeds:
            place = folder / f"fold{fold}/seed{seed}"
            outputs = _guess(targets, truth, generator, 2.5)
            path = place / "predictions.parquet"
            write_predictions(
                path, targets, ids[judged], role[judged], truth[judged], outputs[judged]
            )
            made.models.append((fold, seed, path))
            seen = centres[codes] + 2 * spread * generator.normal(size=(cells, 8))
            error = generator.gamma(9.0, 0.1, cells).astype(np.float32)
            columns = {"id": pa.array(ids), "role": pa.array(role)}
            if embeddings:
                columns["embedding"] = _lists(seen)
            columns["reconstruction"] = pa.array(error if decoder else [None] * cells, pa.float32())
            pq.write_table(pa.table(columns), place / "cells.parquet")
            if decoder:
                kinds = ["doublet"] * 40 + ["shuffled"] * 40
                worse = np.repeat([doublets, 2.2], 40) * generator.gamma(9.0, 0.1, 80)
                table = {"kind": kinds, "reconstruction": worse.astype(np.float32)}
                pq.write_table(pa.table(table), place / "outliers.parquet")
    return made


def _guess(
    targets: Targets, truth: np.ndarray, generator: np.random.Generator, strength: float
) -> np.ndarray:
    if targets.kind == "regression":
        return truth + generator.normal(size=truth.shape) / strength
    if targets.kind == "binary":
        return strength * (2 * truth - 1) + generator.normal(size=truth.shape)
    signal = np.eye(len(targets.classes))[truth.astype(int)]
    return strength * signal + generator.normal(size=signal.shape)


def _lists(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.float32).tolist(), pa.list_(pa.float32()))


def _append(path: Path, **columns: pa.Array) -> None:
    table = pq.read_table(path)
    for name, column in columns.items():
        table = table.append_column(name, column)
    pq.write_table(table, path)


def _record(made: MadeCells, ids: np.ndarray, generator: np.random.Generator) -> pa.Table:
    cells = len(ids)
    columns: dict[str, pa.Array] = {"id": pa.array(ids)}
    for name, values in zip(made.targets.names, made.truth.T, strict=True):
        columns[f"target:{name}"] = pa.array(values, pa.float32())
    return pa.table(
        columns
        | {
            "group": pa.array([f"donor{i % 3}" for i in range(cells)]),
            "batch": pa.array(["first" if i % 2 else "second" for i in range(cells)]),
            "split": pa.nulls(cells, pa.string()),
            "source": pa.array(["made.h5ad"] * cells),
            "genes": pa.array(generator.integers(200, 900, cells), pa.int32()),
            "total": pa.array(generator.gamma(5, 400, cells).round(), pa.float64()),
            "mitochondrial": pa.array(generator.beta(2, 60, cells), pa.float32()),
            "profile": pa.array(ids),
        }
    )
