"""A genome as a flat, memory-mapped file of bases, and windows cut from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path, write_json
from bioseq_dl.io.handles import open_binary
from bioseq_dl.io.lock import hold_lock
from bioseq_dl.io.manifest import hash_file

_FORMAT = 1
"""Raised when the cache's layout changes, so that older ones are built anew."""
_CHUNK = 1 << 22
_BLOCK_BYTES = 1 << 18
"""Bytes turned to the other strand at a time: they stay in the processor's cache."""
_LETTERS = b"ACGTRYSWKMBDHVN"
_UPPER = bytes(range(256)).upper()
_LINE_ENDS = b"\r\n \t"
_COMPLEMENT = bytes.maketrans(_LETTERS, b"TGCAYRSWMKVHDBN")


@dataclass(frozen=True)
class Genome:
    """Bases of all contigs end to end.

    Parameters
    ----------
    contigs : mapping
        Name: (offset of its first base in `bases`, length), in the order of the FASTA.
    bases : np.memmap of uint8 (bases,)
        Upper-case ASCII.
    """

    contigs: Mapping[str, tuple[int, int]]
    bases: np.memmap[tuple[int], np.dtype[np.uint8]]


def open_genome(path: str | Path, cache: str | Path, *, sha256: str | None = None) -> Genome:
    """Memory-map a genome FASTA, building its flat cache once.

    The cache is named by the FASTA's content, so that a changed file gets a new one, and
    several processes and runs share it. Building streams: memory stays at some megabytes.

    Parameters
    ----------
    path : path
        FASTA, plain, gzip, bgzip or xz.
    cache : path
        Cache folder; needs a byte for each base.
    sha256 : str, optional
        Of the FASTA, where it is known already.

    Raises
    ------
    InputError
        Where the FASTA cannot be read, has no contig, repeats a contig's name, has an empty
        contig or a letter that is no nucleotide; or the cache cannot be written.
    """
    cache = Path(cache)
    sha256 = sha256 or hash_file(path)
    bases_path = cache / "genomes" / f"{sha256}.bases"
    index_path = bases_path.with_suffix(".json")
    contigs = _read_index(index_path, bases_path)
    if contigs is None:
        with hold_lock(cache / "locks" / f"{sha256}.genome.lock"):
            contigs = _read_index(index_path, bases_path)
            if contigs is None:
                contigs = _build(path, bases_path)
                rows = [[name, *place] for name, place in contigs.items()]
                write_json(index_path, {"format": _FORMAT, "contigs": rows})
    return Genome(contigs, np.memmap(bases_path, np.uint8, "r"))


