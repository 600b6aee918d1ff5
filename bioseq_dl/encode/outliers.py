"""Cells that cannot be: what an anomaly score should tell from real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.cells import CellExamples

KINDS = ("doublet", "shuffled")
"""Two cells of different classes in one droplet; a cell whose values stand at other genes."""
_MOST = 1000


@dataclass(frozen=True, eq=False)
class Outliers:
    """Made of real cells, as a fold's network reads cells.

    Parameters
    ----------
    values : ndarray of float32 (n, genes)
        Scaled.
    counts : ndarray of float32 (n, genes), optional
        Where the cells have counts.
    totals : ndarray of float32 (n,), optional
        Sum of each, likewise.
    """

    values: NDArray[np.float32]
    counts: NDArray[np.float32] | None
    totals: NDArray[np.float32] | None


def make_outliers(
    examples: CellExamples, rows: NDArray[np.int64], seed: int
) -> dict[str, Outliers]:
    """Spike outliers made of some cells: one of each kind per cell, of at most 1,000 drawn cells.

    A doublet adds up the counts of two cells whose labels differ (of any two, where labels are no
    classes); of values that are no counts it is their mean, taken before the logarithm. A
    shuffled cell has its own values at genes drawn by chance: as many, as large, no program.

    Parameters
    ----------
    examples : CellExamples
        As its fold reads them.
    rows : ndarray of int64
        Cells to make them of, such as those of test.
    seed : int

    Returns
    -------
    dict of str to Outliers
        By kind; a kind for which no two cells differ is left out.
    """
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.permutation(rows)[:_MOST])
    found = {}
    if (partners := _draw_partners(examples, chosen, draw)) is not None:
        found["doublet"] = _join(examples, chosen, partners)
    if len(chosen):
        found["shuffled"] = _shuffle(examples, chosen, draw)
    return found


def _draw_partners(
    examples: CellExamples, rows: NDArray[np.int64], draw: np.random.Generator
) -> NDArray[np.int64] | None:
    """Give each cell another one of another class; None where there is none."""
    if len(rows) < 2:
        return None
    if examples.spec.kind == "regression":
        return np.asarray(np.roll(rows, 1))
    labels = np.nan_to_num(np.asarray(examples.targets[rows, 0]), nan=-1)
    if (labels == labels[0]).all():
        return None
    partners = np.empty_like(rows)
    for label in np.unique(labels):
        of = labels == label
        partners[of] = draw.choice(rows[~of], int(of.sum()))
    return partners


def _join(examples: CellExamples, first: NDArray[np.int64], second: NDArray[np.int64]) -> Outliers:
    transform, fold = examples.transform, examples.fold
    steps = transform.steps
    one, other = (examples.gather_plain(rows, fold) for rows in (first, second))
    totals = [np.asarray(examples.totals[rows], np.float64)[:, None] for rows in (first, second)]
    # Each half counts by its share of the droplet's molecules, where there are any.
    share = totals[0] / np.maximum(totals[0] + totals[1], np.finfo(float).tiny)
    if examples.counts is None:
        share = np.full_like(share, 0.5)
    # Values that came as logarithms are taken for natural ones of 1 + value.
    logged = steps.log or transform.values == "logged"
    if logged:
        one, other = np.expm1(one), np.expm1(other)
    mixed = share * one + (1 - share) * other
    mixed = np.log1p(mixed) if logged else mixed
    values = transform.finish(mixed.astype(np.float32))
    if examples.counts is None:
        return Outliers(values, None, None)
    counts = examples.gather_counts(first, fold) + examples.gather_counts(second, fold)
    return Outliers(values, counts, (totals[0] + totals[1])[:, 0].astype(np.float32))


def _shuffle(
    examples: CellExamples, rows: NDArray[np.int64], draw: np.random.Generator
) -> Outliers:
    transform, fold = examples.transform, examples.fold
    plain = examples.gather_plain(rows, fold)
    order = draw.permuted(np.tile(np.arange(plain.shape[1]), (len(rows), 1)), axis=1)
    values = transform.finish(np.take_along_axis(plain, order, axis=1))
    if examples.counts is None:
        return Outliers(values, None, None)
    counts = np.take_along_axis(examples.gather_counts(rows, fold), order, axis=1)
    return Outliers(values, counts, np.asarray(examples.totals[rows], np.float32))
