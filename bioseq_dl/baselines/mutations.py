"""Comparisons for variants of one protein: pairs of mutations, and BLOSUM62."""

from __future__ import annotations

from functools import cache

import numpy as np
from Bio.Align import substitution_matrices
from numpy.typing import NDArray
from scipy import sparse

from bioseq_dl.baselines.additive import one_hot_places
from bioseq_dl.baselines.linear import fit_linear
from bioseq_dl.baselines.rows import Predicted, find_rows
from bioseq_dl.config import VariantBaselines
from bioseq_dl.encode.alphabet import Alphabet, Codes
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError

LEAST = 2
"""Training records in which a pair must stand to count."""
_BLOCK = 4_000_000
"""Cells of pairs made at a time, which bounds the memory."""


def predict_pairs(examples: Examples, fold: int, config: VariantBaselines) -> Predicted:
    """Fit letters by place and pairs of mutations on train, predict val and test.

    Parameters
    ----------
    examples : Examples
        Variants of a wild type.
    fold : int
        Whose roles.
    config : VariantBaselines
        Strengths, and how many pairs.

    Raises
    ------
    InputError
        Where there is no such fold or no wild type, the training fold is empty, or a variant
        has another length.
    """
    rows = find_rows(examples, fold)
    mutations = one_hot_places(examples, _need_wild_type(examples, "pairwise"))
    pairs, count = pair_features(mutations, rows.train, config.max_pairs)
    single = one_hot_places(examples)
    features = sparse.csr_array(sparse.hstack([single, pairs], format="csr"))
    outputs, chosen = fit_linear(examples, rows, features, config.strengths)
    note = f"letters by place and {count} pairs of mutations (in {LEAST} training records or more)"
    return Predicted(rows.judged, outputs, f"{note}; {chosen}")


def pair_features(
    single: sparse.csr_array, train: NDArray[np.int64], most: int
) -> tuple[sparse.csr_array, int]:
    """Give a feature per pair of single features that stand together in training records.

    Parameters
    ----------
    single : csr_array, shape (n, features)
        0 or 1, columns ascending in each row.
    train : ndarray of int64
        Rows that decide which pairs count: those in `LEAST` of them or more.
    most : int
        At most so many, the most frequent; of equals the first.

    Returns
    -------
    features : csr_array of float32, shape (n, pairs)
    count : int
        Pairs.
    """
    owners, keys = _list_pairs(single)
    in_train = np.zeros(single.shape[0], np.bool_)
    in_train[train] = True
    known, counts = np.unique(keys[in_train[owners]], return_counts=True)
    often = counts >= LEAST
    known, counts = known[often], counts[often]
    if len(known) > most:
        known = np.sort(known[np.argsort(-counts, kind="stable")[:most]])
    if not len(known):
        return sparse.csr_array((single.shape[0], 0), dtype=np.float32), 0
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    held = known[place] == keys
    table = sparse.coo_array(
        (np.ones(int(held.sum()), np.float32), (owners[held], place[held])),
        shape=(single.shape[0], len(known)),
    )
    return sparse.csr_array(table.tocsr()), len(known)


def _list_pairs(single: sparse.csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List each row's pairs of columns: the row, and first * width + second."""
    width = single.shape[1]
    sizes = np.diff(single.indptr)
    owners, keys = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for size in np.unique(sizes[sizes > 1]).tolist():
        rows = np.flatnonzero(sizes == size)
        left, right = np.triu_indices(size, 1)
        for some in np.array_split(rows, -(-len(rows) * len(left) // _BLOCK)):
            columns = single.indices[single.indptr[some][:, None] + np.arange(size)]
            columns = columns.astype(np.int64)
            keys.append((columns[:, left] * width + columns[:, right]).reshape(-1))
            owners.append(np.repeat(some, len(left)))
    return np.concatenate(owners), np.concatenate(keys)


def predict_blosum(examples: Examples, fold: int, config: VariantBaselines) -> Predicted:
    """Fit a line through the sum of BLOSUM62 scores on train, predict val and test.

    Of each place the score of the letter against the wild type's, less that of the wild type's
    against itself: 0 for the wild type, below for most mutations. An unknown letter counts for
    nothing.

    Raises
    ------
    InputError
        Where there is no such fold or no wild type, the training fold is empty, or a variant
        has another length.
    """
    rows = find_rows(examples, fold)
    wild_type = _need_wild_type(examples, "blosum")
    scores = score_blosum(examples, wild_type)
    outputs, chosen = fit_linear(
        examples, rows, sparse.csr_array(scores[:, None]), config.strengths
    )
    return Predicted(rows.judged, outputs, f"sum of BLOSUM62 scores; {chosen}")


def score_blosum(examples: Examples, wild_type: Codes) -> NDArray[np.float64]:
    """Give the sum of BLOSUM62 scores of each record against the wild type, shape (n,)."""
    matrix = blosum62(examples.alphabet)
    codes = np.asarray(examples.codes).reshape(len(examples), len(wild_type))
    change = matrix[wild_type] - matrix[wild_type, wild_type][:, None]
    total = np.zeros(len(examples))
    for place in np.flatnonzero((codes != wild_type).any(axis=0)).tolist():
        total += change[place][codes[:, place]]
    return total


@cache
def blosum62(alphabet: Alphabet) -> NDArray[np.float64]:
    """Give BLOSUM62 by codes, (letters + 1, letters + 1); 0 for the unknown."""
    size = len(alphabet.letters)
    matrix = np.zeros((size + 1, size + 1))
    table = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    for row, one in enumerate(alphabet.letters):
        matrix[row, :size] = [table[one, other] for other in alphabet.letters]
    return matrix


def _need_wild_type(examples: Examples, name: str) -> Codes:
    if examples.wild_type is None:
        raise InputError(
            f"baselines.{name} needs a wild type",
            fix=f"give ingest.wild_type, or set baselines.{name}: false",
        )
    lengths = examples.lengths
    if (lengths != len(examples.wild_type)).any():
        raise InputError(
            f"baselines.{name} needs variants of the wild type's length",
            found=f"{lengths.min()} to {lengths.max()} residues",
            allowed=f"{len(examples.wild_type)} residues",
            fix=f"give encode.length, or set baselines.{name}: false",
        )
    return examples.wild_type
