"""Fitting on the training cells of a fold: which genes, and their means and spreads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import ExpressionEncode
from bioseq_dl.encode.transform import Steps, Transform
from bioseq_dl.encode.variable_genes import choose_genes, score_dispersion
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix, Rows, read_rows


@dataclass(frozen=True, eq=False)
class Moments:
    """Of each gene over some cells, missing values left out.

    Parameters
    ----------
    known : ndarray of int64 (genes,)
        Cells with a value, 0 included.
    expressed : ndarray of int64 (genes,)
        Cells with a value other than 0.
    mean, variance : ndarray of float64 (genes,)
        After `Steps`; variance with n - 1, 0 of a single cell.
    mean_unlogged, variance_unlogged : ndarray of float64 (genes,), optional
        Before the logarithm.
    """

    known: NDArray[np.int64]
    expressed: NDArray[np.int64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    mean_unlogged: NDArray[np.float64] | None
    variance_unlogged: NDArray[np.float64] | None


def plan_steps(encode: ExpressionEncode, values: str) -> Steps:
    """Say what is done with each cell.

    Parameters
    ----------
    encode : ExpressionEncode
    values : str
        ``counts``, ``normalised`` or ``logged``.

    Raises
    ------
    InputError
        Where logged values would be logged, or scaled to a sum.
    """
    for name, asked, why in (
        ("log", encode.log, "a second logarithm"),
        ("normalise", encode.normalise, "a sum of logarithms means nothing"),
    ):
        if asked is True and values == "logged":
            raise InputError(
                f"encode.{name} is asked of values that are logged already: {why}",
                fix=f"set encode.{name}: auto; or, where they are not logged, ingest.values",
            )
    normalise = values == "counts" if encode.normalise == "auto" else encode.normalise
    log = values != "logged" if encode.log == "auto" else encode.log
    return Steps(encode.target_sum if normalise else None, log)


def fit_transform(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    train: NDArray[np.int64],
    encode: ExpressionEncode,
) -> Transform:
    """Choose genes and measure them on training cells, in two passes over these alone.

    Parameters
    ----------
    matrix : ExpressionMatrix
        Of n cells.
    totals : ndarray of float64 (n,)
        Sum of each cell.
    train : ndarray of int64 (k,)
        Rows; no other is read.
    encode : ExpressionEncode

    Raises
    ------
    InputError
        Where no gene is left, or the values cannot be treated as asked.
    """
    steps = plan_steps(encode, matrix.values)
    dispersion = encode.variability == "dispersion" or (
        encode.variability == "auto" and matrix.values == "counts"
    )
    moments = measure_genes(matrix, totals, train, steps, unlogged=dispersion)
    missing = 1 - moments.known / len(train)
    usable = (moments.expressed >= encode.min_cells) & (missing <= encode.max_missing)
    usable &= moments.known > 0
    if not usable.any():
        raise InputError(
            f"no gene is left: none has a value other than 0 in {encode.min_cells} of the "
            f"{len(train)} training cells",
            position="key encode.min_cells",
            found=encode.min_cells,
            fix="lower encode.min_cells or raise encode.max_missing",
        )
    # By name, so that genes of equal score are the same ones in whatever order they come.
    genes = np.array(sorted(np.flatnonzero(usable).tolist(), key=lambda place: matrix.genes[place]))
    if encode.variable_genes is not None and encode.variable_genes < len(genes):
        scores = moments.variance[genes]
        if moments.mean_unlogged is not None and moments.variance_unlogged is not None:
            scores = score_dispersion(
                moments.mean_unlogged[genes], moments.variance_unlogged[genes]
            )
        genes = genes[choose_genes(scores, encode.variable_genes)]
    genes = np.sort(genes)
    sd = np.sqrt(moments.variance[genes])
    return Transform(
        genes=tuple(matrix.genes[place] for place in genes.tolist()),
        mean=moments.mean[genes],
        sd=np.where(sd > 0, sd, 1.0),
        steps=steps,
        scale=encode.scale,
        clip=encode.clip,
        values=matrix.values,
        cells=len(train),
    )


def measure_genes(
    matrix: ExpressionMatrix,
    totals: NDArray[np.float64],
    rows: NDArray[np.int64],
    steps: Steps,
    *,
    unlogged: bool,
) -> Moments:
    """Measure each gene over some cells, a part of them at a time.

    Parameters
    ----------
    matrix : ExpressionMatrix
    totals : ndarray of float64 (n,)
    rows : ndarray of int64 (k,)
    steps : Steps
    unlogged : bool
        Measure values before the logarithm too.

    Raises
    ------
    InputError
        Where a value is too low for a logarithm, or for a dispersion.
    """
    count = len(matrix.genes)
    gone, expressed = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sums = np.zeros((2 if unlogged else 1, count))

    logged = steps.log or matrix.values == "logged"

    def change(of: NDArray[np.int64], part: Rows) -> list[NDArray[np.float64]]:
        changed = steps.apply(part.data, part.owners, totals[of]).astype(np.float64)
        if not unlogged:
            return [changed]
        return [changed, np.expm1(changed) if logged else changed]

    for of, part in read_rows(matrix, rows):
        known = ~np.isnan(part.data)
        if steps.log and (part.data[known] <= -1).any():
            raise InputError(
                "a logarithm of 1 + value is asked of values of -1 or less",
                found=f"{part.data[known].min():g}",
                fix="set encode.log: false, or ingest.values: logged",
            )
        if unlogged and (part.data[known] < 0).any():
            raise InputError(
                "dispersion is asked of negative values",
                found=f"{part.data[known].min():g}",
                fix="set encode.variability: variance",
            )
        gone += np.bincount(part.indices[~known], minlength=count)
        expressed += np.bincount(part.indices[known], minlength=count)
        for place, data in enumerate(change(of, part)):
            sums[place] += np.bincount(part.indices[known], data[known], count)
    kept = len(rows) - gone
    means = sums / np.maximum(kept, 1)
    squares = np.zeros_like(sums)
    # A second pass: sums of squares alone lose the variance of a gene with a large mean.
    for of, part in read_rows(matrix, rows):
        known = ~np.isnan(part.data)
        indices = part.indices[known]
        for place, data in enumerate(change(of, part)):
            away = (data[known] - means[place][indices]) ** 2
            squares[place] += np.bincount(indices, away, count)
    squares += (kept - expressed) * means**2
    variances = squares / np.maximum(kept - 1, 1)
    return Moments(
        known=kept,
        expressed=expressed,
        mean=means[0],
        variance=variances[0],
        mean_unlogged=means[1] if unlogged else None,
        variance_unlogged=variances[1] if unlogged else None,
    )
