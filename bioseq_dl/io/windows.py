"""Intervals to windows of sequence: contig names, anchors, edges, batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Ingest, IntervalsInput
from bioseq_dl.errors import InputError
from bioseq_dl.io.contigs import match_names
from bioseq_dl.io.genome import Genome, extract
from bioseq_dl.io.intervals import Intervals
from bioseq_dl.io.letters import TOO_LONG
from bioseq_dl.io.records import Batch, Reject

NO_CONTIG = "contig not in the genome"
BEYOND = "window beyond the contig"
NO_SUMMIT = "no summit"

_BATCH_BASES = 1 << 25


@dataclass(frozen=True)
class Windows:
    """What is cut from the genome for each interval that has a window.

    Parameters
    ----------
    rows : ndarray of int64 (n,)
        The interval's place among the file's intervals.
    contig : ndarray of int64 (n,)
        Place in ``genome.contigs``.
    start, end : ndarray of int64 (n,)
        0-based half-open; beyond the contig's ends where padded.
    strand : ndarray of str (n,)
        Strand that is read: ``+``, ``-``, or ``.`` where none was told.
    """

    rows: NDArray[np.int64]
    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.str_]


def match_contigs(
    intervals: Intervals, genome: Genome, path: str | Path
) -> tuple[NDArray[np.int64], list[str]]:
    """Find each interval's contig.

    A name that the genome lacks is read with ``chr`` put in front or taken away where that
    name is there and no interval uses it.

    Returns
    -------
    contig : ndarray of int64 (n,)
        Place in ``genome.contigs``, -1 where it is not there.
    notes : list of str
        Names that were read as others.

    Raises
    ------
    InputError
        Where two names mean one contig, none is in the genome, or an interval ends beyond
        its contig.
    """
    counts = Counter(intervals.chrom)
    names = match_names(counts, genome.contigs)
    for name, other in names.clashes.items():
        raise InputError(
            f"contigs {other} and {name} both stand for the genome's {other}",
            file=path,
            fix="name each contig one way",
        )
    found = names.places
    if all(place < 0 for place in found.values()):
        raise InputError(
            "none of the intervals' contigs is in the genome",
            file=path,
            found=", ".join(sorted(counts)[:5]),
            allowed=", ".join(list(genome.contigs)[:5])
            + (", …" if len(genome.contigs) > 5 else ""),
            fix="use a genome of the same assembly, with the same contig names",
        )
    contig = np.fromiter((found[name] for name in intervals.chrom), np.int64, len(intervals.chrom))
    sizes = np.array([length for _, length in genome.contigs.values()] + [2**62], np.int64)
    for row in np.flatnonzero(intervals.end > sizes[contig])[:1].tolist():
        raise InputError(
            "the interval ends beyond its contig",
            file=path,
            position=f"line {intervals.lines[row]}",
            found=f"{intervals.chrom[row]} {intervals.start[row]} {intervals.end[row]}",
            allowed=f"end up to {sizes[contig[row]]}",
            fix="use the genome of the same assembly",
        )
    return contig, names.notes


def place_windows(
    entry: IntervalsInput,
    ingest: Ingest,
    intervals: Intervals,
    contig: NDArray[np.int64],
    genome: Genome,
) -> tuple[Windows, list[Reject]]:
    """Give each interval its window, and those that get none as rejects.

    With a window of w bases around a centre, the plus strand reads
    ``start = (s + e) // 2 - w // 2`` of an interval [s, e); a summit p is the interval
    [p, p + 1). Where this is not symmetric (an even window around one base) the window of
    the minus strand is its mirror image, so that the anchor is the same letter of the
    sequence on both strands: letter w // 2, from 0.
    """
    start, end = intervals.start, intervals.end
    strand = np.array(intervals.strand)
    if entry.strand == "ignore":
        strand[:] = "."
    bad = {row: (NO_CONTIG, intervals.chrom[row]) for row in np.flatnonzero(contig < 0).tolist()}
    if entry.anchor == "summit":
        peak = intervals.peak
        if peak is None or entry.window is None:
            raise InputError(
                "anchor: summit needs format: narrowpeak and a window", file=entry.source.label
            )
        for row in np.flatnonzero(peak < 0).tolist():
            bad.setdefault(row, (NO_SUMMIT, "-1"))
        start = intervals.start + np.maximum(peak, 0)
        end = start + 1
    if entry.window is not None:
        first = (start + end) // 2 - entry.window // 2
        first = np.where(strand == "-", start + end - entry.window - first, first)
        start, end = first, first + entry.window
    sizes = np.array([length for _, length in genome.contigs.values()] + [0], np.int64)[contig]
    outside = (start < 0) | (end > sizes)
    if entry.edges == "pad":
        # A window without any base of the contig cannot be: its anchor lies on it.
        outside[:] = False
    for row in np.flatnonzero(outside).tolist():
        bad.setdefault(row, (BEYOND, f"{intervals.chrom[row]}:{start[row]}-{end[row]}"))
    # Before a hundred million letters are cut only to be rejected.
    for row in np.flatnonzero(end - start > ingest.max_length).tolist():
        bad.setdefault(row, (TOO_LONG, f"{end[row] - start[row]} letters"))
    keep = np.ones(len(start), bool)
    keep[list(bad)] = False
    rows = np.flatnonzero(keep)
    rejects = [
        Reject(
            entry.source.label,
            _name_interval(intervals, row),
            f"line {intervals.lines[row]}",
            reason,
            found,
        )
        for row, (reason, found) in sorted(bad.items())
    ]
    return Windows(rows, contig[rows], start[rows], end[rows], strand[rows]), rejects


def cut_windows(
    entry: IntervalsInput, intervals: Intervals, windows: Windows, genome: Genome
) -> Iterator[Batch]:
    """Cut windows from the genome, as batches.

    Ids are the intervals as the file has them, ``chrom:start-end`` with ``(+)`` or ``(-)``
    where a strand is told; the columns chrom, start and end are the windows', under the
    genome's names.
    """
    names = list(genome.contigs)
    widths = windows.end - windows.start
    if not widths.size:
        return
    stops = np.searchsorted(np.cumsum(widths), np.arange(0, widths.sum(), _BATCH_BASES))
    for first, last in zip(stops, [*stops[1:], len(widths)], strict=True):
        part = slice(int(first), int(last))
        rows = windows.rows[part]
        if not rows.size:
            continue
        letters, offsets = extract_varied(
            genome,
            windows.contig[part],
            windows.start[part],
            widths[part],
            windows.strand[part],
        )
        fields = {
            name: [values[row] for row in rows.tolist()]
            for name, values in intervals.fields.items()
        }
        yield Batch(
            places=intervals.lines[rows],
            ids=[_name_interval(intervals, row) for row in rows.tolist()],
            letters=letters,
            offsets=offsets,
            values={target: fields[name] for target, name in entry.columns.items()},
            split=fields[entry.split_column] if entry.split_column else None,
            group=fields[entry.group_column] if entry.group_column else None,
            chrom=[names[place] for place in windows.contig[part].tolist()],
            start=windows.start[part],
            end=windows.end[part],
            strand=windows.strand[part].tolist(),
        )


def extract_varied(
    genome: Genome,
    contig: NDArray[np.int64],
    start: NDArray[np.int64],
    widths: NDArray[np.int64],
    strand: NDArray[np.str_],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Cut windows of any widths: letters end to end, and where each starts (n + 1,)."""
    offsets = np.zeros(len(widths) + 1, np.int64)
    np.cumsum(widths, out=offsets[1:])
    letters = np.empty(int(offsets[-1]), np.uint8)
    for width in np.unique(widths).tolist():
        rows = np.flatnonzero(widths == width)
        cut = extract(genome, contig[rows], start[rows], width, strand[rows])
        if len(rows) == len(widths):
            return cut.reshape(-1), offsets
        for place, bases in zip(offsets[rows].tolist(), cut, strict=True):
            letters[place : place + width] = bases
    return letters, offsets


def _name_interval(intervals: Intervals, row: int) -> str:
    name = f"{intervals.chrom[row]}:{intervals.start[row]}-{intervals.end[row]}"
    strand = intervals.strand[row]
    return name if strand == "." else f"{name}({strand})"
