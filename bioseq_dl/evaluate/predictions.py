"""The predictions of a run, read from every fold, seed and baseline, and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import special

from bioseq_dl.config import HEADS, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.parquet import read_parquet
from bioseq_dl.residue_outputs import scale_outputs

Floats = NDArray[np.float64]
_NOTE = b"note"


@dataclass(frozen=True, eq=False)
class Part:
    """Some records and what was predicted for them."""

    ids: NDArray[np.object_]
    """(n,)"""
    truth: NDArray[Any]
    """(n, targets), NaN is missing; of residues float32 (residues, labels)"""
    prediction: NDArray[Any]
    """(n, targets): probability of the positive class, or value; or (n, targets, classes); of
    residues what `bioseq_dl.residue_outputs.scale_outputs` gives, (residues, outputs)"""
    lengths: NDArray[np.int64] | None = None
    """(n,): residues of each record, where labels are of residues"""


@dataclass(frozen=True, eq=False)
class Judged:
    """The val and test records of one predictions file."""

    val: Part
    test: Part
    note: str | None
    """What the baseline said about its fit."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """All of a run, checked to fit together."""

    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    models: Mapping[tuple[int, int], Judged]
    """By (fold, seed)."""
    baselines: Mapping[str, Mapping[int, Judged]]
    """By name, then fold."""

    def ensemble(self, fold: int) -> Judged:
        """Average the seeds of a fold.

        Probabilities are averaged, not logits: the mean of probabilities is the ensemble's
        own predictive distribution (Lakshminarayanan et al. 2017), means the same for any
        number of classes, and no single overconfident seed outweighs the others.
        """
        members = [self.models[fold, seed] for seed in self.seeds]

        def average(parts: Sequence[Part]) -> Part:
            mean = np.mean([part.prediction for part in parts], axis=0)
            return replace(parts[0], prediction=mean)

        return Judged(average([m.val for m in members]), average([m.test for m in members]), None)


def read_predictions(
    models: Sequence[tuple[int, int, Path]],
    baselines: Sequence[tuple[str, int, Path]],
    targets: Targets,
) -> Predictions:
    """Read the predictions of a run.

    Parameters
    ----------
    models : sequence of (fold, seed, path)
        One predictions.parquet each.
    baselines : sequence of (name, fold, path)
        One predictions.parquet each.
    targets : Targets
        What the columns hold.

    Raises
    ------
    InputError
        Where a file cannot be read, lacks a column, holds an output that is not finite or
        other records than the model's; where a fold or seed is missing; where a record is
        tested twice or none is.
    """
    if not models:
        raise InputError("no predictions to evaluate", fix="give one file per fold and seed")
    read = {(fold, seed): _read(path, targets) for fold, seed, path in models}
    folds = tuple(sorted({fold for fold, _ in read}))
    seeds = tuple(sorted({seed for _, seed in read}))
    for fold in folds:
        for seed in seeds:
            if (fold, seed) not in read:
                raise InputError(
                    "predictions are missing: every fold needs every seed",
                    position=f"fold {fold}, seed {seed}",
                )
    others: dict[str, dict[int, Judged]] = {}
    for name, fold, path in baselines:
        others.setdefault(name, {})[fold] = _read(path, targets)
        if fold in folds:
            _check_same(read[fold, seeds[0]], others[name][fold], path)
    for name, found in others.items():
        if tuple(sorted(found)) != folds:
            raise InputError(
                f"baseline {name} does not have the model's folds",
                found=sorted(found),
                allowed=str(list(folds)),
            )
    for fold, seed, path in models:
        _check_same(read[fold, seeds[0]], read[fold, seed], path)
    tested = np.concatenate([read[fold, seeds[0]].test.ids for fold in folds])
    if not len(tested):
        raise InputError("no test records to evaluate on", file=models[0][2])
    unique, counts = np.unique(tested.astype(str), return_counts=True)
    if counts.max() > 1:
        raise InputError("a record is tested more than once", record=str(unique[counts.argmax()]))
    return Predictions(folds, seeds, read, others)


def _read(path: Path, targets: Targets) -> Judged:
    table = read_parquet(path)
    ids = _column(table, "id", path).to_numpy(zero_copy_only=False).astype(object)
    roles = _column(table, "role", path).to_numpy(zero_copy_only=False).astype(object)
    note = (table.schema.metadata or {}).get(_NOTE)
    if targets.per_residue:
        found = _read_residues(table, ids, targets, path)
        parts = {role: _select(found, roles == role) for role in ("val", "test")}
    else:
        truth = np.stack([_floats(table, f"target:{name}", path) for name in targets.names], axis=1)
        prediction = np.stack(
            [_predict(table, name, targets, ids, path) for name in targets.names], axis=1
        )
        parts = {
            role: Part(ids[roles == role], truth[roles == role], prediction[roles == role])
            for role in ("val", "test")
        }
    return Judged(parts["val"], parts["test"], note.decode() if note else None)


def _read_residues(table: pa.Table, ids: NDArray[np.object_], targets: Targets, path: Path) -> Part:
    """Read columns of lists; all must have the same lengths."""
    names = [f"target:{label}" for label in targets.labels]
    names += [f"output:{output}" for name in targets.names for output in HEADS[name].outputs]
    lengths: NDArray[np.int64] | None = None
    columns = []
    for name in names:
        column = _column(table, name, path)
        if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            raise InputError(
                "the predictions do not hold a list of numbers for each record",
                file=path,
                position=f"column {name}",
                found=str(column.type),
            )
        sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
        if lengths is not None and not np.array_equal(sizes, lengths):
            row = int(np.argmax(sizes != lengths))
            raise InputError(
                "two columns of the predictions differ in length",
                file=path,
                record=str(ids[row]),
                position=f"column {name}",
                found=int(sizes[row]),
                allowed=str(lengths[row]),
            )
        lengths = sizes
        values = pc.list_flatten(column).to_numpy()
        columns.append(np.asarray(values, np.float32))
    assert lengths is not None
    count = len(targets.labels)
    outputs = np.stack(columns[count:], axis=1)
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        row = int(np.searchsorted(np.cumsum(lengths), bad[0], side="right"))
        raise _not_finite(path, str(ids[row]), names[count], outputs[bad[0]].tolist())
    truth = np.stack(columns[:count], axis=1)
    return Part(ids, truth, scale_outputs(targets, outputs), lengths)


def _select(part: Part, rows: NDArray[np.bool_]) -> Part:
    assert part.lengths is not None
    inside = np.repeat(rows, part.lengths)
    return Part(part.ids[rows], part.truth[inside], part.prediction[inside], part.lengths[rows])


def _not_finite(path: Path, record: str, column: str, found: list[float]) -> InputError:
    return InputError(
        "an output is not a finite number",
        file=path,
        record=record,
        position=f"column {column}",
        found=str(found),
        fix="the training has diverged: lower train.learning_rate",
    )


def _predict(
    table: pa.Table, name: str, targets: Targets, ids: NDArray[np.object_], path: Path
) -> Floats:
    columns = [f"output:{name}"]
    if targets.kind == "multiclass":
        columns = [f"output:{name}:{label}" for label in targets.classes]
    outputs = np.stack([_floats(table, column, path) for column in columns], axis=1)
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise _not_finite(path, str(ids[bad[0]]), columns[0], outputs[bad[0]].tolist())
    if targets.kind == "multiclass":
        probabilities: Floats = special.softmax(outputs, axis=1)
        return probabilities
    values: Floats = special.expit(outputs[:, 0]) if targets.kind == "binary" else outputs[:, 0]
    return values


def _column(table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise InputError(
            "a column is missing from the predictions",
            file=path,
            position=f"column {name}",
            allowed=", ".join(table.column_names),
        )
    return table.column(name)


def _floats(table: pa.Table, name: str, path: Path) -> Floats:
    column = _column(table, name, path)
    values: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _check_same(first: Judged, other: Judged, path: Path) -> None:
    for part, against in ((first.val, other.val), (first.test, other.test)):
        same = len(part.ids) == len(against.ids) and bool((part.ids == against.ids).all())
        if not same or not np.array_equal(part.truth, against.truth, equal_nan=True):
            raise InputError(
                "these predictions are of other records than the model's first seed",
                file=path,
                fix="predict all of them from the same examples",
            )
