"""Many records checked at once, column by column, without a loop over lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.io.vcf.records import ALT, MAX_POSITION, check_record

_TAB, _NEWLINE, _RETURN, _ZERO, _COMMA = b"\t\n\r0,"
_DIGITS = len(str(MAX_POSITION))
_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
_IS_BASE = np.zeros(256, bool)
_IS_BASE[list(b"ACGTNacgtn")] = True


@dataclass(frozen=True, eq=False)
class Block:
    """Records of a block of text that holds whole lines.

    Parameters
    ----------
    ends : ndarray of int64 (n,)
        Where each line ends in the block, its line feed included.
    chrom : list of bytes (runs,)
        The contig of each run of records on one contig.
    runs : ndarray of int64 (runs,)
        The first record of each run.
    positions : ndarray of int64 (n,)
        POS, 1-based.
    alleles : int
        Entries of all ALT columns.
    returns : bool
        Some lines end in a carriage return and a line feed.
    """

    ends: NDArray[np.int64]
    chrom: list[bytes]
    runs: NDArray[np.int64]
    positions: NDArray[np.int64]
    alleles: int
    returns: bool


def parse_block(text: bytes, columns: int, first_line: int, file: str | Path) -> Block:
    """Check the records of a block of text and read their places.

    Whole columns are tested at once for what is plainly good; only a record that is not is
    held against `check_record`, which alone knows the rules.

    Parameters
    ----------
    text : bytes
        Whole lines, the last one with its line feed; at least one.
    columns : int
        Of the ``#CHROM`` line.
    first_line : int
        1-based number of the first line, for errors.
    file : path

    Raises
    ------
    InputError
        At the first malformed record.
    """
    data = np.frombuffer(text + bytes(_WORD), np.uint8)
    feeds = np.flatnonzero(data == _NEWLINE)
    ends = feeds + 1
    starts = np.concatenate([[0], ends[:-1]])
    returns = (data[feeds - 1] == _RETURN) & (feeds > starts)
    stops = feeds - returns
    edges = _find_columns(data, starts, stops, columns)
    if edges is None:  # some line has another number of columns
        _check_lines(text, starts, stops, np.arange(len(starts)), columns, first_line, file)
        raise AssertionError("a block with a wrong number of columns holds a malformed record")
    positions, bad = _read_positions(data, edges)
    bad |= (np.diff(edges, axis=1) <= 1).any(axis=1)
    bad |= data[starts] == ord("#")
    bad |= _find_other_letters(data, edges[:, 3] + 1, edges[:, 4], _IS_BASE)
    alleles, odd = _read_alleles(data, edges[:, 4] + 1, edges[:, 5])
    others = np.flatnonzero(odd)
    texts = _slice(text, edges[others, 4] + 1, edges[others, 5])
    # Symbolic alleles may stand on every line, but they are few.
    good = {alt for alt in set(texts) if ALT.fullmatch(alt)}
    bad[others] |= np.array([alt not in good for alt in texts], bool)
    runs = _find_runs(data, starts, edges[:, 1] - starts)
    chrom = _slice(text, starts[runs], edges[runs, 1])
    # A contig's name is checked where it first stands.
    bad[list(dict(zip(reversed(chrom), runs[::-1].tolist(), strict=True)).values())] = True
    _check_lines(text, starts, stops, np.flatnonzero(bad), columns, first_line, file)
    return Block(ends, chrom, runs, positions, alleles, bool(returns.any()))


def _slice(text: bytes, start: NDArray[np.int64], stop: NDArray[np.int64]) -> list[bytes]:
    return [text[a:b] for a, b in zip(start.tolist(), stop.tolist(), strict=True)]


def _check_lines(
    text: bytes,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    records: NDArray[np.int64],
    columns: int,
    first_line: int,
    file: str | Path,
) -> None:
    for record in records.tolist():
        line = text[starts[record] : stops[record]]
        check_record(line, columns, first_line + record, file)


def _find_columns(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    columns: int,
) -> NDArray[np.int64] | None:
    """Give the byte before and behind each of the first eight columns: (n, 9)."""
    places = np.flatnonzero(data == _TAB)
    if len(places) != len(starts) * (columns - 1):
        return None
    tabs = places.reshape(len(starts), columns - 1)
    # Tabs are in order, so these two hold for all lines only if each has its own.
    if (tabs[:, 0] < starts).any() or (tabs[:, -1] >= stops).any():
        return None
    last = tabs[:, 7] if columns > 8 else stops
    return np.column_stack([starts - 1, tabs[:, :7], last])


def _read_positions(
    data: NDArray[np.uint8], edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    start, stop = edges[:, 1] + 1, edges[:, 2]
    width = stop - start
    positions = np.zeros(len(edges), np.int64)
    bad = (width < 1) | (width > _DIGITS)
    for place in range(min(int(width.max()), _DIGITS)):
        digit = data[stop - 1 - place].astype(np.int64) - _ZERO
        inside = place < width
        bad |= inside & ((digit < 0) | (digit > 9))
        positions += np.where(inside, digit, 0) * 10**place
    return positions, bad | (positions < 1) | (positions > MAX_POSITION)


def _find_other_letters(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    good: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Tell which spans hold a byte that is not `good`."""
    other = ~good[data[start]]
    # Most spans are one letter long; the others are laid end to end.
    (long,) = np.nonzero(stop - start > 1)
    if len(long):
        width = stop[long] - start[long]
        first = np.concatenate([[0], np.cumsum(width)[:-1]])
        place = np.arange(width.sum()) + np.repeat(start[long] - first, width)
        other[long] |= np.logical_or.reduceat(~good[data[place]], first)
    return other


def _read_alleles(
    data: NDArray[np.uint8], start: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[int, NDArray[np.bool_]]:
    """Count the alleles, and tell which ALT columns are more than one allele of bases."""
    odd = _find_other_letters(data, start, stop, _IS_BASE)
    records = np.flatnonzero(odd)
    commas = 0
    if len(records):
        width = stop[records] - start[records]
        first = np.concatenate([[0], np.cumsum(width)[:-1]])
        place = np.arange(width.sum()) + np.repeat(start[records] - first, width)
        commas = int(np.count_nonzero(data[place] == _COMMA))
    return len(odd) + commas, odd


def _find_runs(
    data: NDArray[np.uint8], starts: NDArray[np.int64], width: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the records whose contig is not that of the record before; the first is one."""
    changed = np.ones(len(starts), bool)
    changed[1:] = width[1:] != width[:-1]
    # Names are compared eight bytes at a time.
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    for offset in range(0, int(width.max()), _WORD):
        left = np.clip(width - offset, 0, _WORD)
        word = words[np.minimum(starts + offset, len(words) - 1)] & _MASKS[left]
        changed[1:] |= word[1:] != word[:-1]
    return np.flatnonzero(changed)
