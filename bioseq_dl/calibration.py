"""Temperature scaling: one number, fitted on validation, that mends stated confidence.

Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML 2017. The
ensemble is averaged first and scaled after (Rahaman & Thiery, NeurIPS 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bioseq_dl.metrics import log_probability

Floats = NDArray[np.float64]
RANGE = (0.05, 20.0)
"""Temperatures searched."""


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Parameters
    ----------
    value : float
        Above 1 the model was too sure, below 1 not sure enough.
    records : int
        Labelled validation records it was fitted on.
    note : str, optional
        Why it stayed at 1, or that it lies at the edge of the search.
    """

    value: float
    records: int
    note: str | None = None


def fit_temperature(probability: Floats, truth: Floats) -> Temperature:
    """Find the temperature of the least log loss.

    Parameters
    ----------
    probability : float64, shape (n,) or (n, classes)
        Of the positive class, or of all classes.
    truth : float64, shape (n,)
        0/1 or class codes; NaN is missing and left out.
    """
    known = ~np.isnan(truth)
    logits, codes = _logits(probability[known]), truth[known].astype(np.int64)
    if not len(codes):
        return Temperature(1.0, 0, "no labelled validation records")
    if len(np.unique(codes)) == 1:
        return Temperature(1.0, len(codes), "validation holds one class only")
    rows = np.arange(len(codes))

    def loss(log_temperature: float) -> float:
        scaled = special.log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[rows, codes].mean())

    # The loss is convex in 1/T, so it has one minimum on any monotone scale of T.
    found = optimize.minimize_scalar(
        loss, bounds=tuple(np.log(RANGE)), method="bounded", options={"xatol": 1e-6}
    )
    value = float(np.exp(found.x))
    edge = value < RANGE[0] * 1.01 or value > RANGE[1] / 1.01
    note = "at the edge of the search: validation is separated entirely or not at all"
    return Temperature(value, len(codes), note if edge else None)


def scale_probability(probability: Floats, temperature: float) -> Floats:
    """Apply a temperature.

    Parameters
    ----------
    probability : float64, shape (n,) or (n, classes)
    temperature : float

    Returns
    -------
    float64, same shape
    """
    scaled: Floats = special.softmax(_logits(probability) / temperature, axis=1)
    return scaled[:, 1] if probability.ndim == 1 else scaled


def _logits(probability: Floats) -> Floats:
    """Give log-probabilities of shape (n, classes): logits up to a constant per record."""
    if probability.ndim == 1:
        probability = np.stack([1 - probability, probability], axis=1)
    return log_probability(probability)
