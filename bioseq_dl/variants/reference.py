"""Alleles against the genome: is REF what stands there, and what if not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.genome import Genome
from bioseq_dl.io.vcf.chunks import Chunk
from bioseq_dl.variants.alleles import FLIPPED, SCORED, STATUS, Alleles

_KNOWN = b"ACGT"


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a chunk's alleles stand on the genome.

    Parameters
    ----------
    contig : ndarray of int64 (n,)
        Place in ``genome.contigs``, -1 where it is not there.
    start, end : ndarray of int64 (n,)
        What the genome's window has in the allele's place, 0-based half-open: the trimmed REF,
        of flipped alleles the trimmed ALT.
    status : ndarray of int8 (n,)
        Place in ``alleles.STATUSES``.
    """

    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    status: NDArray[np.int8]


def place_alleles(
    chunk: Chunk,
    alleles: Alleles,
    contigs: NDArray[np.int64],
    genome: Genome,
    mismatch: Literal["strict", "skip", "flip"],
    path: str | Path,
) -> Placed:
    """Hold every allele's REF, padding and all, against the genome.

    A record whose REF differs from the genome only where one of the two has no known base is
    ``unknown_bases``; where known bases differ it is a mismatch. With ``flip``, a mismatched
    allele whose whole ALT stands in the genome is scored the other way round: the genome's
    window is that of ALT, and REF is edited into it. (Of a deletion, ALT is the padding base
    alone, and this base is then all that speaks for the flip.)

    Parameters
    ----------
    chunk : Chunk
    alleles : Alleles
        Of that chunk.
    contigs : ndarray of int64
        Place in ``genome.contigs`` of each contig of the survey, -1 where it is not there.
    genome : Genome
    mismatch : str
        ``strict``, ``skip`` or ``flip``.
    path : path
        The VCF, for the error.

    Raises
    ------
    InputError
        With ``strict``, at the first mismatch of an allele that is a sequence.
    """
    bases = np.asarray(genome.bases)
    places = np.array([*genome.contigs.values(), (0, 0)], np.int64)
    contig = contigs[chunk.chrom]
    offset, size = places[contig, 0], places[contig, 1]
    widths = np.fromiter(map(len, chunk.ref), np.int64, len(chunk.ref))
    verdict = np.full(len(chunk.ref), SCORED, np.int8)
    verdict[chunk.start + widths > size] = STATUS["beyond_contig"]
    verdict[chunk.start < 0] = STATUS["beyond_contig"]
    verdict[contig < 0] = STATUS["no_contig"]
    _compare(chunk, widths, verdict, offset + chunk.start, bases)

    record = alleles.record
    status = np.where(alleles.status == SCORED, verdict[record], alleles.status)
    start = chunk.start[record] + alleles.prefix
    end = start + alleles.ref_length
    wrong = np.flatnonzero(status == STATUS["ref_mismatch"])
    if wrong.size and mismatch == "strict":
        raise _refuse(chunk, int(record[wrong[0]]), genome, int(contig[record[wrong[0]]]), path)
    if mismatch == "flip":
        for row in wrong.tolist():
            here = int(record[row])
            first, alt = int(chunk.start[here]), alleles.alt[row]
            stop = first + len(alt)
            shift = int(offset[here])
            if stop <= size[here] and bases[shift + first : shift + stop].tobytes() == alt:
                status[row] = FLIPPED
                end[row] = start[row] + alleles.alt_length[row]
    return Placed(contig[record], start, end, status)


def _compare(
    chunk: Chunk,
    widths: NDArray[np.int64],
    verdict: NDArray[np.int8],
    first: NDArray[np.int64],
    bases: NDArray[np.uint8],
) -> None:
    """Write into `verdict` whose REF is not what the genome holds."""
    inside = verdict == SCORED
    letters = np.frombuffer(b"".join(chunk.ref), np.uint8)
    starts = np.cumsum(widths) - widths
    (single,) = np.nonzero(inside & (widths == 1))
    differs = single[bases[first[single]] != letters[starts[single]]]
    for record in [*differs.tolist(), *np.flatnonzero(inside & (widths > 1)).tolist()]:
        ref = chunk.ref[record]
        place = int(first[record])
        found = bases[place : place + len(ref)].tobytes()
        if found == ref:
            continue
        known = (one in _KNOWN and two in _KNOWN for one, two in zip(ref, found, strict=True))
        pairs = zip(ref, found, known, strict=True)
        clash = any(sure and one != two for one, two, sure in pairs)
        verdict[record] = STATUS["ref_mismatch" if clash else "unknown_bases"]


def _refuse(chunk: Chunk, record: int, genome: Genome, contig: int, path: str | Path) -> InputError:
    name, (offset, _) = list(genome.contigs.items())[contig]
    start, ref = int(chunk.start[record]), chunk.ref[record]
    there = genome.bases[offset + start : offset + start + len(ref)].tobytes()
    return InputError(
        "REF is not what the genome holds",
        file=path,
        position=f"line {chunk.first_line + record}",
        found=f"{name}:{start + 1} {ref.decode()}",
        allowed=there.decode(),
        fix="use the genome of the VCF's assembly, or set mismatch to skip or flip",
    )
