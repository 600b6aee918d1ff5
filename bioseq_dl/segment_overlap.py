"""How well segments of secondary structure are predicted: SOV'99.

Zemla, Venclovas, Fidelis & Rost 1999, Proteins 34:220-223: for each state i

    SOV(i) = 100 / N(i) · Σ_{S(i)} (minov(s1, s2) + δ(s1, s2)) / maxov(s1, s2) · len(s1)
    δ = min(maxov - minov, minov, int(len(s1) / 2), int(len(s2) / 2))

over all pairs S(i) of an observed segment s1 and a predicted one s2 of state i that share a
residue, minov being what they share and maxov what they cover together. N(i) is the sum of
len(s1) over those pairs and over the observed segments that meet no predicted one. Over states,
both sums are taken over all of them. Values here are shares, between 0 and 1.

A residue without a true label (not resolved, say) ends segments in both strings and counts
nowhere: what stands on its two sides is not one segment, and is not known to be two either.
Removing such residues instead would join segments over gaps of any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Overlap:
    """Sums of the formula, by state; add those of proteins to score a whole set.

    Parameters
    ----------
    gained : ndarray of float64 (states,)
        The sum over pairs.
    weight : ndarray of float64 (states,)
        N(i).
    """

    gained: NDArray[np.float64]
    weight: NDArray[np.float64]


def find_segments(codes: Codes, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find runs of one state among known residues.

    Parameters
    ----------
    codes : ndarray of int8 (n,)
    known : ndarray of bool (n,)
        A residue that is not known belongs to no run and ends one.

    Returns
    -------
    ndarray of int64 (runs, 3)
        State, start and end, 0-based half-open, in order.
    """
    marked = np.where(known, codes.astype(np.int64), -1)
    edges = np.flatnonzero(np.diff(marked)) + 1
    starts = np.concatenate([[0], edges])[: len(marked)]
    ends = np.concatenate([edges, [len(marked)]])[: len(starts)]
    runs = np.stack([marked[starts], starts, ends], axis=1)
    kept: NDArray[np.int64] = runs[runs[:, 0] >= 0]
    return kept


def measure_overlap(truth: Codes, predicted: Codes, states: int) -> Overlap:
    """Give the sums of SOV'99 for one protein.

    Parameters
    ----------
    truth : ndarray of int8 (n,)
        Codes below `states`; -1 where there is no label.
    predicted : ndarray of int8 (n,)
        Codes below `states`.
    states : int
        3 or 8.
    """
    gained, weight = np.zeros(states), np.zeros(states)
    known = truth >= 0
    if not known.any():
        return Overlap(gained, weight)
    observed, other = find_segments(truth, known), find_segments(predicted, known)
    # Predicted segments are in order and do not overlap: those that meet an observed one
    # follow each other.
    first = np.searchsorted(other[:, 2], observed[:, 1], side="right")
    last = np.searchsorted(other[:, 1], observed[:, 2], side="left")
    counts = last - first
    left = np.repeat(np.arange(len(observed)), counts)
    right = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    right += np.repeat(first, counts)
    same = observed[left, 0] == other[right, 0]
    left, right = left[same], right[same]
    one, two = observed[left], other[right]
    shared = np.minimum(one[:, 2], two[:, 2]) - np.maximum(one[:, 1], two[:, 1])
    covered = np.maximum(one[:, 2], two[:, 2]) - np.minimum(one[:, 1], two[:, 1])
    length, length_other = one[:, 2] - one[:, 1], two[:, 2] - two[:, 1]
    slack = np.minimum.reduce([covered - shared, shared, length // 2, length_other // 2])
    np.add.at(gained, one[:, 0], (shared + slack) / covered * length)
    np.add.at(weight, one[:, 0], length)
    alone = observed[np.setdiff1d(np.arange(len(observed)), left)]
    np.add.at(weight, alone[:, 0], alone[:, 2] - alone[:, 1])
    return Overlap(gained, weight)
