"""Trained networks of cells applied: to the cells of a run, or to another matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.config import Targets
from bioseq_dl.encode.cells import CellExamples, map_parts
from bioseq_dl.encode.outliers import make_outliers
from bioseq_dl.encode.transform import parse_transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.predictions import list_records, list_rows, name_outputs
from bioseq_dl.train.checkpoint import Checkpoint, restore_model
from bioseq_dl.train.ensemble import check_alike

BATCH = 256
"""Cells that are dense at a time."""
Floats = NDArray[np.float32]
Given = tuple[Floats, Floats | None, Floats | None]
"""Scaled values (n, genes), counts (n, genes), sums (n,): what a network of cells reads."""


@dataclass(frozen=True, eq=False)
class CellOutputs:
    """What a network says of n cells.

    Parameters
    ----------
    outputs : ndarray of float32 (n, targets) or (n, targets, classes)
        Logits, or values.
    embedding : ndarray of float32 (n, dimensions)
    reconstruction : ndarray of float32 (n,), optional
        Error of each cell; None where the network has no decoder.
    """

    outputs: Floats
    embedding: Floats
    reconstruction: Floats | None


@torch.inference_mode()
def apply_network(
    checkpoint: Checkpoint, parts: Iterator[Given], device: torch.device
) -> CellOutputs:
    """Apply a network to cells, a part of them at a time, in fp32.

    Parameters
    ----------
    checkpoint : Checkpoint
    parts : iterator of (values, counts, totals)
    device : torch.device
    """
    network: Any = restore_model(checkpoint).to(device)
    shape = checkpoint.shape
    tail = (shape.targets, shape.classes) if shape.classes > 1 else (shape.targets,)
    outputs, embeddings, errors = [], [], []
    decodes = checkpoint.model.decoder is not None
    for given in parts:
        inputs = [None if one is None else torch.from_numpy(one).to(device) for one in given]
        found = network(*inputs)[:, : shape.targets * shape.classes]
        outputs.append(found.float().cpu().numpy().reshape(-1, *tail))
        embeddings.append(network.embed(inputs[0]).float().cpu().numpy())
        if decodes:
            errors.append(network.reconstruction_error(*inputs).float().cpu().numpy())
    return CellOutputs(
        np.concatenate(outputs),
        np.concatenate(embeddings),
        np.concatenate(errors) if decodes else None,
    )


def predict_run(
    checkpoint: Checkpoint, examples: CellExamples, rows: NDArray[np.int64], device: torch.device
) -> CellOutputs:
    """Apply a network to some cells of a run, as its fold reads them."""
    return apply_network(checkpoint, _read_parts(examples, rows), device)


def tabulate_cells(
    ids: pa.ChunkedArray,
    examples: CellExamples,
    rows: NDArray[np.int64],
    found: CellOutputs,
) -> pa.Table:
    """Give ``cells.parquet``: what a network says of all cells of a fold.

    Returns
    -------
    pa.Table
        ``id``, ``role``, the raw outputs as in predictions.parquet, ``embedding`` (a list of
        float32) and ``reconstruction`` (float32; null without a decoder). A row a cell of
        `rows`.

    Raises
    ------
    InputError
        Where ids and examples are not of one making.
    """
    columns = list_records(ids, examples, examples.fold, rows)
    for name, numbers in name_outputs(examples.spec, found.outputs).items():
        columns[name] = pa.array(numbers, pa.float32())
    columns["embedding"] = list_rows(found.embedding)
    columns["reconstruction"] = (
        pa.nulls(len(rows), pa.float32())
        if found.reconstruction is None
        else pa.array(found.reconstruction, pa.float32())
    )
    return pa.table(columns)


def score_outliers(
    checkpoint: Checkpoint, examples: CellExamples, device: torch.device
) -> pa.Table:
    """Give ``outliers.parquet``: the reconstruction error of outliers made of the test cells.

    Returns
    -------
    pa.Table
        ``kind`` (of `bioseq_dl.encode.outliers.KINDS`) and ``reconstruction`` (float32); no rows
        where the network has no decoder.
    """
    kinds: list[str] = []
    errors: list[Floats] = []
    if checkpoint.model.decoder is not None:
        test = examples.select(examples.fold, "test")
        made = make_outliers(examples, test, int(checkpoint.notes["seed"]))
        for kind, outliers in made.items():
            given = (outliers.values, outliers.counts, outliers.totals)
            found = apply_network(checkpoint, iter([given]), device)
            assert found.reconstruction is not None
            kinds += [kind] * len(found.reconstruction)
            errors.append(found.reconstruction)
    numbers = np.concatenate(errors) if errors else np.empty(0, np.float32)
    return pa.table({"kind": pa.array(kinds, pa.string()), "reconstruction": pa.array(numbers)})


def predict_matrix(
    checkpoints: Sequence[Checkpoint],
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    device: torch.device,
    max_missing: float,
) -> tuple[pa.Table, Floats, int]:
    """Predict the cells of another matrix with one or several networks.

    Each network reads the cells through what was fitted with it in training: normalisation,
    choice and scaling of genes, layout.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Networks of one kind, for instance the seeds of a run.
    matrix : ExpressionMatrix
        Values of the same kind as in training; genes in any order.
    totals : ndarray of float64 (n,)
        Sum of each cell over all its genes.
    device : torch.device
    max_missing : float
        Largest share of a network's genes that the matrix may lack; they read as the mean of
        train.

    Returns
    -------
    table : pa.Table
        A row a cell; per target the mean over networks (``probability:<target>``,
        ``probability:<target>:<class>`` or ``value:<target>``); with several the standard
        deviation (``sd:…``), and with a decoder the mean ``reconstruction`` error.
    embedding : ndarray of float32 (n, dimensions)
        Of the first network: those of different seeds have different axes.
    absent : int
        Genes of the first network that the matrix lacks.

    Raises
    ------
    InputError
        Where the networks differ in targets, the matrix in its kind of values, or too many
        genes are missing.
    """
    first = checkpoints[0]
    check_alike(checkpoints)
    found, absent = [], []
    for checkpoint in checkpoints:
        if checkpoint.fitted is None:
            raise InputError(
                "the checkpoint holds no transform of expression", fix="train the model again"
            )
        transform = parse_transform(checkpoint.fitted, "the checkpoint's transform")
        absent.append(len(transform.match(matrix.genes, max_missing)))
        parts = map_parts(matrix, totals, transform, max_missing)
        found.append(apply_network(checkpoint, parts, device))
    columns: dict[str, pa.Array] = {}
    scaled = [_scale(first.targets, one.outputs) for one in found]
    for name in scaled[0]:
        values = np.stack([one[name] for one in scaled])
        columns[name] = pa.array(values.mean(axis=0))
        if len(values) > 1:
            columns[f"sd:{name}"] = pa.array(values.std(axis=0, ddof=1))
    errors = [one.reconstruction for one in found if one.reconstruction is not None]
    if errors:
        columns["reconstruction"] = pa.array(np.mean(errors, axis=0), pa.float32())
    return pa.table(columns), found[0].embedding, absent[0]


def _scale(spec: Targets, outputs: Floats) -> dict[str, NDArray[np.float64]]:
    """Give each output as probability or value, float64 (n,), by the name of its column."""
    named = name_outputs(spec, outputs)
    numbers = {name: column.astype(np.float64) for name, column in named.items()}
    if spec.kind == "regression":
        return {f"value:{name.partition(':')[2]}": column for name, column in numbers.items()}
    if spec.kind == "binary":
        return {
            f"probability:{name.partition(':')[2]}": expit(column)
            for name, column in numbers.items()
        }
    shares = softmax(outputs.astype(np.float64), axis=2)
    return {
        f"probability:{target}:{label}": shares[:, place, code]
        for place, target in enumerate(spec.names)
        for code, label in enumerate(spec.classes)
    }


def _read_parts(examples: CellExamples, rows: NDArray[np.int64]) -> Iterator[Given]:
    fold = examples.fold
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        if examples.counts is None:
            yield examples.gather(part, fold), None, None
            continue
        totals = np.asarray(examples.totals[part], np.float32)
        yield examples.gather(part, fold), examples.gather_counts(part, fold), totals
