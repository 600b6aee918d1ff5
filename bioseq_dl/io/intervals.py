"""BED and narrowPeak files, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_text

BED_COLUMNS = (
    "chrom",
    "start",
    "end",
    "name",
    "score",
    "strand",
    "thickStart",
    "thickEnd",
    "itemRgb",
    "blockCount",
    "blockSizes",
    "blockStarts",
)
"""UCSC's BED12."""
NARROWPEAK_COLUMNS = (*BED_COLUMNS[:6], "signalValue", "pValue", "qValue", "peak")
"""ENCODE's narrowPeak (BED6+4)."""
_ALIASES = {"chromStart": "start", "chromEnd": "end"}
_LARGEST = 2**40


@dataclass(frozen=True)
class Intervals:
    """The intervals of a file, column by column.

    Parameters
    ----------
    lines : ndarray of int64 (n,)
        Line of each in the file, from 1.
    chrom : list of str (n,)
        Contig as the file names it.
    start, end : ndarray of int64 (n,)
        0-based half-open.
    strand : list of str (n,)
        ``+``, ``-`` or ``.``.
    peak : ndarray of int64 (n,), optional
        narrowPeak: the summit's distance from start, -1 where there is none.
    fields : dict
        Name of a wanted column: its values (n,).
    """

    lines: NDArray[np.int64]
    chrom: list[str]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: list[str]
    peak: NDArray[np.int64] | None
    fields: dict[str, list[str]]


def read_intervals(
    path: str | Path, *, narrowpeak: bool = False, columns: Sequence[str] = ()
) -> Intervals:
    """Read a BED3 to BED12 (or more columns) or narrowPeak file.

    Header lines (``track``, ``browser``, ``#``) and empty lines are passed over. Fields are
    separated by tabs, or by white space in lines without a tab.

    Parameters
    ----------
    path : path
        Plain or compressed.
    narrowpeak : bool
        Demand ten columns and read the summit from the tenth.
    columns : sequence of str
        Further columns to keep: a name of the format, or ``column7`` (counted from 1).

    Raises
    ------
    InputError
        With the line: fewer columns than needed, a coordinate that is no integer, a negative
        start, an end that is not above start, an unknown strand, a summit outside the
        interval; or the file has no interval.
    """
    names = NARROWPEAK_COLUMNS if narrowpeak else BED_COLUMNS
    wanted = {name: _find_column(name, names, path) for name in columns}
    needed = 10 if narrowpeak else 3
    lines: list[int] = []
    chrom: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    strands: list[str] = []
    peaks: list[int] = []
    kept: dict[str, list[str]] = {name: [] for name in wanted}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            text = line.rstrip("\n")
            if not text.strip() or _is_header(text):
                continue
            fields = text.split("\t") if "\t" in text else text.split()
            if len(fields) < needed:
                raise _bad_line(path, number, f"fewer than {needed} columns", text)
            start = _read_integer(fields[1], "start", path, number)
            end = _read_integer(fields[2], "end", path, number)
            if start < 0:
                raise _bad_line(path, number, "negative start", start, "0 or more")
            if end <= start:
                raise _bad_line(
                    path, number, "the end is not above the start", f"{start} {end}", "end > start"
                )
            strand = fields[5].strip() if len(fields) > 5 else "."
            if strand not in ("+", "-", ".", ""):
                raise _bad_line(path, number, "unknown strand", strand, "+, - or .")
            if narrowpeak:
                peak = _read_integer(fields[9], "peak", path, number)
                if not -1 <= peak < end - start:
                    raise _bad_line(
                        path,
                        number,
                        "the summit is outside the interval",
                        peak,
                        f"0 to {end - start - 1}, or -1 for none",
                    )
                peaks.append(peak)
            for name, place in wanted.items():
                if place >= len(fields):
                    raise _bad_line(path, number, f"the line has no column {name}", text)
                kept[name].append(fields[place].strip())
            lines.append(number)
            chrom.append(fields[0].strip())
            starts.append(start)
            ends.append(end)
            strands.append(strand or ".")
    if not lines:
        raise InputError("the file has no interval", file=path)
    return Intervals(
        np.array(lines, np.int64),
        chrom,
        np.array(starts, np.int64),
        np.array(ends, np.int64),
        strands,
        np.array(peaks, np.int64) if narrowpeak else None,
        kept,
    )


def _is_header(text: str) -> bool:
    return text.startswith("#") or text.split(None, 1)[0] in ("track", "browser")


def _read_integer(text: str, name: str, path: str | Path, line: int) -> int:
    digits = text.strip()
    if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit():
        raise _bad_line(path, line, f"the {name} is not an integer", text, "digits")
    number = int(digits) if len(digits) < 20 else _LARGEST + 1
    if number > _LARGEST:
        raise _bad_line(path, line, f"the {name} is too large", text)
    return number


def _bad_line(
    path: str | Path, line: int, problem: str, found: object, allowed: str | None = None
) -> InputError:
    return InputError(problem, file=path, position=f"line {line}", found=found, allowed=allowed)


def _find_column(name: str, names: Sequence[str], path: str | Path) -> int:
    """Give the place of a column, from 0."""
    known = _ALIASES.get(name, name)
    if known in names:
        return names.index(known)
    number = name.removeprefix("column")
    if name.startswith("column") and number.isdecimal() and int(number) >= 1:
        return int(number) - 1
    raise InputError(
        "no such column of intervals",
        file=path,
        found=name,
        allowed=f"{', '.join(names)}, or column1, column2, …",
    )
