"""Ingest of variants: tables of mutations, or of whole sequences, with measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Targets, VariantIngest, VariantTable
from bioseq_dl.errors import InputError
from bioseq_dl.io.checks import check_records, number_ids
from bioseq_dl.io.collect import InputRecords, add_batch, label_batch
from bioseq_dl.io.labels import Place, parse_labels
from bioseq_dl.io.letters import STOP, join_letters
from bioseq_dl.io.manifest import Fetched, find_file
from bioseq_dl.io.mutation_table import (
    MutatedRow,
    WildType,
    check_first,
    read_row,
    read_wild_type,
    strip_stop,
)
from bioseq_dl.io.mutations import OTHER_LENGTH, WRONG_LETTER, Mutation, name_mutations
from bioseq_dl.io.nucleotides import refuse_nucleotides
from bioseq_dl.io.records import Batch, Reject, make_rejected
from bioseq_dl.io.repeats import Measured, merge_repeats
from bioseq_dl.io.residues import check_sequence, read_residues
from bioseq_dl.io.sequences import Ingested
from bioseq_dl.io.summary import summarise
from bioseq_dl.io.tables import read_columns

_ENOUGH = 18
_NUMBER = Targets(kind="regression", names=("number",))


@dataclass
class _Read:
    """One table: its records, and what stands beside them."""

    records: InputRecords
    errors: list[NDArray[np.float32]] = field(default_factory=list)
    """Errors or weights of the records, chunk by chunk; NaN where missing."""
    replicates: list[str] = field(default_factory=list)


def read_variants(
    ingest: VariantIngest, targets: Targets, files: Mapping[str, Fetched], cache: str | Path
) -> Ingested:
    """Read tables of variants into one table of records.

    A row is rejected, with its reason, where its mutations do not fit the wild type (another
    letter, outside it, a place twice), hold a stop codon, where it is of another length than the
    wild type that is given, has no measurement, or repeats an earlier row.

    Parameters
    ----------
    ingest : VariantIngest
        The inputs and the limits.
    targets : Targets
        What their labels mean.
    files : mapping
        Source key to file, as `fetch_all` gives.
    cache : path
        Not used; every reader takes it.

    Returns
    -------
    Ingested
        Records have, beside the columns of `record_schema`, ``mutations`` (as
        `name_mutations` writes them; null without a wild type), and ``weight`` (float32) where an
        input has errors, weights or replicates. The table's metadata hold ``alphabet``,
        ``wild_type`` and ``first``.

    Raises
    ------
    InputError
        Where a file, number or fold is malformed; most mutations name other letters than the
        wild type has; ids repeat; more rows are rejected than ``max_rejected_fraction``.
    """
    del cache
    wild_type = _find_wild_type(ingest, files)
    read = [_read_table(entry, ingest, targets, files, wild_type) for entry in ingest.inputs]
    inputs = [item.records for item in read]
    records = pa.concat_tables([chunk for item in inputs for chunk in item.chunks])
    places = np.concatenate([rows for item in inputs for rows in item.places])
    origins = np.repeat(np.arange(len(inputs)), [sum(map(len, item.places)) for item in inputs])

    def locate(row: int) -> str:
        return f"{inputs[int(origins[row])].path} row {places[row]}"

    records, numbered = number_ids(records, ingest.duplicate_ids, locate)
    measured = Measured(
        records,
        np.concatenate([values for item in read for values in item.errors]),
        [name for item in read for name in item.replicates],
        ingest.inputs,
    )
    merged = merge_repeats(measured, ingest.repeats, targets, places)
    rejects = [reject for item in inputs for reject in item.rejects] + merged.rejects
    total = sum(item.read for item in inputs)
    check_records(merged.records, rejects, total, ingest, targets)
    named = _name_all(merged.records.column("sequence").to_pylist(), wild_type, ingest.first)
    table = merged.records.append_column("mutations", pa.array(named, pa.string()))
    if merged.weights is not None:
        table = table.append_column("weight", pa.array(merged.weights, pa.float32()))
    metadata = {"alphabet": "protein", "first": str(ingest.first)}
    if wild_type is not None:
        metadata |= {"wild_type": wild_type.sequence, "wild_type_id": wild_type.id}
    letters = np.concatenate([counts for item in inputs for counts in item.letters])[merged.kept]
    summary = summarise(table, letters, targets, gc=False) | {
        "alphabet": "protein",
        "wild_type": None if wild_type is None else wild_type._asdict() | {"first": ingest.first},
        "mutations": _count_mutations(named),
        "inputs": [_count_input(item, files, merged.rejects, table) for item in inputs],
        "rejected": {
            "total": len(rejects),
            "read": total,
            "reasons": dict(Counter(reject.reason for reject in rejects).most_common()),
        },
        "notes": [
            *(note for item in inputs for note in item.notes),
            *([f"{numbered} repeated ids were numbered"] if numbered else []),
            *merged.notes,
        ],
    }
    return Ingested(table.replace_schema_metadata(metadata), make_rejected(rejects), summary)


def _find_wild_type(ingest: VariantIngest, files: Mapping[str, Fetched]) -> WildType | None:
    if ingest.wild_type is not None:
        found = read_wild_type(find_file(ingest.wild_type, files).path, "protein")
    elif ingest.wild_type_sequence is not None:
        name = "wild_type_sequence"
        sequence = check_sequence(ingest.wild_type_sequence, "protein", record=name)
        found = WildType(name, strip_stop(sequence, None, name))
    else:
        return None
    return found


def _read_table(
    entry: VariantTable,
    ingest: VariantIngest,
    targets: Targets,
    files: Mapping[str, Fetched],
    wild_type: WildType | None,
) -> _Read:
    path = find_file(entry.source, files).path
    read = _Read(InputRecords(entry, path, "row"))
    payload = entry.variant_column or entry.sequence_column or ""
    beside = [
        entry.id_column,
        entry.split_column,
        entry.group_column,
        entry.replicate_column,
        entry.error_column or entry.weight_column,
        *entry.columns.values(),
    ]
    columns = list(dict.fromkeys([payload, *(name for name in beside if name is not None)]))
    with closing(read_columns(path, columns, payload)) as batches:
        for table in batches:
            values = {name: table.column(place).to_pylist() for place, name in enumerate(columns)}
            _add_rows(read, entry, ingest, targets, values, payload, wild_type)
    if read.records.read == 0:
        raise InputError("the table has a header but no rows", file=path)
    return read


def _add_rows(
    read: _Read,
    entry: VariantTable,
    ingest: VariantIngest,
    targets: Targets,
    values: dict[str, list[str]],
    payload: str,
    wild_type: WildType | None,
) -> None:
    """Check one batch of a table's rows and add those that can be used."""
    found, first = read.records, read.records.read
    count = len(values[payload])
    found.read += count
    ids = [f"row{first + place}" for place in range(1, count + 1)]
    if entry.id_column is not None:
        ids = [text.strip() for text in values[entry.id_column]]
    texts = [text.strip() for text in values[payload]]
    sequences = [read_residues(text) for text in texts]
    good = list(range(count))
    if entry.sequence_column is not None and first == 0:
        refuse_nucleotides(texts, found.path, _ENOUGH)
    if entry.sequence_column is not None and wild_type is not None:
        wanted = len(wild_type.sequence)
        # An empty sequence, one with a stop or with gaps has a reason of its own.
        good = [
            row for row, text in enumerate(sequences) if len(text) == wanted or not text.isalpha()
        ]
        found.rejects += [
            Reject(
                entry.source.label,
                ids[row],
                f"row {first + row + 1}",
                OTHER_LENGTH,
                f"{len(sequences[row])} residues (wild type: {wanted})",
            )
            for row in sorted(set(range(count)) - set(good))
        ]
    if entry.variant_column is not None and wild_type is not None:
        rows = [
            read_row(first + row + 1, ids[row], text, wild_type.sequence, ingest.first,
                     "protein", set())
            for row, text in enumerate(texts)
        ]  # fmt: skip
        if first == 0:
            check_first(rows, found.path, wild_type.sequence, "protein")
        reasons = [_find_reason(row, len(wild_type.sequence)) for row in rows]
        found.rejects += [
            _reject(entry, row, why) for row, why in zip(rows, reasons, strict=True) if why
        ]
        good = [place for place, why in enumerate(reasons) if why is None]
        sequences = [row.sequence or "" for row in rows]

    def take(name: str | None) -> list[str] | None:
        return None if name is None else [values[name][row] for row in good]

    letters, offsets = join_letters([sequences[row] for row in good])
    batch = Batch(
        places=np.array(good, np.int64) + first + 1,
        ids=[ids[row] for row in good],
        letters=letters,
        offsets=offsets,
        values={name: take(column) or [] for name, column in entry.columns.items()},
        split=take(entry.split_column),
        group=take(entry.group_column),
    )
    kept = add_batch(found, batch, label_batch(found, batch, targets), ingest, targets)
    column = entry.error_column or entry.weight_column
    numbers = np.full(len(good), np.nan, np.float32)
    if column is not None:
        numbers = _read_numbers(found, batch, column, take(column) or [])
    read.errors.append(numbers[kept])
    replicates = take(entry.replicate_column) or [""] * len(good)
    read.replicates += [replicates[row].strip() for row in kept.tolist()]


