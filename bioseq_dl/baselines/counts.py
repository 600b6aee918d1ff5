"""How often each k-mer stands in each sequence, counted from integer codes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bioseq_dl.encode.examples import Examples

BASES = 4_000_000
"""Bases counted at once: bounds the memory to some hundred MB."""
LETTERS = 4


def count_frequencies(
    examples: Examples,
    rows: NDArray[np.int64],
    k: int,
    *,
    both_strands: bool = False,
    bases: int = BASES,
) -> sparse.csr_array:
    """Count k-mers as shares of each sequence's k-mers.

    Parameters
    ----------
    examples : Examples
        The encoded records.
    rows : int64, shape (n,)
        Which of them.
    k : int
        Length of a k-mer; one that holds an unknown base is not counted.
    both_strands : bool
        Count a k-mer and its reverse complement as one.
    bases : int
        Bounds the memory; the result does not depend on it.

    Returns
    -------
    csr_array of float32, shape (n, features)
        Features are the k-mers in alphabetic order (A C G T = 0 1 2 3, the first base
        weighs most), or those that come first of each complementary pair. Rows sum to 1,
        or to 0 where a sequence has no k-mer.
    """
    features = fold_strands(k) if both_strands else np.arange(LETTERS**k, dtype=np.int32)
    width = int(features.max()) + 1
    blocks = [
        _count_block(examples, block, k, features, width)
        for block in _blocks(examples, rows, bases)
    ]
    if not blocks:
        return sparse.csr_array((0, width), dtype=np.float32)
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def fold_strands(k: int) -> NDArray[np.int32]:
    """Give each k-mer the feature it shares with its reverse complement, int32 (4**k,)."""
    codes = np.arange(LETTERS**k)
    reverse, rest = np.zeros_like(codes), codes.copy()
    for _ in range(k):
        reverse = reverse * LETTERS + (LETTERS - 1 - rest % LETTERS)
        rest //= LETTERS
    _, features = np.unique(np.minimum(codes, reverse), return_inverse=True)
    return features.astype(np.int32)


def _blocks(examples: Examples, rows: NDArray[np.int64], bases: int) -> Iterator[NDArray[np.int64]]:
    if len(rows):
        total = np.cumsum(examples.lengths[rows])
        yield from np.split(rows, np.flatnonzero(np.diff(total // bases)) + 1)


def _count_block(
    examples: Examples, rows: NDArray[np.int64], k: int, features: NDArray[np.int32], width: int
) -> sparse.csr_array:
    lengths = examples.lengths[rows]
    starts = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(rows)), lengths)
    place = np.arange(len(owner)) - starts[owner]
    codes = np.asarray(examples.codes)[examples.offsets[rows][owner] + place]
    windows = max(0, len(codes) - k + 1)
    kmer = np.zeros(windows, np.int32)
    whole = place[:windows] + k <= lengths[owner[:windows]]
    for shift in range(k):
        base = codes[shift : shift + windows]
        whole &= base < LETTERS
        kmer = kmer * LETTERS + base
    owner = owner[:windows][whole]
    counts = sparse.coo_array(
        (np.ones(len(owner), np.float32), (owner, features[kmer[whole]])),
        shape=(len(rows), width),
    ).tocsr()  # adds up equal k-mers
    totals = np.maximum(np.bincount(owner, minlength=len(rows)), 1).astype(np.float32)
    counts.data /= np.repeat(totals, np.diff(counts.indptr))
    return counts
