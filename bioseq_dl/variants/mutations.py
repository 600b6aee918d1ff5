"""Mutations of one sequence, named in a table, scored by models of whole sequences."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bioseq_dl.config import MutationTable
from bioseq_dl.encode.alphabet import DNA, PROTEIN, Alphabet
from bioseq_dl.encode.sequence import fit_length
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.letters import STOP
from bioseq_dl.io.mutation_table import MutatedRow, WildType, read_mutation_table
from bioseq_dl.io.residues import Letters
from bioseq_dl.variants.differences import Effects, describe_scores
from bioseq_dl.variants.ensemble import Ensemble, scale_outputs
from bioseq_dl.variants.score import empty_scores, fill_scores
from bioseq_dl.variants.scored import Scores

UNKNOWN = "too many unknown bases"
UNKNOWN_RESIDUES = "too many unknown residues"
OTHER_LENGTH = "of another length than the models were trained on"
_SCORED = "scored"
_ROWS = 8192
"""Rows scored at a time."""


def score_mutations(
    settings: MutationTable,
    path: Path,
    wild_type: WildType,
    ensemble: Ensemble,
    hashes: Mapping[str, str],
    out: Path,
) -> dict[str, Any]:
    """Score every row of a table of mutations against the wild type.

    Models that were trained on one length read every sequence cropped or padded to it around
    its centre, as in training and in prediction; others read each sequence as it is. Proteins are
    neither cropped nor padded: one of another length than the models' has no score.

    Parameters
    ----------
    settings : MutationTable
    path : Path
        The table.
    wild_type : WildType
    ensemble : Ensemble
        Its ``length`` is that of its windows: the models', else the wild type's.
    hashes : mapping
        ``variants`` and ``wild_type``: the sha256 of the two files.
    out : Path
        ``.parquet`` or ``.tsv``: ``row``, ``id``, ``variant``, ``mutations`` (how many),
        ``status`` (``scored``, or why not), ``found``, and for each output ``ref:<name>`` (the
        wild type), ``alt:<name>``, ``diff:<name>``, ``sd:<name>``.

    Returns
    -------
    dict
        The summary, ready for JSON: ``settings``, ``inputs``, ``notes``, ``records``,
        ``statuses``, ``mutations`` (rows by number of mutations), ``differences``, ``top``.

    Raises
    ------
    InputError
        Where the table cannot be read or does not fit the wild type; where the models read
        fewer bases than the wild type has, or proteins of another length.
    """
    fixed = ensemble.reads
    unit = ensemble.alphabet.unit
    if ensemble.alphabet == PROTEIN and fixed not in (None, len(wild_type.sequence)):
        raise InputError(
            "the wild type is not as long as the proteins that the models were trained on",
            record=wild_type.id,
            found=f"{len(wild_type.sequence)} {unit}s",
            allowed=f"{fixed} {unit}s",
            fix="give the wild type of training (ingest.wild_type)",
        )
    if fixed is not None and len(wild_type.sequence) > fixed:
        raise InputError(
            "the wild type is longer than what the models read",
            record=wild_type.id,
            found=f"{len(wild_type.sequence)} bases",
            allowed=f"{fixed} bases, as in training",
            fix="give the part of the sequence that the models were trained on",
        )
    several = len(ensemble.engines) > 1
    effects = Effects(ensemble.names)
    statuses: Counter[str] = Counter()
    mutations: Counter[int] = Counter()
    repeats = fitted = 0
    with _open_table(out, make_schema(ensemble.names, several)) as write:
        for rows in _read_rows(settings, path, wild_type, ensemble.alphabet):
            scores, status = _score_rows(rows, wild_type, ensemble, settings.max_unknown_fraction)
            write(_tabulate(rows, status, scores))
            (good,) = np.nonzero([told == _SCORED for told in status])
            effects.add(
                scores.difference[good],
                lambda at, place, rows=rows, scores=scores, good=good: {  # type: ignore[misc]
                    "record": rows[good[at]].row - 1,
                    "allele": 0,
                    "id": rows[good[at]].id,
                    "variant": rows[good[at]].variant,
                    **describe_scores(scores, int(good[at]), place),
                },
            )
            statuses.update(status)
            mutations.update(len(row.mutations) for row in rows if row.sequence is not None)
            repeats += sum(row.repeats for row in rows)
            fitted += sum(
                fixed is not None and row.sequence is not None and len(row.sequence) > fixed
                for row in rows
            )
    notes = _compare_wild_types(wild_type, ensemble)
    if repeats:
        notes.append(f"{repeats:,} rows repeat a sequence of an earlier row")
    if fitted and ensemble.alphabet != PROTEIN:
        notes.append(
            f"{fitted:,} mutated sequences are longer than the {fixed} bases that the models "
            "read, and are cropped around their centre"
        )
    return {
        "settings": {
            "window": ensemble.length,
            "scale": settings.scale,
            "max_unknown_fraction": settings.max_unknown_fraction,
            "first": settings.first,
            "targets": list(ensemble.names),
            "models": len(ensemble.engines),
        },
        "inputs": {
            "variants": hashes["variants"],
            "wild_type": hashes["wild_type"],
            "models": list(ensemble.hashes),
        },
        "wild_type": {"id": wild_type.id, "length": len(wild_type.sequence)},
        "notes": notes,
        "records": statuses.total(),
        "statuses": {_SCORED: statuses.pop(_SCORED, 0), **dict(statuses.most_common())},
        "mutations": {str(count): mutations[count] for count in sorted(mutations)},
        **effects.summarise(),
    }


def tell_alphabet(sequence: str, alphabet: Alphabet) -> Letters:
    """Tell the letters that mutations are written in: the model's; RNA where the wild type is."""
    if alphabet == PROTEIN:
        return "protein"
    return "rna" if "U" in sequence.upper() else "dna"


