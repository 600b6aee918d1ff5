"""Ingest of proteins with labels of their residues, from any of the formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import (
    HEADS,
    LabelFasta,
    LabelTable,
    ProteinNetInput,
    ResidueIngest,
    Source,
    StructureInput,
    Targets,
)
from bioseq_dl.errors import InputError
from bioseq_dl.io.checks import check_records, number_ids
from bioseq_dl.io.handles import open_binary
from bioseq_dl.io.label_tables import LabelColumns, read_label_table, read_parallel_fasta
from bioseq_dl.io.labelled_proteins import (
    AMINO_ACIDS,
    NO_HEAD,
    LabelledProtein,
)
from bioseq_dl.io.manifest import Fetched, find_file
from bioseq_dl.io.proteinnet import read_proteinnet, read_proteinnet_list
from bioseq_dl.io.records import Reject, make_rejected
from bioseq_dl.io.residue_counts import count_by_fold, describe_label, is_text, note_missing
from bioseq_dl.io.secondary_structure import NO_LABEL
from bioseq_dl.io.sequences import Ingested
from bioseq_dl.io.structure_archives import read_structures
from bioseq_dl.io.summary import summarise

TOO_SHORT = "shorter than min_length"
TOO_UNKNOWN = "too many unknown residues"
_UNKNOWN = "too many unknown residues"
_ENDINGS = (".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz", ".ent.gz", ".cif.gz", ".mmcif.gz")
_UNKNOWN = "X"

Find = Callable[[Source], str]


@dataclass(frozen=True)
class _Read:
    """One input: its proteins in order, and what was dropped."""

    entry: LabelTable | LabelFasta | StructureInput | ProteinNetInput
    proteins: list[LabelledProtein]
    rejects: list[Reject]


def read_residues(
    ingest: ResidueIngest, targets: Targets, files: Mapping[str, Fetched], cache: str | Path
) -> Ingested:
    """Read proteins and the labels of their residues into one table of records.

    Parameters
    ----------
    ingest : ResidueIngest
        The inputs and the limits.
    targets : Targets
        Which heads; labels of others are left out.
    files : mapping
        Source key to file, as `fetch_all` gives.
    cache : path
        Not used; every reader takes it.

    Returns
    -------
    Ingested
        Records have `id`, `sequence` (20 amino acids and X), `group` (null), `split`, `source`,
        and of each label of `targets` a column ``residues:<label>``: strings of states for q3 and
        q8 (X has none) and of 1, 0 and X for disorder; lists of float32 for rsa, phi and psi
        (NaN has none). Residues that `scored` leaves out have no label.

    Raises
    ------
    InputError
        Where a file is malformed; ids repeat; more are rejected than ``max_rejected_fraction``;
        a head has no label in any record.
    """
    del cache

    def find(source: Source) -> str:
        return find_file(source, files).path

    read = [_check(_read_input(entry, ingest, find), ingest, targets) for entry in ingest.inputs]
    records = pa.concat_tables([_tabulate(item, targets) for item in read])
    places = [
        f"in {one.source}, {one.place}".rstrip(", ") for item in read for one in item.proteins
    ]
    records, numbered = number_ids(records, ingest.duplicate_ids, places.__getitem__)
    rejects = [reject for item in read for reject in item.rejects]
    total = records.num_rows + len(rejects)
    check_records(records, rejects, total, ingest, targets)
    described = {name: describe_label(records, name) for name in targets.labels}
    for name in targets.names:
        if all(described[label]["labelled"] == 0 for label in HEADS[name].labels):
            raise InputError(
                f"the head {name} has no label in any record",
                fix=f"give labels of {name}, or leave it out of targets.names",
            )
    summary = summarise(records, _count_letters(records), targets, gc=False) | {
        "alphabet": "protein",
        "residues": described,
        "inputs": [_count_input(item, files) for item in read],
        "rejected": {
            "total": len(rejects),
            "read": total,
            "reasons": dict(Counter(reject.reason for reject in rejects).most_common()),
        },
        "notes": [
            *([f"{numbered} repeated ids were numbered"] if numbered else []),
            *note_missing(count_by_fold(records, records["split"].to_pylist(), targets)),
        ],
    }
    table = records.replace_schema_metadata({"alphabet": "protein"})
    return Ingested(table, make_rejected(rejects), summary)


def _read_input(
    entry: LabelTable | LabelFasta | StructureInput | ProteinNetInput,
    ingest: ResidueIngest,
    find: Find,
) -> _Read:
    limits: dict[str, Any] = {"reduction": ingest.reduction, "max_length": ingest.max_length}
    path = find(entry.source)
    if isinstance(entry, LabelTable):
        columns = LabelColumns(
            id=entry.id_column,
            sequence=entry.sequence_column,
            q8=entry.q8_column,
            q3=entry.q3_column,
            resolved=entry.resolved_column,
            scored=entry.scored_column,
            split=entry.split_column,
        )
        found = read_label_table(path, columns, **limits)
    elif isinstance(entry, LabelFasta):
        others: dict[str, Any] = {
            name: find(source)
            for name in ("q8", "q3", "resolved")
            if (source := getattr(entry, name)) is not None
        }
        found = read_parallel_fasta(path, **others, **limits)
    elif isinstance(entry, ProteinNetInput):
        ids = None
        if entry.list is not None and entry.list_name is not None:
            with open_binary(find(entry.list)) as handle:
                ids = read_proteinnet_list(handle, entry.list_name, entry.list.label)
        with open_binary(path) as handle:
            found = read_proteinnet(
                handle, ids=ids, limit=entry.limit, file=entry.source.label, **limits
            )
    else:
        found = read_structures(path, program=entry.program, **limits)
    label = entry.source.label
    prefix = f"{entry.name}/" if entry.name else ""
    return _Read(
        entry,
        [
            replace(
                protein,
                id=prefix + protein.id,
                split=entry.split or protein.split,
                source=label,
            )
            for protein in found.proteins
        ],
        [reject._replace(source=label) for reject in found.rejects],
    )


def _check(read: _Read, ingest: ResidueIngest, targets: Targets) -> _Read:
    """Leave out proteins that are too short, hardly known, or have no label to learn from."""
    kept, rejects = [], list(read.rejects)
    for protein in read.proteins:
        length, unknown = len(protein.sequence), protein.sequence.count(_UNKNOWN)
        reason = None
        if length < ingest.min_length:
            reason, found = TOO_SHORT, f"{length} residues"
        elif unknown > ingest.max_unknown_fraction * length:
            reason, found = TOO_UNKNOWN, f"{unknown} of {length}"
        elif not any(_has_label(label) for label in _give_labels(protein, targets)):
            reason, found = NO_HEAD, ", ".join(targets.names)
        if reason is None:
            kept.append(protein)
        else:
            rejects.append(Reject(protein.source, protein.id, "", reason, found))
    return _Read(read.entry, kept, rejects)


def _has_label(label: str | NDArray[np.float32] | None) -> bool:
    if label is None:
        return False
    if isinstance(label, str):
        return set(label) != {NO_LABEL}
    return not bool(np.isnan(label).all())


def _give_labels(
    protein: LabelledProtein, targets: Targets
) -> list[str | NDArray[np.float32] | None]:
    return [_give_label(protein, name) for name in targets.labels]


def _give_label(protein: LabelledProtein, name: str) -> str | NDArray[np.float32] | None:
    """Give one label of a protein, hidden where the residue is not scored."""
    if name == "disorder":
        if protein.resolved is None:
            return None
        found: str | NDArray[np.float32] | None = "".join("01"[not one] for one in protein.resolved)
    else:
        found = getattr(protein, name)
    if found is None or protein.scored is None:
        return found
    if isinstance(found, str):
        pairs = zip(found, protein.scored, strict=True)
        return "".join(letter if counts else NO_LABEL for letter, counts in pairs)
    return np.where(protein.scored, found, np.float32(np.nan)).astype(np.float32)


def _tabulate(read: _Read, targets: Targets) -> pa.Table:
    proteins = read.proteins
    missing = pa.nulls(len(proteins), pa.string())
    columns: dict[str, pa.Array] = {
        "id": pa.array([protein.id for protein in proteins], pa.string()),
        "sequence": pa.array([protein.sequence for protein in proteins], pa.string()),
        "group": missing,
        "split": pa.array([protein.split for protein in proteins], pa.string()),
        "chrom": missing,
        "source": pa.array([protein.source for protein in proteins], pa.string()),
    }
    for name in targets.labels:
        kind = pa.string() if is_text(name) else pa.list_(pa.float32())
        found = [_give_label(protein, name) for protein in proteins]
        columns[f"residues:{name}"] = pa.array(found, kind)
    return pa.table(columns)


def _count_letters(records: pa.Table) -> NDArray[np.int64]:
    sequences = records.column("sequence").to_pylist()
    return np.array(
        [[len(text), 0, sum(letter not in AMINO_ACIDS for letter in text)] for text in sequences],
        np.int64,
    ).reshape(-1, 3)


def _count_input(item: _Read, files: Mapping[str, Fetched]) -> dict[str, Any]:
    return {
        "source": item.entry.source.label,
        "format": item.entry.format,
        "name": item.entry.name,
        "sha256": find_file(item.entry.source, files).sha256,
        "read": len(item.proteins) + len(item.rejects),
        "kept": len(item.proteins),
        "rejected": dict(Counter(reject.reason for reject in item.rejects).most_common()),
        "negatives": 0,
    }
