"""Simple predictors of a variant's effect, fitted on the same folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prepare import DELETED, Element
from sklearn.linear_model import Ridge

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
BANDWIDTHS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
AROUND = 10
"""Bases on either side whose GC content counts."""


def describe_changes(elements: dict[str, Element], variants: pd.DataFrame) -> Floats:
    """Tell what changes, without order: letters, transition, CpG, GC, GC around.

    Returns
    -------
    float64 (n, 15)
        The four transitions; REF is A, C, G; ALT is A, C, G, T (none: a deletion); GC gained;
        CpG gained; share of GC around; a deletion.
    """
    rows = []
    for row in variants.itertuples():
        sequence, at = elements[row.element].sequence, row.position
        left, right = sequence[max(at - 1, 0) : at], sequence[at + 1 : at + 2]
        alt = "" if row.alt == DELETED else row.alt
        around = sequence[max(at - AROUND, 0) : at + AROUND + 1]
        numbers = [row.ref + alt == change for change in ("AG", "GA", "CT", "TC")]
        numbers += [row.ref == letter for letter in "ACG"] + [alt == letter for letter in "ACGT"]
        numbers.append(count_gc(alt) - count_gc(row.ref))
        before, after = left + row.ref + right, left + alt + right
        numbers.append(after.count("CG") - before.count("CG"))
        numbers += [count_gc(around) / len(around), alt == ""]
        rows.append(numbers)
    return np.array(rows, np.float64)


def count_gc(sequence: str) -> int:
    """Count G and C."""
    return sequence.count("G") + sequence.count("C")


def predict_from_changes(features: Floats, effect: Floats, train: Mask, val: Mask) -> Floats:
    """Fit ridge regression on train, its strength chosen on val, and predict all."""
    fitted = [Ridge(alpha=alpha).fit(features[train], effect[train]) for alpha in STRENGTHS]
    errors = [np.mean((model.predict(features[val]) - effect[val]) ** 2) for model in fitted]
    predicted: Floats = fitted[int(np.argmin(errors))].predict(features)
    return predicted


def predict_from_neighbours(variants: pd.DataFrame, train: Mask, val: Mask, judged: Mask) -> Floats:
    """Predict the mean effect of the substitutions trained on nearby, in the same experiment.

    The additive model of positions, made smooth, since a position that is held out has no
    mean of its own. Weights are Gaussian in the distance; the width is chosen on val. NaN
    where it was not asked (`judged`).
    """
    effect = variants["log2_effect"].to_numpy(np.float64)
    best, chosen = -np.inf, BANDWIDTHS[0]
    for width in BANDWIDTHS:
        guess = smooth(variants, effect, train, val, width)[val]
        found = float(np.corrcoef(guess, effect[val])[0, 1])
        if found > best:
            best, chosen = found, width
    return smooth(variants, effect, train, judged, chosen)


def smooth(
    variants: pd.DataFrame, effect: Floats, known: Mask, wanted: Mask, width: float
) -> Floats:
    """Average known substitutions around each wanted variant of the same experiment."""
    position = variants["position"].to_numpy(np.float64)
    element = variants["element"].to_numpy()
    known = known & (variants["alt"] != DELETED).to_numpy()
    out = np.full(len(variants), np.nan)
    for name in np.unique(element[wanted]):
        here = np.flatnonzero(known & (element == name))
        there = np.flatnonzero(wanted & (element == name))
        distance = (position[there][:, None] - position[here][None]) / width
        # Far from all that is known the weights would vanish together: the nearest then counts.
        weight = np.exp(-0.5 * (distance**2 - (distance**2).min(axis=1, keepdims=True)))
        out[there] = weight @ effect[here] / weight.sum(axis=1)
    return out
