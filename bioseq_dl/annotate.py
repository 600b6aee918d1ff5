"""The cells of a run with what was predicted of them: each by networks that had not seen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.calls import UNKNOWN, Rule, call_class
from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.parquet import read_parquet

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Annotated:
    """Columns for the n cells of a run.

    Parameters
    ----------
    obs : mapping
        Column: n values.
    obsm : mapping
        ``X_bioseq_dl``: embedding (n, dimensions) of the first fold's first network (axes of
        different networks mean nothing to each other); ``probability_<target>``: (n, classes).
    """

    obs: dict[str, object]
    obsm: dict[str, NDArray[np.float32]]


def annotate_cells(
    ids: Sequence[str],
    files: Mapping[tuple[int, int], Path],
    targets: Targets,
    rules: Mapping[int, Mapping[str, Rule]],
) -> Annotated:
    """Put predictions of all folds together.

    A cell is predicted by the networks of the fold that tests it (the mean over seeds); one that
    no fold tests by those of the first fold that holds it, which have seen it in training or
    chosen by it: ``bioseq_dl_role`` says so.

    Parameters
    ----------
    ids : sequence of str (n,)
        Of all cells, in the order of ``records.parquet``.
    files : mapping
        (fold, seed): its ``cells.parquet``.
    targets : Targets
    rules : mapping
        Fold: target: how its classes are called; empty where nothing is called.

    Returns
    -------
    Annotated
        Its obs: ``bioseq_dl_fold`` and ``bioseq_dl_role`` (whose networks, and what the cell
        was to them; -1 and ``drop`` where none holds it), ``predicted_<target>``
        (`UNKNOWN` below the threshold; a number of regressions),
        ``confidence_<target>`` (calibrated) and ``reconstruction_error``.

    Raises
    ------
    InputError
        Where the files hold other cells.
    """
    place = {name: number for number, name in enumerate(ids)}
    folds = sorted({fold for fold, _ in files})
    read = {key: _read(path, place) for key, path in sorted(files.items())}
    seeds = {fold: [read[key] for key in read if key[0] == fold] for fold in folds}
    chosen = np.full(len(ids), -1, np.int64)
    roles = np.full(len(ids), "drop", object)
    for wanted in ("test", None):
        for fold in folds:
            rows, of = seeds[fold][0].rows, seeds[fold][0].roles
            take = (chosen[rows] < 0) & ((of == wanted) if wanted else True)
            chosen[rows[take]], roles[rows[take]] = fold, of[take]
    obs: dict[str, object] = {"bioseq_dl_fold": chosen, "bioseq_dl_role": pd.Categorical(roles)}
    first = seeds[folds[0]][0]
    obsm: dict[str, NDArray[np.float32]] = {
        "X_bioseq_dl": _spread(first.embedding, first.rows, len(ids))
    }
    for target in targets.names:
        obs |= _predict(target, targets, seeds, chosen, rules, obsm)
    errors = np.full(len(ids), np.nan, np.float32)
    for fold in folds:
        mean = np.mean([one.errors for one in seeds[fold]], axis=0)
        of = chosen[seeds[fold][0].rows] == fold
        errors[seeds[fold][0].rows[of]] = mean[of]
    if not np.isnan(errors).all():
        obs["reconstruction_error"] = errors
    return Annotated(obs, obsm)


@dataclass(frozen=True, eq=False)
class _Cells:
    rows: NDArray[np.int64]
    roles: NDArray[np.object_]
    table: pa.Table
    embedding: NDArray[np.float32]
    errors: NDArray[np.float32]


def _read(path: Path, place: Mapping[str, int]) -> _Cells:
    table = read_parquet(path)
    names = table["id"].to_pylist()
    if unknown := [name for name in names if name not in place]:
        raise InputError(
            "a cell that is not among the records",
            file=path,
            record=unknown[0],
            fix="run predict again",
        )
    lists = table["embedding"].combine_chunks()
    numbers = np.asarray(lists.flatten().to_numpy(), np.float32)
    return _Cells(
        np.array([place[name] for name in names], np.int64),
        np.array(table["role"].to_pylist(), object),
        table,
        numbers.reshape(len(names), -1),
        table["reconstruction"].to_numpy().astype(np.float32),
    )


def _predict(
    target: str,
    targets: Targets,
    seeds: Mapping[int, Sequence[_Cells]],
    chosen: NDArray[np.int64],
    rules: Mapping[int, Mapping[str, Rule]],
    obsm: dict[str, NDArray[np.float32]],
) -> dict[str, object]:
    names = targets.classes if targets.kind == "multiclass" else ("0", "1")
    width = 1 if targets.kind == "regression" else len(names)
    found = np.full((len(chosen), width), np.nan)
    codes = np.full(len(chosen), -1, np.int64)
    confidence = np.full(len(chosen), np.nan)
    for fold, cells in seeds.items():
        mean = np.mean([_outputs(one.table, target, targets) for one in cells], axis=0)
        inside = chosen[cells[0].rows] == fold
        rows = cells[0].rows[inside]
        found[rows] = mean[inside]
        if targets.kind != "regression":
            rule = rules.get(fold, {}).get(target)
            codes[rows], confidence[rows] = call_class(mean[inside], rule)
    if targets.kind == "regression":
        return {f"predicted_{target}": found[:, 0]}
    words = [names[code] if code >= 0 else UNKNOWN for code in codes.tolist()]
    obsm[f"probability_{target}"] = found.astype(np.float32)
    known = [name for name in (*names, UNKNOWN) if name in set(words)]
    return {
        f"predicted_{target}": pd.Categorical(words, categories=known),
        f"confidence_{target}": confidence,
    }


def _outputs(table: pa.Table, target: str, targets: Targets) -> Floats:
    """Give probabilities (n, classes), or values (n, 1)."""
    if targets.kind == "multiclass":
        names = [f"output:{target}:{name}" for name in targets.classes]
        logits = np.stack([table[name].to_numpy() for name in names], axis=1)
        shares: Floats = softmax(logits.astype(np.float64), axis=1)
        return shares
    values: Floats = table[f"output:{target}"].to_numpy().astype(np.float64)
    if targets.kind == "regression":
        return values[:, None]
    positive = expit(values)
    return np.stack([1 - positive, positive], axis=1)


def _spread(
    values: NDArray[np.float32], rows: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    table = np.full((count, values.shape[1]), np.nan, np.float32)
    table[rows] = values
    return table
