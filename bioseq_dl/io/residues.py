"""Letters of sequences as mutations write them: DNA, RNA, protein in one or three letters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from Bio.Data.IUPACData import protein_letters_3to1

from bioseq_dl.errors import InputError

Letters = Literal["dna", "rna", "protein"]

LETTERS = {
    "dna": "A, C, G, T, N",
    "rna": "A, C, G, U, N",
    "protein": "the 20 amino acids, U, O, B, J, X, Z and * (stop)",
}
"""What an error says is allowed."""
_ALPHABETS = {
    "dna": frozenset("ACGTN"),
    "rna": frozenset("ACGUN"),
    "protein": frozenset("ACDEFGHIKLMNPQRSTVWYUOBJXZ*"),
}
_THREE = {three.upper(): one for three, one in protein_letters_3to1.items()}
_THREE |= {"SEC": "U", "PYL": "O", "ASX": "B", "GLX": "Z", "XLE": "J"}
_THREE |= {"XAA": "X", "TER": "*", "STP": "*"}
_CODES = re.compile(r"(?:[A-Z][a-z]{2}|\*)+")
_CODE = re.compile(r"[A-Z]{3}")
_READ_AS = str.maketrans("UOuo", "CKck")
_NUCLEOTIDES = frozenset("ACGTUN")
_ENOUGH = 18
"""Letters that are nucleotides alone, from which on it is no chance."""


def read_letters(text: str, alphabet: Letters) -> str | None:
    """Give letters in upper case, of an alphabet, or None where one is not of it.

    In RNA T is read as U, in proteins U (selenocysteine) as C and O (pyrrolysine) as K. In
    proteins ``GlnSer`` is QS, and so is a single three-letter code in any case.
    """
    letters = text.upper()
    if alphabet == "rna":
        letters = letters.replace("T", "U")
    if alphabet == "protein" and (_CODES.fullmatch(text) or letters in _THREE):
        letters = _CODE.sub(lambda code: _THREE.get(code[0], "?"), letters)
    if not set(letters) <= _ALPHABETS[alphabet]:
        return None
    return read_residues(letters) if alphabet == "protein" else letters


def read_residues(sequence: str) -> str:
    """Spell the residues that a protein is read as: U (selenocysteine) as C, O as K."""
    return sequence.translate(_READ_AS)


def look_like_nucleotides(letters: str) -> bool:
    """Tell whether all letters are nucleotides (A C G T U N), and too many for chance."""
    return len(letters) >= _ENOUGH and set(letters.upper()) <= _NUCLEOTIDES


def check_sequence(
    sequence: str, alphabet: Letters, *, file: str | Path | None = None, record: str | None = None
) -> str:
    """Give a wild type in upper case, as it is read: T in DNA, U in RNA, C for U in proteins.

    Raises
    ------
    InputError
        Where it is empty or has a letter outside the alphabet, or a protein's are nucleotides.
    """
    letters = sequence.upper()
    if alphabet != "protein":
        letters = letters.replace(*("TU" if alphabet == "rna" else "UT"))
    if not letters:
        raise InputError("the sequence is empty", file=file, record=record)
    if alphabet == "protein" and look_like_nucleotides(letters):
        raise InputError(
            "these look like nucleotides",
            file=file,
            record=record,
            found=sequence,
            allowed="amino acids",
            fix="translate them",
        )
    for place, letter in enumerate(letters, 1):
        if letter not in _ALPHABETS[alphabet]:
            raise InputError(
                "not a letter of the alphabet",
                file=file,
                record=record,
                position=place,
                found=sequence[place - 1],
                allowed=LETTERS[alphabet],
            )
    return read_residues(letters) if alphabet == "protein" else letters
