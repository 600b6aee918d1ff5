"""Smith-Waterman scores of many pairs of proteins: no heuristic, nothing is overlooked.

Scores are local, under BLOSUM62, and a gap costs 11 and 1 for each further residue, as with
MMseqs2 (Gotoh 1982, J Mol Biol 162:705). One query meets 256 targets at once, one in each lane,
so that the processor's vector units do the same step for many of them (Rognes 2011, BMC
Bioinformatics 12:221).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from Bio.Align import PairwiseAligner, substitution_matrices
from numba import njit
from numpy.typing import NDArray

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWYX"
GAP_FIRST, GAP_FURTHER = 11, 1
LANES = 256
_PAD = len(AMINO_ACIDS)
_GREATEST = 11
"""Of one pair of residues: W with W."""


@dataclass(frozen=True, eq=False)
class Block:
    """Targets side by side.

    Parameters
    ----------
    first : int
        Place of the first of them.
    codes : ndarray of uint8 (longest, lanes)
        Places in `AMINO_ACIDS`; beyond a target's end one more than there are.
    """

    first: int
    codes: NDArray[np.uint8]


def encode_protein(sequence: str) -> NDArray[np.uint8]:
    """Give places in `AMINO_ACIDS`; other letters are X, in any case."""
    table = np.full(256, AMINO_ACIDS.index("X"), np.uint8)
    for code, letter in enumerate(AMINO_ACIDS):
        table[[ord(letter), ord(letter.lower())]] = code
    return table[np.frombuffer(sequence.encode("ascii", "replace"), np.uint8)]


def decode_protein(codes: NDArray[np.uint8]) -> str:
    """Give the letters back."""
    return np.frombuffer(AMINO_ACIDS.encode("ascii"), np.uint8)[codes].tobytes().decode("ascii")


def make_blocks(proteins: Sequence[NDArray[np.uint8]]) -> list[Block]:
    """Lay proteins side by side, `LANES` together; those of like length should be neighbours."""
    blocks = []
    for first in range(0, len(proteins), LANES):
        some = proteins[first : first + LANES]
        codes = np.full((max(map(len, some)), len(some)), _PAD, np.uint8)
        for lane, protein in enumerate(some):
            codes[: len(protein), lane] = protein
        blocks.append(Block(first, codes))
    return blocks


def score_block(query: NDArray[np.uint8], block: Block) -> NDArray[np.int32]:
    """Score a query against each target of a block.

    Parameters
    ----------
    query : ndarray of uint8 (m,)
    block : Block

    Returns
    -------
    ndarray of int32 (lanes,)
        0 where nothing aligns.
    """
    longest, lanes = block.codes.shape
    if not len(query) or not longest:
        return np.zeros(lanes, np.int32)
    matrix = load_blosum62()
    # Twice as many lanes fit in a vector where no score can leave 16 bits.
    small = _GREATEST * min(len(query), longest) < np.iinfo(np.int16).max
    kind = np.int16 if small else np.int32
    work = np.zeros((2 * len(query) + _PAD + 1 + 3, lanes), kind)
    best = _align_lanes(query, block.codes, matrix.astype(kind), work)
    return np.asarray(best).astype(np.int32)


def _align_lanes(
    query: NDArray[np.uint8], codes: NDArray[np.uint8], matrix: NDArray[Any], work: NDArray[Any]
) -> NDArray[Any]:
    """Fill column after column of all lanes' matrices; give the greatest cell of each lane.

    `work` holds, a row of lanes each: for every residue of the query its cell in the column
    before, and the best score that ends there in a gap of the query; the scores of every amino
    acid with this column's residues; then the gap that comes down the column, the cell above
    in the column before, and the greatest cell so far.
    """
    kind = work.dtype.type
    lanes = codes.shape[1]
    m = len(query)
    cells, gaps = work[:m], work[m : 2 * m]
    profile = work[2 * m : -3]
    down, corner = work[-3], work[-2]
    best: NDArray[Any] = work[-1]
    first, further, nought = kind(GAP_FIRST), kind(GAP_FURTHER), kind(0)
    for j in range(codes.shape[0]):
        for residue in range(profile.shape[0]):
            row = profile[residue]
            for lane in range(lanes):
                row[lane] = matrix[residue, codes[j, lane]]
        for lane in range(lanes):
            down[lane] = 0
            corner[lane] = 0
        for i in range(m):
            cell, gap, pair = cells[i], gaps[i], profile[query[i]]
            for lane in range(lanes):
                score = kind(corner[lane] + pair[lane])
                corner[lane] = cell[lane]
                score = max(score, gap[lane], down[lane], nought)
                cell[lane] = score
                best[lane] = max(best[lane], score)
                opened = kind(score - first)
                gap[lane] = max(kind(gap[lane] - further), opened)
                down[lane] = max(kind(down[lane] - further), opened)
    return best


_align_lanes = njit(nogil=True)(_align_lanes)


@cache
def load_blosum62() -> NDArray[np.int16]:
    """Give BLOSUM62 in the order of `AMINO_ACIDS`, and a row and a column that match nothing.

    Returns
    -------
    ndarray of int16 (22, 22)
        Not to be written to.
    """
    matrix = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    places = [matrix.alphabet.index(letter) for letter in AMINO_ACIDS]
    table = np.full((_PAD + 1, _PAD + 1), -_GREATEST, np.int16)
    table[:_PAD, :_PAD] = np.asarray(matrix, np.float64)[np.ix_(places, places)]
    table.flags.writeable = False
    return table


def make_aligner() -> PairwiseAligner:
    """Give Biopython's aligner of the same scores, which also gives the alignment."""
    aligner = PairwiseAligner(mode="local")  # type: ignore[no-untyped-call]
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    aligner.open_gap_score = -GAP_FIRST
    aligner.extend_gap_score = -GAP_FURTHER
    return aligner
