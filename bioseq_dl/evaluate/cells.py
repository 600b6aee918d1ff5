"""A run on cells, judged: what any run is, and the class unknown, the embedding, anomalies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioseq_dl.config import CellEvaluate, Published, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.anomaly import judge_anomalies
from bioseq_dl.evaluate.cell_files import (
    Cells,
    find_ids,
    read_cells,
    read_labels,
    read_outliers,
)
from bioseq_dl.evaluate.class_table import tabulate_classes
from bioseq_dl.evaluate.curves import class_names
from bioseq_dl.evaluate.embedding import Measured, judge_embeddings, measure_embedding
from bioseq_dl.evaluate.neighbours import FEWEST, place_cells
from bioseq_dl.evaluate.predictions import Predictions, read_predictions
from bioseq_dl.evaluate.run import evaluate_run
from bioseq_dl.evaluate.tables import Evaluation, make_plain
from bioseq_dl.evaluate.unknown import judge_unknown

Floats = NDArray[np.float64]
PCA = "pca"
"""Baseline whose file holds an embedding."""


def evaluate_cells(
    predictions: Sequence[tuple[int, int, Path]],
    baselines: Sequence[tuple[str, int, Path]],
    targets: Targets,
    config: CellEvaluate,
    published: Sequence[Published] = (),
    records: Path | None = None,
) -> Evaluation:
    """Judge a run on its test cells.

    Beside each predictions.parquet may stand ``cells.parquet`` (`id`, `role`, `embedding`,
    `reconstruction` of all cells of the fold) and ``outliers.parquet`` (`kind`,
    `reconstruction`); the predictions of the baseline ``pca`` may hold `embedding` themselves,
    of training cells too. Of its components as many are taken as the embedding has numbers.

    Parameters
    ----------
    predictions, baselines, targets, published
        As of `bioseq_dl.evaluate.run.evaluate_run`.
    config : CellEvaluate
        And besides what is kept when cells are called unknown, and the number of neighbours.
    records : Path, optional
        records.parquet, for what was measured of the cells, and for the classes of training
        cells: without it embeddings are not judged.

    Returns
    -------
    Evaluation
        The summary has the keys of `evaluate_run`, and ``matter`` (``cells``) and three that are
        null where they do not apply:

        ``unknown``
            As `bioseq_dl.evaluate.unknown.judge_unknown` gives; of classes.
        ``embedding``
            As `bioseq_dl.evaluate.embedding.judge_embeddings` gives, of the first target, and
            ``target``, ``neighbours``; of classes, where embeddings were written.
        ``anomaly``
            As `bioseq_dl.evaluate.anomaly.judge_anomalies` gives; with a decoder.

        Tables besides: ``classes`` (recall, precision, F1 of each), ``unknown``,
        ``unknown_curve``, ``embedding``, ``umap`` (`space`, `id`, `role`, `class`, `x`, `y`:
        cells of the first fold, first seed), ``anomaly``.

    Raises
    ------
    InputError
        As `evaluate_run`, and where the files of cells are damaged or of other cells.
    """
    evaluation = evaluate_run(predictions, baselines, targets, config, published, records)
    found = read_predictions(predictions, baselines, targets)
    unknown, tables = judge_unknown(found, evaluation.summary["calibration"], targets, config)
    cells = {
        (fold, seed): read
        for fold, seed, path in sorted(predictions, key=lambda item: item[:2])
        if (read := _read_tested(path.parent / "cells.parquet", found, fold)) is not None
    }
    components = {
        fold: read
        for name, fold, path in sorted(baselines, key=lambda item: item[:2])
        if name == PCA and (read := _read_tested(path, found, fold)) is not None
    }
    embedding = None
    if records is not None:
        embedding, further = _judge_embedding(found, cells, components, targets, config, records)
        tables |= further
    anomaly, curves = _judge_anomaly(found, predictions, cells, config)
    tables |= curves
    tables["classes"] = tabulate_classes(evaluation.tables["confusion"], config.confidence)
    summary = evaluation.summary | {
        "matter": "cells",
        "unknown": unknown,
        "embedding": embedding,
        "anomaly": anomaly,
    }
    return Evaluation(make_plain(summary), {**evaluation.tables, **tables})


def _read_tested(path: Path, found: Predictions, fold: int) -> Cells | None:
    """Read cells, and check that the fold's test cells are among them."""
    cells = read_cells(path)
    if cells is None or (cells.embedding is None and cells.reconstruction is None):
        return None
    tested = found.models[fold, found.seeds[0]].test.ids
    missing = np.flatnonzero(find_ids(cells.ids, tested) < 0)
    if len(missing):
        raise InputError(
            "a test cell of the predictions is not among these cells",
            file=path,
            record=str(tested[missing[0]]),
            fix="predict again",
        )
    return cells


