"""Nucleotides given where amino acids are wanted: A, C, G, T and N are letters of both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bioseq_dl.errors import InputError

_NUCLEOTIDES = frozenset("ACGTUNacgtun")


def refuse_nucleotides(sequences: Iterable[str], file: str | Path, enough: int) -> None:
    """Stop where all letters of some proteins are nucleotides, and too many for chance.

    Parameters
    ----------
    sequences : iterable of str
        Read until one has another letter.
    file : path
        They came from.
    enough : int
        Letters, in all, below which it may be chance.

    Raises
    ------
    InputError
        Where there are as many, and all are A, C, G, T, U or N.
    """
    total, first = 0, ""
    for sequence in sequences:
        if not _NUCLEOTIDES.issuperset(sequence):
            return
        total += len(sequence)
        first = first or sequence
    if total >= enough:
        raise InputError(
            "these look like nucleotides",
            file=file,
            found=first,
            allowed="amino acids",
            fix="translate them",
        )
