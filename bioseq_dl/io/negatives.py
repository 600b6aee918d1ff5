"""Negatives for peaks: windows elsewhere in the genome with the peaks' GC content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Ingest, IntervalsInput
from bioseq_dl.errors import InputError
from bioseq_dl.io.genome import Genome, extract
from bioseq_dl.io.intervals import Intervals
from bioseq_dl.io.letters import bin_gc
from bioseq_dl.io.records import Batch
from bioseq_dl.io.windows import Windows

_TILES_AT_ONCE_BASES = 1 << 24


def draw_negatives(
    entry: IntervalsInput,
    ingest: Ingest,
    genome: Genome,
    intervals: Intervals,
    contig: NDArray[np.int64],
    windows: Windows,
    accepted: NDArray[np.int64],
    letters: NDArray[np.int64],
) -> Batch:
    """Draw windows without a peak, as many in each GC bin as there are peaks times the ratio.

    The contigs that hold accepted intervals are cut into tiles of the window's width from a
    seeded first base on, so that negatives never overlap each other. Tiles that touch an
    interval of the file or its window (widened by ``exclude_bp``), or have more unknown
    letters than ``max_unknown_fraction``, are left out; of the rest, each GC bin's share is
    drawn without replacement. Strands are drawn from those of the accepted intervals.

    Parameters
    ----------
    intervals, contig
        All intervals of the file and their contigs (-1: not in the genome).
    windows : Windows
        Windows of the intervals that have one.
    accepted : ndarray of int64 (m,)
        One or more; rows of `windows` whose sequence became a record.
    letters : ndarray of int64 (m, 3)
        Their length, G + C, unknown letters.

    Returns
    -------
    Batch
        In the order of the genome; ids ``negative1``, ``negative2``, …; no labels yet.

    Raises
    ------
    InputError
        Where widths differ or a GC bin has too few tiles.
    """
    assert entry.negatives is not None
    settings = entry.negatives
    path = entry.source.label
    widths = np.unique((windows.end - windows.start)[accepted])
    if len(widths) > 1:
        raise InputError(
            "negatives need windows of one width",
            file=path,
            found=f"{widths[0]} to {widths[-1]} bp",
            fix="set 'window'",
        )
    width = int(widths[0])
    random = np.random.default_rng(settings.seed)
    chosen_contigs = np.unique(windows.contig[accepted])
    where, starts, bins = _tile(
        genome,
        chosen_contigs,
        width,
        settings.gc_bins,
        ingest.max_unknown_fraction,
        random,
        _list_excluded(intervals, contig, windows, settings.exclude_bp),
    )
    peaks = bin_gc(letters[:, 1], letters[:, 0] - letters[:, 2], settings.gc_bins)
    needed = _count_needed(peaks, settings.gc_bins, settings.ratio)
    there = np.bincount(bins, minlength=settings.gc_bins)
    _check_enough(needed, there, path)
    drawn = [
        random.choice(np.flatnonzero(bins == place), int(needed[place]), replace=False)
        for place in np.flatnonzero(needed).tolist()
    ]
    rows = np.sort(np.concatenate(drawn))
    strand = random.choice(windows.strand[accepted], len(rows))
    names = list(genome.contigs)
    cut = extract(genome, where[rows], starts[rows], width, strand)
    return Batch(
        places=np.zeros(len(rows), np.int64),
        ids=[f"negative{number}" for number in range(1, len(rows) + 1)],
        letters=cut.reshape(-1),
        offsets=np.arange(len(rows) + 1, dtype=np.int64) * width,
        values={},
        chrom=[names[place] for place in where[rows].tolist()],
        start=starts[rows],
        end=starts[rows] + width,
        strand=strand.tolist(),
    )


def _count_needed(peaks: NDArray[np.int64], bins: int, ratio: float) -> NDArray[np.int64]:
    """Share round(ratio * n) out over the bins: whole parts, then the largest remainders."""
    exact = np.bincount(peaks, minlength=bins) * ratio
    needed: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    missing = max(round(len(peaks) * ratio), 1) - int(needed.sum())
    order = np.argsort(needed - exact, kind="stable")
    needed[order[:missing]] += 1
    return needed


def _list_excluded(
    intervals: Intervals, contig: NDArray[np.int64], windows: Windows, margin: int
) -> NDArray[np.int64]:
    """Give contig, start, end (k, 3) of what negatives may not touch."""
    peaks = np.column_stack([contig, intervals.start - margin, intervals.end + margin])
    cut = np.column_stack([windows.contig, windows.start - margin, windows.end + margin])
    return np.concatenate([peaks, cut])


def _tile(
    genome: Genome,
    contigs: NDArray[np.int64],
    width: int,
    bins: int,
    max_unknown: float,
    random: np.random.Generator,
    excluded: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give contig, start and GC bin of every tile that may be a negative."""
    places = list(genome.contigs.values())
    found = []
    for contig in contigs.tolist():
        offset, size = places[contig]
        phase = int(random.integers(width))
        count = max(0, (size - phase) // width)
        free = _find_free(excluded[excluded[:, 0] == contig, 1:], phase, width, count)
        step = max(1, _TILES_AT_ONCE_BASES // width)
        for first in range(0, count, step):
            last = min(first + step, count)
            bases = genome.bases[offset + phase + first * width : offset + phase + last * width]
            tiles = np.asarray(bases).reshape(-1, width)
            strong = np.count_nonzero((tiles == ord("C")) | (tiles == ord("G")), axis=1)
            weak = np.count_nonzero((tiles == ord("A")) | (tiles == ord("T")), axis=1)
            known = strong + weak
            usable = free[first:last] & (known > 0) & (width - known <= max_unknown * width)
            rows = np.flatnonzero(usable)
            found.append(
                np.column_stack(
                    [
                        np.full(len(rows), contig),
                        phase + (first + rows) * width,
                        bin_gc(strong[rows], known[rows], bins),
                    ]
                )
            )
    table = np.concatenate(found) if found else np.empty((0, 3), np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def _find_free(
    excluded: NDArray[np.int64], phase: int, width: int, count: int
) -> NDArray[np.bool_]:
    """Say which of the tiles ``phase + k * width`` touch nothing excluded."""
    first = np.clip((excluded[:, 0] - phase) // width, 0, count)
    last = np.clip((excluded[:, 1] - 1 - phase) // width, -1, count - 1)
    # +1 where an excluded run of tiles begins, -1 after its end: the running sum counts them.
    change = np.zeros(count + 1, np.int64)
    some = first <= last
    np.add.at(change, first[some], 1)
    np.add.at(change, last[some] + 1, -1)
    return np.asarray(np.cumsum(change)[:count] == 0)


def _check_enough(needed: NDArray[np.int64], there: NDArray[np.int64], path: str | Path) -> None:
    bins = len(needed)
    short = np.flatnonzero(there < needed)
    if short.size:
        place = int(short[np.argmax((needed - there)[short])])
        raise InputError(
            f"too few windows for negatives: {len(short)} of {bins} GC bins are short; GC "
            f"{place / bins:.2f} to {(place + 1) / bins:.2f} needs {needed[place]:,}, "
            f"the genome has {there[place]:,}",
            file=path,
            fix="lower the ratio, exclude_bp or gc_bins, or use more of the genome",
        )
