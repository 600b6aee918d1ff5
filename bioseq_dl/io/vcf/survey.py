"""One pass over a VCF before anything is computed: is it sound, and how is it cut in chunks."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import BOM
from bioseq_dl.io.vcf.bgzip import BlockTable, read_block_table
from bioseq_dl.io.vcf.blocks import Block, parse_block
from bioseq_dl.io.vcf.header import VcfHeader, read_header
from bioseq_dl.io.vcf.source import BLOCK, Kind, open_vcf, tell_kind

CHUNK_RECORDS = 8192
CHUNK_BYTES = 1 << 23


@dataclass(frozen=True)
class ChunkPlace:
    """Where a chunk stands: a fixed number of consecutive records.

    Parameters
    ----------
    number : int
        From 0.
    first_record, records : int
        Its first record, counted from 0, and how many it has.
    first_line : int
        1-based line of its first record.
    offset, size : int
        Its first byte in the file's text (after a byte order mark), and how many it has.
    seek : int, optional
        Where to seek in the file: a byte of plain text, a virtual offset of bgzip (SAM
        specification, 4.1.1); None where the text can only be read from its start.
    """

    number: int
    first_record: int
    records: int
    first_line: int
    offset: int
    size: int
    seek: int | None


@dataclass(frozen=True, eq=False)
class VcfSurvey:
    """What a pass over a VCF found.

    Parameters
    ----------
    path : Path
    kind : str
        What holds the text: ``plain``, ``bgzip``, ``stream`` (gzip, xz, bzip2), ``bcf``.
    header : VcfHeader
    contigs : tuple of str
        In order of first appearance among the records.
    records, alleles : int
        Records; entries of their ALT columns, ``.`` counted as one.
    max_position : int
        The largest POS, 0 without records.
    first_unsorted : int, optional
        1-based line of the first record that stands before its predecessor, or whose contig was
        left before; None where the records are sorted.
    chunks : tuple of ChunkPlace
        They depend on the text alone, not on how it is compressed.
    notes : tuple of str
        What a user should know, a sentence each.
    stamp : tuple of int
        Size and time of the file, by which a change is noticed.
    """

    path: Path
    kind: Kind
    header: VcfHeader
    contigs: tuple[str, ...]
    records: int
    alleles: int
    max_position: int
    first_unsorted: int | None
    chunks: tuple[ChunkPlace, ...]
    notes: tuple[str, ...]
    stamp: tuple[int, int]

    @property
    def is_sorted(self) -> bool:
        """Contigs are contiguous and POS does not fall within one."""
        return self.first_unsorted is None


def survey_vcf(
    path: str | Path, chunk_records: int = CHUNK_RECORDS, chunk_bytes: int = CHUNK_BYTES
) -> VcfSurvey:
    """Read a VCF (plain, gzip, bgzip, xz, bzip2) or BCF once, whole, and check every line.

    Memory does not grow with the file, but for the table of chunks.

    Parameters
    ----------
    path : path
    chunk_records : int
        Most records of a chunk.
    chunk_bytes : int
        Most bytes of text of a chunk; a longer record is a chunk of its own.

    Raises
    ------
    InputError
        At the first malformed line, with its number (of a BCF: the line in its text); where the
        file is missing, empty, cut short or damaged.
    """
    path = Path(path)
    kind = tell_kind(path)
    stamp = stamp_file(path)
    with open_vcf(path, kind) as handle:
        header, size = read_header(handle, path)
        order = _Order()
        cutter = _Cutter(chunk_records, chunk_bytes, size)
        records = alleles = largest = 0
        returns, cut_end = False, False
        for text in _read_whole_lines(handle):
            cut_end = not text.endswith(b"\n")
            first_line = len(header.lines) + 1 + records
            block = parse_block(text + b"\n" * cut_end, header.columns, first_line, path)
            order.add(block, first_line)
            cutter.add(block.ends - np.array([0] * (len(block.ends) - 1) + [int(cut_end)]))
            records += len(block.ends)
            alleles += block.alleles
            largest = max(largest, int(block.positions.max()))
            returns |= block.returns
    chunks = _place_chunks(cutter.finish(), len(header.lines) + 1, path, kind)
    return VcfSurvey(
        path=path,
        kind=kind,
        header=header,
        contigs=tuple(name.decode() for name in order.contigs),
        records=records,
        alleles=alleles,
        max_position=largest,
        first_unsorted=order.first_unsorted,
        chunks=chunks,
        notes=tuple(_make_notes(path, kind, returns, cut_end)),
        stamp=stamp,
    )


def stamp_file(path: Path) -> tuple[int, int]:
    """Give a file's size in bytes and time of change in nanoseconds."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _read_whole_lines(handle: io.BufferedReader) -> Iterator[bytes]:
    """Read blocks that end at a line's end; the last one may lack its line feed."""
    rest: list[bytes] = []
    while block := handle.read(BLOCK):
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest.append(block)
            continue
        yield b"".join([*rest, block[:cut]])
        rest = [block[cut:]] if cut < len(block) else []
    if rest:
        yield b"".join(rest)


