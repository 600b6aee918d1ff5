"""The leakage audit: what stands in two roles of a fold, and the policy that takes it out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Audit
from bioseq_dl.data.audit_result import (
    AuditResult,
    Conflicts,
    Cost,
    Dropped,
    LeakCount,
    Leaking,
    Repeated,
)
from bioseq_dl.data.composition import describe_roles
from bioseq_dl.data.duplicates import EqualSequences, find_conflicts, number_equal
from bioseq_dl.data.leak_pairs import list_pairs
from bioseq_dl.data.leaks import (
    BETWEEN,
    KINDS,
    NO_LEAK,
    OVERLAP,
    Evidence,
    count_pairs,
    find_leaks,
    label_roles,
)
from bioseq_dl.data.overlaps import read_intervals
from bioseq_dl.data.searches import SEARCHES
from bioseq_dl.data.sequences import read_sequences
from bioseq_dl.data.similarity import Similar, no_pairs
from bioseq_dl.data.tables import (
    DROP,
    TEST,
    TRAIN,
    VAL,
    as_table,
    read_labels,
    read_roles,
    sort_ids,
    write_roles,
)
from bioseq_dl.encode.examples import ROLES
from bioseq_dl.errors import InputError
from bioseq_dl.provenance import peak_memory_bytes

_MOST_ROUNDS = 10


def audit_folds(
    records: Any,
    folds: pa.Table,
    audit: Audit,
    removed: Mapping[tuple[int, str, str], int] | None = None,
    threads: int = 1,
) -> AuditResult:
    """Find what stands in two roles of a fold, and apply the policy ``drop``.

    ``drop`` takes records out of val that leak into test, then out of train those that leak
    into test or (unless ``protect: test``) the remaining val; never out of test. It searches
    again until nothing new is found. The policy ``fail`` is left to
    `bioseq_dl.data.audit_result.refuse_leaks`.

    Parameters
    ----------
    records : table or data frame
        `id` and `sequence`; optional ``target:<name>``, `chrom`, `start`, `end`, `strand`.
    folds : pyarrow.Table
        As of `bioseq_dl.data.splits.assign_folds`, in the records' order.
    audit : Audit
    removed : mapping, optional
        (fold, role, reason): records that were dropped before.
    threads : int
        They change the time only.

    Returns
    -------
    AuditResult

    Raises
    ------
    InputError
        Where records and folds do not hold the same ids in the same order.
    """
    started = time.perf_counter()
    table = as_table(records, audit.column)
    if not table["id"].cast(pa.string()).equals(folds["id"].cast(pa.string())):
        raise InputError(
            "records and folds do not hold the same ids in the same order",
            fix="run split again on these records",
        )
    found = read_roles(folds)
    sequences = read_sequences(table[audit.column])
    id_rank = np.empty(len(sequences), np.int64)
    id_rank[sort_ids(table)] = np.arange(len(sequences))
    equal = number_equal(sequences, audit.both_strands)
    intervals = read_intervals(table, audit.both_strands) if audit.overlaps else None

    similar, rounds = no_pairs(), 0
    if audit.near_duplicates:
        similar, rounds = _search(equal, found, audit, similar, 0, threads), 1
    evidence = Evidence(equal, similar, intervals, id_rank)
    after, dropped = found, dict(removed or {})
    while audit.policy == "drop":
        before, after = after, _drop_leaks(evidence, after, dropped, audit)
        if not audit.near_duplicates or similar.complete or rounds >= _MOST_ROUNDS:
            break
        if rounds > 1 and np.array_equal(before, after):
            break
        similar = _search(equal, after, audit, similar, rounds, threads)
        rounds += 1
        evidence = Evidence(equal, similar, intervals, id_rank)

    names, labels = read_labels(table)
    conflict = find_conflicts(equal.member, labels)
    return AuditResult(
        folds=write_roles(folds["id"], after),
        audit=audit,
        counts=_count_leaks(evidence, found),
        leaking=_sum_leaks(evidence, found, after),
        repeated=_count_repeats(equal.exact, equal.member, found),
        conflicts=Conflicts(len(np.unique(equal.member[conflict])), int(conflict.sum())),
        dropped=tuple(Dropped(*key, records=n) for key, n in sorted(dropped.items())),
        roles=describe_roles(names, labels, after),
        pairs=list_pairs(evidence, found, table["id"], sequences, audit),
        cost=Cost(
            seconds=round(time.perf_counter() - started, 3),
            peak_memory_bytes=peak_memory_bytes(),
            records=len(sequences),
            bases=len(sequences.letters),
            candidates=similar.compared,
            similar_pairs=len(similar.pairs),
            rounds=rounds,
            program=similar.program,
        ),
    )


def _search(
    equal: EqualSequences,
    roles: NDArray[np.uint8],
    audit: Audit,
    known: Similar,
    salt: int,
    threads: int,
) -> Similar:
    labels = [label_roles(equal.member, len(equal.unique), row) for row in roles]
    find = SEARCHES[audit.near_search].find
    return find(equal.unique, labels, audit, known, salt, threads)


def _count_leaks(evidence: Evidence, roles: NDArray[np.uint8]) -> tuple[LeakCount, ...]:
    counts = []
    for fold, row in enumerate(roles):
        for of, into in BETWEEN:
            leaks = find_leaks(evidence, row, of, into)
            by_kind = np.bincount(leaks.kind, minlength=NO_LEAK)
            by_kind[OVERLAP] = leaks.overlap.sum()
            pairs = count_pairs(evidence, row, of, into)
            counts += [
                LeakCount(fold, ROLES[of], ROLES[into], kind, pairs[place], int(by_kind[place]))
                for place, kind in enumerate(KINDS)
            ]
    return tuple(counts)


def _drop_leaks(
    evidence: Evidence,
    roles: NDArray[np.uint8],
    dropped: dict[tuple[int, str, str], int],
    audit: Audit,
) -> NDArray[np.uint8]:
    """Give the roles without leaks, and add to `dropped`."""
    after = roles.copy()
    of_train = (TEST,) if audit.protect == "test" else (TEST, VAL)
    for fold, row in enumerate(after):
        for role, protected in ((VAL, (TEST,)), (TRAIN, of_train)):
            kind = np.full(len(row), NO_LEAK)
            for into in protected:
                leaks = find_leaks(evidence, row, role, into)
                kind = np.minimum(kind, leaks.kind)
                kind = np.where((kind == NO_LEAK) & leaks.overlap, OVERLAP, kind)
            for place, name in enumerate(KINDS):
                if count := int((kind == place).sum()):
                    key = (fold, ROLES[role], name)
                    dropped[key] = dropped.get(key, 0) + count
            row[kind < NO_LEAK] = DROP
    return after


def _sum_leaks(
    evidence: Evidence, found: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[Leaking, ...]:
    rows = []
    for fold, both in enumerate(zip(found, after, strict=True)):
        for role, others in ((TEST, (TRAIN, VAL)), (VAL, (TRAIN,))):
            leaking, remaining = (
                int(np.any([find_leaks(evidence, row, role, into).any for into in others], 0).sum())
                for row in both
            )
            records = int((both[0] == role).sum())
            rows.append(Leaking(fold, ROLES[role], records, leaking, remaining))
    return tuple(rows)


def _count_repeats(
    exact: NDArray[np.int64], member: NDArray[np.int64], roles: NDArray[np.uint8]
) -> tuple[Repeated, ...]:
    rows = []
    for fold, row in enumerate(roles):
        for role in (TRAIN, VAL, TEST):
            mine = row == role
            different, either = len(np.unique(exact[mine])), len(np.unique(member[mine]))
            rows.append(
                Repeated(fold, ROLES[role], int(mine.sum()) - different, different - either)
            )
    return tuple(rows)
