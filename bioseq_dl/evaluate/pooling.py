"""Folds end to end, and each seed and fold alone: what is scored of a run's predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from bioseq_dl.evaluate.predictions import Part, Predictions

Scores = TypeVar("Scores")


def pool_parts(parts: Sequence[Part]) -> Part:
    """Put the records of several folds end to end."""
    lengths = [part.lengths for part in parts if part.lengths is not None]
    return Part(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.prediction for part in parts]),
        np.concatenate(lengths) if lengths else None,
    )


def pool_predictors(found: Predictions) -> dict[str, Part]:
    """Give the test records of all folds: ``model`` (the ensemble) first, then prior, the others.

    Each record is predicted by the models that have not seen it.
    """
    others = sorted(found.baselines.items(), key=lambda item: item[0] != "prior")
    return {"model": pool_parts([found.ensemble(fold).test for fold in found.folds])} | {
        name: pool_parts([judged[fold].test for fold in found.folds]) for name, judged in others
    }


def score_seeds(found: Predictions, score: Callable[[Part], Scores]) -> dict[int, Scores]:
    """Score the models of each seed alone; empty where there is one seed."""
    if len(found.seeds) < 2:
        return {}
    return {
        seed: score(pool_parts([found.models[fold, seed].test for fold in found.folds]))
        for seed in found.seeds
    }


def score_folds(
    found: Predictions, name: str, score: Callable[[Part], Scores]
) -> dict[int, Scores]:
    """Score a predictor on each fold alone; empty where there is one fold."""
    if len(found.folds) < 2:
        return {}
    return {
        fold: score((found.ensemble(fold) if name == "model" else found.baselines[name][fold]).test)
        for fold in found.folds
    }


def list_notes(found: Predictions) -> dict[str, dict[str, str | None]]:
    """Give what each baseline said of its fits, by name and fold."""
    return {
        name: {str(fold): judged[fold].note for fold in found.folds}
        for name, judged in found.baselines.items()
    }
