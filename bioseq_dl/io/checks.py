"""Whether the records that were read can be learned from at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from bioseq_dl.config import ExpressionIngest, Reading, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io import cell_quality, letters, mutations, rare_classes, windows
from bioseq_dl.io.collect import NO_LABEL
from bioseq_dl.io.labelled_proteins import NO_HEAD
from bioseq_dl.io.records import Reject
from bioseq_dl.io.repeats import REPEATED

_FIXES = {
    letters.TOO_SHORT: "lower min_length",
    letters.TOO_LONG: "raise max_length",
    letters.TOO_UNKNOWN: "raise max_unknown_fraction",
    letters.STOP: "leave out what is cut short, or raise max_rejected_fraction",
    mutations.WRONG_LETTER: "give the wild type of this table, and the number of its first residue",
    mutations.OUT_OF_RANGE: "give the number of the wild type's first residue as first",
    mutations.UNREADABLE: "write mutations as A24G,D40V, or give sequences by sequence_column",
    cell_quality.EMPTY: "leave these cells out of the file, or raise max_rejected_fraction",
    cell_quality.FEW_GENES: "lower quality.min_genes",
    cell_quality.MANY_GENES: "raise quality.max_genes",
    cell_quality.FEW_COUNTS: "lower quality.min_counts",
    cell_quality.MITOCHONDRIAL: "raise quality.max_mitochondrial",
    rare_classes.RARE: "lower rare_classes.least, or set its rule: pool",
    mutations.OTHER_LENGTH: "leave out insertions and deletions, or raise max_rejected_fraction; "
    "without a wild type, sequences of several lengths can be read",
    REPEATED: "set repeats: mean, or name the replicates by replicate_column",
    windows.NO_CONTIG: "use the genome of the same assembly",
    windows.BEYOND: "set edges: pad",
    windows.NO_SUMMIT: "set anchor: centre",
    NO_HEAD: "give labels of these targets, or leave these records out of the file",
    NO_LABEL: "give labels, or leave these records out of the file",
}


def check_records(
    records: pa.Table,
    rejects: Sequence[Reject],
    read: int,
    ingest: Reading | ExpressionIngest,
    targets: Targets,
) -> None:
    """Stop where too little is left to learn from.

    Parameters
    ----------
    records : pa.Table
        What is left.
    rejects : sequence of Reject
        What was dropped.
    read : int
        Records in the files.

    Raises
    ------
    InputError
        Where no record is left or more than ``max_rejected_fraction`` were rejected, with
        the most common reason and an example; where a target has no label, a classification
        target only one class, or a regression target one value.
    """
    share = len(rejects) / max(read, 1)
    if rejects and (records.num_rows == 0 or share > ingest.max_rejected_fraction):
        counts = Counter(reject.reason for reject in rejects)
        reason, count = counts.most_common(1)[0]
        example = next(reject for reject in rejects if reject.reason == reason)
        lead = "no record is left: all" if records.num_rows == 0 else f"{len(rejects)} of"
        raise InputError(
            f"{lead} {read} records are rejected, {count} for: {reason}; the first",
            file=example.source,
            record=example.record,
            position=example.position or None,
            found=example.found or None,
            allowed=f"rejected up to {ingest.max_rejected_fraction:g} of all",
            fix=_suggest(reason, rejects, ingest.alphabet),
        )
    for name in targets.of_records:
        values = records.column(f"target:{name}").drop_null()
        if len(values) == 0:
            raise InputError(
                f"the target {name} has no label in any record",
                fix="give it in 'labels' or 'columns' of an input",
            )
        if len(found := pc.unique(values)) > 1:
            continue
        if targets.kind == "regression":
            raise InputError(
                f"nothing to learn: all {len(values)} values of the target {name} are equal",
                found=f"{found[0].as_py():g}",
                fix="check that columns names the measurement",
            )
        code = int(found[0].as_py())
        label = targets.classes[code] if targets.classes else str(code)
        raise InputError(
            f"the target {name} has one class only: all {len(values)} labels are {label}",
            fix="add records of another class",
        )


def _suggest(reason: str, rejects: Sequence[Reject], alphabet: str) -> str | None:
    if reason != letters.BAD_LETTER:
        return _FIXES.get(reason)
    found = Counter(reject.found.upper() for reject in rejects if reject.reason == reason)
    half = sum(found.values()) / 2
    nucleotides = alphabet != "protein"
    if nucleotides and sum(found[letter] for letter in letters.PROTEIN_ONLY) >= half:
        return "these look like proteins: give nucleotide sequences"
    if nucleotides and found["U"] >= half:
        return "these look like RNA: set alphabet: rna"
    if found["-"] + found["."] >= half:
        return "these look like alignments: remove the gaps"
    return "remove or replace these letters"


def number_ids(
    records: pa.Table, policy: Literal["error", "number"], locate: Callable[[int], str]
) -> tuple[pa.Table, int]:
    """Make ids unique, or stop where they are not.

    Parameters
    ----------
    records : pa.Table
        With a column ``id``.
    policy : str
        ``number`` appends ``.2``, ``.3`` … to the later ones of equal ids.
    locate : callable
        Row to where the record stands, in words.

    Returns
    -------
    records : pa.Table
        With unique ids.
    count : int
        How many were numbered.

    Raises
    ------
    InputError
        With policy ``error``, naming both places of the first repeated id.
    """
    ids = records.column("id")
    if pc.count_distinct(ids).as_py() == len(ids):
        return records, 0
    names = ids.to_pylist()
    taken = set(names)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    count = 0
    for row, name in enumerate(names):
        if first.setdefault(name, row) == row:
            continue
        if policy == "error":
            raise InputError(
                f"the id {name} is repeated: {locate(first[name])} and {locate(row)}",
                fix="set duplicate_ids: number, or give each input a name",
            )
        number = last.get(name, 1) + 1
        while f"{name}.{number}" in taken:
            number += 1
        last[name] = number
        names[row] = f"{name}.{number}"
        taken.add(names[row])
        count += 1
    place = records.schema.get_field_index("id")
    column = pa.chunked_array([pa.array(names, pa.string())])
    return records.set_column(place, records.schema.field(place), column), count
