"""Candidate pairs: sequences that fall into one bucket of equal minimizers.

As in linclust (Steinegger & Söding 2018, Nat Commun 9:2542), each member of a bucket is
paired with a few representatives of it, so that the cost grows with the number of
sequences and not with its square.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.data.kmers import CHUNK_BASES, count_windows, find_minimizers, mix_bits, sort_unique
from bioseq_dl.data.sequences import Sequences, iterate_chunks
from bioseq_dl.encode.alphabet import DNA, Alphabet

_INDEX_ROWS = 40_000_000
_SLAB_ROWS = 1 << 20
_LINK_BLOCK = 1 << 21
_LINKS_PER_SEQUENCE = 32
_LEAST_LINKS = 1_000_000
_LARGEST_WINDOW = 10
_REPRESENTATIVES = (256, 64, 16, 8, 4, 2)
_CROWDED = 16


@dataclass(frozen=True, eq=False)
class Labels:
    """What must differ between two sequences for their pair to matter.

    Parameters
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Labels of sequence i are ``values[starts[i]:starts[i + 1]]``: none, one, or several
        (a sequence that stands in two folds).
    values : ndarray of int64
    """

    starts: NDArray[np.int64]
    values: NDArray[np.int64]


def choose_window(sequences: Sequences, k: int, containment: float) -> int:
    """Choose the widest minimizer window that the threshold allows, up to 10.

    Two sequences of n k-mers that differ by substitutions and share the part c of them share
    them in at most (1 - c) n / k + 1 runs, as a gap between runs costs k or more k-mers; so
    the longest run has c n / ((1 - c) n / k + 1) or more, and a window of that length
    makes them share a minimizer. n is taken from the shorter sequences (their tenth
    percentile).
    """
    counts = count_windows(sequences, k)
    counts = counts[counts > 0]
    if len(counts) == 0:
        return 1
    n = float(np.quantile(counts, 0.1, method="lower"))
    longest_run = containment * n / ((1 - containment) * n / k + 1)
    return int(np.clip(int(longest_run), 1, min(k, _LARGEST_WINDOW)))


def find_candidates(
    sequences: Sequences,
    labelings: Iterable[Labels],
    *,
    k: int,
    both_strands: bool,
    containment: float,
    salt: int = 0,
    alphabet: Alphabet = DNA,
) -> tuple[NDArray[np.uint64], bool]:
    """Pair sequences that share a minimizer and differ in a label.

    At most about 48 pairs a sequence (or 1.5 million in all) are made; memory is bounded by
    working through the minimizers in parts.

    Parameters
    ----------
    sequences : Sequences
    labelings : iterable of Labels
        A pair is made where it differs in one of them.
    k : int
    both_strands : bool
        Use canonical k-mers.
    containment : float
        Least part of the k-mers that pairs of interest share; sets the window.
    salt : int
        Another salt draws other representatives from crowded buckets.
    alphabet : Alphabet

    Returns
    -------
    pairs : ndarray of uint64
        ``smaller index * n + larger index``; sorted, each once.
    complete : bool
        Whether these are all such pairs: no bucket was crowded, and another salt would show
        nothing new.
    """
    n = len(sequences)
    bits = _member_bits(n)
    labelings = tuple(labelings)
    window = choose_window(sequences, k, containment)
    expected = 2 * int(count_windows(sequences, k).sum()) // (window + 1)
    parts = expected // _INDEX_ROWS + 1
    limit = max(_LEAST_LINKS, _LINKS_PER_SEQUENCE * n) // parts
    found, complete = [np.empty(0, np.uint64)], True
    for part in range(parts):
        keys = _index_minimizers(sequences, k, window, both_strands, part, parts, alphabet)
        keys = _drop_lonely(keys, bits)
        for start, stop in _cut_slabs(keys, bits):
            share = limit * (stop - start) // len(keys)
            for labels in labelings:
                buckets = _fill_buckets(keys[start:stop], bits, labels, salt)
                if buckets is not None:
                    pairs, whole = _link_members(buckets, n, share)
                    found.append(pairs)
                    complete &= whole
        del keys
    return sort_unique(np.concatenate(found)), complete


def _member_bits(n: int) -> np.uint64:
    return np.uint64(max(1, (n - 1).bit_length()))


def _index_minimizers(
    sequences: Sequences,
    k: int,
    window: int,
    both_strands: bool,
    part: int,
    parts: int,
    alphabet: Alphabet,
) -> NDArray[np.uint64]:
    """Give sorted keys: a minimizer's hash in the high bits, its sequence's index in the low.

    The hash loses its low bits; should two minimizers fall together by that, the
    measurement that follows tells them apart. `parts` passes bound the memory.
    """
    bits = _member_bits(len(sequences))
    found = [np.empty(0, np.uint64)]
    for start, chunk in iterate_chunks(sequences, CHUNK_BASES):
        hashes, owners = find_minimizers(chunk, k, window, both_strands, alphabet)
        if parts > 1:
            mine = hashes % np.uint64(parts) == np.uint64(part)
            hashes, owners = hashes[mine], owners[mine]
        found.append((hashes >> bits << bits) | (owners + start).astype(np.uint64))
    keys = np.concatenate(found)
    del found
    return sort_unique(keys)


@dataclass(frozen=True, eq=False)
class _Buckets:
    """A row per member and label of every bucket with two labels or more.

    Rows of a bucket stand together, and in it those of a label (a group).
    """

    ordinal: NDArray[np.int64]
    """Bucket, counted from 0."""
    group: NDArray[np.int64]
    """Group, counted from 0 over all buckets."""
    member: NDArray[np.int64]
    label: NDArray[np.int64]
    draw: NDArray[np.uint64]
    """Random bits of the row, ascending within a group."""


def _fill_buckets(
    keys: NDArray[np.uint64], bits: np.uint64, labels: Labels, salt: int
) -> _Buckets | None:
    bucket, member, label = _expand_labels(keys, bits, labels)
    if len(bucket) == 0:
        return None
    ordinal = np.cumsum(_mark_first(bucket)) - 1
    # Which members come first differs from bucket to bucket, so that two relatives in
    # crowded buckets meet different representatives in each.
    seed = mix_bits(bucket + np.uint64(salt))
    draw = mix_bits(seed ^ member.astype(np.uint64))
    order = np.lexsort((draw, mix_bits(seed ^ label.astype(np.uint64)), ordinal))
    member, label, draw = member[order], label[order], draw[order]
    group = np.cumsum(_mark_first(ordinal) | _mark_first(label)) - 1
    return _Buckets(ordinal, group, member, label, draw)


def _link_members(buckets: _Buckets, n: int, limit: int) -> tuple[NDArray[np.uint64], bool]:
    """Pair the members of each bucket with its representatives of other labels.

    Returns
    -------
    pairs : ndarray of uint64
        As of `find_candidates`.
    complete : bool
    """
    ordinal, member, label = buckets.ordinal, buckets.member, buckets.label
    for most in _REPRESENTATIVES:
        representative = _choose_representatives(buckets, most)
        where = np.flatnonzero(representative)
        per_bucket = np.bincount(ordinal[where], minlength=ordinal[-1] + 1)
        if per_bucket[ordinal].sum() <= limit:
            break
    first = np.cumsum(per_bucket) - per_bucket
    kept = _thin_rows(buckets, per_bucket[ordinal], limit)
    rows = np.flatnonzero(kept)
    found = [np.empty(0, np.uint64)]
    links = per_bucket[ordinal[rows]]
    for start, stop in _runs(np.cumsum(links) // _LINK_BLOCK):
        count = links[start:stop]
        source = np.repeat(rows[start:stop], count)
        within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        other = where[np.repeat(first[ordinal[rows[start:stop]]], count) + within]
        keep = (label[source] != label[other]) & (member[source] != member[other])
        a, b = member[source[keep]], member[other[keep]]
        pair = np.minimum(a, b) * n + np.maximum(a, b)
        found.append(sort_unique(pair.astype(np.uint64)))
    # Members that are no representatives may all have one label: they need not meet.
    outside = ~representative
    _, one_each = np.unique(buckets.group[outside], return_index=True)
    incomplete = ordinal[outside][one_each]
    complete = bool(kept.all()) and len(np.unique(incomplete)) == len(incomplete)
    return sort_unique(np.concatenate(found)), complete


def _drop_lonely(keys: NDArray[np.uint64], bits: np.uint64) -> NDArray[np.uint64]:
    """Keep the keys of buckets with two or more members."""
    same = (keys[1:] ^ keys[:-1]) >> bits == 0
    keep = np.zeros(len(keys), np.bool_)
    keep[1:] |= same
    keep[:-1] |= same
    return keys[keep]


def _cut_slabs(keys: NDArray[np.uint64], bits: np.uint64) -> Iterator[tuple[int, int]]:
    """Yield where slabs of whole buckets start and stop; they bound the memory that follows."""
    edges = np.append(np.flatnonzero(_mark_first(keys >> bits)), len(keys))
    start = 0
    while start < len(keys):
        stop = int(edges[np.searchsorted(edges, min(start + _SLAB_ROWS, len(keys)))])
        yield start, stop
        start = stop


def _expand_labels(
    keys: NDArray[np.uint64], bits: np.uint64, labels: Labels
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Give a row (bucket, member, label) per label of each member, mixed buckets only."""
    member = (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    count = labels.starts[member + 1] - labels.starts[member]
    bucket = np.repeat(keys >> bits, count)
    within = np.arange(len(bucket)) - np.repeat(np.cumsum(count) - count, count)
    label = labels.values[np.repeat(labels.starts[member], count) + within]
    member = np.repeat(member, count)
    if len(bucket) == 0:
        return bucket, member, label
    edge = np.flatnonzero(_mark_first(bucket))
    mixed = np.minimum.reduceat(label, edge) != np.maximum.reduceat(label, edge)
    keep = np.repeat(mixed, np.diff(np.append(edge, len(bucket))))
    return bucket[keep], member[keep], label[keep]


def _choose_representatives(buckets: _Buckets, most: int) -> NDArray[np.bool_]:
    """Mark some rows of each bucket, spread over its labels.

    Row r of label l (both counted from 0 within the bucket) is marked where
    (l + 1) (r + 1) <= most: `most` of one label, half as many of a second, one of each
    where there are many labels.
    """
    place = np.arange(len(buckets.group))
    row = place - _carry_first(place, buckets.group)
    label = buckets.group - _carry_first(buckets.group, buckets.ordinal)
    chosen: NDArray[np.bool_] = (label + 1) * (row + 1) <= most
    return chosen


def _thin_rows(buckets: _Buckets, links: NDArray[np.int64], limit: int) -> NDArray[np.bool_]:
    """Say which rows are linked, so that about `limit` links are made, at most 1.5 times that.

    A member of crowded buckets sits in many of them; some of its rows suffice.
    """
    crowded = np.bincount(buckets.ordinal)[buckets.ordinal] > _CROWDED
    easy, hard = int(links[~crowded].sum()), int(links[crowded].sum())
    keep_easy = min(1.0, limit / max(easy, 1))
    keep_hard = min(1.0, max(limit - easy, limit // 2) / max(hard, 1))
    part = (mix_bits(buckets.draw) >> np.uint64(11)).astype(np.float64) / 2**53
    kept: NDArray[np.bool_] = part < np.where(crowded, keep_hard, keep_easy)
    return kept


def _mark_first(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the first of each run of equal values."""
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first


def _carry_first(values: NDArray[np.int64], runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each place the value at the first place of its run; `values` must not fall."""
    carried: NDArray[np.int64] = np.maximum.accumulate(np.where(_mark_first(runs), values, 0))
    return carried


def _runs(values: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield where each run of equal values starts and stops."""
    edges = np.flatnonzero(_mark_first(values))
    return pairwise([*edges.tolist(), len(values)])
