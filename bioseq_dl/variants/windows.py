"""Windows of sequence around alleles: the genome's, and what an allele makes of it.

A model reads L bases. Around an allele that replaces the genome's bases [s, e) its window
starts at ``(s + e) // 2 - L // 2``, as windows of intervals do; the one base of an SNV is
letter ``L // 2`` of the window, counted from 0. N stands beyond the ends of the contig.

An allele of another length than what it replaces would change the window's length. It is
placed twice, and the model's two outputs are averaged; with L = 8 ::

    genome              .. G C T A C G T C A G G A ..

    insertion of a a between T and C
      reference                A C G T C A G G
      left-anchored            A C G T a a C A        the left flank stays, G G fall off
      right-anchored           G T a a C A G G        the right flank stays, A C fall off

    deletion of G T
      reference              T A C G T C A G
      left-anchored          T A C C A G G A          the left flank stays, G A come in
      right-anchored         G C T A C C A G          the right flank stays, G C come in

Alleles of equal length are put in place. The reference score is that of the one reference
window. What a placement changes is one interval of the window: [s, L) when left-anchored,
[0, e) when right-anchored, the allele's own place when lengths are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.io.genome import Genome, extract
from bioseq_dl.variants.alleles import CLASSES, FLIPPED, SCORED, STATUS, Alleles
from bioseq_dl.variants.reference import Placed

UNCHANGED = -1
"""In place of a mutant: the window is the reference's."""

_SNV = CLASSES.index("SNV")
_BEYOND = 1 << 40
"""More than any position: tells contigs apart in one number."""


