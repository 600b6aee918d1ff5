"""Ingest of sequences: every input's files to one table of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bioseq_dl.config import FastaInput, Ingest, Input, IntervalsInput, TableInput, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.checks import check_records, number_ids
from bioseq_dl.io.collect import InputRecords, add_batch, label_batch
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.io.fasta import read_fasta_batches
from bioseq_dl.io.genome import open_genome
from bioseq_dl.io.intervals import read_intervals
from bioseq_dl.io.manifest import Fetched, find_file
from bioseq_dl.io.negatives import draw_negatives
from bioseq_dl.io.records import Batch, make_rejected, record_schema
from bioseq_dl.io.summary import summarise
from bioseq_dl.io.tables import read_table_batches
from bioseq_dl.io.windows import cut_windows, match_contigs, place_windows


@dataclass(frozen=True)
class Ingested:
    """What ingest gives.

    Parameters
    ----------
    records : pa.Table
        The columns of `record_schema`.
    rejected : pa.Table
        source, record, position, reason, found.
    summary : dict
        Counts, lengths, GC and notes, ready for JSON.
    matrix : ExpressionMatrix, optional
        Values of cells, in the order of the records.
    """

    records: pa.Table
    rejected: pa.Table
    summary: dict[str, Any]
    matrix: ExpressionMatrix | None = None


def read_records(
    ingest: Ingest, targets: Targets, files: Mapping[str, Fetched], cache: str | Path
) -> Ingested:
    """Read all inputs into one table of records.

    A record that cannot be used is left out and counted with its reason; a file or a label
    that is not what the config says stops the run.

    Parameters
    ----------
    ingest : Ingest
        The inputs and the limits.
    targets : Targets
        What their labels mean.
    files : mapping
        Source key to file, as `fetch_all` gives.
    cache : path
        Folder for the flat copies of genomes.

    Returns
    -------
    Ingested
        Records in the order of the inputs and of their files, an input's negatives last.

    Raises
    ------
    InputError
        Where a file, label, fold or interval is malformed; ids repeat; more records are
        rejected than ``max_rejected_fraction``; none is left; a target has no label or only
        one class.
    """
    inputs = [_read_input(entry, ingest, targets, files, cache) for entry in ingest.inputs]
    rejects = [reject for item in inputs for reject in item.rejects]
    total = sum(item.read for item in inputs)
    schema = record_schema(targets)
    records = pa.concat_tables([schema.empty_table(), *(c for item in inputs for c in item.chunks)])
    origins = np.repeat(np.arange(len(inputs)), [sum(map(len, item.places)) for item in inputs])
    lines = np.concatenate([np.zeros(0, np.int64), *(p for item in inputs for p in item.places)])

    def locate(row: int) -> str:
        item = inputs[int(origins[row])]
        return f"{item.path} {item.unit} {lines[row]}" if lines[row] else f"{item.path} negatives"

    check_records(records, rejects, total, ingest, targets)
    records, repeated = number_ids(records, ingest.duplicate_ids, locate)
    notes = [note for item in inputs for note in item.notes]
    if repeated:
        notes.append(f"{repeated} repeated ids were numbered")
    letters = np.concatenate([counts for item in inputs for counts in item.letters])
    summary = summarise(records, letters, targets)
    summary["inputs"] = [_count_input(item, files) for item in inputs]
    summary["rejected"] = {
        "total": len(rejects),
        "read": total,
        "reasons": dict(Counter(reject.reason for reject in rejects).most_common()),
    }
    summary["notes"] = notes
    return Ingested(records, make_rejected(rejects), summary)


def _count_input(item: InputRecords, files: Mapping[str, Fetched]) -> dict[str, Any]:
    return {
        "source": item.entry.source.label,
        "format": item.entry.format,
        "name": item.entry.name,
        "sha256": find_file(item.entry.source, files).sha256,
        "read": item.read,
        "kept": sum(chunk.num_rows for chunk in item.chunks) - item.negatives,
        "rejected": dict(Counter(reject.reason for reject in item.rejects).most_common()),
        "negatives": item.negatives,
    }


def _read_input(
    entry: Input,
    ingest: Ingest,
    targets: Targets,
    files: Mapping[str, Fetched],
    cache: str | Path,
) -> InputRecords:
    path = find_file(entry.source, files).path
    found = InputRecords(entry, path, "row" if isinstance(entry, TableInput) else "line")
    if isinstance(entry, IntervalsInput):
        _read_intervals_input(entry, found, ingest, targets, files, cache)
        return found
    batches: Iterator[Batch]
    if isinstance(entry, FastaInput):
        batches = read_fasta_batches(entry, path)
    else:
        batches = read_table_batches(entry, path)
    for batch in batches:
        found.read += len(batch.ids)
        add_batch(found, batch, label_batch(found, batch, targets), ingest, targets)
    return found


def _read_intervals_input(
    entry: IntervalsInput,
    found: InputRecords,
    ingest: Ingest,
    targets: Targets,
    files: Mapping[str, Fetched],
    cache: str | Path,
) -> None:
    if entry.negatives is not None:
        _check_negatives(entry, targets)
    fetched = find_file(entry.genome, files)
    columns = [*entry.columns.values(), entry.split_column, entry.group_column]
    intervals = read_intervals(
        found.path,
        narrowpeak=entry.format == "narrowpeak",
        columns=[name for name in columns if name is not None],
    )
    genome = open_genome(fetched.path, cache, sha256=fetched.sha256)
    contig, notes = match_contigs(intervals, genome, found.path)
    found.notes += notes
    found.read = len(intervals.lines)
    windows, rejects = place_windows(entry, ingest, intervals, contig, genome)
    found.rejects += rejects
    accepted, first = [], 0
    for batch in cut_windows(entry, intervals, windows, genome):
        if entry.negatives is None:
            labels = label_batch(found, batch, targets)
        else:
            labels = {name: np.ones(len(batch.ids), np.float32) for name in targets.names}
        kept = add_batch(found, batch, labels, ingest, targets)
        accepted.append(first + kept)
        first += len(batch.ids)
    if entry.negatives is not None and any(len(rows) for rows in accepted):
        rows = np.concatenate(accepted)
        letters = np.concatenate(found.letters)
        batch = draw_negatives(entry, ingest, genome, intervals, contig, windows, rows, letters)
        labels = {name: np.zeros(len(batch.ids), np.float32) for name in targets.names}
        kept = add_batch(found, batch, labels, ingest, targets)
        found.negatives = len(kept)


def _check_negatives(entry: IntervalsInput, targets: Targets) -> None:
    if targets.kind != "binary":
        raise InputError(
            "negatives need binary targets", file=entry.source.label, found=targets.kind
        )
    if both := sorted({*entry.labels, *entry.columns}):
        raise InputError(
            f"two sources of labels for {', '.join(both)}: negatives and labels or columns",
            file=entry.source.label,
            fix="leave out labels and columns: intervals read 1, negatives 0",
        )
    if entry.split_column is not None or entry.group_column is not None:
        raise InputError(
            "negatives have no columns to read folds or groups from",
            file=entry.source.label,
            fix="leave out split_column and group_column, or negatives",
        )
