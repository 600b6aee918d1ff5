"""What is kept in proportion when records are dealt to folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets

_QUANTILE_BINS = 10


def build_strata(labels: NDArray[np.float32], targets: Targets, least: int) -> NDArray[np.int64]:
    """Give each record the stratum that is spread evenly over the folds.

    - One target of classes: its class; records without a label are a stratum.
    - Several: the rarest class the record has (of binary targets, positives only), so that
      rare labels are spread first.
    - Regression: up to ten equal quantile bins of the target (of several, of the mean of
      their z-scores).

    Strata with fewer than `least` records are pooled; a pool that is still too small joins
    the largest stratum.

    Parameters
    ----------
    labels : ndarray of float32, shape (n, targets)
        NaN is missing.
    targets : Targets
    least : int
        Records a stratum needs to reach every part.

    Returns
    -------
    ndarray of int64, shape (n,)
        0, 1, …
    """
    if not labels.shape[1]:  # labels of residues: nothing to spread
        strata = np.zeros(len(labels), np.int64)
    elif targets.kind == "regression":
        strata = _bin_quantiles(labels, least)
    elif labels.shape[1] == 1:
        strata = np.nan_to_num(labels[:, 0], nan=-1).astype(np.int64)
    else:
        strata = _find_rarest(labels, positives=targets.kind == "binary")
    return _pool_small(strata, least)


def _bin_quantiles(labels: NDArray[np.float32], least: int) -> NDArray[np.int64]:
    values = labels.astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0)
    mean = filled.sum(axis=0) / count
    centred = np.where(known, values - mean, 0)
    scale = np.sqrt((centred**2).sum(axis=0) / count)
    scores = (centred / np.where(scale > 0, scale, 1)).sum(axis=1)
    some = known.any(axis=1)
    scores = scores / np.maximum(known.sum(axis=1), 1)
    strata = np.full(len(labels), -1, np.int64)
    bins = int(np.clip(some.sum() // max(least, 1), 1, _QUANTILE_BINS))
    edges = np.quantile(scores[some], np.arange(1, bins) / bins) if some.any() else []
    strata[some] = np.searchsorted(edges, scores[some], side="right")
    return strata


def _find_rarest(labels: NDArray[np.float32], *, positives: bool) -> NDArray[np.int64]:
    """Number (target, class) pairs and give each record its rarest, -1 for none."""
    strata = np.full(len(labels), -1, np.int64)
    rarest = np.full(len(labels), len(labels) + 1)
    number = 0
    for column in labels.T:
        known = column > 0 if positives else ~np.isnan(column)
        values, place, count = np.unique(column[known], return_inverse=True, return_counts=True)
        rows = np.flatnonzero(known)
        better = count[place] < rarest[rows]
        rarest[rows[better]] = count[place][better]
        strata[rows[better]] = number + place[better]
        number += len(values)
    return strata


def _pool_small(strata: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    _, strata, counts = np.unique(strata, return_inverse=True, return_counts=True)
    small = counts < least
    if small.any() and not small.all():
        pool = int(np.flatnonzero(small)[0])
        if counts[small].sum() < least:
            pool = int(counts.argmax())
        strata = np.where(small[strata], pool, strata)
    elif small.all():
        strata = np.zeros_like(strata)
    _, strata = np.unique(strata, return_inverse=True)
    return strata
