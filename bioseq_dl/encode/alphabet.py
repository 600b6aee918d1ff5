"""Letters and the integer codes that stand for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bioseq_dl.errors import InputError

Codes = npt.NDArray[np.uint8]

_BAD = 255


@dataclass(frozen=True)
class Alphabet:
    """Letters with a code each, and the letters that mean an unknown one.

    Parameters
    ----------
    letters : str
        Known letters; a letter's code is its place, ``0 .. len(letters) - 1``.
    unknown : str
        Letters that all take the code ``len(letters)``; the first is written back.
    complement : str, optional
        The letter that pairs with each of `letters`, in their order; None where sequences
        have one strand.
    aliases : tuple of str
        Pairs: a letter, and the one of `letters` it is read as.
    unit : str
        What a letter stands for, in messages.
    """

    letters: str
    unknown: str
    complement: str | None = None
    aliases: tuple[str, ...] = ()
    unit: str = "base"
    table: bytes = field(init=False, repr=False, compare=False)
    """256 bytes: the code of each byte value, 255 where it is no letter."""

    def __post_init__(self) -> None:
        if len(set(self.letters + self.unknown)) != len(self.letters + self.unknown):
            raise ValueError("letters and unknown letters must all differ")
        if self.complement is not None and sorted(self.complement) != sorted(self.letters):
            raise ValueError("complement must be the letters in another order")
        table = np.full(256, _BAD, np.uint8)
        table[list(self.unknown.encode("ascii"))] = self.unknown_code
        table[list(self.letters.encode("ascii"))] = np.arange(len(self.letters))
        for pair in self.aliases:
            table[ord(pair[0])] = self.letters.index(pair[1])
        object.__setattr__(self, "table", table.tobytes())

    @property
    def unknown_code(self) -> int:
        """The code of every unknown letter, and of padding."""
        return len(self.letters)

    def encode(self, sequence: bytes, record: str | None = None) -> Codes:
        """Look up the code of every letter.

        Parameters
        ----------
        sequence : bytes
            ASCII letters, upper case.
        record : str, optional
            Id for the error message.

        Returns
        -------
        array of uint8, shape (len(sequence),)

        Raises
        ------
        InputError
            At the first byte that is no letter, with its 1-based position.
        """
        codes = np.frombuffer(sequence.translate(self.table), np.uint8)
        if codes.size and codes.max() == _BAD:
            place = int(np.argmax(codes == _BAD))
            raise self.error(sequence[place : place + 1].decode("latin-1"), place, record)
        return codes

    def error(self, letter: str, place: int, record: str | None = None) -> InputError:
        """Make the error for a letter at 0-based `place` that is not of this alphabet."""
        return InputError(
            "not a letter of the alphabet",
            record=record,
            position=place + 1,
            found=letter,
            allowed=f"{self.letters} and for unknown {self.unit}s {self.unknown}",
        )

    def decode(self, codes: Codes) -> str:
        """Write codes as letters; the unknown code becomes the first unknown letter.

        Raises
        ------
        ValueError
            Where a code is larger than the unknown code.
        """
        symbols = np.frombuffer((self.letters + self.unknown[:1]).encode("ascii"), np.uint8)
        if codes.size and codes.max() > self.unknown_code:
            raise ValueError(f"codes must be 0 .. {self.unknown_code}, found {codes.max()}")
        return symbols[codes].tobytes().decode("ascii")

    def reverse_complement(self, codes: Codes) -> Codes:
        """Give the other strand, read 5' to 3'; unknown stays unknown.

        Parameters
        ----------
        codes : array of uint8, shape (..., length)

        Raises
        ------
        ValueError
            Where the alphabet has no complement.
        """
        if self.complement is None:
            raise ValueError("these sequences have one strand only")
        pairs = np.full(self.unknown_code + 1, self.unknown_code, np.uint8)
        for code, letter in enumerate(self.complement):
            pairs[code] = self.letters.index(letter)
        return pairs[codes[..., ::-1]]


DNA = Alphabet(letters="ACGT", unknown="NRYSWKMBDHV", complement="TGCA")
"""A C G T = 0 1 2 3; N and the other IUPAC ambiguity codes = 4 (NC-IUB 1985,
Nucleic Acids Res. 13:3021)."""

PROTEIN = Alphabet(
    letters="ACDEFGHIKLMNPQRSTVWY", unknown="XBZJ", aliases=("UC", "OK"), unit="residue"
)
"""The 20 amino acids in alphabetical order = 0 .. 19; X (any), B (D or N), Z (E or Q) and
J (I or L) = 20 (IUPAC-IUB 1983, Eur. J. Biochem. 138:9). U, selenocysteine, is read as C and
O, pyrrolysine, as K: the residues they are made from or stand in for. A stop (``*``) is no
letter."""

ALPHABETS = {"dna": DNA, "protein": PROTEIN}
"""By the name that a task gives."""


def find_alphabet(letters: str) -> Alphabet | None:
    """Give the alphabet of these letters; None where there is none."""
    return next((known for known in ALPHABETS.values() if known.letters == letters), None)
