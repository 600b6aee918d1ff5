"""Which pairs of proteins are worth aligning: shared words on a diagonal, then ungapped scores.

Words are 4-mers over ten groups of amino acids (Murphy, Wallqvist & Levy 2000, Protein Eng 13:149),
so that a word is found in spite of conservative changes. Two words on one diagonal (Altschul et
al. 1997, Nucleic Acids Res 25:3389) make a candidate; the best ungapped stretch of the diagonal
under BLOSUM62 is its score, as in the prefilter of MMseqs2 (Steinegger & Söding 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from Bio.Align import substitution_matrices
from numpy.typing import NDArray

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWYX"
GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
"""Murphy's ten."""
WORD = 4
_WINDOW = 40
"""Residues within which two words that do not overlap must start; BLAST's default."""
_SAMPLE = 4_000_000
"""Hits sorted at once."""
_CELLS = 4_000_000
"""Cells of diagonals scored at once."""


@dataclass(frozen=True, eq=False)
class Index:
    """Words of proteins.

    Parameters
    ----------
    codes : ndarray of int8 (residues,)
        Places in `AMINO_ACIDS`, end to end.
    offsets : ndarray of int64 (n + 1,)
        Where each protein starts.
    places : ndarray of int64 (words,)
        Place in `codes` of each word, sorted by word.
    owners : ndarray of int32 (residues,)
        Protein of each residue.
    starts : ndarray of int64 (10**4 + 1,)
        Where each word starts in `places`.
    """

    codes: NDArray[np.int8]
    offsets: NDArray[np.int64]
    places: NDArray[np.int64]
    owners: NDArray[np.int32]
    starts: NDArray[np.int64]


