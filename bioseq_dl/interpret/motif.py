"""A motif: how often each letter stands at each place, and what it contributes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LETTERS = "ACGT"
PSEUDOCOUNT = 1.0
"""Letters added to each column, in the background's shares; JASPAR's and MEME's habit is
0.1 to 1 for some hundred sites."""
UNIFORM: Matrix = np.full(4, 0.25)
LEAST_BITS = 0.25
"""Places at the ends with less information are cut off."""
_VAGUE_TOTAL, _VAGUE_MEAN = 4.0, 0.6
_CODES = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}


@dataclass(frozen=True, eq=False)
class Motif:
    """A position weight matrix, where it is from, and how well it is supported."""

    name: str
    """``positive_1``, ``negative_2``, ``filter_17``; unique among the motifs of a model."""
    kind: str
    """``seqlets`` or ``filter``."""
    pwm: Matrix
    """Frequencies, float64 (length, 4), letters A C G T; each row sums to 1."""
    sites: int
    """Stretches of sequence it was counted from."""
    contributions: Matrix | None = None
    """Mean contribution of each letter at each place, float64 (length, 4); None of a filter."""

    @property
    def length(self) -> int:
        """Places."""
        return len(self.pwm)

    @property
    def information(self) -> float:
        """Information content in bits, against a uniform background."""
        return float(measure_information(self.pwm).sum())

    @property
    def is_vague(self) -> bool:
        """Whether it says too little to be compared: under 4 bits, or 0.6 a place.

        Long and vague matrices, of GC content say, fit long known ones such as CTCF's at
        small p-values, as their columns are not independent and Tomtom takes them so.
        """
        told = measure_information(self.pwm, self.sites).sum()
        return bool(told < max(_VAGUE_TOTAL, _VAGUE_MEAN * self.length))

    @property
    def consensus(self) -> str:
        """The sequence it stands for, in IUPAC codes; lower case where little is known."""
        return spell_consensus(self.pwm)


def count_letters(sites: NDArray[np.uint8], background: Matrix = UNIFORM) -> Matrix:
    """Turn aligned sites into frequencies.

    Parameters
    ----------
    sites : uint8 (n, length)
        Codes A C G T = 0 1 2 3; others are unknown and count as the background.
    background : float64 (4,)
        Shares in which unknown letters and the pseudo-count are spread.

    Returns
    -------
    float64 (length, 4)
        ``(count + PSEUDOCOUNT * background) / (n + PSEUDOCOUNT)``, rows sum to 1.
    """
    counts = np.stack([(sites == code).sum(axis=0) for code in range(4)], axis=1)
    unknown = len(sites) - counts.sum(axis=1, keepdims=True)
    return np.asarray(
        (counts + (unknown + PSEUDOCOUNT) * background) / (len(sites) + PSEUDOCOUNT), np.float64
    )


def count_background(codes: NDArray[np.uint8]) -> Matrix:
    """Give the letters' shares in sequences (n, length), none of them 0."""
    counts = np.bincount(codes.ravel(), minlength=5)[:4] + 1.0
    return np.asarray(counts / counts.sum(), np.float64)


def measure_information(pwm: Matrix, sites: int | None = None) -> Matrix:
    """Give the information content of each place in bits, 0 to 2.

    ``2 + sum p log2 p`` (Schneider & Stephens 1990, Nucleic Acids Res 18:6097), against a
    uniform background. With `sites` less what so few letters seem to tell by chance,
    ``3 / (2 ln 2 sites)`` (Schneider et al. 1986, J Mol Biol 188:415).
    """
    logs = np.log2(pwm, out=np.zeros_like(pwm), where=pwm > 0)
    chance = 0.0 if sites is None else 3 / (2 * np.log(2) * max(sites, 1))
    return np.asarray(np.clip(2.0 + (pwm * logs).sum(axis=1) - chance, 0.0, 2.0), np.float64)


def find_core(weights: Matrix, least: float) -> tuple[int, int]:
    """Give the stretch from the first to the last place of at least some weight.

    Returns
    -------
    start, end : int
        0-based, half-open; empty (0, 0) where no place has it.
    """
    places = np.flatnonzero(weights >= least)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)


def spell_consensus(pwm: Matrix) -> str:
    """Spell a motif in IUPAC codes.

    One letter where it has over half of all and twice the second's share, two letters where
    both have over three quarters, else N (Cavener 1987, Nucleic Acids Res 15:1353). Lower
    case where the place holds less than half a bit.
    """
    order = np.argsort(-pwm, axis=1, kind="stable")
    words = []
    for row, (first, second, *_), bits in zip(pwm, order, measure_information(pwm), strict=True):
        letter = "N"
        if row[first] > 0.5 and row[first] > 2 * row[second]:
            letter = LETTERS[first]
        elif row[first] + row[second] > 0.75:
            letter = _CODES["".join(sorted(LETTERS[first] + LETTERS[second]))]
        words.append(letter if bits >= 0.5 else letter.lower())
    return "".join(words)


def reverse_complement(pwm: Matrix) -> Matrix:
    """Give a matrix (length, 4) of the other strand."""
    return pwm[::-1, ::-1]
