"""Equal sequences, on the same or on opposite strands, and labels that disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from bioseq_dl.data.sequences import Sequences, read_sequences, reverse_complement, write_arrow


@dataclass(frozen=True, eq=False)
class EqualSequences:
    """Which records hold the same sequence.

    Parameters
    ----------
    unique : Sequences
        The different sequences, of each the strand that comes first in the alphabet, in
        alphabetical order (so that numbers do not hang on the order of the records).
    member : ndarray of int64, shape (n,)
        For each record, its sequence's number in `unique`.
    flipped : ndarray of bool, shape (n,)
        Whether the record holds the other strand of it. False for palindromes.
    """

    unique: Sequences
    member: NDArray[np.int64]
    flipped: NDArray[np.bool_]

    @property
    def exact(self) -> NDArray[np.int64]:
        """A number per record, equal for equal letters on the same strand; shape (n,)."""
        return self.member * 2 + self.flipped


def number_equal(sequences: Sequences, both_strands: bool) -> EqualSequences:
    """Number equal sequences.

    Arrow hashes the strings and compares them, so that a hash collision cannot join two.

    Parameters
    ----------
    sequences : Sequences
        One per record.
    both_strands : bool
        Whether a reverse complement has the same number.
    """
    plain = write_arrow(sequences)
    flipped = np.zeros(len(sequences), np.bool_)
    if both_strands:
        other = write_arrow(reverse_complement(sequences))
        turn = pc.less(other, plain)
        flipped = turn.to_numpy(zero_copy_only=False).astype(np.bool_)
        plain = pc.if_else(turn, other, plain)
        del other
    encoded = plain.dictionary_encode()
    del plain
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    member = rank[encoded.indices.to_numpy()]
    return EqualSequences(read_sequences(encoded.dictionary.take(order)), member, flipped)


def find_conflicts(groups: NDArray[np.int64], labels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark the records of groups in which two known labels of one target differ.

    Parameters
    ----------
    groups : ndarray of int64, shape (n,)
        Equal for records that hold the same sequence; 0 or more.
    labels : ndarray of float32, shape (n, targets)
        NaN is missing and disagrees with nothing.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    conflict = np.zeros(len(groups), np.bool_)
    size = int(groups.max(initial=-1)) + 1
    for column in labels.T:
        known = ~np.isnan(column)
        low = np.full(size, np.inf, np.float32)
        high = np.full(size, -np.inf, np.float32)
        np.minimum.at(low, groups[known], column[known])
        np.maximum.at(high, groups[known], column[known])
        conflict |= (low < high)[groups]
    return conflict


def mark_repeats(
    groups: NDArray[np.int64], labels: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which records to leave out so that each sequence stands once, or not at all.

    Of records with the same sequence, the one with most known labels stays (the first of
    several such); where known labels disagree, none stays.

    Parameters
    ----------
    groups : ndarray of int64, shape (n,)
        Equal for records that hold the same sequence; 0 or more.
    labels : ndarray of float32, shape (n, targets)
        NaN is missing.

    Returns
    -------
    repeats, conflicts : ndarray of bool, shape (n,)
        Repeated records, and records whose labels disagree; no record is in both.
    """
    conflicts = find_conflicts(groups, labels)
    missing = np.isnan(labels).sum(axis=1)
    order = np.lexsort((np.arange(len(groups)), missing, groups))
    repeats = np.zeros(len(groups), np.bool_)
    repeats[order[1:]] = groups[order[1:]] == groups[order[:-1]]
    return repeats & ~conflicts, conflicts
