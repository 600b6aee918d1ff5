"""Ingest of expression: every input's matrix to one table of cells and one sparse matrix."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array, vstack

from bioseq_dl.config import ExpressionIngest, Source, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import tidy
from bioseq_dl.io.checks import check_records, number_ids
from bioseq_dl.io.expression_inputs import ReadInput, read_input
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.io.manifest import Fetched, find_file
from bioseq_dl.io.rare_classes import apply_rule
from bioseq_dl.io.records import make_rejected
from bioseq_dl.io.sequences import Ingested
from bioseq_dl.io.summary import summarise_cells

CHANCE = 20
"""Cells with fewer genes may be equal by chance: no leak is seen in it."""


def read_expression(
    ingest: ExpressionIngest, targets: Targets, files: Mapping[str, Fetched], cache: str | Path
) -> Ingested:
    """Read all inputs into one table of cells and one sparse matrix.

    Parameters
    ----------
    ingest : ExpressionIngest
        The inputs, what their numbers are, and the thresholds.
    targets : Targets
        What their labels mean.
    files : mapping
        Source key to file, as `fetch_all` gives.
    cache : path
        Not used; every reader takes it.

    Returns
    -------
    Ingested
        Records have `id`, ``target:<name>``, `group`, `batch`, `split`, `source`, `genes` (int32,
        with a value), `total` (float64, their sum), `mitochondrial` (float32, its share; null
        where not known) and `profile` (a digest of the values, equal for equal cells). The
        `matrix` holds their values in the same order.

    Raises
    ------
    InputError
        Where a file is malformed; numbers, genes or labels are not as the config says; ids
        repeat; more cells are rejected than ``max_rejected_fraction``; none is left.
    """
    del cache

    def find(source: Source) -> str:
        return find_file(source, files).path

    read = [read_input(entry, ingest, targets, find) for entry in ingest.inputs]
    _check_kinds(read)
    genes, notes = _choose_genes(read, ingest)
    records = pa.concat_tables([_tabulate(item, targets) for item in read])
    values = _stack(read, genes)
    rejects = [reject for item in read for reject in item.rejects]
    if ingest.rare_classes is not None and records.num_rows:
        records, kept, rare, told = apply_rule(records, targets, ingest.rare_classes)
        values, rejects, notes = values[kept], rejects + rare, notes + told
    sources = records.column("source").to_pylist()
    records, numbered = number_ids(records, ingest.duplicate_ids, lambda row: f"in {sources[row]}")
    total = records.num_rows + len(rejects)
    check_records(records, rejects, total, ingest, targets)
    stored = ExpressionMatrix(
        values.indptr.astype(np.int64, copy=False),
        values.indices.astype(np.int32, copy=False),
        values.data.astype(np.float32, copy=False),
        genes,
        read[0].values,
    )
    records = records.append_column("profile", pa.array(_digest(stored, records), pa.string()))
    summary = summarise_cells(records, targets) | {
        "values": read[0].values,
        "genes": len(genes),
        "stored": len(stored.data),
        "missing": int(np.isnan(stored.data).sum()),
        "inputs": [_count_input(item, files) for item in read],
        "rejected": {
            "total": len(rejects),
            "read": total,
            "reasons": dict(Counter(reject.reason for reject in rejects).most_common()),
        },
        "notes": [note for item in read for note in item.notes]
        + notes
        + ([f"{numbered} repeated ids were numbered"] if numbered else []),
    }
    return Ingested(records, make_rejected(rejects), summary, stored)


def _check_kinds(read: Sequence[ReadInput]) -> None:
    for item in read[1:]:
        if item.values != read[0].values:
            raise InputError(
                f"inputs of different kinds: these values are {item.values}",
                file=item.path,
                allowed=f"{read[0].values}, as the first input's",
                fix="give all inputs as counts, or each to a run of its own",
            )


def _choose_genes(
    read: Sequence[ReadInput], ingest: ExpressionIngest
) -> tuple[tuple[str, ...], list[str]]:
    """Give the genes of the whole, in the order of the first input, and notes."""
    first = read[0].matrix.genes
    shared = set(first).intersection(*(item.matrix.genes for item in read[1:]))
    for item in read[1:]:
        other = item.matrix.genes
        if ingest.combine_genes == "same" and not len(shared) == len(first) == len(other):
            raise InputError(
                "another set of genes than the first input's",
                file=item.path,
                found=f"{len(other):,} genes, {len(set(first) & set(other)):,} of them there",
                allowed=f"the {len(first):,} genes of {read[0].entry.source.label}",
                fix="set ingest.combine_genes: intersection",
            )
    if not shared:
        raise InputError(
            "the inputs have no gene in common",
            file=read[-1].path,
            found=", ".join(read[-1].matrix.genes[:3]),
            allowed=", ".join(first[:3]) + ", …",
            fix="name genes alike: by symbol or by id",
        )
    genes = tuple(name for name in first if name in shared)
    most = max(len(item.matrix.genes) for item in read)
    note = f"{len(genes):,} genes are in all inputs, of up to {most:,}"
    return genes, [note] if len(genes) < most else []


def _stack(read: Sequence[ReadInput], genes: tuple[str, ...]) -> csr_array:
    parts = []
    for item in read:
        values = item.matrix.values
        if item.matrix.genes != genes:
            place = {name: number for number, name in enumerate(item.matrix.genes)}
            values = values[:, np.array([place[name] for name in genes])]
        parts.append(values)
    return tidy(parts[0] if len(parts) == 1 else vstack(parts, format="csr"))


def _tabulate(read: ReadInput, targets: Targets) -> pa.Table:
    entry, matrix, measured = read.entry, read.matrix, read.measured
    count = len(matrix.cells)

    def strings(column: str | None) -> pa.Array:
        if column is None:
            return pa.nulls(count, pa.string())
        return pa.array([text.strip() or None for text in matrix.columns[column]], pa.string())

    prefix = f"{entry.name}/" if entry.name else ""
    columns: dict[str, pa.Array] = {
        "id": pa.array([prefix + cell for cell in matrix.cells], pa.string())
    }
    for name in targets.names:
        values = read.labels[name]
        columns[f"target:{name}"] = pa.array(values, pa.float32(), mask=np.isnan(values))
    share = measured.mitochondrial
    columns |= {
        "group": strings(entry.group_column),
        "batch": strings(entry.batch_column),
        "split": pa.array(read.splits, pa.string()),
        "source": pa.array([entry.source.label] * count, pa.string()),
        "genes": pa.array(measured.genes, pa.int32()),
        "total": pa.array(measured.total, pa.float64()),
        "mitochondrial": pa.array(share, pa.float32(), mask=np.isnan(share)),
    }
    return pa.table(columns)


def _digest(matrix: ExpressionMatrix, records: pa.Table) -> list[str]:
    """Give a digest of each cell's values; of cells with few genes, of its id."""
    found = []
    ends = matrix.indptr.tolist()
    ids, genes = records["id"].to_pylist(), records["genes"].to_pylist()
    for row, (start, end) in enumerate(pairwise(ends)):
        if genes[row] < CHANCE:
            digest = hashlib.sha256(ids[row].encode())
        else:
            digest = hashlib.sha256(matrix.indices[start:end].tobytes())
            digest.update(matrix.data[start:end].tobytes())
        found.append(digest.hexdigest()[:32])
    return found


def _count_input(item: ReadInput, files: Mapping[str, Fetched]) -> dict[str, Any]:
    return {
        "source": item.entry.source.label,
        "format": item.entry.format,
        "name": item.entry.name,
        "sha256": find_file(item.entry.source, files).sha256,
        "read": len(item.matrix.cells) + len(item.rejects),
        "kept": len(item.matrix.cells),
        "genes": len(item.matrix.genes),
        "rejected": dict(Counter(reject.reason for reject in item.rejects).most_common()),
        "negatives": 0,
    }
