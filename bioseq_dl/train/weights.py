"""Weights of rare and frequent classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError


def class_weights(targets: NDArray[np.float32], spec: Targets) -> NDArray[np.float32]:
    """Give each class the inverse of its share: n / (classes * n_class).

    The weighting of scikit-learn's ``class_weight="balanced"`` (King & Zeng 2001).

    Parameters
    ----------
    targets : float32 (n, targets)
        Class codes of the training fold; NaN = missing.
    spec : Targets
        Kind and classes.

    Returns
    -------
    float32 (targets, classes)
        1 for a class without records.

    Raises
    ------
    InputError
        For regression, which has no classes.
    """
    if spec.kind == "regression":
        raise InputError(
            "train.class_weights balanced needs classes",
            found="targets.kind regression",
            fix="set train.class_weights: none",
        )
    count = 2 if spec.kind == "binary" else len(spec.classes)
    weights = np.ones((targets.shape[1], count), np.float32)
    for column in range(targets.shape[1]):
        known = targets[~np.isnan(targets[:, column]), column].astype(np.int64)
        share = np.bincount(known, minlength=count)
        present = share > 0
        weights[column, present] = len(known) / (present.sum() * share[present])
    return weights
