"""Read the chunks of a surveyed VCF, from any one on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
import pysam
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.source import BLOCK, open_vcf
from bioseq_dl.io.vcf.survey import ChunkPlace, VcfSurvey, check_unchanged


@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive records of a VCF.

    Parameters
    ----------
    number : int
        From 0, in the whole file.
    first_record : int
        Of all records of the file, from 0.
    first_line : int
        1-based line of the first record.
    lines : list of bytes (n,)
        As they stand in the file, without line ends.
    chrom : ndarray of int32 (n,)
        Places in the survey's `contigs`.
    start : ndarray of int64 (n,)
        0-based first base of REF: POS - 1.
    ref : list of bytes (n,)
        Upper case.
    alts : list of bytes (n,)
        ALT columns, upper case, commas between alleles.
    """

    number: int
    first_record: int
    first_line: int
    lines: list[bytes]
    chrom: NDArray[np.int32]
    start: NDArray[np.int64]
    ref: list[bytes]
    alts: list[bytes]

    def alleles(self) -> tuple[list[bytes], NDArray[np.int64]]:
        """Give all ALT alleles end to end.

        Returns
        -------
        alleles : list of bytes (alleles,)
            ``.`` is one too.
        offsets : ndarray of int64 (n + 1,)
            Where each record's begin.
        """
        counts = [alt.count(b",") + 1 for alt in self.alts]
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        return b",".join(self.alts).split(b",") if self.alts else [], offsets


def read_chunks(survey: VcfSurvey, first: int = 0, last: int | None = None) -> Iterator[Chunk]:
    """Read chunks ``first .. last - 1``, one in memory at a time.

    Plain text and bgzip are read from the first of them on; gzip, xz, bzip2 and BCF from the
    start of the file.

    Parameters
    ----------
    survey : VcfSurvey
        Of the file to read, which must not have changed since.
    first, last : int
        Half-open; `last` is the end by default.

    Raises
    ------
    InputError
        Where the file has changed.
    """
    places = survey.chunks[first:last]
    if not places:
        return
    check_unchanged(survey)
    codes = {name.encode(): code for code, name in enumerate(survey.contigs)}
    with ExitStack() as stack:
        read = _open_at(survey, places[0], stack)
        for place in places:
            text = read(place.size)
            if len(text) != place.size:
                raise _changed(survey)
            yield _parse_chunk(text, place, codes, survey)


def _open_at(survey: VcfSurvey, place: ChunkPlace, stack: ExitStack) -> Callable[[int], bytes]:
    """Open the file at a chunk and give the function that reads on."""
    if survey.kind == "bgzip":
        blocked = stack.enter_context(pysam.BGZFile(str(survey.path), "rb", None))
        blocked.seek(cast(int, place.seek))
        return blocked.read
    handle: BinaryIO
    if survey.kind == "plain":
        handle = stack.enter_context(survey.path.open("rb"))
        handle.seek(cast(int, place.seek))
        return handle.read
    handle = stack.enter_context(open_vcf(survey.path, survey.kind))
    skip = place.offset
    while skip:
        passed = len(handle.read(min(skip, BLOCK)))
        if not passed:
            raise _changed(survey)
        skip -= passed
    return handle.read


def _parse_chunk(
    text: bytes, place: ChunkPlace, codes: dict[bytes, int], survey: VcfSurvey
) -> Chunk:
    lines = text.replace(b"\r\n", b"\n").removesuffix(b"\r").removesuffix(b"\n").split(b"\n")
    if len(lines) != place.records:
        raise _changed(survey)
    fields: Sequence[Sequence[bytes]] = [line.split(b"\t", 5) for line in lines]
    try:
        chrom, pos, _, ref, alt, _ = zip(*fields, strict=True)
        return Chunk(
            number=place.number,
            first_record=place.first_record,
            first_line=place.first_line,
            lines=lines,
            chrom=np.fromiter(map(codes.__getitem__, chrom), np.int32, len(lines)),
            start=np.fromiter(map(int, pos), np.int64, len(lines)) - 1,
            ref=b"\t".join(ref).upper().split(b"\t"),
            alts=b"\t".join(alt).upper().split(b"\t"),
        )
    except (KeyError, ValueError):
        raise _changed(survey) from None


def _changed(survey: VcfSurvey) -> InputError:
    return InputError(
        "the file has changed since it was checked", file=survey.path, fix="run again"
    )
