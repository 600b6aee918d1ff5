"""Many sequences as one run of bytes: Arrow buffers to numpy and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.errors import InputError

_PAIRS = ("AT", "CG", "GC", "TA", "UA", "RY", "YR", "SS", "WW", "KM", "MK", "BV", "VB", "DH", "HD")


def _complements() -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8)
    for pair in (*_PAIRS, *(pair.lower() for pair in _PAIRS)):
        table[ord(pair[0])] = ord(pair[1])
    return table


COMPLEMENT = _complements()
"""Byte of a letter: byte of its complement, IUPAC codes included; uint8 (256,)."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences end to end.

    Parameters
    ----------
    letters : ndarray of uint8, shape (bases,)
        ASCII.
    offsets : ndarray of int64, shape (n + 1,)
        Where each sequence starts; the first is 0, the last the number of bases.
    """

    letters: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases of each sequence, shape (n,)."""
        return np.diff(self.offsets)


def read_sequences(column: pa.Array | pa.ChunkedArray) -> Sequences:
    """Look at an Arrow string column as bytes; a column of one chunk is not copied.

    Raises
    ------
    InputError
        Where a sequence is null.
    """
    column = column.cast(pa.large_string())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # pyarrow < 17 keeps an empty column chunked
            column = pa.array([], pa.large_string())
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError("a sequence is missing", record=f"row {row + 1}", position="sequence")
    _, offsets, letters = column.buffers()
    if len(column) == 0 or letters is None:
        return Sequences(np.empty(0, np.uint8), np.zeros(len(column) + 1, np.int64))
    starts = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    base, end = int(starts[0]), int(starts[-1])
    return Sequences(np.frombuffer(letters, np.uint8)[base:end], starts - base)


def write_arrow(sequences: Sequences) -> pa.Array:
    """Give the same bytes as an Arrow large_string array, without a copy."""
    return pa.LargeStringArray.from_buffers(
        len(sequences), pa.py_buffer(sequences.offsets), pa.py_buffer(sequences.letters)
    )


def take_sequences(sequences: Sequences, index: NDArray[np.int64]) -> Sequences:
    """Copy the sequences at `index`, in that order."""
    return read_sequences(write_arrow(sequences).take(pa.array(index)))


def reverse_complement(sequences: Sequences) -> Sequences:
    """Give the other strand of every sequence, IUPAC codes included."""
    # Turning the whole run round complements every sequence at once and leaves them in
    # reverse order, which the take undoes.
    turned = Sequences(
        COMPLEMENT[sequences.letters[::-1]],
        np.ascontiguousarray(sequences.offsets[-1] - sequences.offsets[::-1]),
    )
    return take_sequences(turned, np.arange(len(sequences) - 1, -1, -1, dtype=np.int64))


def slice_sequences(sequences: Sequences, start: int, stop: int) -> Sequences:
    """Look at sequences `start` to `stop` without a copy of their letters."""
    offsets = sequences.offsets[start : stop + 1]
    return Sequences(sequences.letters[offsets[0] : offsets[-1]], offsets - offsets[0])


def iterate_chunks(sequences: Sequences, bases: int) -> Iterator[tuple[int, Sequences]]:
    """Yield the first index and the sequences of chunks of up to `bases` bases.

    A sequence that is longer comes alone.
    """
    start = 0
    while start < len(sequences):
        limit = sequences.offsets[start] + bases
        stop = int(np.searchsorted(sequences.offsets, limit, side="right")) - 1
        stop = max(stop, start + 1)
        yield start, slice_sequences(sequences, start, stop)
        start = stop