def encode_proteins(sequences: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Lay proteins end to end: codes (residues,), offsets (n + 1,); other letters are X."""
    table = np.full(256, AMINO_ACIDS.index("X"), np.int8)
    for code, letter in enumerate(AMINO_ACIDS):
        table[[ord(letter), ord(letter.lower())]] = code
    text = "".join(sequences).encode("ascii", "replace")
    offsets = np.zeros(len(sequences) + 1, np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    return table[np.frombuffer(text, np.uint8)], offsets


def make_index(sequences: Sequence[str]) -> Index:
    """Index the words of proteins."""
    codes, offsets = encode_proteins(sequences)
    owners = np.repeat(np.arange(len(sequences), dtype=np.int32), np.diff(offsets))
    words = _make_words(codes, owners)
    places = np.argsort(words, kind="stable")
    places = places[np.searchsorted(words[places], 0) :]
    starts = np.searchsorted(words[places], np.arange(len(GROUPS) ** WORD + 1))
    return Index(codes, offsets, places, owners, starts)


def find_candidates(
    query: NDArray[np.int8], index: Index, *, least: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find proteins of the index that share an ungapped stretch with a query.

    Parameters
    ----------
    query : ndarray of int8 (m,)
        Codes, as `encode_proteins` gives.
    index : Index
    least : int
        Smallest ungapped score (BLOSUM62, half bits) to keep.
    most : int
        Proteins to keep at most: those of the best scores.

    Returns
    -------
    proteins : ndarray of int64 (found,)
        Best first; of equal scores the earlier protein.
    scores : ndarray of int64 (found,)
    """
    words = _make_words(query, np.zeros(len(query), np.int32))
    positions = np.flatnonzero(words >= 0)
    first = index.starts[words[positions]]
    counts = index.starts[words[positions] + 1] - first
    keys = _find_diagonals(index, positions, first, counts, len(query))
    if not len(keys):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    span = _span(index, len(query))
    proteins, diagonals = keys // span, keys % span - len(query)
    scores = _score_diagonals(query, index, proteins, diagonals)
    order = np.lexsort((proteins, -scores))
    _, chosen = np.unique(proteins[order], return_index=True)
    best = order[np.sort(chosen)]
    best = best[scores[best] >= least][:most]
    return proteins[best], scores[best]


def _make_words(codes: NDArray[np.int8], owners: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give the word that starts at each residue; -1 where it leaves its protein or meets X."""
    groups = np.full(len(AMINO_ACIDS), -1, np.int64)
    for number, letters in enumerate(GROUPS):
        groups[[AMINO_ACIDS.index(letter) for letter in letters]] = number
    words = np.full(len(codes), -1, np.int64)
    count = len(codes) - WORD + 1
    if count <= 0:
        return words
    residues = groups[codes]
    whole = owners[:count] == owners[WORD - 1 :]
    value = np.zeros(count, np.int64)
    for shift in range(WORD):
        part = residues[shift : shift + count]
        value = value * len(GROUPS) + part
        whole &= part >= 0
    words[:count] = np.where(whole, value, -1)
    return words


def _span(index: Index, length: int) -> int:
    return int(np.diff(index.offsets).max(initial=0)) + length + 1


def _find_diagonals(
    index: Index,
    positions: NDArray[np.int64],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    length: int,
) -> NDArray[np.int64]:
    """Give keys (protein, diagonal) with two shared words, apart and within a window."""
    span = _span(index, length)
    wide = length + 1
    parts = []
    total = np.cumsum(counts)
    start = 0
    while start < len(positions):
        done = total[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(total, done + _SAMPLE, side="right")))
        some = counts[start:end]
        within = np.arange(some.sum()) - np.repeat(np.cumsum(some) - some, some)
        hits = index.places[np.repeat(first[start:end], some) + within]
        owner = index.owners[hits].astype(np.int64)
        ours = np.repeat(positions[start:end], some)
        diagonal = hits - index.offsets[owner] - ours
        parts.append((owner * span + diagonal + length) * wide + ours)
        start = end
    hits = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
    # The next word that does not overlap: a run of five residues alone is common by chance.
    following = np.searchsorted(hits, hits + WORD)
    partner = hits[np.minimum(following, len(hits) - 1)] if len(hits) else hits
    near = (following < len(hits)) & (partner - hits <= _WINDOW)
    near &= hits // wide == partner // wide
    keys: NDArray[np.int64] = hits[near] // wide
    # Rising already: keep the first of equal ones.
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys


def _score_diagonals(
    query: NDArray[np.int8],
    index: Index,
    proteins: NDArray[np.int64],
    diagonals: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Give the best ungapped stretch of each diagonal: the greatest sum of a run (Kadane)."""
    matrix = load_blosum62().astype(np.int16)
    lengths = index.offsets[proteins + 1] - index.offsets[proteins]
    starts = np.maximum(0, -diagonals)
    width = np.minimum(len(query) - starts, lengths - np.maximum(0, diagonals))
    scores = np.zeros(len(proteins), np.int64)
    order = np.argsort(width, kind="stable")
    begin = 0
    while begin < len(order):
        rows = max(1, _CELLS // max(1, int(width[order[begin]])))
        some = order[begin : begin + rows]
        longest = int(width[some].max())
        some = some[: max(1, _CELLS // max(1, longest))]
        longest = int(width[some].max())
        step = np.arange(longest)
        inside = step < width[some, None]
        ours = query[np.minimum(starts[some, None] + step, len(query) - 1)]
        theirs = index.offsets[proteins[some], None] + diagonals[some, None] + starts[some, None]
        others = index.codes[np.minimum(theirs + step, len(index.codes) - 1)]
        sums = np.where(inside, matrix[ours, others], 0).cumsum(axis=1, dtype=np.int32)
        lowest = np.minimum(np.minimum.accumulate(sums, axis=1), 0)
        # The run begins after the lowest sum before it.
        sums[:, 1:] -= lowest[:, :-1]
        scores[some] = np.maximum(sums.max(axis=1), 0)
        begin += len(some)
    return scores


def load_blosum62() -> NDArray[np.int64]:
    """Give BLOSUM62 in the order of `AMINO_ACIDS`; shape (21, 21)."""
    matrix = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    places = [matrix.alphabet.index(letter) for letter in AMINO_ACIDS]
    table: NDArray[np.float64] = np.asarray(matrix, np.float64)
    return table[np.ix_(places, places)].astype(np.int64)
