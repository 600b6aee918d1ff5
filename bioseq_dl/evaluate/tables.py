"""What an evaluation holds, flat tables of it, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bioseq_dl.io.atomic import write_json, write_text

PROPER = ("log_loss", "ece", "brier")
"""Metrics of probabilities that a temperature changes."""
COMPARISON_COLUMNS = (
    "target", "metric", "baseline", "model_value", "baseline_value", "difference", "low", "high",
    "share_not_better", "p", "verdict",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `bioseq_dl.evaluate.evaluate_run` found."""

    summary: dict[str, Any]
    """metrics.json"""
    tables: Mapping[str, pd.DataFrame]
    """By file name without ``.tsv``: metrics, comparisons, calibration, curves, confusion,
    errors, error_rates."""


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write ``metrics.json`` and a TSV per table into a folder; metrics.json last."""
    for name, table in evaluation.tables.items():
        text = table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
        write_text(folder / f"{name}.tsv", text)
    write_json(folder / "metrics.json", evaluation.summary)


def tabulate_metrics(described: Mapping[str, Any]) -> pd.DataFrame:
    """Flatten ``predictors`` of metrics.json: a row per predictor, target and metric."""
    rows = []
    for predictor, targets in described.items():
        for target, metrics in targets.items():
            for metric, found in metrics.items():
                row = {"predictor": predictor, "target": target, "metric": metric}
                for key in ("value", "low", "high", "undefined_resamples"):
                    row[key] = found[key]
                for key in ("seeds", "folds"):
                    spread = found[key] or {}
                    row[f"{key}_mean"] = spread.get("mean")
                    row[f"{key}_sd"] = spread.get("sd")
                rows.append(row | {"note": found["note"]})
    return pd.DataFrame(rows)


def tabulate_calibration(calibration: Mapping[str, Any]) -> pd.DataFrame:
    """Flatten ``calibration`` of metrics.json; the temperature is the folds' mean."""
    rows = [
        {
            "target": target,
            "metric": metric,
            "before": found["before"][metric],
            "after": found["after"][metric],
            "temperature": float(np.mean([t["value"] for t in found["temperatures"]])),
        }
        for target, found in calibration.items()
        for metric in PROPER
    ]
    return pd.DataFrame(rows, columns=["target", "metric", "before", "after", "temperature"])


def make_plain(value: Any) -> Any:
    """Make a value fit for strict JSON: NaN is null, numpy numbers are Python's."""
    if isinstance(value, Mapping):
        return {str(key): make_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [make_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
