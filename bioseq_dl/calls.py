"""From probabilities of cells to the class that is called, or none: the cell is unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.calibration import scale_probability
from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError

Floats = NDArray[np.float64]
UNKNOWN = "unknown"
"""What stands instead of a class."""


@dataclass(frozen=True)
class Rule:
    """How a target's classes are called; both numbers are of validation.

    Parameters
    ----------
    temperature : float
        Probabilities are calibrated with it.
    threshold : float
        Least calibrated probability of a class; a cell below is unknown.
    """

    temperature: float
    threshold: float


def read_rules(path: str | Path, folds: Sequence[int]) -> dict[str, Rule]:
    """Read from ``metrics.json`` how each target is called; of several folds the means.

    Raises
    ------
    InputError
        Where the file is not the evaluation of a run on cells, or lacks a fold.
    """
    fix = "give metrics.json of the run that the models are of"
    try:
        metrics = json.loads(Path(path).read_text(encoding="utf-8"))
        unknown = metrics["unknown"] or {}
        rules = {}
        for target, found in unknown.items():
            chosen = {entry["fold"]: entry["threshold"] for entry in found["folds"]}
            fitted = metrics["calibration"].get(target, {"temperatures": []})["temperatures"]
            scales = {entry["fold"]: entry["value"] for entry in fitted}
            rules[target] = Rule(
                float(np.mean([scales.get(fold, 1.0) for fold in folds])),
                float(np.mean([chosen[fold] for fold in folds])),
            )
    except OSError as error:
        raise InputError(f"cannot read the metrics: {error.strerror}", file=path) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "not the metrics of these models", file=path, found=str(error), fix=fix
        ) from None
    return rules


def call_class(probability: Floats, rule: Rule | None) -> tuple[NDArray[np.int64], Floats]:
    """Give the likeliest class of each cell, -1 where it is unknown, and its probability.

    Parameters
    ----------
    probability : ndarray of float64 (n, classes)
    rule : Rule, optional
        Without it nothing is calibrated and no cell is unknown.
    """
    scaled = probability if rule is None else scale_probability(probability, rule.temperature)
    called = probability.argmax(axis=1)
    confidence: Floats = scaled[np.arange(len(scaled)), called]
    if rule is not None:
        called = np.where(confidence < rule.threshold, -1, called)
    return called.astype(np.int64), confidence


def call_cells(table: pa.Table, targets: Targets, rules: Mapping[str, Rule] | None) -> pa.Table:
    """Add the called class of each target to probabilities.

    Parameters
    ----------
    table : pa.Table
        With ``probability:<target>:<class>``, or ``probability:<target>`` of binary targets.
    targets : Targets
    rules : mapping, optional
        Target: its rule; None where nothing is known of validation.

    Returns
    -------
    pa.Table
        Before the others ``class:<target>`` (`UNKNOWN` where none is called) and
        ``confidence:<target>`` (calibrated, where there are rules). Regressions stay as they are.
    """
    if targets.kind == "regression":
        return table
    added = {}
    for target in targets.names:
        names: tuple[str, ...] = targets.classes
        if targets.kind == "binary":
            positive = table[f"probability:{target}"].to_numpy()
            probability, names = np.stack([1 - positive, positive], axis=1), ("0", "1")
        else:
            columns = [table[f"probability:{target}:{name}"].to_numpy() for name in names]
            probability = np.stack(columns, axis=1)
        called, confidence = call_class(probability, None if rules is None else rules[target])
        words = [names[code] if code >= 0 else UNKNOWN for code in called.tolist()]
        added[f"class:{target}"] = pa.array(words, pa.string())
        added[f"confidence:{target}"] = pa.array(confidence, pa.float64())
    others = {name: table[name] for name in table.column_names}
    return pa.table(added | others)
