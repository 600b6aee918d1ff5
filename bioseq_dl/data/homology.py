"""Clusters of similar sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bioseq_dl.data.candidates import Labels
from bioseq_dl.data.sequences import Sequences
from bioseq_dl.data.similarity import find_similar, no_pairs
from bioseq_dl.encode.alphabet import DNA, Alphabet

_MOST_ROUNDS = 5


def cluster_sequences(
    sequences: Sequences,
    *,
    k: int,
    both_strands: bool,
    containment: float,
    alphabet: Alphabet = DNA,
) -> NDArray[np.int64]:
    """Put sequences that share at least `containment` of their k-mers into one cluster.

    Clusters are the connected components of the pairs found (single linkage), so that no
    pair across two clusters is known to be similar. In crowded buckets not every pair is
    compared; rounds with other representatives, of other clusters than one's own, go on
    until one finds nothing new, five at most.

    Parameters
    ----------
    sequences : Sequences
        Different from each other, in an order that does not hang on the input's.
    k : int
    both_strands : bool
    containment : float
    alphabet : Alphabet

    Returns
    -------
    ndarray of int64, shape (n,)
        Cluster of each, numbered from 0 by first member.
    """
    n = len(sequences)
    clusters = np.arange(n)
    found = no_pairs()
    for salt in range(_MOST_ROUNDS):
        before = len(found.pairs)
        found = find_similar(
            sequences,
            [Labels(np.arange(n + 1), clusters)],
            k=k,
            both_strands=both_strands,
            containment=containment,
            known=found,
            salt=salt,
            alphabet=alphabet,
        )
        if len(found.pairs) > before:
            clusters = join_pairs(n, found.pairs)
        if found.complete or len(found.pairs) == before:
            break
    return clusters


def join_pairs(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the connected components of a graph of `n` nodes from 0 by first member."""
    edges = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, component = connected_components(edges, directed=False)
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[number]
