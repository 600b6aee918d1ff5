"""Which proteins are homologous: hits above an identity between two sets, and clusters.

MMseqs2 does the search where ``mmseqs`` is on the path; else words, ungapped scores and
Smith-Waterman alignments by Biopython find what MMseqs2 finds, in more time. Both give local
alignments under BLOSUM62 with gaps of 11 + 1 a residue, and the same definitions hold:

identity
    Identical pairs over columns of the alignment, gaps included (BLAST's; ``--seq-id-mode 0``).
coverage
    Residues of a sequence between the alignment's ends, over its length.
E-value
    Of the search; Karlin & Altschul's K m n exp(-λ S) with BLAST's λ = 0.267 and K = 0.041 for
    these gaps where we align ourselves.
"""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from Bio.Align import PairwiseAligner, substitution_matrices
from numpy.typing import NDArray

from bioseq_dl.data.homology import join_pairs
from bioseq_dl.data.protein_prefilter import (
    AMINO_ACIDS,
    Index,
    encode_proteins,
    find_candidates,
    make_index,
)
from bioseq_dl.errors import InputError

Program = Literal["auto", "mmseqs", "builtin"]
Coverage = Literal["query", "shorter", "both"]
_LAMBDA, _K = 0.267, 0.041
LEAST_SCORE = 35
"""Ungapped score from which the built-in search aligns a pair."""
MOST_CANDIDATES = 100
"""Pairs that the built-in search aligns for a query, the best by ungapped score."""
SENSITIVITY = "7.5"
"""Of MMseqs2 (``-s``): its most sensitive."""
_MMSEQS_HITS = "1000"
_COLUMNS = ("query", "target", "fident", "qstart", "qend", "tstart", "tend", "evalue")


@dataclass(frozen=True, eq=False)
class ProteinHits:
    """Pairs of homologous proteins, by query, then target.

    Parameters
    ----------
    queries, targets : ndarray of int64 (hits,)
        Places in the sequences given.
    identity, query_coverage, target_coverage : ndarray of float64 (hits,)
        Shares.
    evalue : ndarray of float64 (hits,)
    """

    queries: NDArray[np.int64]
    targets: NDArray[np.int64]
    identity: NDArray[np.float64]
    query_coverage: NDArray[np.float64]
    target_coverage: NDArray[np.float64]
    evalue: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ProteinHits:
        """Give some of the hits."""
        return ProteinHits(
            self.queries[rows],
            self.targets[rows],
            self.identity[rows],
            self.query_coverage[rows],
            self.target_coverage[rows],
            self.evalue[rows],
        )

    def __len__(self) -> int:
        return len(self.queries)


def find_homologs(
    queries: Sequence[str],
    targets: Sequence[str],
    *,
    identity: float,
    coverage: float,
    coverage_of: Coverage = "shorter",
    evalue: float = 1e-3,
    program: Program = "auto",
    workers: int = 1,
) -> ProteinHits:
    """Find the targets that are homologous to each query.

    Parameters
    ----------
    queries, targets : sequence of str
        Over the 20 amino acids and X, in any case.
    identity : float
        Least share of identical pairs.
    coverage : float
        Least share of a sequence that is aligned.
    coverage_of : str
        Of the query, of the shorter of the two, or of both.
    evalue : float
        Greatest one. At low identities it is what keeps chance out.
    program : str
        ``mmseqs``, ``builtin``, or ``auto``: MMseqs2 where it is installed.
    workers : int
        Threads of MMseqs2, or processes of the built-in search.

    Returns
    -------
    ProteinHits
        One for each pair: the best alignment.

    Raises
    ------
    InputError
        Where MMseqs2 is asked for and not installed, or fails.
    """
    if not queries or not targets:
        return _no_hits()
    found = find_mmseqs(program)
    if found is None:
        hits = _search_builtin(queries, targets, evalue, workers)
    else:
        hits = _search_mmseqs(found, queries, targets, evalue, workers)
    covered = np.minimum(hits.query_coverage, hits.target_coverage)
    if coverage_of == "query":
        covered = hits.query_coverage
    elif coverage_of == "shorter":
        lengths = [np.array([len(text) for text in texts]) for texts in (queries, targets)]
        shorter = lengths[0][hits.queries] <= lengths[1][hits.targets]
        covered = np.where(shorter, hits.query_coverage, hits.target_coverage)
    keep = (hits.identity >= identity) & (covered >= coverage) & (hits.evalue <= evalue)
    return hits.take(keep)


