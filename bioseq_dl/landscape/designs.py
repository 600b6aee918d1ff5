"""Variants to measure next: sought step by step from the wild type, and kept apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Designs
from bioseq_dl.encode.alphabet import Codes
from bioseq_dl.landscape.score import Score, Scores

Floats = NDArray[np.float64]
Log = Callable[[str], None]
_CHUNK = 20_000
"""Variants scored between two lines of the log."""


class Found(NamedTuple):
    """Designs, the best first.

    Parameters
    ----------
    codes : ndarray of uint8 (n, length)
    mean, spread, acquisition : ndarray of float64 (n,)
    scored : int
        Variants that were looked at.
    left_out : int
        Further mutations of the beam's variants that ``max_scored`` kept from being looked at.
    """

    codes: Codes
    mean: Floats
    spread: Floats
    acquisition: Floats
    scored: int
    left_out: int


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
    log: Log = lambda _: None,
) -> Found:
    """Seek variants by beam search, and choose the best that differ enough.

    All single mutants of allowed letters are scored. From then on each of the ``beam`` best
    variants of m mutations gets every allowed mutation at a further place, and the ``beam`` best
    of these go on. Where these are more than ``max_scored``, each variant of the beam gets an
    equal number of further mutations, those with the best single mutants. Of all that were
    scored, the best are taken, one by one, that differ from those taken in ``min_distance`` places
    and were not measured.

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
    log : callable
        Takes lines of progress.
    """
    measured = {row.tobytes() for row in known}
    possible = allowed.copy()
    possible[np.arange(len(wild_type)), wild_type] = False
    places, letters = np.nonzero(possible)
    beam = wild_type[None]
    pools: list[tuple[Codes, Floats, Floats, Floats]] = []
    scored = left_out = 0
    for count in range(1, designs.max_mutations + 1):
        # Of the wild type alone, no limit: no single mutant may be missed.
        most = max(1, designs.max_scored // len(beam)) if count > 1 else len(places)
        candidates, missed = _extend(beam, wild_type, places, letters, most, designs.max_scored)
        left_out += missed
        if not len(candidates):
            break
        found = _score_all(candidates, score, count, log)
        scored += len(candidates)
        mean, spread = found.mean[:, target], found.spread[:, target]
        value = acquire(mean, spread, designs)
        if count == 1:  # one candidate a mutation, in their order; the best come first from now
            order = np.argsort(-value, kind="stable")
            places, letters = places[order], letters[order]
        # All of them, not the beam alone: its members resemble each other.
        pools.append((candidates, mean, spread, value))
        beam = candidates[np.argsort(-value, kind="stable")[: designs.beam]]
    if not pools:
        empty = np.empty(0)
        return Found(wild_type[None][:0], empty, empty, empty, scored, left_out)
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
    return Found(codes[taken], mean[taken], spread[taken], value[taken], scored, left_out)


def _score_all(candidates: Codes, score: Score, count: int, log: Log) -> Scores:
    """Score chunk by chunk, and tell how far it is."""
    parts = []
    for first in range(0, len(candidates), _CHUNK):
        parts.append(score(candidates[first : first + _CHUNK]))
        done = min(first + _CHUNK, len(candidates))
        log(f"designs of {count} mutations: {done:,} of {len(candidates):,} variants scored")
    return Scores(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _extend(
    beam: Codes,
    wild_type: Codes,
    places: NDArray[np.int64],
    letters: NDArray[np.int64],
    most: int,
    limit: int,
) -> tuple[Codes, int]:
    """Give the beam's variants with one mutation more, each once, and how many were left out.

    Where all are more than `limit`, each variant gets its first `most`, in the order given.
    """
    free = [np.flatnonzero(row[places] == wild_type[places]) for row in beam]
    total = sum(map(len, free))
    if total > limit:
        free = [chosen[:most] for chosen in free]
    grown = []
    for row, chosen in zip(beam, free, strict=True):
        codes = np.tile(row, (len(chosen), 1))
        codes[np.arange(len(codes)), places[chosen]] = letters[chosen]
        grown.append(codes)
    every = np.concatenate(grown)
    # Rows as one item each: sorting these is quicker than sorting by columns.
    items = np.ascontiguousarray(every).view(np.dtype((np.void, every.shape[1])))[:, 0]
    _, first = np.unique(items, return_index=True)
    return every[np.sort(first)], total - sum(map(len, free))
