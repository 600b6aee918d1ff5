"""The sequences that are explained, and where they stand on a genome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bioseq_dl.config import FastaInput, Ingest, IntervalsInput, Source
from bioseq_dl.encode.alphabet import DNA, Codes
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.genome import Genome
from bioseq_dl.io.intervals import read_intervals
from bioseq_dl.io.letters import check_letters, join_letters
from bioseq_dl.io.windows import cut_windows, match_contigs, place_windows


@dataclass(frozen=True)
class Place:
    """Where a sequence stands on a genome."""

    chrom: str
    start: int
    """0-based; below 0 where the sequence begins with padding."""
    end: int
    """Half-open."""
    strand: str
    """``-`` where the sequence is the reverse complement; ``+`` or ``.``."""

    def locate(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Give the base of the contig, 0-based, that stands at each position."""
        return self.end - 1 - positions if self.strand == "-" else self.start + positions


@dataclass(frozen=True, eq=False)
class Subject:
    """A sequence that is explained."""

    kind: str
    """``record``, ``interval`` or ``sequence`` (of a FASTA)."""
    id: str
    codes: Codes
    """uint8 (length,): A C G T = 0 1 2 3, unknown = 4."""
    place: Place | None = None


def take_records(
    examples: Examples, ids: Sequence[str], rows: Sequence[int]
) -> tuple[Subject, ...]:
    """Take some records of a run; `ids` are those of the rows."""
    offsets = examples.offsets
    return tuple(
        Subject("record", name, np.array(examples.codes[offsets[row] : offsets[row + 1]]))
        for name, row in zip(ids, rows, strict=True)
    )


def read_sequences(path: str | Path) -> tuple[Subject, ...]:
    """Read every sequence of a FASTA; U reads as T, lower case as upper.

    Raises
    ------
    InputError
        Where the file cannot be read, is empty, or a record is no nucleotide sequence.
    """
    records = list(read_fasta(path))
    if not records:
        raise InputError("no records in the FASTA", file=path)
    entry = FastaInput(format="fasta", source=Source(path=str(path)))
    checked = check_letters(
        *join_letters([record.sequence for record in records]),
        Ingest(inputs=(entry,), alphabet="rna", max_unknown_fraction=1.0),
    )
    for row, (reason, position, found) in sorted(checked.problems.items()):
        raise InputError(
            reason,
            file=path,
            record=records[row].id,
            position=position or None,
            found=found or None,
        )
    codes = DNA.encode(checked.letters.tobytes())
    return tuple(
        Subject("sequence", record.id, codes[start:end])
        for record, start, end in zip(
            records, checked.offsets[:-1].tolist(), checked.offsets[1:].tolist(), strict=True
        )
    )


def cut_intervals(
    path: str | Path, genome: Genome, window: int | None, strand: str
) -> tuple[tuple[Subject, ...], list[str]]:
    """Cut the windows of a BED's intervals from a genome.

    A window of w bases around the centre of [s, e) starts at ``(s + e) // 2 - w // 2`` on the
    plus strand, as in ingest; beyond the contig's ends it is padded with N.

    Parameters
    ----------
    path : path
        BED.
    genome : Genome
    window : int, optional
        Bases; without it the intervals as they are.
    strand : str
        ``use`` takes the reverse complement on the minus strand, ``ignore`` does not.

    Returns
    -------
    subjects : tuple of Subject
        In the file's order.
    notes : list of str
        Contigs read under other names; intervals left out, by reason; padding.

    Raises
    ------
    InputError
        Where the BED is malformed, none of its contigs is in the genome, or an interval ends
        beyond its contig.
    """
    intervals = read_intervals(path)
    contig, notes = match_contigs(intervals, genome, path)
    entry = IntervalsInput.model_validate(
        {
            "format": "bed",
            "source": {"path": str(path)},
            "genome": {"path": str(path)},
            "window": window,
            "strand": strand,
            "edges": "pad",
        }
    )
    windows, rejects = place_windows(entry, Ingest(inputs=(entry,)), intervals, contig, genome)
    reasons = dict.fromkeys(reject.reason for reject in rejects)
    for reason in reasons:
        left = [reject for reject in rejects if reject.reason == reason]
        first = f"the first is {left[0].record}"
        notes.append(f"intervals that are not explained ({reason}): {len(left)}; {first}")
    subjects: list[Subject] = []
    for batch in cut_windows(entry, intervals, windows, genome):
        codes = DNA.encode(batch.letters.tobytes())
        assert batch.chrom is not None
        assert batch.start is not None
        assert batch.end is not None
        assert batch.strand is not None
        for row, name in enumerate(batch.ids):
            place = Place(
                str(batch.chrom[row]),
                int(batch.start[row]),
                int(batch.end[row]),
                str(batch.strand[row]),
            )
            part = codes[batch.offsets[row] : batch.offsets[row + 1]]
            subjects.append(Subject("interval", name, part, place))
    sizes = {name: length for name, (_, length) in genome.contigs.items()}
    beyond = sum(
        subject.place.start < 0 or subject.place.end > sizes[subject.place.chrom]
        for subject in subjects
        if subject.place is not None
    )
    if beyond:
        notes.append(f"windows that reach beyond their contig, padded with N: {beyond}")
    return tuple(subjects), notes