class _Order:
    """Contigs as they appear, and whether records are sorted."""

    def __init__(self) -> None:
        self.contigs: dict[bytes, int] = {}
        self.first_unsorted: int | None = None
        self._chrom = b""
        self._position = 0

    def add(self, block: Block, first_line: int) -> None:
        falls = np.zeros(len(block.positions), bool)
        falls[1:] = block.positions[1:] < block.positions[:-1]
        falls[block.runs] = False
        if block.chrom[0] == self._chrom:
            falls[0] = block.positions[0] < self._position
        for run, chrom in zip(block.runs.tolist(), block.chrom, strict=True):
            if chrom in self.contigs and chrom != self._chrom:
                falls[run] = True
            self.contigs.setdefault(chrom, len(self.contigs))
            self._chrom = chrom
        self._position = int(block.positions[-1])
        if self.first_unsorted is None and falls.any():
            self.first_unsorted = first_line + int(np.argmax(falls))


class _Cutter:
    """Cut records into chunks by number and size."""

    def __init__(self, records: int, size: int, offset: int) -> None:
        self._most_records, self._most_bytes = records, size
        self._offset = offset  # of the block's first byte
        self._begin = offset  # of the open chunk
        self._records = 0  # of the open chunk
        self.cuts: list[tuple[int, int, int]] = []

    def add(self, ends: NDArray[np.int64]) -> None:
        """Take records that end at these bytes of a block."""
        stops = ends + self._offset
        record = 0
        while record < len(stops):
            room = np.searchsorted(stops, self._begin + self._most_bytes, side="right")
            until = min(record + self._most_records - self._records, int(room), len(stops))
            # A record larger than a chunk may be is a chunk of its own.
            until = max(until, record if self._records else record + 1)
            self._records += until - record
            record = until
            if record < len(stops) or self._records == self._most_records:
                self._close(int(stops[record - 1]) if record else self._offset)
        self._offset = int(stops[-1])

    def _close(self, end: int) -> None:
        self.cuts.append((self._begin, end - self._begin, self._records))
        self._begin, self._records = end, 0

    def finish(self) -> list[tuple[int, int, int]]:
        """Give the first byte, bytes and records of each chunk."""
        if self._records:
            self._close(self._offset)
        return self.cuts


def _place_chunks(
    cuts: list[tuple[int, int, int]], first_line: int, path: Path, kind: Kind
) -> tuple[ChunkPlace, ...]:
    mark = _find_mark(path, kind)
    table = read_block_table(path, mark) if kind == "bgzip" and cuts else None
    chunks = []
    record = 0
    for number, (offset, size, records) in enumerate(cuts):
        seek = _find_seek(offset, kind, table, mark)
        chunks.append(ChunkPlace(number, record, records, first_line + record, offset, size, seek))
        record += records
    return tuple(chunks)


def _find_seek(offset: int, kind: Kind, table: BlockTable | None, mark: int) -> int | None:
    if kind == "plain":
        return offset + mark
    return table.virtual_offset(offset) if table is not None else None


def _find_mark(path: Path, kind: Kind) -> int:
    """Give the bytes of a byte order mark at the start, which is no text."""
    with gzip.open(path, "rb") if kind == "bgzip" else path.open("rb") as handle:
        return len(BOM) if handle.read(len(BOM)) == BOM else 0


def _make_notes(path: Path, kind: Kind, returns: bool, cut_end: bool) -> Iterator[str]:
    for suffix in (".tbi", ".csi"):
        index = path.with_name(path.name + suffix)
        if index.is_file() and index.stat().st_mtime_ns < path.stat().st_mtime_ns:
            yield (
                f"The index {index.name} is older than {path.name}: it may belong to another "
                "version of the file. It was not used; make it again with tabix or bcftools index."
            )
    if kind == "stream":
        yield (
            f"{path.name} is compressed so that it can only be read from its start: "
            "scattered parts each read it up to their place. bgzip would let them seek."
        )
    if returns:
        yield f"Lines of {path.name} end in carriage returns; the output has line feeds alone."
    if cut_end:
        yield f"The last line of {path.name} lacks its line end; the output has it."


def check_unchanged(survey: VcfSurvey) -> None:
    """Find out whether the file is still the one surveyed.

    Raises
    ------
    InputError
        Where its size or time differs.
    """
    try:
        same = stamp_file(survey.path) == survey.stamp
    except OSError:
        same = False
    if not same:
        raise InputError(
            "the file has changed since it was checked", file=survey.path, fix="run again"
        )