def _compare_wild_types(wild_type: WildType, ensemble: Ensemble) -> list[str]:
    if ensemble.wild_type is None:
        return []
    given = _encode(wild_type.sequence, None, ensemble.alphabet)
    if len(given) != len(ensemble.wild_type):
        return []
    count = int((given != np.array(ensemble.wild_type, np.uint8)).sum())
    if not count:
        return []
    return [f"the wild type differs in {count:,} places from the one the models were trained with"]


def make_schema(names: Sequence[str], several: bool) -> pa.Schema:
    """Give the table's columns."""
    fixed: list[tuple[str, pa.DataType]] = [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("variant", pa.string()),
        ("mutations", pa.int32()),
        ("status", pa.string()),
        ("found", pa.string()),
    ]
    kinds = ("ref", "alt", "diff", "sd") if several else ("ref", "alt", "diff")
    scores = [(f"{kind}:{name}", pa.float32()) for name in names for kind in kinds]
    return pa.schema([*fixed, *scores])


def _read_rows(
    settings: MutationTable, path: Path, wild_type: WildType, alphabet: Alphabet
) -> Iterator[list[MutatedRow]]:
    batches = read_mutation_table(
        path,
        wild_type.sequence,
        column=settings.column,
        id_column=settings.id_column,
        first=settings.first,
        alphabet=tell_alphabet(wild_type.sequence, alphabet),
    )
    for batch in batches:
        for first in range(0, len(batch), _ROWS):
            yield batch[first : first + _ROWS]


