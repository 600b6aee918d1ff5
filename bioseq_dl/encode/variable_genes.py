"""Which genes vary most, given what others of like abundance do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BINS = 20


def score_dispersion(
    mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Score genes by their dispersion against genes of like mean.

    Dispersion is variance over mean, of values before the logarithm; its logarithm is compared
    with those of the genes in the same of 20 equal bins of log(1 + mean): Satija et al. 2015,
    Nature Biotechnology 33:495; the same numbers as scanpy's ``highly_variable_genes`` with
    flavour ``seurat``.

    Parameters
    ----------
    mean, variance : ndarray of float64 (genes,)
        Of values before the logarithm, variance with n - 1.

    Returns
    -------
    ndarray of float64 (genes,)
        Standard deviations above the mean of the bin; NaN where a gene does not vary.
    """
    positive = np.where(mean == 0, 1e-12, mean)
    ratio = variance / positive
    dispersion = np.log(np.where(ratio == 0, np.nan, ratio))
    logged = np.log1p(positive)
    low, high = float(logged.min()), float(logged.max())
    if high > low:
        # As pandas.cut: the first edge a little lower, so that the least is inside; edges right.
        edges = np.linspace(low, high, _BINS + 1)
        edges[0] -= 0.001 * (high - low)
        bins = np.searchsorted(edges, logged, side="left") - 1
    else:
        bins = np.zeros(len(logged), np.int64)
    bins = np.clip(bins, 0, _BINS - 1)
    known = ~np.isnan(dispersion)
    count = np.bincount(bins[known], minlength=_BINS)
    centre = np.bincount(bins[known], dispersion[known], _BINS) / np.maximum(count, 1)
    square = np.bincount(bins[known], (dispersion[known] - centre[bins[known]]) ** 2, _BINS)
    spread = np.sqrt(square / np.maximum(count - 1, 1))
    # A gene alone in its bin has no company to be compared with, and scores 1.
    alone = count == 1
    spread[alone], centre[alone] = centre[alone], 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: NDArray[np.float64] = (dispersion - centre[bins]) / spread[bins]
    return scores


def choose_genes(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Give the best genes, in their own order; of equal scores the first, NaN last.

    Parameters
    ----------
    scores : ndarray of float64 (genes,)
    count : int
        How many; all where there are fewer.

    Returns
    -------
    ndarray of int64 (count,)
        Ascending.
    """
    # Rounded, so that the last digits, which hang on the machine, decide nothing.
    ranked = np.where(np.isfinite(scores), scores.round(9), -np.inf)
    order = np.argsort(-ranked, kind="stable")
    return np.sort(order[:count])
