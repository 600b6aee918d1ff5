"""A fold for every record: official, random, by chromosome, by group, or by homology."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Split, Targets
from bioseq_dl.data.allocation import deal_groups, deal_records
from bioseq_dl.data.audit import audit_folds
from bioseq_dl.data.audit_result import AuditResult
from bioseq_dl.data.composition import check_roles
from bioseq_dl.data.duplicates import mark_repeats, number_equal
from bioseq_dl.data.searches import SEARCHES
from bioseq_dl.data.sequences import read_sequences
from bioseq_dl.data.strata import build_strata
from bioseq_dl.data.tables import (
    DROP,
    TEST,
    TRAIN,
    VAL,
    as_table,
    read_codes,
    read_labels,
    read_roles,
    sort_ids,
    write_roles,
)
from bioseq_dl.encode.examples import ROLES
from bioseq_dl.errors import InputError

Groups = NDArray[np.int64]
Roles = NDArray[np.uint8]


def split_records(records: Any, split: Split, targets: Targets, threads: int = 1) -> AuditResult:
    """Assign folds, de-duplicate where asked, audit, and apply the policy ``drop``.

    The policy ``fail`` is left to `bioseq_dl.data.audit_result.refuse_leaks`, so that a caller can
    still write what was found.

    Parameters
    ----------
    records : table or data frame
        Columns of records.parquet.
    split : Split
    targets : Targets
    threads : int
        They change the time only.

    Returns
    -------
    AuditResult
        Its `folds` are split.parquet.

    Raises
    ------
    InputError
        As `assign_folds`, and where de-duplication or the policy leaves a role empty.
    """
    table = as_table(records, split.audit.column)
    folds = assign_folds(table, split, targets, threads)
    removed: dict[tuple[int, str, str], int] = {}
    if split.deduplicate:
        folds, removed = deduplicate(table, folds, split.audit.column)
    result = audit_folds(table, folds, split.audit, removed, threads)
    _check(table, read_roles(result.folds), targets)
    return result


def assign_folds(records: Any, split: Split, targets: Targets, threads: int = 1) -> pa.Table:
    """Give every record its role in every fold.

    The draws follow the order of the ids, so that the order of the records does not matter.

    Parameters
    ----------
    records : table or data frame
        Columns of records.parquet: `id`, ``target:<name>``, and what the method needs
        (`sequence`, `split`, `chrom` or `group`).
    split : Split
    targets : Targets
    threads : int
        They change the time only.

    Returns
    -------
    pyarrow.Table
        `id`, ``fold0``, … with ``train``, ``val``, ``test``; in the records' order.

    Raises
    ------
    InputError
        Where a column or value the method needs is missing, a contig is unknown, a role is
        left empty, or one has records of one class only.
    """
    needs = {
        "official": ("split",),
        "chromosome": ("chrom",),
        "group": ("group",),
        "homology": ("sequence",),
    }
    table = as_table(
        records, *(f"target:{name}" for name in targets.of_records), *needs.get(split.method, ())
    )
    order = sort_ids(table)
    ordered = table.take(pa.array(order))
    labels = _select_labels(ordered, targets)
    strata = build_strata(labels, targets, least=max(split.folds, 3))
    methods = _METHODS | {"homology": partial(_assign_clusters, threads=threads)}
    assign = _assign_named if _is_named(split) else methods[split.method]
    roles = np.empty((split.folds, len(order)), np.uint8)
    roles[:, order] = assign(ordered, split, strata)
    _check(table, roles, targets)
    return write_roles(table["id"], roles)


def deduplicate(
    records: Any, folds: pa.Table, column: str = "sequence"
) -> tuple[pa.Table, dict[tuple[int, str, str], int]]:
    """Keep one of several equal sequences of a role, none where their labels disagree.

    Equal are the same letters on the same strand. A reverse complement is left to the
    audit.

    Parameters
    ----------
    records : table or data frame
        Columns of records.parquet.
    folds : pyarrow.Table
        As of `assign_folds`.
    column : str
        What is compared.

    Returns
    -------
    folds : pyarrow.Table
        Records left out have the role ``drop``.
    removed : dict
        (fold, role, ``repeated`` or ``conflicting labels``): records left out.
    """
    table = as_table(records, column)
    _, labels = read_labels(table)
    groups = number_equal(read_sequences(table[column]), both_strands=False).member
    roles = read_roles(folds)
    removed: dict[tuple[int, str, str], int] = {}
    for fold, row in enumerate(roles):
        for role in (TRAIN, VAL, TEST):
            mine = np.flatnonzero(row == role)
            repeats, conflicts = mark_repeats(groups[mine], labels[mine])
            row[mine[repeats | conflicts]] = DROP
            removed[fold, ROLES[role], "repeated"] = int(repeats.sum())
            removed[fold, ROLES[role], "conflicting labels"] = int(conflicts.sum())
    return write_roles(folds["id"], roles), {key: n for key, n in removed.items() if n}


def _check(table: pa.Table, roles: Roles, targets: Targets) -> None:
    check_roles(_select_labels(table, targets), targets, roles)


def _select_labels(table: pa.Table, targets: Targets) -> NDArray[np.float32]:
    names = [f"target:{name}" for name in targets.of_records]
    return read_labels(table.select(names))[1]


def _assign_official(table: pa.Table, split: Split, strata: NDArray[np.int64]) -> Roles:
    codes, values = read_codes(table, "split", "split.method official")
    unknown = sorted(set(values) - set(ROLES[:3]))
    if unknown:
        row = int(np.flatnonzero(codes == values.index(unknown[0]))[0])
        raise InputError(
            "not an official fold",
            record=table["id"][row].as_py(),
            position="column split",
            found=unknown[0],
            allowed=", ".join(ROLES[:3]),
        )
    roles = np.array([ROLES.index(value) for value in values], np.uint8)[codes]
    if not (roles == VAL).any():
        _draw_val(roles, strata, None, split.val_fraction, _generator(split, 0))
    return roles[None]


def _assign_random(table: pa.Table, split: Split, strata: NDArray[np.int64]) -> Roles:  # noqa: ARG001
    return _draw_folds(split, strata, None)


def _assign_chromosomes(table: pa.Table, split: Split, strata: NDArray[np.int64]) -> Roles:
    codes, _ = read_codes(table, "chrom", "split.method chromosome")
    return _draw_folds(split, strata, codes)


def _assign_groups(table: pa.Table, split: Split, strata: NDArray[np.int64]) -> Roles:
    codes, _ = read_codes(table, "group", "split.method group")
    return _draw_folds(split, strata, codes)


def _assign_clusters(
    table: pa.Table, split: Split, strata: NDArray[np.int64], threads: int
) -> Roles:
    equal = number_equal(read_sequences(table["sequence"]), split.audit.both_strands)
    cluster = SEARCHES[split.audit.near_search].cluster
    clusters = cluster(equal.unique, split, threads)
    return _draw_folds(split, strata, clusters[equal.member])


_METHODS: dict[str, Callable[[pa.Table, Split, NDArray[np.int64]], Roles]] = {
    "official": _assign_official,
    "random": _assign_random,
    "chromosome": _assign_chromosomes,
    "group": _assign_groups,
}


def _is_named(split: Split) -> bool:
    return bool(split.test_chromosomes or split.val_chromosomes)


def _assign_named(table: pa.Table, split: Split, strata: NDArray[np.int64]) -> Roles:
    """Assign the contigs that the config names."""
    codes, values = read_codes(table, "chrom", "split.method chromosome")
    if split.folds > 1:
        raise InputError(
            "k-fold cross-validation by chromosome makes its own folds of contigs",
            position="key split.folds",
            found=split.folds,
            fix="leave out val_chromosomes and test_chromosomes, or set folds to 1",
        )
    roles = np.full(len(codes), TRAIN, np.uint8)
    for role, key in ((VAL, "val_chromosomes"), (TEST, "test_chromosomes")):
        for name in getattr(split, key):
            if name not in values:
                raise _unknown_contig(name, f"split.{key}", values)
            roles[codes == values.index(name)] = role
    if not split.val_chromosomes:
        _draw_val(roles, strata, codes, split.val_fraction, _generator(split, 0))
    return roles[None]


def _unknown_contig(name: str, key: str, values: list[str]) -> InputError:
    other = name.removeprefix("chr") if name.startswith("chr") else f"chr{name}"
    return InputError(
        "no record lies on this contig",
        position=f"key {key}",
        found=name,
        allowed=", ".join(values[:40]) + (", …" if len(values) > 40 else ""),
        fix=f"write {other}" if other in values else None,
    )


def _generator(split: Split, fold: int) -> np.random.Generator:
    return np.random.default_rng((split.seed, fold))


def _deal(
    strata: NDArray[np.int64],
    groups: Groups | None,
    shares: list[float],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    if groups is None:
        return deal_records(strata, shares, generator)
    # Numbered by first record, so that the numbers hang on the ids alone.
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return deal_groups(rank[number], strata, shares, generator)


def _draw_folds(split: Split, strata: NDArray[np.int64], groups: Groups | None) -> Roles:
    if split.folds == 1:
        shares = [1 - split.val_fraction - split.test_fraction, split.val_fraction]
        shares.append(split.test_fraction)
        return _deal(strata, groups, shares, _generator(split, 0)).astype(np.uint8)[None]
    if split.val_fraction + 1 / split.folds >= 1:
        raise InputError(
            "val_fraction and a test fold of 1/folds leave nothing to train on",
            position="key split.val_fraction",
            found=split.val_fraction,
            fix="lower val_fraction or raise folds",
        )
    units = len(strata) if groups is None else len(np.unique(groups))
    if split.folds > units:
        raise InputError(
            f"more folds than {'records' if groups is None else 'groups, contigs or clusters'}",
            position="key split.folds",
            found=split.folds,
            allowed=f"2 to {units}",
        )
    parts = _deal(strata, groups, [1 / split.folds] * split.folds, _generator(split, 0))
    roles = np.full((split.folds, len(strata)), TRAIN, np.uint8)
    for fold, row in enumerate(roles):
        row[parts == fold] = TEST
        share = split.val_fraction / (1 - 1 / split.folds)
        _draw_val(row, strata, groups, share, _generator(split, fold + 1))
    return roles


def _draw_val(
    roles: NDArray[np.uint8],
    strata: NDArray[np.int64],
    groups: Groups | None,
    share: float,
    generator: np.random.Generator,
) -> None:
    """Turn a share of the training records into validation records, in place."""
    train = np.flatnonzero(roles == TRAIN)
    if len(train) == 0:
        return
    mine = None if groups is None else groups[train]
    part = _deal(strata[train], mine, [1 - share, share], generator)
    roles[train[part == 1]] = VAL
