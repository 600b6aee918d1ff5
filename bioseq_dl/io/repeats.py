"""Measurements of one variant put together: replicates averaged, repeats rejected, weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Targets, VariantTable
from bioseq_dl.errors import InputError
from bioseq_dl.io.records import Reject

REPEATED = "repeats an earlier variant"


class Measured(NamedTuple):
    """Records of all tables, one a measurement.

    Parameters
    ----------
    records : pa.Table
        In the columns of `record_schema`; n rows.
    numbers : ndarray of float32 (n,)
        Errors or weights; NaN where missing.
    replicates : sequence of str (n,)
        Name of each row's replicate; empty without.
    tables : sequence of VariantTable
        Where they came from.
    """

    records: pa.Table
    numbers: NDArray[np.float32]
    replicates: Sequence[str]
    tables: Sequence[VariantTable]


class Merged(NamedTuple):
    """Records, one a variant.

    Parameters
    ----------
    records : pa.Table
        k rows.
    weights : ndarray of float32 (k,), optional
        Of mean 1; None where no table has errors, weights or replicates.
    kept : ndarray of int64 (k,)
        Row of the measurements that each record is, or is the first of.
    rejects : list of Reject
        Repeats.
    notes : list of str
        What the reader should know.
    """

    records: pa.Table
    weights: NDArray[np.float32] | None
    kept: NDArray[np.int64]
    rejects: list[Reject]
    notes: list[str]


def merge_repeats(
    measured: Measured,
    repeats: Literal["reject", "mean"],
    targets: Targets,
    places: NDArray[np.int64],
) -> Merged:
    """Make one record of each variant.

    Rows of equal sequence and different replicates become their mean; of rows of equal
    sequence and replicate the first stays, or their mean, as `repeats` says. A mean of n rows
    has the error sqrt(sum of squared errors) / n, or the sum of their weights, or, without
    either, the weight n.

    Parameters
    ----------
    measured : Measured
    repeats : {"reject", "mean"}
    targets : Targets
    places : ndarray of int64 (n,)
        Row of each measurement in its table, for messages.

    Raises
    ------
    InputError
        Where rows that are averaged have different official folds or groups, or labels are
        classes, which have no mean.
    """
    records = measured.records
    group = records.column("sequence").combine_chunks().dictionary_encode().indices.to_numpy()
    first: dict[tuple[int, str], int] = {}
    rejects: list[Reject] = []
    chosen: list[int] = []
    ids, sources = (records.column(name).to_pylist() for name in ("id", "source"))
    for row, key in enumerate(zip(group.tolist(), measured.replicates, strict=True)):
        if first.setdefault(key, row) == row or repeats == "mean":
            chosen.append(row)
            continue
        found = f"the sequence of {ids[first[key]]}"
        rejects.append(Reject(sources[row], ids[row], f"row {places[row]}", REPEATED, found))
    rows = np.array(chosen, np.int64)
    kept, member, counts = np.unique(
        group[rows], return_index=True, return_inverse=True, return_counts=True
    )[1:]
    order = np.argsort(kept, kind="stable")  # by first appearance
    rank = np.argsort(order)
    member, kept, counts = rank[member], rows[kept[order]], counts[order]
    table = records.take(pa.array(kept))
    if (counts > 1).any():
        _check_agreement(records, rows, member, kept)
        table = _average(table, records, rows, member, targets)
    weights = _weigh(measured, rows, member, counts)
    notes = []
    if averaged := int((counts > 1).sum()):
        notes.append(f"{averaged:,} variants are means of {int(counts[counts > 1].sum()):,} rows")
    return Merged(table, weights, kept, rejects, notes)


def _check_agreement(
    records: pa.Table,
    rows: NDArray[np.int64],
    member: NDArray[np.int64],
    kept: NDArray[np.int64],
) -> None:
    ids = records.column("id")
    for name in ("split", "group"):
        values = np.array(records.column(name).to_pylist(), object)
        other = np.flatnonzero(values[rows] != values[kept][member])
        if len(other):
            row = int(rows[other[0]])
            raise InputError(
                f"rows of one variant are in two {name}s",
                record=str(ids[row].as_py()),
                found=values[row],
                allowed=f"{values[kept[member[other[0]]]]}, as of {ids[kept[member[other[0]]]]}",
            )


def _average(
    table: pa.Table,
    records: pa.Table,
    rows: NDArray[np.int64],
    member: NDArray[np.int64],
    targets: Targets,
) -> pa.Table:
    if targets.kind != "regression":
        raise InputError(
            "classes of replicates have no mean",
            found=targets.kind,
            fix="set ingest.repeats: reject and leave out replicate_column",
        )
    for name in targets.names:
        column = f"target:{name}"
        values = records.column(column).to_numpy().astype(np.float64)[rows]
        known = ~np.isnan(values)
        count = np.bincount(member[known], minlength=table.num_rows)
        total = np.bincount(member[known], values[known], minlength=table.num_rows)
        mean = (total / np.maximum(count, 1)).astype(np.float32)
        place = table.schema.get_field_index(column)
        array = pa.array(mean, pa.float32(), mask=count == 0)
        table = table.set_column(place, table.schema.field(place), array)
    return table


def _weigh(
    measured: Measured,
    rows: NDArray[np.int64],
    member: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> NDArray[np.float32] | None:
    """Give each record's weight, of mean 1.

    With errors 1 / (error² + median error²): the second term stands for what differs between
    variants beside the noise, and keeps a lucky small error from outweighing all.
    """
    with_errors = any(entry.error_column is not None for entry in measured.tables)
    with_weights = any(entry.weight_column is not None for entry in measured.tables)
    if with_errors and with_weights:
        raise InputError(
            "one table has an error_column, another a weight_column",
            fix="use one of them for all tables",
        )
    weights: NDArray[Any]
    numbers = measured.numbers[rows].astype(np.float64)
    known = ~np.isnan(numbers)
    if with_errors or with_weights:
        if not known.any():
            raise InputError("no row has an error or weight", fix="leave the column out")
        numbers[~known] = np.median(numbers[known])
    if with_errors:
        error = np.sqrt(np.bincount(member, numbers**2)) / counts
        spread = error**2 + np.median(error) ** 2
        weights = 1 / np.maximum(spread, np.finfo(np.float32).tiny)
    elif with_weights:
        weights = np.bincount(member, numbers)
    elif any(entry.replicate_column is not None for entry in measured.tables):
        weights = counts.astype(np.float64)
    else:
        return None
    if not weights.sum() > 0:
        raise InputError("all weights are 0")
    scaled: NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return scaled