def cluster_proteins(
    sequences: Sequence[str],
    *,
    identity: float,
    coverage: float,
    evalue: float = 1e-3,
    program: Program = "auto",
    workers: int = 1,
) -> NDArray[np.int64]:
    """Put homologous proteins into one cluster.

    Clusters are the connected components of all hits (single linkage, coverage of the shorter),
    so that no homologs that were found stand in two clusters; greedy clusters around
    representatives, as ``easy-cluster`` makes, do not promise that.

    Parameters
    ----------
    sequences : sequence of str
    identity, coverage, evalue, program, workers
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
    hits = find_homologs(
        sequences,
        sequences,
        identity=identity,
        coverage=coverage,
        evalue=evalue,
        program=program,
        workers=workers,
    )
    pairs = np.stack([hits.queries, hits.targets], axis=1)
    return join_pairs(len(sequences), pairs[pairs[:, 0] != pairs[:, 1]])


def find_mmseqs(program: Program = "auto") -> str | None:
    """Give the path of ``mmseqs``; None where it is not to be used.

    Raises
    ------
    InputError
        Where it is asked for and not installed.
    """
    if program == "builtin":
        return None
    found = shutil.which("mmseqs")
    if found is None and program == "mmseqs":
        raise InputError(
            "mmseqs is not installed",
            fix="install mmseqs2 (bioconda or your system's package), or set program: builtin",
        )
    return found


def _search_mmseqs(
    program: str, queries: Sequence[str], targets: Sequence[str], evalue: float, threads: int
) -> ProteinHits:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, texts in (("queries.fasta", queries), ("targets.fasta", targets)):
            # Empty sequences would stop MMseqs2, and can have no hit.
            lines = (f">{number}\n{text}\n" for number, text in enumerate(texts) if text)
            (folder / file).write_text("".join(lines), encoding="ascii")
        out = folder / "hits.tsv"
        command = [program, "easy-search", "queries.fasta", "targets.fasta", out.name, "work"]
        command += ["-s", SENSITIVITY, "-e", f"{evalue:g}", "--max-seqs", _MMSEQS_HITS]
        command += ["--alignment-mode", "3", "--seq-id-mode", "0", "--threads", str(threads)]
        command += ["--format-output", ",".join(_COLUMNS), "-v", "1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise InputError(
                f"mmseqs failed with code {done.returncode}",
                found="".join(last) or None,
                fix="set program: builtin",
            )
        if not out.exists() or out.stat().st_size == 0:
            return _no_hits()
        table = pv.read_csv(
            out,
            read_options=pv.ReadOptions(column_names=list(_COLUMNS)),
            parse_options=pv.ParseOptions(delimiter="\t"),
            convert_options=pv.ConvertOptions(
                column_types={"fident": pa.float64(), "evalue": pa.float64()}
            ),
        )
    column = {name: table.column(name).to_numpy() for name in _COLUMNS}
    one, two = column["query"].astype(np.int64), column["target"].astype(np.int64)
    lengths = [np.array([len(text) for text in texts]) for texts in (queries, targets)]
    hits = ProteinHits(
        one,
        two,
        column["fident"],
        (column["qend"] - column["qstart"] + 1) / lengths[0][one],
        (column["tend"] - column["tstart"] + 1) / lengths[1][two],
        column["evalue"],
    )
    order = np.lexsort((hits.evalue, two, one))
    hits = hits.take(order)
    first = np.ones(len(hits), bool)
    first[1:] = (np.diff(hits.queries) != 0) | (np.diff(hits.targets) != 0)
    return hits.take(first)


def _search_builtin(
    queries: Sequence[str], targets: Sequence[str], evalue: float, workers: int
) -> ProteinHits:
    index = make_index(targets)
    blocks = [list(range(start, len(queries), workers)) for start in range(workers)]
    search = partial(_search_block, [text.upper() for text in queries], index, evalue)
    if workers == 1:
        found = [search(blocks[0])]
    else:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            found = list(pool.map(search, blocks))
    rows = np.array(sorted(row for part in found for row in part), np.float64).reshape(-1, 6)
    return ProteinHits(rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), *rows[:, 2:].T)


def _search_block(
    queries: Sequence[str], index: Index, evalue: float, block: Sequence[int]
) -> list[tuple[float, ...]]:
    """Align each query of a block with its candidates."""
    aligner = make_aligner()
    letters = np.frombuffer(AMINO_ACIDS.encode("ascii"), np.uint8)
    residues = len(index.codes)
    rows: list[tuple[float, ...]] = []
    for number in block:
        codes, _ = encode_proteins([queries[number]])
        query = letters[codes].tobytes().decode("ascii")
        candidates, _ = find_candidates(codes, index, least=LEAST_SCORE, most=MOST_CANDIDATES)
        for target in candidates.tolist():
            start, end = index.offsets[target], index.offsets[target + 1]
            other = letters[index.codes[start:end]].tobytes().decode("ascii")
            expected = _K * len(query) * residues
            score = aligner.score(query, other)  # type: ignore[no-untyped-call]
            expected *= float(np.exp(-_LAMBDA * score))
            if expected <= evalue:
                rows.append((number, target, *_align(aligner, query, other), expected))
    return rows


def make_aligner() -> PairwiseAligner:
    """Give Biopython's local aligner: BLOSUM62, a gap of n residues costs 11 + n."""
    aligner = PairwiseAligner(mode="local")  # type: ignore[no-untyped-call]
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")  # type: ignore[no-untyped-call]
    aligner.open_gap_score, aligner.extend_gap_score = -12, -1
    return aligner


def _align(aligner: PairwiseAligner, query: str, target: str) -> tuple[float, float, float]:
    """Give identity, coverage of the query and of the target, of the best alignment."""
    blocks = next(iter(aligner.align(query, target))).aligned  # type: ignore[no-untyped-call]
    same = pairs = 0
    for (start, end), (first, last) in zip(*blocks, strict=True):
        pairs += end - start
        same += sum(a == b for a, b in zip(query[start:end], target[first:last], strict=True))
    ours = int(blocks[0][-1][1] - blocks[0][0][0])
    theirs = int(blocks[1][-1][1] - blocks[1][0][0])
    # Columns: every residue of either between the ends, pairs once.
    return same / (ours + theirs - pairs), ours / len(query), theirs / len(target)


def _no_hits() -> ProteinHits:
    whole, shares = np.empty(0, np.int64), np.empty(0)
    return ProteinHits(whole, whole, shares, shares, shares, shares)
