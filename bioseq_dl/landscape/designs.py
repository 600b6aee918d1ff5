"""Variants to measure next: sought step by step from the wild type, and kept apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Designs
from bioseq_dl.encode.alphabet import Codes
from bioseq_dl.landscape.score import Score

Floats = NDArray[np.float64]
_SCORED = 50_000
"""Candidates scored at each number of mutations, at most."""


class Found(NamedTuple):
    """Designs, the best first.

    Parameters
    ----------
    codes : ndarray of uint8 (n, length)
    mean, spread, acquisition : ndarray of float64 (n,)
    scored : int
        Variants that were looked at.
    """

    codes: Codes
    mean: Floats
    spread: Floats
    acquisition: Floats
    scored: int


def list_singles(wild_type: Codes, letters: int) -> Codes:
    """Give every single mutant, (length * (letters - 1), length), by place, then letter."""
    length = len(wild_type)
    places = np.repeat(np.arange(length), letters)
    new = np.tile(np.arange(letters, dtype=np.uint8), length)
    changed = new != wild_type[places]
    codes = np.tile(wild_type, (int(changed.sum()), 1))
    codes[np.arange(len(codes)), places[changed]] = new[changed]
    return codes


def acquire(mean: Floats, spread: Floats, designs: Designs) -> Floats:
    """Give the acquisition score, to be as high as can be; shape (n,)."""
    value = mean if designs.goal == "high" else -mean
    if designs.acquisition == "upper":
        return value + designs.exploration * spread
    if designs.acquisition == "lower":
        return value - designs.exploration * spread
    return value


def find_designs(
    wild_type: Codes,
    allowed: NDArray[np.bool_],
    known: Codes,
    score: Score,
    target: int,
    designs: Designs,
) -> Found:
    """Seek variants by beam search, and choose the best that differ enough.

    From the wild type, each of the ``beam`` best variants of m mutations gets every allowed
    mutation at a further place; the ``beam`` best of these go on. Of all that were scored, the
    best are taken, one by one, that differ from those taken in ``min_distance`` places and were
    not measured.

    Parameters
    ----------
    wild_type : ndarray of uint8 (length,)
    allowed : ndarray of bool (length, letters)
        Which letter may stand where.
    known : ndarray of uint8 (n, length)
        Measured variants, which are no designs.
    score : callable
    target : int
        Which target is sought.
    designs : Designs
    """
    measured = {row.tobytes() for row in known}
    beam = wild_type[None]
    pools: list[tuple[Codes, Floats, Floats, Floats]] = []
    scored = 0
    for _ in range(designs.max_mutations):
        candidates = _extend(beam, wild_type, allowed)[:_SCORED]
        if not len(candidates):
            break
        found = score(candidates)
        scored += len(candidates)
        mean, spread = found.mean[:, target], found.spread[:, target]
        value = acquire(mean, spread, designs)
        # All of them, not the beam alone: its members resemble each other.
        pools.append((candidates, mean, spread, value))
        beam = candidates[np.argsort(-value, kind="stable")[: designs.beam]]
    if not pools:
        empty = np.empty(0)
        return Found(wild_type[None][:0], empty, empty, empty, scored)
    codes, mean, spread, value = (
        np.concatenate([pool[place] for pool in pools]) for place in range(4)
    )
    taken: list[int] = []
    for row in np.argsort(-value, kind="stable").tolist():
        if len(taken) == designs.count:
            break
        if codes[row].tobytes() in measured:
            continue
        distances = (codes[taken] != codes[row]).sum(axis=1)
        if not taken or distances.min() >= designs.min_distance:
            taken.append(row)
    return Found(codes[taken], mean[taken], spread[taken], value[taken], scored)


def _extend(beam: Codes, wild_type: Codes, allowed: NDArray[np.bool_]) -> Codes:
    """Give every variant with one allowed mutation more than one of the beam, each once."""
    possible = allowed.copy()
    possible[np.arange(len(wild_type)), wild_type] = False
    places, letters = np.nonzero(possible)
    grown = []
    for row in beam:
        free = row[places] == wild_type[places]
        codes = np.tile(row, (int(free.sum()), 1))
        codes[np.arange(len(codes)), places[free]] = letters[free]
        grown.append(codes)
    every = np.concatenate(grown) if grown else beam[:0]
    _, first = np.unique(every, axis=0, return_index=True)
    return every[np.sort(first)]
