"""The header of a VCF: its lines as they came, and the lines we add."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bioseq_dl.errors import InputError

COLUMNS = (b"#CHROM", b"POS", b"ID", b"REF", b"ALT", b"QUAL", b"FILTER", b"INFO")
"""The fixed columns, in order (VCF 4.3, 1.5)."""
_INFO_ID = re.compile(rb"##INFO=<.*?\bID=([^,>]+)")
_KEY = re.compile(r"(?:[A-Za-z_][0-9A-Za-z_.]*)")


@dataclass(frozen=True)
class VcfHeader:
    """The header lines of a VCF.

    Parameters
    ----------
    lines : tuple of bytes
        Without line ends; the last one is ``#CHROM``.
    """

    lines: tuple[bytes, ...]

    @property
    def columns(self) -> int:
        """How many columns a record has."""
        return self.lines[-1].count(b"\t") + 1

    @property
    def info_ids(self) -> frozenset[str]:
        """The ids of all declared INFO fields."""
        found = (_INFO_ID.match(line) for line in self.lines)
        return frozenset(match[1].decode() for match in found if match)


@dataclass(frozen=True)
class InfoField:
    """An INFO field to declare.

    Parameters
    ----------
    id : str
        The key; letters, digits, ``_`` and ``.``, no digit first (VCF 4.3, 1.6.1).
    type : str
        Float, Integer or String.
    description : str
        One line of text; quotes and backslashes are escaped when written.
    number : str
        ``A`` is one value for each ALT allele.
    """

    id: str
    type: str
    description: str
    number: str = "A"

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.id):
            raise ValueError(f"no INFO key: {self.id!r}")
        if self.type not in ("Float", "Integer", "String"):
            raise ValueError(f"no INFO type: {self.type!r}")

    @property
    def declaration(self) -> bytes:
        """The field's ``##INFO`` line, without its end."""
        parts = f"ID={self.id},Number={self.number},Type={self.type}"
        return f"##INFO=<{parts},Description={quote(self.description)}>".encode()


def quote(text: str) -> str:
    """Write text as a quoted value of a header line."""
    one_line = " ".join(text.split())
    escaped = one_line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def extend_header(
    header: VcfHeader,
    fields: Sequence[InfoField],
    provenance: Mapping[str, str],
    *,
    file: str | Path | None = None,
) -> VcfHeader:
    """Put our declarations and a ``##bioseq_dl`` line just before ``#CHROM``.

    Parameters
    ----------
    header : VcfHeader
        Its own lines stay as they are.
    fields : sequence of InfoField
    provenance : mapping
        Keys of letters and digits; values any text.
    file : path, optional
        Where the header comes from, for the error.

    Raises
    ------
    InputError
        Where the header declares one of `fields` already.
    """
    taken = header.info_ids & {field.id for field in fields}
    if taken:
        raise InputError(
            f"the header declares the INFO field {sorted(taken)[0]} already",
            file=file,
            fix="choose another prefix for the fields to write",
        )
    ours = [field.declaration for field in fields]
    if provenance:
        values = ",".join(f"{key}={quote(value)}" for key, value in provenance.items())
        ours.append(f"##bioseq_dl=<{values}>".encode())
    return VcfHeader((*header.lines[:-1], *ours, header.lines[-1]))


def read_header(handle: BinaryIO, file: str | Path) -> tuple[VcfHeader, int]:
    r"""Read the header from the start of a VCF's text.

    Parameters
    ----------
    handle : binary file
        Stands behind the header afterwards.
    file : path
        For errors.

    Returns
    -------
    header : VcfHeader
        Without ``\r`` at line ends.
    size : int
        Its bytes, line ends among them.

    Raises
    ------
    InputError
        Where a line of the header is missing, malformed, or not in its place.
    """
    lines: list[bytes] = []
    size = 0
    while raw := handle.readline():
        size += len(raw)
        line = raw.rstrip(b"\n").removesuffix(b"\r")
        _check_header_line(line, len(lines) + 1, file)
        lines.append(line)
        if line.startswith(b"#CHROM"):
            return VcfHeader(tuple(lines)), size
    raise InputError(
        "the header has no #CHROM line",
        file=file,
        position=f"line {len(lines) + 1}",
        found="the end of the file",
        allowed="a line '#CHROM POS ID REF ALT QUAL FILTER INFO', tabs between",
        fix="add it after the lines that start with ##",
    )


def _check_header_line(line: bytes, number: int, file: str | Path) -> None:
    place = f"line {number}"
    text = line.decode(errors="replace")
    if number == 1:
        _check_first_line(line, text, file)
    elif line.startswith(b"#CHROM"):
        _check_columns_line(line, number, file)
    elif line.startswith(b"#") and not line.startswith(b"##"):
        raise InputError(
            "a header line that starts with one #",
            file=file,
            position=place,
            found=text,
            allowed="##key=value lines, then the #CHROM line",
            fix="start it with ##, or remove it",
        )
    elif not line.startswith(b"#"):
        raise InputError(
            "a record before the #CHROM line" if line else "an empty line in the header",
            file=file,
            position=place,
            found=text.replace("\t", " ") or None,
            allowed="##key=value lines, then '#CHROM POS ID REF ALT QUAL FILTER INFO'",
            fix="add the #CHROM line before the records" if line else "remove the line",
        )
    if b"\r" in line:
        raise InputError(
            "line ends of carriage returns alone",
            file=file,
            position=place,
            found=text.split("\r")[0],
            fix="convert them to line feeds: tr '\\r' '\\n'",
        )


def _check_first_line(line: bytes, text: str, file: str | Path) -> None:
    if line.startswith(b"##fileformat=VCF"):
        return
    kinds = {b">": "a FASTA header", b"@": "FASTQ or SAM text", b"{": "JSON text"}
    kind = next((words for start, words in kinds.items() if line.startswith(start)), None)
    if kind is not None:
        problem, fix = f"{kind}, where a VCF is needed", None
    elif line.startswith(b"#"):
        problem, fix = (
            "the header does not say that this is a VCF",
            "put ##fileformat=VCFv4.2 first",
        )
    else:
        problem, fix = "the VCF has no header", "put the header of the original file in front"
    raise InputError(
        problem,
        file=file,
        position="line 1",
        found=text.replace("\t", " "),
        allowed="##fileformat=VCFv4.x as the first line",
        fix=fix,
    )


def _check_columns_line(line: bytes, number: int, file: str | Path) -> None:
    place = f"line {number}"
    names = line.split(b"\t")
    if tuple(names[:8]) != COLUMNS:
        if len(names) < 8 and tuple(line.split()[:8]) == COLUMNS:
            fix, problem = "put tabs between the columns", "spaces instead of tabs"
        else:
            fix, problem = None, "the #CHROM line has other columns than a VCF's"
        raise InputError(
            problem,
            file=file,
            position=place,
            found=line.decode(errors="replace").replace("\t", " "),
            allowed="#CHROM POS ID REF ALT QUAL FILTER INFO, then FORMAT and samples",
            fix=fix,
        )
    if len(names) > 8 and names[8] != b"FORMAT":
        raise InputError(
            "the ninth column is not FORMAT",
            file=file,
            position=place,
            found=names[8].decode(errors="replace"),
            allowed="FORMAT, then a column a sample",
        )