def _read_index(index_path: Path, bases_path: Path) -> dict[str, tuple[int, int]] | None:
    """Give the contigs of a whole cache, None where there is none."""
    try:
        data = json.loads(index_path.read_text(encoding="utf-8"))
        size = bases_path.stat().st_size
        contigs = {name: (int(offset), int(length)) for name, offset, length in data["contigs"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    whole = data.get("format") == _FORMAT and size == sum(length for _, length in contigs.values())
    return contigs if whole else None


def _build(path: str | Path, bases_path: Path) -> dict[str, tuple[int, int]]:
    contigs: dict[str, tuple[int, int]] = {}
    name, total = "", 0
    with atomic_path(bases_path) as temporary, temporary.open("wb") as out:
        for header, bases in _stream_contigs(path):
            if header is not None:
                name = _name_contig(header, contigs, path)
                contigs[name] = (total, 0)
                continue
            upper = bases.translate(_UPPER, _LINE_ENDS)
            offset, length = contigs[name]
            if rest := upper.translate(None, _LETTERS):
                raise InputError(
                    "a letter in the genome is no nucleotide",
                    file=path,
                    record=name,
                    position=length + upper.find(rest[:1]) + 1,
                    found=chr(rest[0]),
                    allowed=_LETTERS.decode(),
                )
            out.write(upper)
            total += len(upper)
            contigs[name] = (offset, length + len(upper))
        empty = [name for name, (_, length) in contigs.items() if length == 0]
        if empty:
            raise InputError("a contig of the genome is empty", file=path, record=empty[0])
    return contigs


def _name_contig(header: bytes, contigs: Mapping[str, object], path: str | Path) -> str:
    words = header.decode().split(None, 1)
    if not words:
        raise InputError("a contig of the genome has no name", file=path)
    if words[0] in contigs:
        raise InputError("two contigs of the genome have one name", file=path, record=words[0])
    return words[0]


def _stream_contigs(path: str | Path) -> Iterator[tuple[bytes | None, bytes]]:
    """Give each header's text, then its sequence in pieces with their line ends."""
    with open_binary(path) as handle:
        if handle.peek(1)[:1] != b">":
            raise InputError(
                "the genome is no FASTA",
                file=path,
                found=handle.readline(60).decode().strip(),
                allowed="a first line that starts with '>'",
            )
        buffer, at_line_start = b"", True
        while piece := handle.read(_CHUNK):
            buffer += piece
            while buffer:
                if at_line_start and buffer.startswith(b">"):
                    end = buffer.find(b"\n")
                    if end < 0:
                        buffer += _finish_line(handle)
                        end = len(buffer) if b"\n" not in buffer else buffer.find(b"\n")
                    yield buffer[1:end].strip(), b""
                    buffer = buffer[end + 1 :]
                    continue
                end = buffer.find(b"\n>") + 1
                stretch, buffer = (buffer[:end], buffer[end:]) if end else (buffer, b"")
                at_line_start = stretch.endswith(b"\n")
                yield None, stretch


def _finish_line(handle: BinaryIO) -> bytes:
    return handle.readline()


def extract(
    genome: Genome,
    chroms: Sequence[str] | NDArray[np.integer],
    starts: NDArray[np.int64],
    length: int,
    strands: Sequence[str] | NDArray[np.str_] | None = None,
) -> NDArray[np.uint8]:
    """Cut windows of one length from a genome.

    Parameters
    ----------
    genome : Genome
        From `open_genome`.
    chroms : sequence of str or ndarray of int (n,)
        Contigs by name, or by place in ``genome.contigs`` (faster).
    starts : ndarray of int64 (n,)
        First base of each window on its contig, 0-based; may lie outside the contig.
    length : int
        Bases a window.
    strands : sequence of str (n,), optional
        ``-`` takes the reverse complement, anything else does not.

    Returns
    -------
    ndarray of uint8 (n, length)
        Upper-case ASCII; N beyond the contig's ends.

    Raises
    ------
    KeyError
        Where the genome has no such contig.
    """
    places = np.array(list(genome.contigs.values()), np.int64).reshape(-1, 2)
    index = _index_contigs(genome, chroms)
    starts = np.asarray(starts, np.int64)
    offsets, sizes = places[index, 0], places[index, 1]
    outside = np.flatnonzero((starts < 0) | (starts + length > sizes))
    total = len(genome.bases)
    firsts = offsets + starts
    if outside.size:
        firsts[outside] = 0
    if length <= total:
        # A plain array: indexing a memmap costs more a call. Copies whole rows of bytes.
        windows: NDArray[np.uint8] = sliding_window_view(np.asarray(genome.bases), length)[firsts]
    else:
        windows = np.empty((len(starts), length), np.uint8)
    for row in outside.tolist():
        start, size, offset = int(starts[row]), int(sizes[row]), int(offsets[row])
        first, last = min(max(start, 0), size), min(max(start + length, 0), size)
        windows[row] = ord("N")
        bases = genome.bases[offset + first : offset + last]
        windows[row, first - start : first - start + len(bases)] = bases
    if strands is not None:
        minus = np.flatnonzero(np.asarray(strands) == "-")
        step = max(8, _BLOCK_BYTES // max(length, 1) // 8 * 8)
        for first in range(0, len(minus), step):
            rows = minus[first : first + step]
            windows[rows] = reverse_complement(windows[rows])
    return windows


def reverse_complement(windows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the other strand of windows: ASCII (n, length) to (n, length)."""
    flat = np.frombuffer(windows.tobytes().translate(_COMPLEMENT), np.uint8)
    if flat.size % 8 == 0:
        # Turning words and then the bytes in them is four times faster than turning bytes.
        flat = flat.view(np.uint64)[::-1].byteswap().view(np.uint8)
    else:
        flat = flat[::-1]
    # The rows were turned too, last first.
    return flat.reshape(windows.shape)[::-1]


def _index_contigs(
    genome: Genome, chroms: Sequence[str] | NDArray[np.integer]
) -> NDArray[np.int64]:
    if isinstance(chroms, np.ndarray) and np.issubdtype(chroms.dtype, np.integer):
        return chroms.astype(np.int64, copy=False)
    numbers = {name: place for place, name in enumerate(genome.contigs)}
    return np.fromiter(map(numbers.__getitem__, chroms), np.int64, len(chroms))
