"""Seqlets: short stretches of sequence that contribute more than chance would have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

CORE = 8
"""Bases whose contributions are added up to find a seqlet."""
RATE = 0.05
"""False discovery rate at which a window is called a seqlet."""
_FEWEST, _MOST = 0.1, 0.2
"""Shares of windows that pass at least and at most; TF-MoDISco has 0.03 and 0.2, with
windows of 21 bases."""


@dataclass(frozen=True, eq=False)
class Seqlets:
    """Where seqlets stand: the first base of each core of `CORE` bases."""

    rows: NDArray[np.int64]
    """Which sequence, (m,)."""
    starts: NDArray[np.int64]
    """First base of the core, (m,), 0-based."""
    sums: NDArray[np.float64]
    """Size of the core's contribution, (m,), positive for either sign."""

    def __len__(self) -> int:
        return len(self.rows)


def find_seqlets(contributions: NDArray[np.float32]) -> tuple[Seqlets, Seqlets]:
    """Find stretches whose contributions add up to more than chance would have it.

    As TF-MoDISco does (Shrikumar et al. 2018, arXiv:1811.00416): contributions are summed in
    sliding windows, and a Laplace distribution, fitted to each side of the sums on its own,
    stands for the null. Its scale comes from the median distance of that side, which a
    minority of true sites hardly moves, and is used in closed form, so nothing is drawn by
    chance. Windows pass at a false discovery rate of `RATE` (Benjamini-Hochberg). Where these
    are too few or too many (networks trained on short sequences contribute nearly everywhere)
    it is the strongest tenth, or fifth, of all windows of either sign. In each sequence
    the strongest is taken, then the strongest that does not overlap it, and so on.

    Unlike TF-MoDISco, sequences are first brought nearer to each other, each divided by its
    root mean square plus the median one: a factor with a strong effect would take all places.

    Parameters
    ----------
    contributions : float32 (n, length)
        Contribution of the letter that stands at each place.

    Returns
    -------
    raising, lowering : Seqlets
        Those that raise the output and those that lower it; strongest first, ties in the
        order of the sequences.
    """
    values = np.asarray(contributions, np.float64)
    if values.shape[0] == 0 or values.shape[1] < CORE:
        nothing = Seqlets(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        return nothing, nothing
    sums = sliding_window_view(_level(values), CORE, axis=1).sum(axis=2)
    raising, lowering = _find_threshold(sums), _find_threshold(-sums)
    share = float(((sums >= raising) | (-sums >= lowering)).mean())
    if not _FEWEST <= share <= _MOST:
        share = min(max(share, _FEWEST), _MOST)
        raising = lowering = max(float(np.quantile(np.abs(sums), 1 - share)), 1e-30)
    return _collect(sums, raising), _collect(-sums, lowering)


def _level(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring sequences nearer to each other, but do not lift those without a site to the top."""
    sizes = np.sqrt((values**2).mean(axis=1, keepdims=True))
    return np.asarray(values / np.maximum(sizes + np.median(sizes), 1e-30), np.float64)


def _find_threshold(sums: NDArray[np.float64]) -> float:
    """Give the least sum of a seqlet by the null; infinite where no window stands out."""
    centre = float(np.median(sums))
    above = sums[sums > centre] - centre
    if not len(above):
        return np.inf
    scale = float(np.median(above)) / np.log(2)  # the median of an exponential is scale * ln 2
    distances = sums.ravel() - centre
    # Of a Laplace distribution half lies on each side.
    chances = np.where(distances > 0, 0.5 * np.exp(-np.maximum(distances, 0) / scale), 1.0)
    passed = sums.ravel()[false_discovery_control(chances) <= RATE]
    passed = passed[passed > 0]  # one that lowers the output less than others does not raise it
    return float(passed.min()) if len(passed) else np.inf


def _collect(sums: NDArray[np.float64], threshold: float) -> Seqlets:
    rows, starts = _pick(np.where(sums >= threshold, sums, -np.inf))
    order = np.lexsort((starts, rows, -sums[rows, starts]))
    rows, starts = rows[order], starts[order]
    return Seqlets(rows, starts, sums[rows, starts])


def _pick(sums: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take, of every row, the highest value, then the next beyond its reach, until none."""
    left = sums.copy()
    columns = np.arange(left.shape[1])
    rows, starts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    active = np.arange(len(left))
    while len(active):
        best = left[active].argmax(axis=1)
        found = np.isfinite(left[active, best])
        active, best = active[found], best[found]
        rows.append(active)
        starts.append(best)
        near = np.abs(columns[None, :] - best[:, None]) < CORE
        left[active] = np.where(near, -np.inf, left[active])
    return np.concatenate(rows), np.concatenate(starts)
