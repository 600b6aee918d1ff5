"""Mutants of many references on one strand, in groups that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioseq_dl.perturb.changes import Changes
from bioseq_dl.perturb.cost import bucket_widths, is_worth_tiles, tile_batch
from bioseq_dl.perturb.kmers import margin, sum_kmers
from bioseq_dl.perturb.local import KeptStage, recompute
from bioseq_dl.perturb.places import Step, follow
from bioseq_dl.perturb.plan import Plan
from bioseq_dl.perturb.rows import encode_rows
from bioseq_dl.perturb.tail import KeptTail, join_kept, read_tail, read_tiles
from bioseq_dl.perturb.trunk import count_kept, find_spans, make_kept, read_trunk

_KEPT_BYTES = {"cpu": 1 << 22, "cuda": 1 << 32}
"""Memory for what is kept of a group of references; on a CPU about what its caches hold."""


@dataclass(frozen=True)
class Batches:
    """How many are computed at once."""

    windows: int
    """Whole windows."""
    tiles: int
    """Mutants that differ in one letter; of wider changes fewer."""


@dataclass(frozen=True, eq=False)
class KeptGroup:
    """What is kept of some references."""

    stages: list[KeptStage]
    tail: KeptTail
    terms: Tensor | None


@dataclass(frozen=True, eq=False)
class Bucket:
    """Mutants of one changed width within a group, by start and then reference."""

    mutants: NDArray[np.int64]
    which: NDArray[np.int64]
    """Their references within the group."""
    firsts: NDArray[np.int64]
    width: int
    steps: list[Step]


def score_strand(
    plan: Plan, batches: Batches, changes: Changes
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score references and mutants as the network reads them from left to right.

    Returns
    -------
    float32 (w, outputs), float32 (m, outputs)
    """
    length = changes.references.shape[1]
    outputs = plan.targets * plan.classes
    references = np.empty((len(changes.references), outputs), np.float32)
    mutants = np.empty((len(changes.rows), outputs), np.float32)
    buckets = bucket_widths(changes.ends - changes.starts, length)
    for width in np.unique(buckets):
        if not is_worth_tiles(plan, length, int(width)):
            buckets[buckets == width] = 0
    for rows, group in make_groups(plan, batches, changes, buckets):
        kept, references[rows] = read_references(plan, batches, changes, rows, group)
        for bucket in group:
            assert kept is not None
            size = tile_batch(plan, length, bucket.width, batches.tiles, batches.windows)
            for first in range(0, len(bucket.mutants), size):
                part = slice(first, first + size)
                found = read_mutants(plan, changes, kept, bucket, part)
                mutants[bucket.mutants[part]] = found.cpu().numpy()
    whole = np.flatnonzero(buckets == 0)
    for first in range(0, len(whole), batches.windows):
        chosen = whole[first : first + batches.windows]
        _, new = changes.read(chosen, np.zeros(len(chosen), np.int64), length)
        codes = torch.from_numpy(new).to(plan.device)
        found = read_tail(plan, read_trunk(plan, codes))[0]
        terms = sum_kmers(plan.kmers, codes)
        mutants[chosen] = (found if terms is None else found + terms).cpu().numpy()
    return references, mutants