@dataclass(frozen=True, eq=False)
class Mutants:
    """Changes of windows, each once.

    Parameters
    ----------
    rows : ndarray of int64 (m,)
        The window that each changes.
    starts, ends : ndarray of int64 (m,)
        The interval of the window that it changes; never empty.
    letters : ndarray of uint8 (sum of ends - starts,)
        Codes of the changed intervals, end to end.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    letters: NDArray[np.uint8]

    def followed_by(self, other: Mutants) -> Mutants:
        """Give these, then those of another."""
        return Mutants(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.starts, other.starts]),
            np.concatenate([self.ends, other.ends]),
            np.concatenate([self.letters, other.letters]),
        )


@dataclass(frozen=True, eq=False)
class Windows:
    """What the model reads for some alleles.

    Parameters
    ----------
    codes : ndarray of uint8 (w, L)
        Reference windows, each once.
    mutants : Mutants
    allele : ndarray of int64 (a,)
        The alleles, by their row.
    window : ndarray of int64 (a,)
        Reference window of each.
    left, right : ndarray of int64 (a,)
        The mutants of its two placements (the same where there is one), or `UNCHANGED`.
    """

    codes: NDArray[np.uint8]
    mutants: Mutants
    allele: NDArray[np.int64]
    window: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]


def cut_windows(
    alleles: Alleles,
    placed: Placed,
    rows: NDArray[np.int64],
    genome: Genome,
    length: int,
    max_unknown_fraction: float,
) -> Windows:
    """Cut the windows of some alleles; mark in ``placed.status`` those that cannot be scored.

    Parameters
    ----------
    alleles : Alleles
    placed : Placed
        ``status`` is changed: ``longer_than_window``, and ``unknown_bases`` where the
        reference window or one of the allele's holds too many.
    rows : ndarray of int64 (n,)
        Which alleles; those without scores are passed over.
    genome : Genome
    length : int
        Bases of a window.
    max_unknown_fraction : float
        Largest share of unknown bases.
    """
    status = placed.status
    rows = rows[(status[rows] == SCORED) | (status[rows] == FLIPPED)]
    long = np.maximum(alleles.ref_length[rows], alleles.alt_length[rows]) > length
    status[rows[long]] = STATUS["longer_than_window"]
    rows = rows[~long]
    first = (placed.start[rows] + placed.end[rows]) // 2 - length // 2
    key = placed.contig[rows] * _BEYOND + first + _BEYOND // 2
    _, example, window = np.unique(key, return_index=True, return_inverse=True)
    codes = _encode(extract(genome, placed.contig[rows[example]], first[example], length))
    unknown = np.count_nonzero(codes == DNA.unknown_code, axis=1)
    many = unknown / length > max_unknown_fraction
    if many.any():
        bad = many[window]
        status[rows[bad]] = STATUS["unknown_bases"]
        rows, first = rows[~bad], first[~bad]
        kept, window = np.unique(window[~bad], return_inverse=True)
        codes, unknown = codes[kept], unknown[kept]
    is_snv = (alleles.kind[rows] == _SNV) & (status[rows] == SCORED)
    snvs, same = _substitute(window[is_snv], alleles.code[rows[is_snv]], length)
    others, left, right = _edit_all(
        alleles, placed, rows[~is_snv], window[~is_snv], first[~is_snv], length, genome
    )
    mutants = snvs.followed_by(others)
    # Where each allele's two placements are; UNCHANGED stays.
    placements = np.empty((2, len(rows)), np.int64)
    placements[:, is_snv] = same
    found = np.stack([left, right])
    placements[:, ~is_snv] = np.where(found >= 0, found + len(snvs.rows), UNCHANGED)
    # UNCHANGED, -1, finds the last of these.
    counts = np.append(unknown[mutants.rows] + _count_new_unknown(mutants, codes), 0)
    bad = counts[placements].max(axis=0) / length > max_unknown_fraction
    status[rows[bad]] = STATUS["unknown_bases"]
    return Windows(
        codes=codes,
        mutants=mutants,
        allele=rows[~bad],
        window=window[~bad],
        left=placements[0, ~bad],
        right=placements[1, ~bad],
    )


def _substitute(
    window: NDArray[np.int64], code: NDArray[np.uint8], length: int
) -> tuple[Mutants, NDArray[np.int64]]:
    """Put one letter into the middle of windows: the different mutants, and each one's place."""
    letters = DNA.unknown_code + 1
    key, same = np.unique(window * letters + code, return_inverse=True)
    rows, code_of = np.divmod(key, letters)
    starts = np.full(len(rows), length // 2)
    return Mutants(rows, starts, starts + 1, code_of.astype(np.uint8)), same


def _edit_all(
    alleles: Alleles,
    placed: Placed,
    rows: NDArray[np.int64],
    window: NDArray[np.int64],
    first: NDArray[np.int64],
    length: int,
    genome: Genome,
) -> tuple[Mutants, NDArray[np.int64], NDArray[np.int64]]:
    """Put alleles of any kind into windows, one by one."""
    found: dict[tuple[int, int, bytes], int] = {}
    placements = []
    places = list(genome.contigs.values())
    bases = np.asarray(genome.bases)
    for row, here, begin in zip(rows.tolist(), window.tolist(), first.tolist(), strict=True):
        text = alleles.ref[row] if placed.status[row] == FLIPPED else alleles.alt[row]
        new = text[alleles.prefix[row] : len(text) - alleles.suffix[row]]
        span = int(placed.start[row]), int(placed.end[row])
        contig = _Contig(bases, *places[placed.contig[row]])
        placements.append(
            [
                found.setdefault((here, start, letters), len(found)) if letters else UNCHANGED
                for start, letters in _place_twice(new, span, begin, length, contig)
            ]
        )
    left, right = np.array(placements, np.int64).reshape(-1, 2).T
    starts = np.fromiter((start for _, start, _ in found), np.int64, len(found))
    widths = np.fromiter((len(letters) for _, _, letters in found), np.int64, len(found))
    return (
        Mutants(
            rows=np.fromiter((here for here, _, _ in found), np.int64, len(found)),
            starts=starts,
            ends=starts + widths,
            letters=DNA.encode(b"".join(letters for _, _, letters in found)),
        ),
        left,
        right,
    )


@dataclass(frozen=True, eq=False)
class _Contig:
    """Bases of one contig; N beyond its ends."""

    bases: NDArray[np.uint8]
    offset: int
    size: int

    def cut(self, start: int, end: int) -> bytes:
        """Give the bases [start, end); may be empty."""
        first, last = max(start, 0), min(end, self.size)
        if first >= last:
            return b"N" * (end - start)
        text = self.bases[self.offset + first : self.offset + last].tobytes()
        return b"N" * (first - start) + text + b"N" * (end - last)


def _place_twice(
    new: bytes, span: tuple[int, int], first: int, length: int, contig: _Contig
) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    """Give (first changed letter, changed letters) of both placements in a window."""
    start, end = span
    place, stop = start - first, end - first
    if len(new) == end - start:
        return (place, new), (place, new)
    # What is left of the window beside the flank that stays and the new letters.
    rest = length - place - len(new)
    left = new[: length - place] if rest < 0 else new + contig.cut(end, end + rest)
    rest = stop - len(new)
    right = new[-rest:] if rest < 0 else contig.cut(start - rest, start) + new
    return (place, left), (0, right)


def _count_new_unknown(mutants: Mutants, codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the unknown bases that each mutant has more than its reference window."""
    widths = mutants.ends - mutants.starts
    if not len(widths):
        return widths
    edges = np.cumsum(widths) - widths
    columns = np.arange(len(mutants.letters)) + np.repeat(mutants.starts - edges, widths)
    old = codes[np.repeat(mutants.rows, widths), columns]
    more = (mutants.letters == DNA.unknown_code).astype(np.int64) - (old == DNA.unknown_code)
    # No mutant's interval is empty, as reduceat needs.
    return np.asarray(np.add.reduceat(more, edges), np.int64)


def _encode(letters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    codes = np.frombuffer(letters.tobytes().translate(DNA.table), np.uint8)
    return codes.reshape(letters.shape)
