"""Where a model errs: its most confident mistakes, and its error rate by what a record is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import stats

from bioseq_dl.config import Evaluate, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.curves import call_classes, class_names, wilson_interval
from bioseq_dl.evaluate.predictions import Part
from bioseq_dl.io.parquet import read_parquet
from bioseq_dl.io.records import read_records_table

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
WORST = 50
"""Mistakes listed per target."""
BINS = 5
"""Quantile bins of length, GC content and other quantities."""
SOURCES = 20
"""With more sources (batches, donors) than these, errors are not told by source."""
FINE = 20.0
"""Quantities that vary by less are told with decimals."""
_DIGITS = {"gc": 2, "total": 1, "mitochondrial": 3}
ERROR_COLUMNS = (
    "target", "id", "truth", "predicted", "error", "baseline", "baseline_error",
)  # fmt: skip
RATE_COLUMNS = ("target", "by", "bin", "records", "rate", "low", "high")


def read_features(path: Path, ids: NDArray[np.object_]) -> pd.DataFrame:
    """Read what some records are: their length and GC content, or what cells were measured to be.

    Parameters
    ----------
    path : Path
        records.parquet.
    ids : (n,)
        Which, and in which order.

    Returns
    -------
    DataFrame
        Of sequences: columns length (bases), gc (share of the known bases; NaN for proteins),
        source, group, mutations (None but for variants of a protein). Of cells: genes (with a
        value other than 0), total, mitochondrial (share of it; NaN where unknown), source,
        batch, group. n rows.

    Raises
    ------
    InputError
        Where the file cannot be read, or a record is not in it.
    """
    table = read_parquet(path)
    # Cells have no sequence; who lacks both is told so by the reader.
    cells = "sequence" not in table.column_names and "genes" in table.column_names
    features = _take_measured(table) if cells else _measure_sequences(read_records_table(path))
    features.index = pd.Index(table.column("id").to_pylist())
    missing = np.flatnonzero(~pd.Index(ids).isin(features.index))
    if len(missing):
        raise InputError(
            "a predicted record is not in the records", file=path, record=str(ids[missing[0]])
        )
    return features.loc[list(ids)].reset_index(drop=True)


def _take_measured(table: pa.Table) -> pd.DataFrame:
    numbers = ("genes", "total", "mitochondrial")
    columns: dict[str, Any] = {
        name: table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in numbers
    }
    columns |= {name: table.column(name).to_pylist() for name in ("source", "batch", "group")}
    return pd.DataFrame(columns)


def _measure_sequences(table: pa.Table) -> pd.DataFrame:
    named = "mutations" in table.column_names
    sequence = table.column("sequence")
    gc = np.full(table.num_rows, np.nan)
    if (table.schema.metadata or {}).get(b"alphabet") != b"protein":
        letters = {x: pc.count_substring(sequence, x).to_numpy().astype(float) for x in "ACGT"}
        gc = (letters["G"] + letters["C"]) / np.maximum(sum(letters.values()), 1)
    return pd.DataFrame(
        {
            "length": pc.utf8_length(sequence).to_numpy(),
            "gc": gc,
            "source": table.column("source").to_pylist(),
            "group": table.column("group").to_pylist(),
            "mutations": table.column("mutations").to_pylist() if named else None,
        }
    )


def list_errors(
    part: Part,
    baselines: Mapping[str, Floats],
    features: pd.DataFrame,
    targets: Targets,
    config: Evaluate,
) -> pd.DataFrame:
    """List the most confident mistakes of each target, the worst first.

    The error is the probability given to the wrong class (classification), or predicted
    less true value (regression). The same of the last baseline stands beside it: where both
    are sure and wrong, the label is worth a look.
    """
    names = class_names(targets)
    baseline = list(baselines)[-1] if baselines else ""
    rows: list[dict[str, Any]] = []
    for place, target in enumerate(targets.names):
        truth = part.truth[:, place]
        error, wrong = _judge(truth, part.prediction[:, place], targets.kind, config.threshold)
        order = np.argsort(-np.where(wrong, np.abs(error), -1), kind="stable")
        listed = order[: min(WORST, int(wrong.sum()))]
        other = np.full(len(truth), np.nan)
        if baseline:
            other, _ = _judge(truth, baselines[baseline][:, place], targets.kind, config.threshold)
        called = call_classes(part.prediction[:, place], config.threshold)
        for i in listed:
            regression = targets.kind == "regression"
            rows.append(
                {
                    "target": target,
                    "id": part.ids[i],
                    "truth": truth[i] if regression else names[int(truth[i])],
                    "predicted": part.prediction[i, place] if regression else names[called[i]],
                    "error": error[i],
                    "baseline": baseline,
                    "baseline_error": other[i],
                    **features.iloc[i].to_dict(),
                }
            )
    return pd.DataFrame(rows, columns=[*ERROR_COLUMNS, *features.columns])


def rate_errors(
    part: Part, features: pd.DataFrame, targets: Targets, config: Evaluate
) -> pd.DataFrame:
    """Give the error rate of each target by class, by what a record is, and by source.

    The rate is the share classified wrong with its 95 % Wilson interval, or the mean
    absolute error with a 95 % t interval (regression). A property that all records share is
    left out.
    """
    rows: list[dict[str, Any]] = []
    for place, target in enumerate(targets.names):
        truth = part.truth[:, place]
        known = ~np.isnan(truth)
        error, wrong = _judge(truth, part.prediction[:, place], targets.kind, config.threshold)
        size = np.abs(error) if targets.kind == "regression" else wrong.astype(np.float64)
        for by, names, codes in _group(truth[known], features[known], targets):
            for code in np.unique(codes):
                inside = size[known][codes == code]
                low, high = _interval(inside, targets.kind)
                row = {"target": target, "by": by, "bin": names[code], "records": len(inside)}
                rows.append(row | {"rate": float(inside.mean()), "low": low, "high": high})
    return pd.DataFrame(rows, columns=list(RATE_COLUMNS))


def _judge(
    truth: Floats, prediction: Floats, kind: str, threshold: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Give each record's error, and whether it counts as a mistake (missing: neither)."""
    known = ~np.isnan(truth)
    if kind == "regression":
        return np.where(known, prediction - truth, 0.0), known
    codes = np.where(known, truth, 0).astype(np.int64)
    if kind == "binary":
        error = np.where(codes == 1, 1 - prediction, prediction)
    else:
        error = 1 - prediction[np.arange(len(codes)), codes]
    wrong = call_classes(prediction, threshold) != codes
    return np.where(known, error, 0.0), wrong & known


