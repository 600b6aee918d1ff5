"""Which proteins are homologous: pairs above an identity, and clusters of them.

MMseqs2 searches where ``mmseqs`` is on the path; else every pair is scored by Smith-Waterman
(`bioseq_dl.data.protein_alignment`), which overlooks nothing and takes longer. For both, the
alignment is the best local one under BLOSUM62, and

identity
    is identical pairs over columns of the alignment, gaps included (BLAST's; MMseqs2's
    ``--seq-id-mode 0``);
coverage
    is residues of a sequence between the alignment's ends, over its length;
E-value
    is that of one of the two (the built-in search takes the shorter) as the query among all
    sequences given.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from Bio.Align import PairwiseAligner
from numpy.typing import NDArray
from scipy.special import ndtr

from bioseq_dl.data.homology import join_pairs
from bioseq_dl.data.mmseqs import Program, find_mmseqs, name_program, search_mmseqs
from bioseq_dl.data.protein_alignment import (
    GAP_FIRST,
    Block,
    decode_protein,
    encode_protein,
    make_aligner,
    make_blocks,
    score_block,
)

Coverage = Literal["shorter", "both"]
# NCBI's for BLOSUM62 where the first residue of a gap costs 11 and each further one 1, which
# BLAST+ (blast_stat.c) calls 10, 1: Gumbel's λ and K; mean and variance, per score, of the length
# that an alignment takes; the latter two without gaps.
_LAMBDA, _K = 0.243, 0.024
_ALPHA, _ALPHA_V, _UNGAPPED_ALPHA, _UNGAPPED_ALPHA_V = 2.5, 83.1787, 0.7916, 4.96466


@dataclass(frozen=True, eq=False)
class Homologs:
    """Pairs of homologous proteins.

    Parameters
    ----------
    pairs : ndarray of int64 (m, 2)
        Places in the sequences given, the smaller first; sorted, each pair once.
    identity : ndarray of float64 (m,)
        A share.
    coverage : ndarray of float64 (m, 2)
        Share of each of the two.
    evalue : ndarray of float64 (m,)
    compared : int
        Pairs that were aligned; of MMseqs2 those that it reported.
    program : str
        What searched, with its version.
    """

    pairs: NDArray[np.int64]
    identity: NDArray[np.float64]
    coverage: NDArray[np.float64]
    evalue: NDArray[np.float64]
    compared: int
    program: str = "builtin"

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Homologs:
        """Give some of the pairs."""
        return Homologs(
            self.pairs[rows],
            self.identity[rows],
            self.coverage[rows],
            self.evalue[rows],
            self.compared,
            self.program,
        )

    def __len__(self) -> int:
        return len(self.pairs)


def find_homologs(
    sequences: Sequence[str],
    *,
    identity: float,
    coverage: float,
    coverage_of: Coverage = "shorter",
    evalue: float = 1e-3,
    program: Program = "auto",
    threads: int = 1,
    asked: NDArray[np.bool_] | None = None,
) -> Homologs:
    """Find the pairs of homologous proteins.

    Parameters
    ----------
    sequences : sequence of str
        Over the 20 amino acids and X, in any case.
    identity : float
        Least share of identical pairs.
    coverage : float
        Least share of a sequence that is aligned.
    coverage_of : str
        Of the shorter of the two, or of both.
    evalue : float
        Greatest one. At low identities it is what keeps chance out.
    program : str
        ``mmseqs``, ``builtin``, or ``auto``: MMseqs2 where it is installed.
    threads : int
        They change the time only.
    asked : ndarray of bool (n,), optional
        Pairs of two sequences that are not asked for are left out; default: all are asked for.

    Returns
    -------
    Homologs

    Raises
    ------
    InputError
        Where MMseqs2 is asked for and not installed, or fails.
    """
    mask = np.ones(len(sequences), np.bool_) if asked is None else asked
    found = find_mmseqs(program)
    if found is None:
        hits = _search_builtin(sequences, mask, evalue, threads)
    else:
        hits = _gather(*search_mmseqs(found, sequences, mask, evalue, threads))
    hits = replace(hits, program=name_program(found))
    lengths = np.array([len(text) for text in sequences], np.int64)[hits.pairs]
    covered = hits.coverage.min(axis=1)
    if coverage_of == "shorter":
        covered = np.where(lengths[:, 0] < lengths[:, 1], *hits.coverage.T)
        same = lengths[:, 0] == lengths[:, 1]
        covered = np.where(same, hits.coverage.max(axis=1), covered)
    return hits.take((hits.identity >= identity) & (covered >= coverage) & (hits.evalue <= evalue))


def cluster_proteins(
    sequences: Sequence[str],
    *,
    identity: float,
    coverage: float,
    coverage_of: Coverage = "shorter",
    evalue: float = 1e-3,
    program: Program = "auto",
    threads: int = 1,
) -> NDArray[np.int64]:
    """Put homologous proteins into one cluster.

    Clusters are the connected components of all pairs (single linkage), so that no homologs
    that were found stand in two clusters; greedy clusters around representatives, as
    ``mmseqs easy-cluster`` makes, do not promise that.

    Parameters
    ----------
    sequences : sequence of str
    identity, coverage, coverage_of, evalue, program, threads
        See `find_homologs`.

    Returns
    -------
    ndarray of int64 (n,)
        Cluster of each, numbered from 0 by first member.

    Raises
    ------
    InputError
        As `find_homologs`.
    """
    found = find_homologs(
        sequences,
        identity=identity,
        coverage=coverage,
        coverage_of=coverage_of,
        evalue=evalue,
        program=program,
        threads=threads,
    )
    return join_pairs(len(sequences), found.pairs)


def expect_hits(
    scores: NDArray[np.int32], lengths: NDArray[np.int64], residues: int
) -> NDArray[np.float64]:
    """Give the E-value of each score: the hits as good that chance would give.

    K n E[max(m - L, 0)] exp(-λ S), where the length L that an alignment takes is normal with
    mean a S + b and variance α S + β: the finite-size correction of Park, Sheetlin, Ma, Madden
    & Spouge 2012 (BMC Res Notes 5:286), without which short queries find nothing.

    Parameters
    ----------
    scores : ndarray of int32 (n,)
        S, of `bioseq_dl.data.protein_alignment.score_block`.
    lengths : ndarray of int64 (n,)
        Residues of the query, m.
    residues : int
        Of all sequences searched, n.

    Returns
    -------
    ndarray of float64 (n,)
    """
    mean = np.maximum(0.0, _ALPHA * scores - 2 * GAP_FIRST * (_ALPHA - _UNGAPPED_ALPHA))
    variance = _ALPHA_V * scores - 2 * GAP_FIRST * (_ALPHA_V - _UNGAPPED_ALPHA_V)
    spread = np.sqrt(np.maximum(variance, 2 * _ALPHA_V / _LAMBDA))
    left = (lengths - mean) / spread
    density = np.exp(-left * left / 2) / np.sqrt(2 * np.pi)
    # Far out the two terms cancel to nothing or less: a floor keeps E-values positive.
    places = np.maximum(spread * (left * ndtr(left) + density), 1e-6)
    expected: NDArray[np.float64] = _K * places * residues * np.exp(-_LAMBDA * scores)
    return expected


def _search_builtin(
    sequences: Sequence[str], asked: NDArray[np.bool_], evalue: float, threads: int
) -> Homologs:
    proteins = [encode_protein(text) for text in sequences]
    lengths = np.array([len(protein) for protein in proteins], np.int64)
    residues = int(lengths.sum())
    # Those asked for first, so that each pair is met once; by length, so that lanes end together.
    order = np.lexsort((lengths, ~asked))
    order = order[lengths[order] > 0]
    count = int(asked[order].sum())
    parts = [(0, order[:count]), (count, order[count:])]
    blocks = [
        Block(start + block.first, block.codes)
        for start, places in parts
        for block in make_blocks([proteins[place] for place in places])
    ]

    def search(ranks: range) -> list[tuple[float, ...]]:
        aligner = make_aligner()
        rows: list[tuple[float, ...]] = []
        for rank in ranks:
            query = int(order[rank])
            for block in blocks:
                lanes = block.codes.shape[1]
                if block.first + lanes <= rank + 1:
                    continue
                targets = order[block.first : block.first + lanes]
                shorter = np.minimum(lengths[query], lengths[targets])
                expected = expect_hits(score_block(proteins[query], block), shorter, residues)
                found = expected <= evalue
                found[: max(0, rank + 1 - block.first)] = False
                for lane in np.flatnonzero(found).tolist():
                    one, two = sorted((query, int(targets[lane])))
                    shares = _align(aligner, proteins[one], proteins[two])
                    rows.append((one, two, float(expected[lane]), *shares))
        return rows

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(search, [range(start, count, threads) for start in range(threads)]))
    compared = count * (len(order) - count) + count * (count - 1) // 2
    return _gather([row for part in found for row in part], compared)


def _align(
    aligner: PairwiseAligner, query: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[float, float, float]:
    """Give identity, and the coverage of each, of the best alignment; of equals the first."""
    texts = decode_protein(query), decode_protein(target)
    blocks = next(iter(aligner.align(*texts))).aligned  # type: ignore[no-untyped-call]
    same = pairs = 0
    for (start, end), (first, last) in zip(*blocks, strict=True):
        pairs += end - start
        same += int((query[start:end] == target[first:last]).sum())
    ours = int(blocks[0][-1][1] - blocks[0][0][0])
    theirs = int(blocks[1][-1][1] - blocks[1][0][0])
    # Columns: every residue of either between the ends, pairs once.
    return same / (ours + theirs - pairs), ours / len(query), theirs / len(target)


def _gather(rows: Sequence[tuple[float, ...]], compared: int) -> Homologs:
    """Sort rows (one, two, E-value, identity, coverages); of a pair found twice keep the best."""
    table = np.array(sorted(rows), np.float64).reshape(-1, 6)
    pairs = table[:, :2].astype(np.int64)
    first = np.ones(len(table), np.bool_)
    first[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    table = table[first]
    return Homologs(pairs[first], table[:, 3], table[:, 4:], table[:, 2], compared)
