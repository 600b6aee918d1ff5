"""Shuffled sequences to compare a sequence with: letters and dinucleotides kept."""

from __future__ import annotations

import hashlib
from itertools import product

import numpy as np
import numpy.typing as npt

from bioseq_dl.encode.alphabet import DNA, Codes

_LETTERS = len(DNA.letters)


def shuffle_dinucleotides(codes: Codes, count: int, seed: int) -> Codes:
    """Shuffle a sequence and keep the number of each of its dinucleotides.

    Every such shuffle is equally probable: Altschul & Erikson 1985, Mol Biol Evol 2:526. The
    letters are the vertices of a graph, the dinucleotides its edges, and a shuffle is a
    walk along all edges. The edge by which each letter is left last must lead to the last
    letter; with four letters the few possible choices are listed and one is drawn by its
    probability, where the paper draws until one fits.

    The first and the last letter stay, and so do unknown letters: each stretch between them
    is shuffled by itself. What is drawn depends on the seed and the sequence alone, whatever
    else is explained with it.

    Parameters
    ----------
    codes : uint8 (length,)
        A C G T = 0 1 2 3, unknown = 4.
    count : int
        How many shuffles.
    seed : int
        0 or more.

    Returns
    -------
    uint8 (count, length)
    """
    codes = np.ascontiguousarray(codes, np.uint8)
    digest = int.from_bytes(hashlib.sha256(codes.tobytes()).digest()[:8], "little")
    generator = np.random.default_rng([seed, digest])
    shuffled = np.tile(codes, (count, 1))
    known = np.concatenate([[False], codes < _LETTERS, [False]])
    edges = np.flatnonzero(known[1:] != known[:-1])
    for start, end in edges.reshape(-1, 2).tolist():
        shuffled[:, start:end] = _shuffle_stretch(codes[start:end], count, generator)
    return shuffled


def _shuffle_stretch(codes: Codes, count: int, generator: np.random.Generator) -> Codes:
    """Draw walks along all edges of a stretch of known letters: uint8 (count, length)."""
    length = len(codes)
    edges = np.zeros((_LETTERS, _LETTERS), np.int64)
    np.add.at(edges, (codes[:-1], codes[1:]), 1)
    leaving = edges.sum(axis=1)
    final = _draw_final_edges(edges, int(codes[-1]), count, generator)
    # Where the successors of each letter begin among the edges, of each shuffle.
    begins = np.concatenate([[0], np.cumsum(leaving)[:-1]])
    successors = np.empty((count, length - 1), np.uint8)
    for letter in np.flatnonzero(leaving).tolist():
        part = slice(int(begins[letter]), int(begins[letter] + leaving[letter]))
        pool = np.repeat(np.arange(_LETTERS, dtype=np.uint8), edges[letter])
        if letter == codes[-1]:
            successors[:, part] = generator.permuted(np.tile(pool, (count, 1)), axis=1)
            continue
        for last in np.unique(final[:, letter]).tolist():
            rows = np.flatnonzero(final[:, letter] == last)
            rest = np.delete(pool, int(np.searchsorted(pool, last)))
            walks = np.empty((len(rows), len(pool)), np.uint8)
            walks[:, :-1] = generator.permuted(np.tile(rest, (len(rows), 1)), axis=1)
            walks[:, -1] = last
            successors[rows, part] = walks
    return _walk(successors, begins, int(codes[0]), count, length)


def _draw_final_edges(
    edges: npt.NDArray[np.int64], end: int, count: int, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw the letter that follows each letter's last occurrence: int64 (count, letters).

    Following them from any letter must lead to the end. A choice is as probable as there
    are edges to make it of.
    """
    options: list[list[int]] = [
        [end]
        if letter == end or not edges[letter].any()
        else np.flatnonzero(edges[letter]).tolist()
        for letter in range(_LETTERS)
    ]
    trees, weights = [], []
    for choice in product(*options):
        places = list(range(_LETTERS))
        for _ in range(_LETTERS):
            places = [end if place == end else choice[place] for place in places]
        if all(place == end for place in places):
            trees.append(choice)
            chosen = [edges[a, b] for a, b in enumerate(choice) if a != end and edges[a].any()]
            weights.append(float(np.prod(np.array(chosen, np.float64))))
    share = np.array(weights) / sum(weights)
    return np.array(trees, np.int64)[generator.choice(len(trees), size=count, p=share)]


def _walk(
    successors: npt.NDArray[np.uint8],
    begins: npt.NDArray[np.int64],
    first: int,
    count: int,
    length: int,
) -> Codes:
    """Follow the successors of each shuffle, all shuffles at once."""
    flat = successors.ravel()
    rows = np.arange(count)
    places = (rows[:, None] * (length - 1) + begins).ravel()
    letter_of_row = rows * _LETTERS
    walks = np.empty((length, count), np.uint8)
    walks[0] = first
    for step in range(1, length):
        at = letter_of_row + walks[step - 1]
        walks[step] = flat[places[at]]
        places[at] += 1
    return np.ascontiguousarray(walks.T)
