"""Who leaks where: the worst kind per record, counts, and a partner to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.data.candidates import Labels
from bioseq_dl.data.duplicates import EqualSequences
from bioseq_dl.data.overlaps import Intervals, count_overlaps, find_partners
from bioseq_dl.data.similarity import Similar
from bioseq_dl.data.tables import DROP, TEST, TRAIN, VAL

KINDS = ("exact", "reverse_complement", "near", "overlap")
"""Worst first; a record counts in the first of exact, reverse_complement and near that fits,
and beside that in overlap."""
EXACT, REVERSE, NEAR, OVERLAP = range(4)
NO_LEAK = len(KINDS)
BETWEEN = ((TEST, TRAIN), (TEST, VAL), (VAL, TRAIN))
"""Pairs of roles, the more protected first."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the records apart from their roles.

    Parameters
    ----------
    equal : EqualSequences
    similar : Similar
        Pairs of ``equal.unique``.
    intervals : Intervals or None
    id_rank : ndarray of int64, shape (n,)
        Place of each record in the order of ids; ties among partners go to the first.
    """

    equal: EqualSequences
    similar: Similar
    intervals: Intervals | None
    id_rank: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Leaks:
    """How the records of one role leak into another.

    Parameters
    ----------
    kind : ndarray of uint8, shape (n,)
        Place in KINDS of the worst kind by sequence, or NO_LEAK; NO_LEAK for other roles.
    overlap : ndarray of bool, shape (n,)
        Whether the record overlaps an interval of the other role.
    """

    kind: NDArray[np.uint8]
    overlap: NDArray[np.bool_]

    @property
    def any(self) -> NDArray[np.bool_]:
        """Records that leak in any way; shape (n,)."""
        leaking: NDArray[np.bool_] = (self.kind < NO_LEAK) | self.overlap
        return leaking


def label_roles(member: NDArray[np.int64], n: int, roles: NDArray[np.uint8]) -> Labels:
    """Give the roles in which each unique sequence stands, ``drop`` left out.

    Parameters
    ----------
    member : ndarray of int64, shape (records,)
        Unique sequence of each record.
    n : int
        Unique sequences.
    roles : ndarray of uint8, shape (records,)
    """
    key = np.unique(member[roles != DROP] * 4 + roles[roles != DROP])
    return Labels(np.searchsorted(key, 4 * np.arange(n + 1)), key % 4)


def find_leaks(evidence: Evidence, roles: NDArray[np.uint8], of: int, into: int) -> Leaks:
    """Find the records of role `of` that stand, wholly or nearly, in role `into`."""
    equal, similar = evidence.equal, evidence.similar
    mine, theirs = roles == of, roles == into
    size = len(equal.unique)
    same = np.zeros(2 * size, np.bool_)
    same[equal.exact[theirs]] = True
    either = same[::2] | same[1::2]
    near = np.zeros(size, np.bool_)
    for one, other in (similar.pairs.T, similar.pairs.T[::-1]):
        near[one[either[other]]] = True
    kind = np.full(len(roles), NO_LEAK, np.uint8)
    kind[mine & near[equal.member]] = NEAR
    kind[mine & either[equal.member]] = REVERSE
    kind[mine & same[equal.exact]] = EXACT
    overlap = np.zeros(len(roles), np.bool_)
    if evidence.intervals is not None:
        rows = np.flatnonzero(mine)
        overlap[rows] = count_overlaps(evidence.intervals, rows, np.flatnonzero(theirs)) > 0
    return Leaks(kind, overlap)


def count_pairs(
    evidence: Evidence, roles: NDArray[np.uint8], of: int, into: int
) -> tuple[int, ...]:
    """Count the pairs of records by kind, in the order of KINDS.

    Exact, reverse-complement and overlapping pairs are all counted; of near pairs those that
    were compared, which in crowded buckets are not all.
    """
    equal, similar = evidence.equal, evidence.similar
    size = len(equal.unique)
    a = np.bincount(equal.exact[roles == of], minlength=2 * size)
    b = np.bincount(equal.exact[roles == into], minlength=2 * size)
    exact = int(a @ b)
    a, b = a[::2] + a[1::2], b[::2] + b[1::2]
    one, other = similar.pairs.T
    near = int(a[one] @ b[other] + a[other] @ b[one])
    overlap = 0
    if evidence.intervals is not None:
        rows = [np.flatnonzero(roles == role) for role in (of, into)]
        overlap = int(count_overlaps(evidence.intervals, *rows).sum())
    return exact, int(a @ b) - exact, near, overlap


@dataclass(frozen=True, eq=False)
class Partners:
    """One partner for each leaking record.

    Parameters
    ----------
    rows, partners : ndarray of int64, shape (m,)
        Records.
    kind : ndarray of uint8, shape (m,)
    containment : ndarray of float64, shape (m,)
        Shared part of the k-mers (of aligned proteins, of the residues), 1 for equal
        sequences; of an overlap, shared bases over the shorter interval.
    pair : ndarray of int64, shape (m,)
        Place among the similar pairs; -1 where it is none of them.
    """

    rows: NDArray[np.int64]
    partners: NDArray[np.int64]
    kind: NDArray[np.uint8]
    containment: NDArray[np.float64]
    pair: NDArray[np.int64]


def name_partners(
    evidence: Evidence, roles: NDArray[np.uint8], leaks: Leaks, into: int
) -> Partners:
    """Find for each leaking record the partner that shows it best."""
    equal, similar = evidence.equal, evidence.similar
    size = len(equal.unique)
    by_rank = np.argsort(evidence.id_rank)
    theirs = by_rank[roles[by_rank] == into]
    none = len(roles)
    first = np.full(2 * size, none)
    np.minimum.at(first, equal.exact[theirs], evidence.id_rank[theirs])
    first_of_either = np.minimum(first[::2], first[1::2])

    best, containment, found_in = np.full(size, -1), np.zeros(size), np.full(size, -1)
    one = np.concatenate([similar.pairs[:, 0], similar.pairs[:, 1]])
    other = np.concatenate([similar.pairs[:, 1], similar.pairs[:, 0]])
    shared = np.concatenate([similar.containment, similar.containment])
    place = np.tile(np.arange(len(similar.pairs)), 2)
    held = first_of_either[other] < none
    one, other, shared, place = one[held], other[held], shared[held], place[held]
    order = np.lexsort((-other, shared, one))
    one, other, shared, place = one[order], other[order], shared[order], place[order]
    # Of equal indices, numpy keeps the last.
    best[one], containment[one], found_in[one] = other, shared, place

    rows, partners, kinds, parts, pairs = [], [], [], [], []
    for kind in (EXACT, REVERSE, NEAR):
        mine = np.flatnonzero(leaks.kind == kind)
        member = equal.member[mine]
        rank = {
            EXACT: first[equal.exact[mine]],
            REVERSE: first_of_either[member],
            NEAR: first_of_either[best[member]],
        }[kind]
        rows.append(mine)
        partners.append(by_rank[rank])
        kinds.append(np.full(len(mine), kind, np.uint8))
        parts.append(containment[member] if kind == NEAR else np.ones(len(mine)))
        pairs.append(found_in[member] if kind == NEAR else np.full(len(mine), -1))
    if evidence.intervals is not None:
        mine = np.flatnonzero(leaks.overlap)
        found, bases = find_partners(evidence.intervals, mine, theirs)
        spans = evidence.intervals.ends - evidence.intervals.starts
        rows.append(mine)
        partners.append(found)
        kinds.append(np.full(len(mine), OVERLAP, np.uint8))
        parts.append(bases / np.minimum(spans[mine], spans[found]))
        pairs.append(np.full(len(mine), -1))
    return Partners(*(np.concatenate(column) for column in (rows, partners, kinds, parts, pairs)))
