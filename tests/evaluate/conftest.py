"""Made-up runs to judge."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bioseq_dl.config import Targets

sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Made:
    """Files of a run, and what is in them."""

    targets: Targets
    truth: np.ndarray
    ids: list[str]
    fold_of: np.ndarray
    models: list[tuple[int, int, Path]] = field(default_factory=list)
    baselines: list[tuple[str, int, Path]] = field(default_factory=list)
    outputs: dict[Any, np.ndarray] = field(default_factory=dict)


@pytest.fixture
def make_run(tmp_path: Path, write_predictions: Callable[..., None]) -> Callable[..., Made]:
    """A function that writes predictions of every fold, seed and baseline.

    The model is better than the k-mer baseline by far; the prior knows nothing.
    """

    def make(
        targets: Targets,
        *,
        records: int = 240,
        folds: int = 1,
        seeds: tuple[int, ...] = (0,),
        missing: float = 0.0,
        overconfidence: float = 1.0,
    ) -> Made:
        generator = np.random.default_rng(11)
        width = len(targets.names)
        classes = len(targets.classes) if targets.kind == "multiclass" else 2
        if targets.kind == "regression":
            truth = generator.normal(size=(records, width))
        else:
            truth = generator.integers(0, classes, (records, width)).astype(float)
        truth[generator.random(truth.shape) < missing] = np.nan
        signal = np.nan_to_num(truth)
        if targets.kind == "multiclass":
            signal = np.eye(classes)[signal.astype(int)]
        elif targets.kind == "binary":
            signal = 2 * signal - 1
        ids = [f"r{i}" for i in range(records)]
        made = Made(targets, truth, ids, np.arange(records) % max(folds, 4))
        for fold in range(folds):
            test = made.fold_of == fold
            roles = np.where(test, "test", "val")
            kept = test | (made.fold_of == (fold + 1) % max(folds, 4))
            for name, strength in (("model", 1.5), ("kmer", 0.5), ("prior", 0.0)):
                for seed in seeds if name == "model" else (0,):
                    noise = generator.normal(size=signal.shape) if strength else 0.0
                    outputs = overconfidence * (strength * signal + noise)
                    path = tmp_path / f"{name}-fold{fold}-seed{seed}.parquet"
                    write_predictions(
                        path,
                        targets,
                        [ids[i] for i in np.flatnonzero(kept)],
                        roles[kept],
                        truth[kept],
                        outputs[kept],
                        None if name == "model" else f"{name} of fold {fold}",
                    )
                    made.outputs[name, fold, seed] = outputs
                    if name == "model":
                        made.models.append((fold, seed, path))
                    else:
                        made.baselines.append((name, fold, path))
        return made

    return make
