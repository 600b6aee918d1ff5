"""Pairs of similar sequences: candidates, measured on all of their k-mers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.data.candidates import Labels, find_candidates
from bioseq_dl.data.kmers import NONE, count_windows, sort_unique, tabulate_kmers
from bioseq_dl.data.sequences import Sequences, take_sequences
from bioseq_dl.encode.alphabet import DNA, Alphabet

_TABLE_CELLS = 1 << 25
_MERGED_CELLS = 1 << 20
_PAIRS_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class Similar:
    """Pairs above the threshold.

    Parameters
    ----------
    pairs : ndarray of int64, shape (m, 2)
        Indices of sequences, the smaller first; sorted, each pair once.
    containment : ndarray of float64, shape (m,)
        Shared k-mers; of aligned proteins, shared residues (identity).
    candidates : ndarray of uint64
        Keys of all pairs compared so far; sorted.
    complete : bool
        Whether in the last search every two members of a bucket with different labels were
        compared: no bucket was crowded, and other representatives would show nothing new.
    coverage, evalue : ndarray of float64, shape (m,), or None
        Of aligned proteins.
    aligned : int
        Pairs compared of which no candidates are kept.
    program : str
        What aligned them.
    """

    pairs: NDArray[np.int64]
    containment: NDArray[np.float64]
    candidates: NDArray[np.uint64]
    complete: bool
    coverage: NDArray[np.float64] | None = None
    evalue: NDArray[np.float64] | None = None
    aligned: int = 0
    program: str = ""

    @property
    def compared(self) -> int:
        """Pairs compared."""
        return len(self.candidates) + self.aligned


def no_pairs() -> Similar:
    """Give the result before anything was compared."""
    return Similar(np.empty((0, 2), np.int64), np.empty(0), np.empty(0, np.uint64), False)


def find_similar(
    sequences: Sequences,
    labelings: Iterable[Labels],
    *,
    k: int,
    both_strands: bool,
    containment: float,
    known: Similar,
    salt: int = 0,
    alphabet: Alphabet = DNA,
) -> Similar:
    """Find pairs of sequences with different labels that share at least `containment`.

    Parameters
    ----------
    sequences : Sequences
        Different from each other, in an order that does not hang on the input's (ties
        between representatives are broken by index).
    labelings : iterable of Labels
        Of the same sequences; a pair matters where it differs in one of them.
    k : int
    both_strands : bool
        Compare canonical k-mers.
    containment : float
        Least part of the k-mers of the sequence with fewer.
    known : Similar
        Pairs measured before are not measured again.
    salt : int
        Another salt draws other representatives from crowded buckets.
    alphabet : Alphabet

    Returns
    -------
    Similar
        `known` and what was found now.
    """
    n = len(sequences)
    linked, complete = find_candidates(
        sequences,
        labelings,
        k=k,
        both_strands=both_strands,
        containment=containment,
        salt=salt,
        alphabet=alphabet,
    )
    candidates = sort_unique(np.concatenate([known.candidates, linked]))
    new = candidates
    if len(known.candidates):
        place = np.searchsorted(known.candidates, candidates)
        place = np.minimum(place, len(known.candidates) - 1)
        new = candidates[known.candidates[place] != candidates]
    pairs = np.stack([new // np.uint64(n), new % np.uint64(n)], axis=1).astype(np.int64)
    shared = measure_containment(sequences, pairs, k, both_strands, alphabet)
    keep = shared >= containment
    pairs = np.concatenate([known.pairs, pairs[keep]])
    shared = np.concatenate([known.containment, shared[keep]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Similar(pairs[order], shared[order], candidates, complete)


def measure_containment(
    sequences: Sequences,
    pairs: NDArray[np.int64],
    k: int,
    both_strands: bool,
    alphabet: Alphabet = DNA,
) -> NDArray[np.float64]:
    """Measure |A ∩ B| / min(|A|, |B|) of the k-mers of each pair, exactly.

    A and B count a k-mer as often as it occurs (multisets). NaN-free: 0 where a sequence has
    no k-mers.

    Parameters
    ----------
    sequences : Sequences
    pairs : ndarray of int64, shape (m, 2)
    k : int
    both_strands : bool
        Canonical k-mers.

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    result = np.zeros(len(pairs))
    for block in _group_pairs(pairs, count_windows(sequences, k)):
        index, place = np.unique(pairs[block], return_inverse=True)
        rows, sizes = tabulate_kmers(take_sequences(sequences, index), k, both_strands, alphabet)
        place = place.reshape(-1, 2)
        step = max(1, _MERGED_CELLS // (2 * rows.shape[1] + 1))
        for start in range(0, len(block), step):
            left, right = place[start : start + step].T
            merged = np.concatenate([rows[left], rows[right]], axis=1)
            merged.sort(axis=1)
            equal = (merged[:, 1:] == merged[:, :-1]) & (merged[:, 1:] != NONE)
            smaller = np.minimum(sizes[left], sizes[right])
            result[block[start : start + step]] = equal.sum(axis=1) / np.maximum(smaller, 1)
    return result


def _group_pairs(
    pairs: NDArray[np.int64], counts: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yield pairs of like width among sequences few enough that their table fits in memory.

    Each table then serves as many pairs as it can.
    """
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[begin : begin + _PAIRS_AT_ONCE]
        doubling = np.ceil(np.log2(counts[some].max(axis=1, initial=1))).astype(np.int64)
        most = np.maximum(_TABLE_CELLS >> (doubling + 1), 1)
        first, second = (some // most[:, None]).T
        order = np.lexsort((second, first, doubling))
        key = np.stack([doubling, first, second])[:, order]
        edges = np.flatnonzero((key[:, 1:] != key[:, :-1]).any(axis=0)) + 1
        for start, stop in pairwise([0, *edges.tolist(), len(order)]):
            yield begin + order[start:stop]
