"""The worst leaking pairs, as a table to read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Audit
from bioseq_dl.data.leaks import (
    BETWEEN,
    KINDS,
    NEAR,
    OVERLAP,
    REVERSE,
    Evidence,
    Partners,
    find_leaks,
    name_partners,
)
from bioseq_dl.data.sequences import Sequences, take_sequences
from bioseq_dl.data.similarity import measure_containment
from bioseq_dl.encode.examples import ROLES


def list_pairs(
    evidence: Evidence,
    roles: NDArray[np.uint8],
    ids: pa.ChunkedArray,
    sequences: Sequences,
    audit: Audit,
) -> pa.Table:
    """List one partner per leaking record and other role: worst kind first, test before val.

    The columns end with `containment` and `strand`, or where proteins were aligned with
    `identity`, `coverage` and `evalue` (null where two are equal).
    """
    found: list[tuple[int, int, Partners]] = []
    for fold, row in enumerate(roles):
        for between, (of, into) in enumerate(BETWEEN):
            leaks = find_leaks(evidence, row, of, into)
            found.append((fold, between, name_partners(evidence, row, leaks, into)))
    folds, betweens = (
        np.concatenate([np.full(len(entry[2].rows), entry[place]) for entry in found])
        for place in (0, 1)
    )
    rows, partners, kind, containment, pair = (
        np.concatenate([getattr(entry[2], name) for entry in found])
        for name in ("rows", "partners", "kind", "containment", "pair")
    )
    order = np.lexsort((evidence.id_rank[rows], betweens, folds, -containment, kind))
    order = order[: audit.max_pairs]
    folds, betweens, rows, partners, kind, containment, pair = (
        column[order] for column in (folds, betweens, rows, partners, kind, containment, pair)
    )
    names = np.array(ROLES)
    similar = evidence.similar
    if similar.coverage is not None and similar.evalue is not None:
        evalues = [
            None if place < 0 else float(f"{similar.evalue[place]:.3g}") for place in pair.tolist()
        ]
        shown = {
            "identity": containment.round(4),
            "coverage": np.append(similar.coverage, 1.0)[pair].round(4),
            "evalue": pa.array(evalues, pa.float64()),
        }
    else:
        strands = _find_strands(sequences, rows, partners, kind, audit)
        shown = {"containment": containment.round(4), "strand": strands}
    return pa.table(
        {
            "fold": folds,
            "role": names[np.array(BETWEEN)[betweens, 0]],
            "id": ids.take(pa.array(rows)),
            "other_role": names[np.array(BETWEEN)[betweens, 1]],
            "other_id": ids.take(pa.array(partners)),
            "kind": np.array(KINDS)[kind],
        }
        | shown
    )


def _find_strands(
    sequences: Sequences,
    rows: NDArray[np.int64],
    partners: NDArray[np.int64],
    kind: NDArray[np.uint8],
    audit: Audit,
) -> NDArray[np.str_]:
    """Give ``+`` for the same strand, ``-`` for opposite ones, ``.`` for intervals."""
    strands = np.full(len(rows), "+")
    strands[kind == REVERSE] = "-"
    strands[kind == OVERLAP] = "."
    near = np.flatnonzero(kind == NEAR)
    if audit.both_strands and len(near):
        both = take_sequences(sequences, np.concatenate([rows[near], partners[near]]))
        pairs = np.stack([np.arange(len(near)), np.arange(len(near)) + len(near)], axis=1)
        either = measure_containment(both, pairs, audit.kmer, both_strands=True)
        forward = measure_containment(both, pairs, audit.kmer, both_strands=False)
        strands[near[2 * forward < either]] = "-"
    return strands
