"""Dealing records, or whole groups of them, to parts of given shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array


def deal_records(
    strata: NDArray[np.int64], shares: Sequence[float], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Deal records to parts, each stratum in proportion.

    Records are shuffled within their stratum, strata laid end to end, and each part takes
    records at even distances (systematic sampling), so that every stratum and the whole are
    divided as the shares say, to the nearest record or two.

    Parameters
    ----------
    strata : ndarray of int64, shape (n,)
    shares : sequence of float
        Of each part; add up to 1.
    generator : Generator

    Returns
    -------
    ndarray of int64, shape (n,)
        Part of each record.
    """
    rest = np.lexsort((generator.permutation(len(strata)), strata))
    parts = np.zeros(len(strata), np.int64)
    left = float(sum(shares))
    for part in range(len(shares) - 1, 0, -1):
        share = shares[part] / left if left > 0 else 0.0
        # A billionth, so that 0.1 * 5 counts as the half that it means.
        steps = np.floor(np.arange(len(rest) + 1) * share + 0.5 + 1e-9)
        taken = np.diff(steps) > 0
        parts[rest[taken]] = part
        rest = rest[~taken]
        left -= shares[part]
    return parts


def deal_groups(
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    shares: Sequence[float],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Deal whole groups to parts, balanced in size and strata.

    Groups of two or more, the largest first, go where the sum over strata (and all records)
    of squared misses, each over its stratum's size, grows least; records that are a group of
    their own then fill up what each part misses of each stratum. A part left empty takes the
    smallest group of the part with most groups. (Scikit-learn's StratifiedGroupKFold knows
    equal shares only and loops over every group, a million singletons included.)

    Parameters
    ----------
    groups : ndarray of int64, shape (n,)
        0, 1, …
    strata : ndarray of int64, shape (n,)
        0, 1, …
    shares : sequence of float
        Of each part; add up to 1.
    generator : Generator

    Returns
    -------
    ndarray of int64, shape (n,)
        Part of each record.
    """
    sizes = np.bincount(groups)
    total = np.bincount(strata).astype(np.float64)
    weights = np.append(1 / np.maximum(total, 1), 1 / len(groups))
    missing = np.outer(shares, np.append(total, len(groups)))
    part_of_group = np.zeros(len(sizes), np.int64)
    inside = sizes[groups] > 1
    table = coo_array(
        (np.ones(inside.sum()), (groups[inside], strata[inside])), shape=(len(sizes), len(total))
    ).tocsr()
    shuffled = generator.permutation(len(sizes))
    by_size = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    by_size = by_size[sizes[by_size] > 1]
    for group in by_size.tolist():
        cells = slice(table.indptr[group], table.indptr[group + 1])
        columns = np.append(table.indices[cells], len(total))
        counts = np.append(table.data[cells], sizes[group])
        part = int(np.argmax(missing[:, columns] @ (counts * weights[columns])))
        part_of_group[group] = part
        missing[part, columns] -= counts
    single = generator.permutation(np.flatnonzero(~inside))
    for stratum in range(len(total)):
        mine = single[strata[single] == stratum]
        quota = _share_out(len(mine), missing[:, stratum], missing[:, -1], shares)
        missing[:, -1] -= quota
        part_of_group[groups[mine]] = np.repeat(np.arange(len(shares)), quota)
    _fill_empty(part_of_group, sizes, shares)
    return part_of_group[groups]


def _share_out(
    count: int,
    missing: NDArray[np.float64],
    missing_in_all: NDArray[np.float64],
    shares: Sequence[float],
) -> NDArray[np.int64]:
    """Divide `count` records in proportion to what each part misses; shape (parts,).

    What rounding leaves over goes to the parts that are furthest behind in all.
    """
    wanted = np.maximum(missing, 0)
    if wanted.sum() == 0:
        wanted = np.asarray(shares, np.float64)
    quota: NDArray[np.int64] = np.floor(count * wanted / wanted.sum() + 1e-9).astype(np.int64)
    for _ in range(count - int(quota.sum())):
        behind = (missing_in_all - quota) / np.maximum(shares, 1e-12)
        quota[int(np.argmax(np.where(np.asarray(shares) > 0, behind, -np.inf)))] += 1
    return quota


def _fill_empty(
    part_of_group: NDArray[np.int64], sizes: NDArray[np.int64], shares: Sequence[float]
) -> None:
    for part, share in enumerate(shares):
        held = np.bincount(part_of_group, minlength=len(shares))
        if share > 0 and held[part] == 0 and held.max() > 1:
            giver = np.flatnonzero(part_of_group == held.argmax())
            part_of_group[giver[np.argmin(sizes[giver])]] = part
