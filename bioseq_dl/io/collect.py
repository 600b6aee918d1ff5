"""Batches to records: labels read, letters checked, rejects noted, columns laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import FastaInput, Input, Reading, Targets, VariantTable
from bioseq_dl.io.labels import Place, parse_folds, parse_labels
from bioseq_dl.io.letters import Checked, check_letters, take_strings
from bioseq_dl.io.records import Batch, Reject, record_schema

NO_ID = "no id"
NO_LABEL = "no label"


@dataclass
class InputRecords:
    """What has been read of one input; grows batch by batch.

    Parameters
    ----------
    entry : Input or VariantTable
        The input's config.
    path : str
        Its file.
    unit : str
        What places count: ``line`` or ``row``.
    chunks : list of pa.Table
        Records, in the columns of `record_schema`.
    places : list of ndarray of int64
        Line or row of each record, chunk by chunk; 0 for negatives.
    letters : list of ndarray of int64 (k, 3)
        Length, G + C, unknown letters of each record, chunk by chunk.
    rejects : list of Reject
        Records that cannot be used.
    read : int
        Records in the file.
    negatives : int
        Records that were drawn, not read.
    notes : list of str
        What the reader should know.
    """

    entry: Input | VariantTable
    path: str
    unit: str
    chunks: list[pa.Table] = field(default_factory=list)
    places: list[NDArray[np.int64]] = field(default_factory=list)
    letters: list[NDArray[np.int64]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    negatives: int = 0
    notes: list[str] = field(default_factory=list)


def label_batch(
    collected: InputRecords, batch: Batch, targets: Targets
) -> dict[str, NDArray[np.float32]]:
    """Give each target's numbers (n,); NaN where the input does not tell.

    Raises
    ------
    InputError
        Where a label is not understood.
    """
    entry = collected.entry
    labels = {}
    for name in targets.names:
        if name in entry.labels:
            place = Place(entry.source.label, None, f"labels, {name}")
            number = parse_labels([entry.labels[name]], targets, partial(_keep, place))
            labels[name] = np.repeat(number, len(batch.ids))
        elif name in entry.columns:
            locate = partial(_locate, collected, batch, entry.columns[name])
            labels[name] = parse_labels(batch.values[name], targets, locate)
        else:
            labels[name] = np.full(len(batch.ids), np.nan, np.float32)
    return labels


def add_batch(
    collected: InputRecords,
    batch: Batch,
    labels: dict[str, NDArray[np.float32]],
    ingest: Reading,
    targets: Targets,
) -> NDArray[np.int64]:
    """Check a batch, note its rejects and add its records.

    Parameters
    ----------
    collected : InputRecords
        Added to.
    batch : Batch
        Of n records.
    labels : dict
        Target: its numbers (n,), NaN where missing.

    Returns
    -------
    ndarray of int64 (k,)
        Rows of the batch that became records.

    Raises
    ------
    InputError
        Where an official fold is not understood.
    """
    checked = check_letters(batch.letters, batch.offsets, ingest)
    problems = dict(checked.problems)
    unlabelled = np.all([np.isnan(values) for values in labels.values()], axis=0)
    for row in np.flatnonzero(unlabelled).tolist():
        problems.setdefault(row, (NO_LABEL, 0, ""))
    for row in [row for row, name in enumerate(batch.ids) if not name]:
        problems[row] = (NO_ID, 0, "")
    source = collected.entry.source.label
    for row, (reason, letter, found) in sorted(problems.items()):
        position = f"{collected.unit} {batch.places[row]}"
        position += f", letter {letter}" if letter else ""
        collected.rejects.append(Reject(source, batch.ids[row], position, reason, found))
    keep = np.ones(len(batch.ids), bool)
    keep[list(problems)] = False
    kept = np.flatnonzero(keep)
    collected.chunks.append(_make_chunk(collected, batch, labels, checked, kept, targets))
    collected.places.append(batch.places[kept])
    counts = np.column_stack([checked.lengths, checked.gc, checked.unknown])
    collected.letters.append(counts[kept])
    return kept


def _make_chunk(
    collected: InputRecords,
    batch: Batch,
    labels: dict[str, NDArray[np.float32]],
    checked: Checked,
    kept: NDArray[np.int64],
    targets: Targets,
) -> pa.Table:
    """Lay the kept rows out in the columns of `record_schema`."""
    entry, take = collected.entry, pa.array(kept)

    def strings(values: Sequence[str | None] | None) -> pa.Array:
        if values is None:
            return pa.nulls(len(kept), pa.string())
        return pa.array(values, pa.string()).take(take)

    def numbers(values: NDArray[np.int64] | None) -> pa.Array:
        if values is None or batch.chrom is None:
            return pa.nulls(len(kept), pa.int64())
        missing = np.array([name is None for name in batch.chrom], bool)
        return pa.array(values, pa.int64(), mask=missing).take(take)

    prefix = f"{entry.name}/" if entry.name else ""
    groups = None if batch.group is None else [name.strip() or None for name in batch.group]
    columns: dict[str, pa.Array] = {
        "id": strings([prefix + name for name in batch.ids] if prefix else batch.ids),
        "sequence": take_strings(checked.letters, checked.offsets, kept),
        "group": strings(groups),
        "split": strings(_read_folds(collected, batch)),
        "chrom": strings(batch.chrom),
        "start": numbers(batch.start),
        "end": numbers(batch.end),
        "strand": strings(batch.strand),
        "source": strings([entry.source.label] * len(batch.ids)),
    }
    for name, values in labels.items():
        columns[f"target:{name}"] = pa.array(values, mask=np.isnan(values)).take(take)
    schema = record_schema(targets)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _read_folds(collected: InputRecords, batch: Batch) -> list[str | None] | None:
    entry = collected.entry
    if entry.split is not None:
        return [entry.split] * len(batch.ids)
    if batch.split is None or entry.split_column is None:
        return None
    return parse_folds(batch.split, partial(_locate, collected, batch, entry.split_column))


def _locate(collected: InputRecords, batch: Batch, column: str, row: int) -> Place:
    kind = "key" if isinstance(collected.entry, FastaInput) else "column"
    position = f"{collected.unit} {batch.places[row]}, {kind} {column}"
    return Place(collected.path, batch.ids[row], position)


def _keep(place: Place, _: int) -> Place:
    return place
