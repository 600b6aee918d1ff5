"""What earlier steps wrote, read for the report; what is absent stays absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bioseq_dl.errors import InputError
from bioseq_dl.report.files import read_json, read_table

TABLES = (
    *("curves", "confusion", "errors", "error_rates", "drawn"),
    *("classes", "unknown_curve", "umap", "anomaly"),
)
"""Tables of evaluate that the report draws from, beside metrics.json."""


@dataclass(frozen=True, kw_only=True)
class TrainingFiles:
    """What train left of one fold and seed."""

    fold: int
    seed: int
    history: Path
    """history.csv"""
    train: Path
    """train.json"""


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """What the steps wrote of one run."""

    metrics: Path
    """metrics.json of evaluate; its tables (TSV) stand beside it."""
    ingest: Path | None = None
    """ingest.json"""
    audit: Path | None = None
    """audit.json"""
    pairs: Path | None = None
    """audit_pairs.tsv"""
    training: tuple[TrainingFiles, ...] = ()
    """One per fold and seed."""
    searches: tuple[Path, ...] = ()
    """tune.json of each fold's search."""
    variants: Mapping[str, Path] = field(default_factory=dict)
    """Name of scored variants: vcf.json or mutations.json."""
    explained: Path | None = None
    """Folder of explain."""
    landscape: Path | None = None
    """Folder of landscape."""
    saliency: Path | None = None
    """Folder of saliency."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """One fold and seed, read."""

    fold: int
    seed: int
    history: pd.DataFrame
    summary: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResults:
    """One run, read."""

    name: str
    metrics: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    """The tables of `TABLES`; empty where not written."""
    ingest: Mapping[str, Any] | None
    audit: Mapping[str, Any] | None
    pairs: pd.DataFrame
    training: tuple[Training, ...]
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name: summary of the scored variants."""

    @property
    def cells(self) -> bool:
        """Whether records are cells (or samples) by genes."""
        return bool(self.metrics.get("matter") == "cells")

    @property
    def unit(self) -> str:
        """What lengths count: base pairs, or amino acids."""
        return "aa" if (self.ingest or {}).get("alphabet") == "protein" else "bp"


def read_run(name: str, files: RunFiles) -> RunResults:
    """Read what there is of a run.

    Raises
    ------
    InputError
        Where metrics.json is missing, or a file is damaged.
    """
    metrics = _find_json(files.metrics, "evaluate")
    if metrics is None:
        raise InputError("no such file", file=files.metrics, fix="run evaluate first")
    folder = files.metrics.parent
    training = [
        Training(
            fold=item.fold,
            seed=item.seed,
            history=_find_table(item.history, "train", ","),
            summary=_find_json(item.train, "train") or {},
        )
        for item in sorted(files.training, key=lambda item: (item.fold, item.seed))
    ]
    audit = _find_json(files.audit, "split")
    return RunResults(
        name=name,
        metrics=metrics,
        tables={table: _find_table(folder / f"{table}.tsv", "evaluate") for table in TABLES},
        ingest=_find_json(files.ingest, "ingest"),
        audit=audit,
        pairs=_find_table(files.pairs, "split"),
        training=tuple(training),
        variants={
            key: found
            for key, path in files.variants.items()
            if (found := _find_json(path, "variants")) is not None
        },
    )


def _find_json(path: Path | None, step: str) -> dict[str, Any] | None:
    if path is None or not path.exists():
        return None
    found = read_json(path, step)
    if not isinstance(found, dict):
        raise InputError("expected a JSON object", file=path, found=found)
    return found


def _find_table(path: Path | None, step: str, separator: str = "\t") -> pd.DataFrame:
    return (
        pd.DataFrame() if path is None or not path.exists() else read_table(path, step, separator)
    )
