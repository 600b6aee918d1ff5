"""Near duplicates by the name that a config gives their kind: shared k-mers, or homology.

A further kind is two functions and a line in `SEARCHES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Audit, ProteinAudit, ProteinSplit, Split
from bioseq_dl.data.candidates import Labels
from bioseq_dl.data.homology import cluster_sequences
from bioseq_dl.data.sequences import Sequences, write_arrow
from bioseq_dl.data.similarity import Similar, find_similar
from bioseq_dl.data.tables import TEST, VAL
from bioseq_dl.encode.alphabet import ALPHABETS


@dataclass(frozen=True)
class Search:
    """How near duplicates are found."""

    find: Callable[[Sequences, Sequence[Labels], Audit, Similar, int, int], Similar]
    """Of different sequences, their roles in each fold, what was found before, a salt and
    threads: the pairs that stand in two roles of a fold."""
    cluster: Callable[[Sequences, Split, int], NDArray[np.int64]]
    """Of different sequences and threads: the cluster of each."""


def find_shared_kmers(
    sequences: Sequences,
    roles: Sequence[Labels],
    audit: Audit,
    known: Similar,
    salt: int,
    threads: int,  # noqa: ARG001
) -> Similar:
    """Find sequences that share k-mers; see `bioseq_dl.data.similarity.find_similar`."""
    return find_similar(
        sequences,
        roles,
        k=audit.kmer,
        both_strands=audit.both_strands,
        containment=audit.containment,
        known=known,
        salt=salt,
        alphabet=ALPHABETS[audit.alphabet],
    )


def cluster_by_kmers(sequences: Sequences, split: Split, threads: int) -> NDArray[np.int64]:  # noqa: ARG001
    """Cluster sequences that share k-mers; see `bioseq_dl.data.homology.cluster_sequences`."""
    return cluster_sequences(
        sequences,
        k=split.audit.kmer,
        both_strands=split.audit.both_strands,
        containment=split.homology_containment,
        alphabet=ALPHABETS[split.audit.alphabet],
    )


def find_homologous_pairs(
    sequences: Sequences,
    roles: Sequence[Labels],
    audit: Audit,
    known: Similar,  # noqa: ARG001
    salt: int,  # noqa: ARG001
    threads: int,
) -> Similar:
    """Find homologous proteins; see `bioseq_dl.data.protein_homology.find_homologs`.

    All proteins are searched, whatever their roles, so that E-values (which grow with what is
    searched) do not hang on what was dropped before.
    """
    if not isinstance(audit, ProteinAudit):
        raise TypeError("homologous proteins are asked for by a ProteinAudit")
    # Its compiler takes a second to load, which splits of DNA need not wait for.
    from bioseq_dl.data.protein_homology import find_homologs

    found = find_homologs(
        write_arrow(sequences).to_pylist(),
        identity=audit.identity,
        coverage=audit.coverage,
        coverage_of=audit.coverage_of,
        evalue=audit.evalue,
        program=audit.program,
        threads=threads,
        asked=np.any([_hold_roles(labels, (VAL, TEST)) for labels in roles], axis=0),
    )
    found = found.take(np.any([_differ(labels, found.pairs) for labels in roles], axis=0))
    covered = found.coverage.max(axis=1)
    if audit.coverage_of == "both":
        covered = found.coverage.min(axis=1)
    return Similar(
        found.pairs,
        found.identity,
        candidates=np.empty(0, np.uint64),
        complete=True,
        coverage=covered,
        evalue=found.evalue,
        aligned=found.compared,
        program=found.program,
    )


def cluster_by_identity(sequences: Sequences, split: Split, threads: int) -> NDArray[np.int64]:
    """Cluster homologous proteins; see `bioseq_dl.data.protein_homology.cluster_proteins`."""
    if not isinstance(split, ProteinSplit):
        raise TypeError("clusters of homologous proteins are asked for by a ProteinSplit")
    from bioseq_dl.data.protein_homology import cluster_proteins

    return cluster_proteins(
        write_arrow(sequences).to_pylist(),
        identity=split.homology_identity,
        coverage=split.homology_coverage,
        coverage_of=split.audit.coverage_of,
        evalue=split.audit.evalue,
        program=split.audit.program,
        threads=threads,
    )


SEARCHES = {
    "kmers": Search(find_shared_kmers, cluster_by_kmers),
    "identity": Search(find_homologous_pairs, cluster_by_identity),
}


def _hold_roles(labels: Labels, roles: tuple[int, ...]) -> NDArray[np.bool_]:
    """Say of each sequence whether it stands in one of the roles."""
    counts = np.diff(labels.starts)
    held = np.zeros(len(counts), np.bool_)
    owners = np.repeat(np.arange(len(counts)), counts)
    held[owners[np.isin(labels.values, roles)]] = True
    return held


def _differ(labels: Labels, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each pair whether its two stand in different roles."""
    counts = np.diff(labels.starts)
    bits = np.zeros(len(counts), np.int64)
    np.bitwise_or.at(bits, np.repeat(np.arange(len(counts)), counts), 1 << labels.values)
    one, two = bits[pairs].T
    # Two of one and the same single role do not differ.
    single = (one & (one - 1)) == 0
    differ: NDArray[np.bool_] = (one > 0) & (two > 0) & ~((one == two) & single)
    return differ
