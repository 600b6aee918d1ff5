"""Open a text file, however it is compressed, and say where it is damaged."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import Any, TextIO

from bioseq_dl.errors import InputError

_GZIP, _XZ, _BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"
_OTHER = {
    b"PK\x03\x04": ("a zip archive (or a spreadsheet)", "unpack it, or save it as CSV"),
    b"\x28\xb5\x2f\xfd": ("zstd data", "recompress it with gzip"),
    b"\xff\xfe": ("UTF-16 text", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "save it as UTF-8"),
    b"PAR1": ("a Parquet file", "give it as format: table"),
    b"%PDF": ("a PDF", None),
    b"\x89HDF": ("an HDF5 file", None),
    b"BAM\x01": ("a BAM file", "extract its sequences first"),
}
BOM = b"\xef\xbb\xbf"
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends every bgzip file (SAM specification, 4.1.2)."""
_CONTROL = bytes(sorted(set(range(32)) - set(b"\t\n\r\f\v"))) + b"\x7f"


def open_binary(path: str | Path) -> io.BufferedReader:
    """Open a text file for its decompressed bytes.

    Plain, gzip (with several members too, as bgzip writes), xz and bzip2 are told apart by
    their first bytes, not by name. A leading byte order mark is dropped.

    Raises
    ------
    InputError
        Here or while reading: where the file is missing, empty, cut short, damaged, or is not
        text in UTF-8; with the byte and the line as far as known.
    """
    return io.BufferedReader(_TextBytes(_decompress(path), path), buffer_size=1 << 18)


def open_text(path: str | Path) -> TextIO:
    r"""Open a text file for its decompressed lines; ``\r\n`` and ``\r`` read as ``\n``.

    Raises
    ------
    InputError
        As `open_binary` does.
    """
    return io.TextIOWrapper(open_binary(path), encoding="utf-8")


def read_magic(path: str | Path, size: int = 8) -> bytes:
    """Give a file's first bytes.

    Raises
    ------
    InputError
        Where the file is missing, unreadable, a folder or empty.
    """
    try:
        with Path(path).open("rb") as handle:
            magic = handle.read(size)
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", file=path) from None
    if not magic:
        raise InputError("the file is empty", file=path)
    return magic


def _decompress(path: str | Path) -> io.BufferedIOBase:
    magic = read_magic(path)
    if magic.startswith(_GZIP):
        if is_bgzip(path):
            check_bgzip_end(path)
        return gzip.open(path, "rb")
    if magic.startswith(_XZ):
        return lzma.open(path, "rb")
    if magic.startswith(_BZIP2):
        return bz2.open(path, "rb")
    for start, (kind, fix) in _OTHER.items():
        if magic.startswith(start):
            allowed = "plain text, gzip, bgzip, xz or bzip2"
            raise InputError(f"this is {kind}", file=path, allowed=allowed, fix=fix)
    return Path(path).open("rb")


def is_bgzip(path: str | Path) -> bool:
    """Tell whether a file is blocked gzip, which can be read from its middle.

    Raises
    ------
    InputError
        As `read_magic` does.
    """
    header = read_magic(path, 18)
    # FLG.FEXTRA with the subfield "BC" marks bgzip.
    found = len(header) == 18 and header.startswith(_GZIP) and bool(header[3] & 4)
    return found and header[12:14] == b"BC"


def check_bgzip_end(path: str | Path) -> None:
    """Find a bgzip file cut between two blocks: it reads as whole, but lacks the end marker.

    Raises
    ------
    InputError
        Where the end marker is missing.
    """
    with Path(path).open("rb") as handle:
        size = handle.seek(0, io.SEEK_END)
        handle.seek(max(0, size - len(BGZIP_END)))
        if handle.read() != BGZIP_END:
            raise _cut_short(path, "the bgzip end marker is missing")


def _cut_short(path: str | Path, where: str) -> InputError:
    return InputError(
        f"the compressed file is cut short: {where}", file=path, fix="copy or download it again"
    )


class _TextBytes(io.RawIOBase):
    """The bytes of a text file, checked as they pass."""

    def __init__(self, stream: io.BufferedIOBase, path: str | Path) -> None:
        self._stream = stream
        self._path = path
        self._bytes = 0
        self._lines = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._pending = False  # a character is split between two chunks

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        data = self._read(len(view))
        if self._bytes == 0:
            if data.startswith(BOM):
                data = data[len(BOM) :] or self._read(len(view))
            if not data:
                raise InputError("the file is empty", file=self._path)
        self._check(data)
        self._bytes += len(data)
        self._lines += data.count(b"\n")
        view[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read1(size)
        except EOFError:
            raise _cut_short(self._path, f"it ends after byte {self._bytes:,} of text") from None
        except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise InputError(
                f"damaged compressed data after byte {self._bytes:,} of text: {error}",
                file=self._path,
                fix="copy or download it again",
            ) from None
        except OSError as error:
            raise InputError(f"cannot read the file: {error}", file=self._path) from None

    def _check(self, data: bytes) -> None:
        if len(data.translate(None, _CONTROL)) != len(data):
            place = next(i for i, byte in enumerate(data) if byte in _CONTROL)
            raise self._not_text("binary data, not text", data, place)
        if self._pending or not data or not data.isascii():
            try:
                self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                # What the decoder held back belongs to an earlier chunk.
                place = error.start - (len(error.object) - len(data))
                raise self._not_text("not UTF-8 text", data, place) from None
            self._pending = bool(self._decoder.getstate()[0])

    def _not_text(self, problem: str, data: bytes, place: int) -> InputError:
        line = self._lines + data[: max(place, 0)].count(b"\n") + 1
        return InputError(
            problem,
            file=self._path,
            position=f"line {line}, byte {self._bytes + place + 1}",
            found=f"0x{data[place]:02x}" if place >= 0 and data else None,
            fix="convert it with iconv" if "UTF-8" in problem else None,
        )
