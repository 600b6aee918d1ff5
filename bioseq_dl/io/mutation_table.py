"""A table of mutated sequences: each row names its mutations of one wild type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, cast

from bioseq_dl.errors import InputError
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.mutations import (
    OUT_OF_RANGE,
    WRONG_LETTER,
    Fault,
    Mutation,
    apply_mutations,
    find_mutations,
    suggest_first,
)
from bioseq_dl.io.residues import Letters, check_sequence
from bioseq_dl.io.tables import read_columns


class WildType(NamedTuple):
    """The sequence that is mutated: its FASTA id, and its letters in upper case."""

    id: str
    sequence: str


class MutatedRow(NamedTuple):
    """A row of a table of mutations.

    Parameters
    ----------
    row : int
        From 1, header and empty lines not counted.
    id : str
        Of the id column, else ``row1``, ``row2``, …
    variant : str
        As the table has it.
    mutations : tuple of Mutation
        Empty for the wild type itself, and where there is a `fault`.
    sequence : str, optional
        The mutated sequence; None where there is a `fault`.
    fault : Fault, optional
        Why the row cannot be used.
    repeats : bool
        An earlier row gives the same sequence.
    """

    row: int
    id: str
    variant: str
    mutations: tuple[Mutation, ...]
    sequence: str | None
    fault: Fault | None
    repeats: bool


def read_wild_type(path: str | Path, alphabet: Letters = "dna") -> WildType:
    """Read the sequence that is mutated from a FASTA file of one record.

    Raises
    ------
    InputError
        What `read_fasta` raises; more than one record; an empty sequence; a letter outside the
        alphabet; in a protein a stop within, or nucleotides alone.
    """
    records = read_fasta(path)
    record = next(records)
    if (other := next(records, None)) is not None:
        raise InputError(
            "more than one sequence, where the wild type is needed",
            file=path,
            position=f"line {other.line}",
            found=other.header,
            allowed="one FASTA record",
        )
    sequence = check_sequence(record.sequence, alphabet, file=path, record=record.id)
    if alphabet == "protein":
        sequence = strip_stop(sequence, path, record.id)
    return WildType(record.id, sequence)


def strip_stop(sequence: str, file: str | Path | None, record: str) -> str:
    """Take off the stop that a translated gene ends in.

    Raises
    ------
    InputError
        Where another stands within, or nothing is left.
    """
    stripped = sequence.removesuffix("*")
    if "*" in stripped or not stripped:
        raise InputError(
            "a stop codon within the wild type",
            file=file,
            record=record,
            position=stripped.find("*") + 1,
        )
    return stripped


def read_mutation_table(
    path: str | Path,
    wild_type: str,
    *,
    column: str = "variant",
    id_column: str | None = None,
    first: int = 1,
    alphabet: Letters = "dna",
) -> Iterator[list[MutatedRow]]:
    """Read a table (CSV, TSV, Parquet; plain or compressed) of mutations, batch by batch.

    Every row comes out, in order; one that cannot be used has its fault. Memory grows with the
    number of different sequences (8 bytes of a hash each), not with their length.

    Parameters
    ----------
    path : path
    wild_type : str
        As `read_wild_type` gives it.
    column, id_column : str
        Of the mutations, of the ids.
    first : int
        Number of the wild type's first letter.
    alphabet : {"dna", "rna", "protein"}

    Raises
    ------
    InputError
        While reading: where the table cannot be read or lacks a column; where most rows of the
        first batch name other letters than the wild type has, and another number of the first
        letter mends it, which is told, or none does.
    """
    columns = [column] if id_column in (None, column) else [column, str(id_column)]
    seen: set[int] = set()
    row = 0
    with closing(read_columns(path, columns, column)) as batches:
        for batch in batches:
            texts: list[str] = batch.column(0).to_pylist()
            ids = [f"row{row + place}" for place in range(1, len(texts) + 1)]
            if id_column is not None:
                ids = [text.strip() for text in batch.column(len(columns) - 1).to_pylist()]
            rows = []
            for id_, text in zip(ids, texts, strict=True):
                row += 1
                rows.append(read_row(row, id_, text, wild_type, first, alphabet, seen))
            if row == len(rows):
                check_first(rows, path, wild_type, alphabet)
            yield rows
    if row == 0:
        raise InputError("the table has a header but no rows", file=path)


def read_row(
    row: int,
    id_: str,
    text: str,
    wild_type: str,
    first: int,
    alphabet: Letters,
    seen: set[int],
) -> MutatedRow:
    """Read one row of a table; `seen` grows by a hash of its sequence."""
    found = find_mutations(text, wild_type, first, alphabet)
    if isinstance(found, Fault):
        return MutatedRow(row, id_, text, (), None, found, repeats=False)
    sequence = apply_mutations(wild_type, found)
    # Hashes of text differ from process to process; only whether two are equal is used.
    key = hash(sequence)
    repeats = key in seen
    seen.add(key)
    return MutatedRow(row, id_, text, found, sequence, None, repeats=repeats)


def check_first(
    rows: list[MutatedRow], path: str | Path, wild_type: str, alphabet: Letters
) -> None:
    """Stop where most rows do not fit: then the wild type or its numbers are wrong."""
    mutated = [row for row in rows if row.fault is not None or row.mutations]
    misfits = (WRONG_LETTER, OUT_OF_RANGE)
    wrong = [row for row in mutated if row.fault and row.fault.reason in misfits]
    if 2 * len(wrong) <= len(mutated):
        return
    better = suggest_first((row.variant for row in mutated), wild_type, alphabet)
    if better is not None:
        fix = f"set first: {better}, under which all letters are the wild type's"
    elif len(wrong) == len(mutated):
        fix = "give the wild type of this table, and the number of its first letter as first"
    else:
        return
    fault = cast(Fault, wrong[0].fault)
    raise InputError(
        f"{len(wrong):,} of the first {len(mutated):,} mutated rows do not fit the wild type",
        file=path,
        record=wrong[0].id,
        found=fault.found,
        allowed=fault.allowed,
        fix=fix,
    )
