"""Scores as a Parquet table: a row an allele, a row group a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.variants.alleles import CLASSES, NO_CLASS, STATUSES
from bioseq_dl.variants.scored import ScoredChunk

_LEVEL = 1
"""Of zstd: higher ones cost time and save little on numbers that are all different."""


def make_schema(names: Sequence[str], several: bool) -> pa.Schema:
    """Give the table's columns.

    ``record`` (int64, from 0 in the file), ``chrom`` (as in the VCF), ``start``, ``end``
    (int64, 0-based half-open: REF as written), ``id`` (null for ``.``), ``ref``, ``alt``,
    ``allele`` (int32, from 0 in the record), ``class``, ``status``; for each output
    ``ref:<name>``, ``alt:<name>``, ``diff:<name>`` and, with several models, ``sd:<name>``
    (float32, null where there is no score).
    """
    fixed: list[tuple[str, pa.DataType]] = [
        ("record", pa.int64()),
        ("chrom", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("id", pa.string()),
        ("ref", pa.string()),
        ("alt", pa.string()),
        ("allele", pa.int32()),
        ("class", pa.string()),
        ("status", pa.string()),
    ]
    kinds = ("ref", "alt", "diff", "sd") if several else ("ref", "alt", "diff")
    return pa.schema(
        [*fixed, *((f"{kind}:{name}", pa.float32()) for name in names for kind in kinds)]
    )


def tabulate(scored: ScoredChunk, contigs: Sequence[str], schema: pa.Schema) -> pa.Table:
    """Put a chunk's alleles and scores into columns.

    Parameters
    ----------
    scored : ScoredChunk
    contigs : sequence of str
        Of the survey.
    schema : pa.Schema
        From `make_schema`.
    """
    chunk, alleles, scores = scored.chunk, scored.alleles, scored.scores
    record = alleles.record
    ids = [line.split(b"\t", 3)[2] for line in chunk.lines]
    start = chunk.start[record]
    widths = np.fromiter(map(len, alleles.ref), np.int64, len(alleles))
    columns: list[pa.Array] = [
        pa.array(record + chunk.first_record),
        pa.array(list(contigs), pa.string()).take(pa.array(chunk.chrom[record])),
        pa.array(start),
        pa.array(start + widths),
        _read_text([None if name == b"." else name for name in ids]).take(pa.array(record)),
        _read_text(alleles.ref),
        _read_text(alleles.alt),
        pa.array(alleles.number.astype(np.int32)),
        _name(CLASSES, alleles.kind, alleles.kind == NO_CLASS),
        _name(STATUSES, scored.status, None),
    ]
    unscored = ~scored.has_score
    for place in range(scores.reference.shape[1]):
        columns += [
            pa.array(values[:, place], pa.float32(), mask=unscored)
            for values in (scores.reference, scores.alternative, scores.difference, scores.spread)
            if values is not None
        ]
    return pa.Table.from_arrays(columns, schema=schema)


@contextmanager
def open_table(path: str | Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Open a Parquet file to which each chunk is written as a row group of its own.

    Equal chunks give equal bytes, so that a table put together from parts, row group by row
    group, is the table written at once.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = [field.name for field in schema if pa.types.is_string(field.type)]
    with (
        atomic_path(path) as temporary,
        # Dictionaries help names and letters; scores are all different.
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=text,
            write_statistics=True,
        ) as writer,
    ):
        yield writer


def _read_text(values: Sequence[bytes | None]) -> pa.Array:
    return pa.array(values, pa.binary()).cast(pa.string())


def _name(
    names: Sequence[str], codes: NDArray[np.int8], missing: NDArray[np.bool_] | None
) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(codes, mask=missing))