def _judge_embedding(
    found: Predictions,
    cells: Mapping[tuple[int, int], Cells],
    components: Mapping[int, Cells],
    targets: Targets,
    config: CellEvaluate,
    records: Path,
) -> tuple[dict[str, Any] | None, dict[str, pd.DataFrame]]:
    spaces: dict[str, dict[tuple[int, int], Cells]] = {
        "model": {key: item for key, item in cells.items() if item.embedding is not None},
        PCA: {(fold, 0): item for fold, item in components.items() if item.embedding is not None},
    }
    if not spaces["model"]:
        return None, {}
    first = next(iter(spaces["model"].values()))
    spaces[PCA] = {key: _cut(item, first) for key, item in spaces[PCA].items()}
    tables = {"umap": _map_spaces(spaces, targets, config, records)}
    if targets.kind == "regression":
        return None, tables
    tested = {fold: found.models[fold, found.seeds[0]].test.ids for fold in found.folds}
    measured: dict[str, dict[tuple[int, int], Measured]] = {}
    for name, items in spaces.items():
        for (fold, seed), item in items.items():
            codes = read_labels(records, targets, item.ids)[:, 0]
            judged = measure_embedding(item, codes, tested[fold], config.neighbours, config.seed)
            if judged is not None:
                measured.setdefault(name, {})[fold, seed] = judged
    if "model" not in measured:
        return None, tables
    counts = {fold: len(ids) for fold, ids in tested.items()}
    classes = len(class_names(targets))
    summary, tables["embedding"] = judge_embeddings(measured, counts, classes, config)
    about = {"target": targets.names[0], "neighbours": config.neighbours}
    return about | summary, tables


def _cut(components: Cells, model: Cells) -> Cells:
    """Keep as many components as a model gives: the first, as a PCA of so many would find."""
    assert components.embedding is not None
    assert model.embedding is not None
    width = model.embedding.shape[1]
    return replace(components, embedding=components.embedding[:, :width])


def _map_spaces(
    spaces: Mapping[str, Mapping[tuple[int, int], Cells]],
    targets: Targets,
    config: CellEvaluate,
    records: Path,
) -> pd.DataFrame:
    """Lay out the cells of the first fold and seed; the same ones in every space."""
    fold, _ = min(spaces["model"])
    chosen = {
        name: items[min(key for key in items if key[0] == fold)]
        for name, items in spaces.items()
        if any(key[0] == fold for key in items)
    }
    shared = set.intersection(*(set(item.ids.tolist()) for item in chosen.values()))
    first = chosen["model"]
    ids = np.array([name for name in first.ids.tolist() if name in shared], object)
    if len(ids) > config.drawn:
        generator = np.random.default_rng(config.seed)
        ids = ids[np.sort(generator.choice(len(ids), config.drawn, replace=False))]
    parts = [pd.DataFrame(columns=["space", "id", "role", "class", "x", "y"])]
    labels = read_labels(records, targets, ids)[:, 0]
    names = class_names(targets)
    for name, item in chosen.items() if len(ids) > FEWEST else ():
        assert item.embedding is not None
        places = place_cells(
            item.embedding[find_ids(item.ids, ids)], config.neighbours, config.seed
        )
        part = {
            "space": name,
            "id": ids,
            "role": first.roles[find_ids(first.ids, ids)],
            "class": [
                ""
                if np.isnan(value)
                else value
                if targets.kind == "regression"
                else names[int(value)]
                for value in labels.tolist()
            ],
            "x": places[:, 0],
            "y": places[:, 1],
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _judge_anomaly(
    found: Predictions,
    predictions: Sequence[tuple[int, int, Path]],
    cells: Mapping[tuple[int, int], Cells],
    config: CellEvaluate,
) -> tuple[dict[str, Any] | None, dict[str, pd.DataFrame]]:
    errors: dict[tuple[int, int], Floats] = {}
    outliers: dict[tuple[int, int], Mapping[str, Floats]] = {}
    for fold, seed, path in sorted(predictions, key=lambda item: item[:2]):
        spiked = read_outliers(path.parent / "outliers.parquet")
        item = cells.get((fold, seed))
        if not spiked or item is None or item.reconstruction is None:
            continue
        tested = found.models[fold, seed].test.ids
        error = item.reconstruction[find_ids(item.ids, tested)]
        if not np.isfinite(error).all():
            raise InputError(
                "a reconstruction error is not a finite number",
                file=path.parent / "cells.parquet",
                record=str(tested[int(np.argmax(~np.isfinite(error)))]),
                fix="the training has diverged: lower train.learning_rate",
            )
        errors[fold, seed], outliers[fold, seed] = error, spiked
    if not errors:
        return None, {}
    summary, curves = judge_anomalies(errors, outliers, config)
    return summary, {"anomaly": curves}
