"""Open a VCF for its text, whatever holds it: plain, gzip, bgzip, xz, BCF."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pysam

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import check_bgzip_end, is_bgzip, open_binary, read_magic

Kind = Literal["plain", "bgzip", "stream", "bcf"]
"""``stream`` is text that cannot be read from its middle: gzip, xz, bzip2."""
BLOCK = 1 << 22
"""Bytes of text handled at a time."""
_BCF_RECORDS = 4096


def tell_kind(path: str | Path) -> Kind:
    """Tell by its content what holds a VCF.

    Raises
    ------
    InputError
        Where the file is missing or empty.
    """
    magic = read_magic(path)
    if magic.startswith(b"BCF"):
        return "bcf"
    if is_bgzip(path):
        try:
            with gzip.open(path, "rb") as handle:
                inner = handle.read(3)
        except (OSError, EOFError):
            inner = b""  # open_vcf says where it is damaged
        return "bcf" if inner == b"BCF" else "bgzip"
    if magic.startswith((b"\x1f\x8b", b"\xfd7zXZ", b"BZh")):
        return "stream"
    return "plain"


def open_vcf(path: str | Path, kind: Kind) -> io.BufferedReader:
    """Open a VCF for its text; of a BCF the text that ``bcftools view`` writes.

    Raises
    ------
    InputError
        Here or while reading: what `open_binary` raises; a damaged BCF.
    """
    if kind != "bcf":
        return open_binary(path)
    if is_bgzip(path):
        # Its check of the end marker, which htslib only warns about.
        check_bgzip_end(path)
    return io.BufferedReader(_Pieces(_read_bcf(Path(path))), buffer_size=1 << 18)


def _read_bcf(path: Path) -> Iterator[bytes]:
    with silence_htslib():
        try:
            with pysam.VariantFile(str(path), "rb") as file:
                yield str(file.header).encode()
                lines: list[str] = []
                for record in file:
                    lines.append(str(record))
                    if len(lines) == _BCF_RECORDS:
                        yield "".join(lines).encode()
                        lines = []
                yield "".join(lines).encode()
        except (OSError, ValueError):  # htslib's words do not say more
            raise InputError(
                "the BCF is cut short or damaged", file=path, fix="copy or write it again"
            ) from None


@contextmanager
def silence_htslib() -> Iterator[None]:
    """Keep htslib's own words off the terminal; what is wrong is raised."""
    before = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(before)


class _Pieces(io.RawIOBase):
    """Pieces of bytes, read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
