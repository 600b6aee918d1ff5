"""Jobs of every kind that trains, and what processes that train together do with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from planted import plant
from scipy.sparse import csr_matrix

from bioseq_dl.config import CellModel, ExpressionEncode, Model, Targets, Train
from bioseq_dl.data.cell_examples import write_cell_examples
from bioseq_dl.data.examples import write_examples
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.cell_encoding import encode_cells
from bioseq_dl.encode.examples import Examples
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.train.fit import Job, _fit
from bioseq_dl.train.ranks import Ranks

SMALL = {"conv": [{"channels": 6, "kernel": 5, "pool": 2}], "dense": [4]}
MISSING = Targets(kind="binary", names=("a", "b", "c"))
VALUE = Targets(kind="regression", names=("value",))
RESIDUES = Targets(kind="residues", names=("q3", "rsa", "angles"))
CELLS = Targets(kind="binary", names=("sick",))


def train_all(
    jobs: list[Job], ranks: Ranks, log: Callable[[str], None], watch: Callable[[Any], None]
) -> None:
    """What one of several processes does."""
    for job in jobs:
        log(f"{job.out.parent.name}")
        _fit(job, ranks, log, watch)


def wait_for_ever(
    job: str, ranks: Ranks, log: Callable[[str], None], watch: Callable[[Any], None]
) -> None:
    """What hangs: nobody comes."""
    log("here")
    while True:
        time.sleep(60)


def make_job(folder: Path, name: str, processes: int, **train: Any) -> Job:
    """A job of a kind; batches of all its processes hold 20 records."""
    task, targets, model, write = KINDS[name]
    folder.mkdir(parents=True, exist_ok=True)
    examples = folder / f"{name}.examples"
    if not examples.exists():
        write(examples)
    settings = {
        "epochs": 2,
        "batch_size": 20 // processes,
        "devices": processes,
        "device": "cpu",
        "precision": "fp32",
        "optimizer": "sgd",
        "learning_rate": 0.2,
        "momentum": 0.5,
        "schedule": "constant",
        "warmup_fraction": 0,
    }
    settings |= SETTINGS.get(name, {}) | train
    out = folder / f"{name}-{processes}" / "model.pt"
    return Job(task, targets, model, Train(**settings), examples, 0, 3, out)


def write_missing(path: Path) -> None:
    data = plant(107, targets=MISSING)
    draw = np.random.default_rng(1)
    data.targets[draw.random(data.targets.shape) < 0.5] = np.nan
    write_examples(path, data)


def write_fitness(path: Path) -> None:
    data = plant(107, targets=VALUE)
    draw = np.random.default_rng(2)
    values = (data.targets + draw.normal(0, 0.3, data.targets.shape)).astype(np.float32)
    values[draw.random(len(values)) < 0.2] = np.nan
    weights = draw.gamma(2, 0.5, len(values)).astype(np.float32)
    write_examples(path, replace(data, targets=values, weights=weights))


def write_residues(path: Path) -> None:
    """41 proteins to train on: the last batch holds one, so one of two processes has none."""
    draw = np.random.default_rng(0)
    lengths = draw.integers(1, 30, 51)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    codes = draw.integers(0, 20, offsets[-1]).astype(np.uint8)
    states = codes % 3
    labels = np.stack([states, states / 2, states - 1.0, 2.0 - states], axis=1).astype(np.float32)
    labels[draw.random(labels.shape) < 0.5] = np.nan
    roles = np.array([[0] * 41 + [1] * 5 + [2] * 5], np.uint8)
    made = Examples(codes, offsets, labels, roles, RESIDUES, "zeros", "0" * 64, alphabet=PROTEIN)
    write_examples(path, made)


def write_cells(path: Path) -> None:
    draw = np.random.default_rng(0)
    rates = draw.gamma(0.5, 4, 30) * draw.gamma(5, 0.2, (107, 1))
    table = draw.poisson(rates).astype(np.float32)
    sparse = csr_matrix(table)
    genes = tuple(f"g{n}" for n in range(30))
    matrix = ExpressionMatrix(
        sparse.indptr.astype(np.int64),
        sparse.indices.astype(np.int32),
        sparse.data,
        genes,
        "counts",
    )
    labels = [float(n % 2) if n % 3 else None for n in range(107)]
    roles = [("train", "train", "train", "val", "test")[n % 5] for n in range(107)]
    ids = pa.array([f"c{number}" for number in range(107)])
    records = pa.table(
        {
            "id": ids,
            "target:sick": pa.array(labels, pa.float32()),
            "total": pa.array(table.sum(1, dtype=np.float64)),
        }
    )
    folds = pa.table({"id": ids, "fold0": roles})
    encoded = encode_cells(records, folds, CELLS, ExpressionEncode(variable_genes=12), matrix)
    write_cell_examples(path, encoded)


NETWORK = Model.model_validate(SMALL)
PLAIN = Model.model_validate(SMALL | {"normalisation": "layer"})
RESIDUE_NETWORK = Model.model_validate(
    {"conv": [{"channels": 8, "kernel": 3}], "recurrent": {"kind": "lstm", "hidden": 4}}
)
CELL_NETWORK = CellModel.model_validate(
    {
        "kind": "mlp",
        "dense": [8],
        "dropout": 0,
        "input_dropout": 0,
        "decoder": {"bottleneck": 4, "hidden": [8], "loss": "nb"},
    }
)
KINDS: dict[str, Any] = {
    "binary": ("dna_sequence", Targets(), NETWORK, lambda path: write_examples(path, plant(107))),
    "accumulated": (
        "dna_sequence",
        Targets(),
        PLAIN,
        lambda path: write_examples(path, plant(107)),
    ),
    "missing": ("dna_sequence", MISSING, PLAIN, write_missing),
    "fitness": ("dna_sequence", VALUE, PLAIN, write_fitness),
    "residues": ("protein_residue", RESIDUES, RESIDUE_NETWORK, write_residues),
    "cells": ("expression", CELLS, CELL_NETWORK, write_cells),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "accumulated": {"accumulate": 3, "ema_decay": 0.9, "clip_norm": 0.3, "learning_rate": 0.5},
    "missing": {"class_weights": "balanced"},
    "fitness": {"loss": "both", "learning_rate": 0.02},
    "cells": {"learning_rate": 0.02},
    "residues": {"monitor": "score", "learning_rate": 0.05},
}