def _score_rows(
    rows: Sequence[MutatedRow], wild_type: WildType, ensemble: Ensemble, max_unknown: float
) -> tuple[Scores, list[str]]:
    scores = empty_scores(len(rows), ensemble)
    status = [row.fault.reason if row.fault is not None else _SCORED for row in rows]
    groups: dict[int, list[int]] = {}
    codes: dict[int, NDArray[np.uint8]] = {}
    protein = ensemble.alphabet == PROTEIN
    for at, row in enumerate(rows):
        if row.sequence is None:
            continue
        if protein and ensemble.reads not in (None, len(row.sequence)):
            status[at] = OTHER_LENGTH
            continue
        if protein and "*" in row.sequence:
            status[at] = STOP
            continue
        codes[at] = _encode(row.sequence, ensemble.reads, ensemble.alphabet)
        # What pads it is not counted.
        known = ensemble.alphabet.letters + ("" if protein else "U")
        unknown = len(row.sequence) - sum(map(row.sequence.count, known))
        if unknown > max_unknown * len(row.sequence):
            status[at] = UNKNOWN_RESIDUES if protein else UNKNOWN
        else:
            groups.setdefault(len(codes[at]), []).append(at)
    wild = _encode(wild_type.sequence, ensemble.reads, ensemble.alphabet)
    for length, members in sorted(groups.items()):
        mutants = np.stack([codes[at] for at in members])
        reference, alternative = _score_group(wild, mutants, ensemble, length == len(wild))
        fill_scores(scores, np.array(members), reference, alternative)
    return scores, status


def _score_group(
    wild: NDArray[np.uint8], mutants: NDArray[np.uint8], ensemble: Ensemble, alike: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score sequences of one length, as changes of the wild type where that is theirs too."""
    shape = (len(ensemble.engines), len(mutants), len(ensemble.names))
    reference, alternative = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for place, engine in enumerate(ensemble.engines):
        if alike:
            differs = mutants != wild
            starts = differs.argmax(axis=1)
            ends = len(wild) - differs[:, ::-1].argmax(axis=1)
            ends = np.where(differs.any(axis=1), ends, starts)
            which = np.zeros(len(mutants), np.int64)
            one, others = engine.score_changes(wild[None], which, starts, ends, mutants)
        else:
            one = engine.score_windows(wild[None])
            others = engine.score_windows(mutants)
        reference[place] = scale_outputs(ensemble, one)
        alternative[place] = scale_outputs(ensemble, others)
    return reference, alternative


def _encode(sequence: str, length: int | None, alphabet: Alphabet) -> NDArray[np.uint8]:
    if alphabet == DNA:
        sequence = sequence.replace("U", "T")
    codes = alphabet.encode(sequence.encode())
    if length is None:
        return codes
    return fit_length(codes, np.array([0, len(codes)]), length, alphabet.unknown_code)[0]


def _tabulate(rows: Sequence[MutatedRow], status: Sequence[str], scores: Scores) -> list[pa.Array]:
    columns = [
        pa.array([row.row for row in rows], pa.int64()),
        pa.array([row.id for row in rows], pa.string()),
        pa.array([row.variant for row in rows], pa.string()),
        pa.array([len(row.mutations) if row.fault is None else None for row in rows], pa.int32()),
        pa.array(status, pa.string()),
        pa.array([row.fault.found if row.fault else None for row in rows], pa.string()),
    ]
    unscored = np.array([told != _SCORED for told in status])
    for place in range(scores.reference.shape[1]):
        columns += [
            pa.array(values[:, place], pa.float32(), mask=unscored)
            for values in (scores.reference, scores.alternative, scores.difference, scores.spread)
            if values is not None
        ]
    return columns


@contextmanager
def _open_table(path: Path, schema: pa.Schema) -> Iterator[Callable[[list[pa.Array]], None]]:
    """Open a Parquet file or a TSV for batches of columns."""
    with atomic_path(path) as temporary:
        if path.suffix == ".parquet":
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                yield lambda columns: writer.write_table(
                    pa.Table.from_arrays(columns, schema=schema)
                )
            return
        with temporary.open("w", newline="", encoding="utf-8") as handle:
            lines = csv.writer(handle, delimiter="\t", lineterminator="\n")
            lines.writerow(schema.names)
            yield lambda columns: lines.writerows(
                zip(*(_write_column(column) for column in columns), strict=True)
            )


def _write_column(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if not pa.types.is_floating(column.type):
        return values
    return ["" if value is None else f"{value:.6g}" for value in values]
