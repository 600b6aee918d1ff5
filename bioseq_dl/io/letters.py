"""Sequences as flat arrays of letters: joined, checked and counted without a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Reading

BASES = b"ACGT"
AMBIGUOUS = b"RYSWKMBDHVN"
"""IUPAC codes of several bases (NC-IUB 1984)."""
PROTEIN_ONLY = frozenset("EFILPQ")
"""Amino acids whose letter is no nucleotide code."""

RESIDUES = b"ACDEFGHIKLMNPQRSTVWYUO"
"""Amino acids, with selenocysteine and pyrrolysine (IUPAC-IUB 1983)."""
AMBIGUOUS_RESIDUES = b"XBZJ"
"""Any, D or N, E or Q, I or L."""

EMPTY = "empty sequence"
BAD_LETTER = "letter outside the alphabet"
STOP = "stop codon"
TOO_SHORT = "shorter than min_length"
TOO_LONG = "longer than max_length"
TOO_UNKNOWN = "more unknown letters than max_unknown_fraction"

_GOOD, _UNKNOWN, _BAD = 0, 1, 2


@dataclass(frozen=True)
class Checked:
    """Letters after the check.

    Parameters
    ----------
    letters : ndarray of uint8 (letters,)
        Upper case, U as T where the alphabet is rna.
    offsets : ndarray of int64 (n + 1,)
        Where each sequence starts.
    lengths, gc, unknown : ndarray of int64 (n,)
        Letters; of them G or C (0 for proteins); of them IUPAC codes of several letters.
    problems : dict
        Index of a sequence that cannot be used: reason, 1-based letter or 0, what was found.
    """

    letters: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    gc: NDArray[np.int64]
    unknown: NDArray[np.int64]
    problems: dict[int, tuple[str, int, str]]


def join_letters(sequences: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Lay sequences end to end.

    Returns
    -------
    letters : ndarray of uint8 (letters,)
        ASCII; a letter beyond ASCII is ``?``.
    offsets : ndarray of int64 (n + 1,)
        Where each starts.
    """
    letters = np.frombuffer("".join(sequences).encode("ascii", "replace"), np.uint8)
    offsets = np.zeros(len(sequences) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, sequences), np.int64, len(sequences)), out=offsets[1:])
    return letters, offsets


def check_letters(
    letters: NDArray[np.uint8], offsets: NDArray[np.int64], ingest: Reading
) -> Checked:
    """Normalise letters and find the sequences that cannot be used.

    Parameters
    ----------
    letters, offsets
        As `join_letters` gives.
    ingest : Reading
        Alphabet and limits.
    """
    upper, kinds = _make_tables(ingest.alphabet)
    clean = upper[letters]
    kind = kinds[letters]
    lengths = np.diff(offsets)
    unknown = count_by_sequence(kind == _UNKNOWN, offsets)
    strong = (clean == ord("G")) | (clean == ord("C"))
    gc = count_by_sequence(strong & (ingest.alphabet != "protein"), offsets)
    problems: dict[int, tuple[str, int, str]] = {}
    # In the order of what is worth knowing first.
    share = unknown / np.maximum(lengths, 1)
    for index in np.flatnonzero(share > ingest.max_unknown_fraction).tolist():
        problems[index] = (TOO_UNKNOWN, 0, f"{share[index]:.3f}")
    for index in np.flatnonzero(lengths > ingest.max_length).tolist():
        problems[index] = (TOO_LONG, 0, f"{lengths[index]} letters")
    for index in np.flatnonzero(lengths < ingest.min_length).tolist():
        problems[index] = (TOO_SHORT, 0, f"{lengths[index]} letters")
    places = np.flatnonzero(kind == _BAD)
    owners = np.searchsorted(offsets, places, side="right") - 1
    first = np.unique(owners, return_index=True)
    for index, place in zip(first[0].tolist(), places[first[1]].tolist(), strict=True):
        stop = ingest.alphabet == "protein" and letters[place] == ord("*")
        reason = STOP if stop else BAD_LETTER
        problems[index] = (reason, place - int(offsets[index]) + 1, chr(letters[place]))
    for index in np.flatnonzero(lengths == 0).tolist():
        problems[index] = (EMPTY, 0, "")
    return Checked(clean, offsets, lengths, gc, unknown, problems)


def count_by_sequence(mask: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count true letters of each sequence: (letters,) and (n + 1,) to (n,)."""
    lengths = np.diff(offsets)
    if mask.size and lengths.min() == lengths.max():  # the usual case, ten times faster
        counts: NDArray[np.int64] = np.count_nonzero(mask.reshape(len(lengths), -1), axis=1)
        return counts
    counts = np.zeros(len(lengths), np.int64)
    filled = np.flatnonzero(lengths > 0)
    if filled.size:
        counts[filled] = np.add.reduceat(mask, offsets[filled], dtype=np.int64)
    return counts


def bin_gc(strong: NDArray[np.int64], known: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Give the equal bin of [0, 1] that each GC content falls into; 1 falls into the last.

    Parameters
    ----------
    strong, known : ndarray of int64 (n,)
        G + C; A + C + G + T.
    bins : int
        How many.
    """
    # In whole numbers: 0.7 * 20 is not always 14.
    places: NDArray[np.int64] = np.minimum(strong * bins // np.maximum(known, 1), bins - 1)
    return places


def take_strings(
    letters: NDArray[np.uint8], offsets: NDArray[np.int64], keep: NDArray[np.int64]
) -> pa.Array:
    """Give some of the sequences as a string array (kept,)."""
    array = pa.LargeStringArray.from_buffers(
        len(offsets) - 1,
        pa.py_buffer(np.ascontiguousarray(offsets)),
        pa.py_buffer(np.ascontiguousarray(letters)),
    )
    return array.take(pa.array(keep)).cast(pa.string())


def _make_tables(alphabet: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give what each byte becomes, and whether it is good, unknown or bad."""
    upper = np.frombuffer(bytes(range(256)).upper(), np.uint8).copy()
    kinds = np.full(256, _BAD, np.uint8)
    protein = alphabet == "protein"
    for letter in RESIDUES if protein else BASES:
        kinds[[letter, letter | 32]] = _GOOD
    for letter in AMBIGUOUS_RESIDUES if protein else AMBIGUOUS:
        kinds[[letter, letter | 32]] = _UNKNOWN
    if alphabet == "rna":
        upper[list(b"Uu")] = ord("T")
        kinds[list(b"Uu")] = _GOOD
    return upper, kinds