def make_groups(
    plan: Plan, batches: Batches, changes: Changes, buckets: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], list[Bucket]]]:
    """Give references, and their mutants that are worth tiles, in groups of bounded memory.

    References whose widest change is alike come together: of those with single-letter changes
    alone, little has to be kept.
    """
    length = changes.references.shape[1]
    positions = max(length, plan.shortest)
    widest = np.zeros(len(changes.references), np.int64)
    np.maximum.at(widest, changes.rows, buckets)
    budget = _KEPT_BYTES.get(plan.device.type, _KEPT_BYTES["cpu"])
    tiled = np.flatnonzero(buckets)
    for value in np.unique(widest):
        members = np.flatnonzero(widest == value)
        ours = tiled[widest[changes.rows[tiled]] == value]
        made = _make_buckets(plan, changes, buckets, ours, members, length, positions)
        size = len(members)
        if made:
            spans = find_spans([bucket.steps for bucket in made])
            # No more references than fill a batch of mutants: the less is kept, the better it
            # stays in the processor's cache.
            size = batches.tiles * len(members) // len(ours)
            size = min(size, budget // max(1, count_kept(plan, spans, length)))
            size = max(1, size // batches.windows) * batches.windows
        places = np.searchsorted(members, changes.rows[ours])
        for first in range(0, len(members), size):
            chosen = members[first : first + size]
            inside = ours[(places >= first) & (places < first + size)]
            yield chosen, _make_buckets(plan, changes, buckets, inside, chosen, length, positions)


def _make_buckets(
    plan: Plan,
    changes: Changes,
    buckets: NDArray[np.int64],
    mutants: NDArray[np.int64],
    references: NDArray[np.int64],
    length: int,
    positions: int,
) -> list[Bucket]:
    made = []
    for width in np.unique(buckets[mutants]):
        ours = mutants[buckets[mutants] == width]
        firsts = np.minimum(changes.starts[ours], length - width)
        which = np.searchsorted(references, changes.rows[ours])
        order = np.lexsort((which, firsts))
        firsts = firsts[order]
        steps = follow(plan.stages, positions, firsts, int(width))
        made.append(Bucket(ours[order], which[order], firsts, int(width), steps))
    return made


def read_references(
    plan: Plan,
    batches: Batches,
    changes: Changes,
    rows: NDArray[np.int64],
    group: Sequence[Bucket],
) -> tuple[KeptGroup | None, NDArray[np.float32]]:
    """Score a group of references, and keep what their mutants need."""
    stages: list[KeptStage] = []
    if group:
        stages = make_kept(plan, find_spans([bucket.steps for bucket in group]), len(rows))
    tails, outputs, terms = [], [], []
    for first in range(0, len(rows), batches.windows):
        chosen = rows[first : first + batches.windows]
        codes = torch.from_numpy(changes.references[chosen]).to(plan.device)
        found, tail = read_tail(plan, read_trunk(plan, codes, stages, first))
        extra = sum_kmers(plan.kmers, codes)
        if extra is not None:
            found = found + extra
            terms.append(extra)
        outputs.append(found.cpu().numpy())
        if group:
            tails.append(tail)
    if not group:
        return None, np.concatenate(outputs)
    kept = KeptGroup(stages, join_kept(tails), torch.cat(terms) if terms else None)
    return kept, np.concatenate(outputs)


def read_mutants(
    plan: Plan, changes: Changes, kept: KeptGroup, bucket: Bucket, part: slice
) -> Tensor:
    """Score some mutants of a bucket: float32 (n, outputs)."""
    mutants, which, firsts = bucket.mutants[part], bucket.which[part], bucket.firsts[part]
    steps = [step.take(part) for step in bucket.steps]
    old, new = changes.read(mutants, firsts, bucket.width)
    both = torch.from_numpy(np.stack([old, new])).to(plan.device)
    delta = encode_rows(both[1], plan) - encode_rows(both[0], plan)
    rows = recompute(plan.stages, steps, kept.stages, which, delta)
    found = read_tiles(plan, kept.tail, which, steps[-1].written, rows)
    if kept.terms is None:
        return found
    around = margin(plan.kmers)
    starts = firsts - around
    old, new = changes.read(mutants, starts, bucket.width + 2 * around)
    change = None
    for letters, sign in ((new, 1), (old, -1)):
        terms = sum_kmers(plan.kmers, torch.from_numpy(letters).to(plan.device), starts)
        assert terms is not None
        change = terms * sign if change is None else change + terms * sign
    assert change is not None
    return found + (kept.terms[torch.from_numpy(which).to(plan.device)] + change)