def _group(
    truth: Floats, features: pd.DataFrame, targets: Targets
) -> Iterator[tuple[str, list[str], Codes]]:
    """Give each property with the names of its groups and each record's group."""
    if not len(truth):
        return
    if targets.kind != "regression":
        yield "class", list(class_names(targets)), truth.astype(np.int64)
    for by in ("length", "gc", "genes", "total", "mitochondrial"):
        if by not in features or features[by].isna().any():
            continue
        # Rounded first, so that a bin's name tells exactly what it holds.
        digits = _DIGITS.get(by, 0) if np.ptp(features[by]) < FINE else 0
        values = features[by].to_numpy(np.float64).round(digits)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)).round(digits))
        if len(edges) > 1:
            # Closed above, the first closed below too.
            codes = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
            yield by, [f"{a:.{digits}f} to {b:.{digits}f}" for a, b in pairwise(edges)], codes
    for by in ("source", "batch", "group") if "batch" in features else ("source",):
        names, codes = np.unique(features[by].fillna("").astype(str), return_inverse=True)
        if 1 < len(names) <= SOURCES:
            yield by, [str(name) for name in names], codes


def _interval(values: Floats, kind: str) -> tuple[float, float]:
    if kind != "regression":
        return wilson_interval(int(values.sum()), len(values))
    spread = stats.sem(values) if len(values) > 1 else np.nan
    if not spread > 0:
        return float("nan"), float("nan")
    low, high = stats.t.interval(0.95, len(values) - 1, loc=values.mean(), scale=spread)
    return float(low), float(high)
