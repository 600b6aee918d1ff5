"""Proteins with a label for each residue from a table, or from FASTA files side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from bioseq_dl.errors import InputError
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.labelled_proteins import (
    LONGEST,
    NUCLEOTIDES_ENOUGH,
    Fault,
    LabelledProtein,
    LabelledProteins,
    gather_proteins,
    make_protein,
)
from bioseq_dl.io.labels import Place, parse_folds
from bioseq_dl.io.nucleotides import refuse_nucleotides
from bioseq_dl.io.tables import read_columns

NO_PARTNER = "no labels of that id"
NO_SEQUENCE = "labels without a sequence of that id"


@dataclass(frozen=True, kw_only=True)
class LabelColumns:
    """Names of a table's columns; None where it has none. At least one of labels.

    Parameters
    ----------
    id, sequence : str
    q8, q3 : str, optional
        State strings, as long as the sequence; an empty cell is a protein without them.
    resolved, scored : str, optional
        Masks of 0 and 1; `resolved` is a label too, that of disorder.
    split : str, optional
        Official fold.
    """

    id: str = "id"
    sequence: str = "sequence"
    q8: str | None = None
    q3: str | None = None
    resolved: str | None = None
    scored: str | None = None
    split: str | None = None


def read_label_table(
    path: str | Path,
    columns: LabelColumns,
    *,
    reduction: str = "standard",
    max_length: int = LONGEST,
    strict: bool = False,
) -> LabelledProteins:
    """Read a table of proteins (CSV, TSV, Parquet; compressed or not), one a row.

    Parameters
    ----------
    path : path
    columns : LabelColumns
    reduction, max_length
        See `bioseq_dl.io.labelled_proteins.make_protein`.
    strict : bool
        Stop at the first protein that cannot be used, rather than count it.

    Raises
    ------
    InputError
        What `read_columns` raises; no column of labels; an unknown fold; nucleotides; no
        protein left.
    """
    if columns.q8 is None and columns.q3 is None and columns.resolved is None:
        raise InputError("no column of labels is named", file=path, fix="name q8, q3 or resolved")
    named = {
        field.name: getattr(columns, field.name)
        for field in fields(columns)
        if getattr(columns, field.name) is not None
    }
    rows = _read_rows(path, named, reduction, max_length)
    return gather_proteins(rows, path, strict=strict)


def _read_rows(
    path: str | Path, named: dict[str, str], reduction: str, max_length: int
) -> Iterator[tuple[str, LabelledProtein | Fault]]:
    places = list(dict.fromkeys(named.values()))
    row = 0
    with closing(read_columns(path, places, named["sequence"])) as batches:
        for batch in batches:
            found = {
                role: batch.column(places.index(name)).to_pylist() for role, name in named.items()
            }
            first = row + 1
            if row == 0:
                refuse_nucleotides(map(str.strip, found["sequence"]), path, NUCLEOTIDES_ENOUGH)
            folds: list[str | None] = [None] * batch.num_rows
            if "split" in found:
                folds = parse_folds(
                    found["split"],
                    lambda index, first=first: Place(  # type: ignore[misc]
                        str(path), f"row {first + index}", f"column {named['split']}"
                    ),
                )
            for index in range(batch.num_rows):
                row += 1
                cells = {role: column[index] for role, column in found.items()}
                name = cells.pop("id").strip() or f"row{row}"
                cells.pop("split", None)
                protein = make_protein(
                    name=name,
                    **cells,
                    split=folds[index],
                    source=str(path),
                    place=f"row {row}",
                    reduction=reduction,
                    max_length=max_length,
                )
                yield name, protein


def read_parallel_fasta(
    sequences: str | Path,
    *,
    q8: str | Path | None = None,
    q3: str | Path | None = None,
    resolved: str | Path | None = None,
    reduction: str = "standard",
    max_length: int = LONGEST,
    strict: bool = False,
) -> LabelledProteins:
    """Read a FASTA file of sequences, and others of labels and masks with the same ids.

    The order within the files does not matter. A sequence without labels, and labels without a
    sequence, are rejected and counted. Spaces in a FASTA file are no letters, so coil cannot be
    written as a space here.

    Parameters
    ----------
    sequences : path
    q8, q3 : path, optional
        State strings in FASTA format.
    resolved : path, optional
        Masks of 0 and 1 in FASTA format. A protein without one has no mask. At least one of the
        three is needed.
    reduction, max_length, strict
        See `read_label_table`.

    Raises
    ------
    InputError
        What `read_fasta` raises; no file of labels; an id twice in a file of labels;
        nucleotides; no protein left.
    """
    given = {"q8": q8, "q3": q3, "resolved": resolved}
    files = {role: _read_by_id(path) for role, path in given.items() if path is not None}
    if not files:
        raise InputError(
            "no file of labels is given", file=sequences, fix="give q8, q3 or resolved"
        )

    def pair() -> Iterator[tuple[str, LabelledProtein | Fault]]:
        ids = set()
        records = list(read_fasta(sequences))
        refuse_nucleotides((one.sequence for one in records), sequences, NUCLEOTIDES_ENOUGH)
        for record in records:
            ids.add(record.id)
            texts = {role: texts[record.id] for role, texts in files.items() if record.id in texts}
            if not texts:
                yield record.id, Fault(NO_PARTNER, 0, record.id)
                continue
            protein = make_protein(
                name=record.id,
                sequence=record.sequence,
                source=str(sequences),
                place=f"line {record.line}",
                reduction=reduction,
                max_length=max_length,
                **texts,
            )
            yield record.id, protein
        # A file of masks beside states may hold more, the whole PDB say.
        states = [files[role] for role in ("q8", "q3") if role in files] or list(files.values())
        for name in dict.fromkeys(name for file in states for name in file if name not in ids):
            yield name, Fault(NO_SEQUENCE, 0, name)

    return gather_proteins(pair(), sequences, strict=strict)


def _read_by_id(path: str | Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in read_fasta(path):
        if record.id in found:
            raise InputError(
                "the id is repeated",
                file=path,
                record=record.id,
                position=f"line {record.line}",
                fix="give each protein an id of its own",
            )
        found[record.id] = record.sequence
    return found