def _find_reason(row: MutatedRow, length: int) -> str | None:
    if row.fault is not None:
        return row.fault.reason
    if any("*" in mutation.letters for mutation in row.mutations):
        return STOP
    return OTHER_LENGTH if len(row.sequence or "") != length else None


def _reject(entry: VariantTable, row: MutatedRow, reason: str) -> Reject:
    fault = row.fault
    found = row.variant if fault is None else fault.found
    if fault is not None and fault.allowed is not None and fault.reason == WRONG_LETTER:
        found += f" (wild type: {fault.allowed})"
    return Reject(entry.source.label, row.id, f"row {row.row}", reason, found)


def _read_numbers(
    found: InputRecords, batch: Batch, column: str, texts: Sequence[str]
) -> NDArray[np.float32]:
    """Read errors or weights, which must not be negative; NaN where missing."""

    def locate(row: int) -> Place:
        return Place(found.path, batch.ids[row], f"row {batch.places[row]}, column {column}")

    numbers = parse_labels(texts, _NUMBER, locate)
    for row in np.flatnonzero(numbers < 0)[:1].tolist():
        raise InputError(
            "an error or weight below 0", **locate(row)._asdict(), found=texts[row], allowed="0 up"
        )
    return numbers


def _name_all(sequences: Sequence[str], wild_type: WildType | None, first: int) -> list[str | None]:
    """Write each sequence as its differences from the wild type, which is as long."""
    if wild_type is None:
        return [None] * len(sequences)
    letters = np.frombuffer(wild_type.sequence.encode(), np.uint8)
    named: list[str | None] = []
    for sequence in sequences:
        places = np.flatnonzero(np.frombuffer(sequence.encode(), np.uint8) != letters).tolist()
        changes = [Mutation(place, place + 1, sequence[place]) for place in places]
        named.append(name_mutations(changes, wild_type.sequence, first))
    return named


def _count_mutations(named: Sequence[str | None]) -> dict[str, int]:
    """Count records by their number of substitutions."""
    counts = Counter(
        "unknown" if text is None else str(0 if text == "=" else text.count(",") + 1)
        for text in named
    )
    return dict(sorted(counts.items(), key=lambda item: (len(item[0]), item[0])))


def _count_input(
    item: InputRecords, files: Mapping[str, Fetched], repeats: Sequence[Reject], table: pa.Table
) -> dict[str, Any]:
    label = item.entry.source.label
    own = [reject for reject in (*item.rejects, *repeats) if reject.source == label]
    return {
        "source": label,
        "format": item.entry.format,
        "name": item.entry.name,
        "sha256": find_file(item.entry.source, files).sha256,
        "read": item.read,
        "kept": table.column("source").to_pylist().count(label),
        "rejected": dict(Counter(reject.reason for reject in own).most_common()),
        "negatives": 0,
    }
