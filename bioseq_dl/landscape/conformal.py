"""Intervals of predictions, by split conformal prediction on the validation records.

Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world"; normalised by the
ensemble's spread as in Lei et al. 2018, JASA 113:1094, section 5.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Conformal:
    """How wide an interval is.

    Parameters
    ----------
    factor : float
        Half-width in units of spread + floor; infinite where there are too few records.
    floor : float
        Added to the spread, so that a unanimous ensemble has an interval too.
    records : int
        It rests on.
    """

    factor: float
    floor: float
    records: int

    def half_width(self, spread: Floats) -> Floats:
        """Give the half-width of intervals, for the spread of the ensemble's members (n,)."""
        if not math.isfinite(self.factor):
            return np.full(len(spread), np.inf)
        return self.factor * (spread + self.floor)


def fit_conformal(truth: Floats, mean: Floats, spread: Floats, confidence: float) -> Conformal:
    """Find how wide intervals must be to hold `confidence` of unseen values.

    The factor is the value of rank ceil((n + 1) * confidence) among the validation errors in
    units of spread + floor: then an interval holds the truth with at least that probability,
    over records drawn as those of validation were. The promise asks for a model that has not
    seen these records. Where they also picked the epoch that is kept (``train.keep: best``), their
    errors are somewhat too small, and the intervals too narrow; with ``keep: last`` it holds.

    Parameters
    ----------
    truth, mean, spread : ndarray of float64 (n,)
        Of validation records: measured; mean and standard deviation of the ensemble's members
        (0 for a single model). Truth may be NaN.
    confidence : float
    """
    known = ~np.isnan(truth)
    errors, spread = np.abs(truth - mean)[known], spread[known]
    count = len(errors)
    if count == 0:
        return Conformal(math.inf, 0.0, 0)
    floor = float(np.median(spread)) or 1.0
    rank = math.ceil((count + 1) * confidence)
    if rank > count:
        return Conformal(math.inf, floor, count)
    scaled = np.sort(errors / (spread + floor))
    return Conformal(float(scaled[rank - 1]), floor, count)
