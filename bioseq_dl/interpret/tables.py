"""Contributions and effects of mutations as tables, and as tracks of a genome browser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.interpret.subjects import Subject
from bioseq_dl.interpret.windows import Contributions
from bioseq_dl.io.atomic import atomic_path, write_text

_SYMBOLS = [*DNA.letters, DNA.unknown[0]]
_NAME = pa.dictionary(pa.int32(), pa.string())
_PLACES = [("chrom", _NAME), ("genome_position", pa.int64())]
ATTRIBUTIONS = pa.schema(
    [
        ("id", _NAME), ("kind", _NAME), ("position", pa.int32()), ("letter", _NAME),
        ("target", _NAME), ("method", _NAME), ("contribution", pa.float32()),
        ("sd", pa.float32()), *_PLACES,
    ]
)  # fmt: skip
"""Columns of ``attributions.parquet``: a row a base, output and method."""
MUTATIONS = pa.schema(
    [
        ("id", _NAME), ("kind", _NAME), ("position", pa.int32()), ("reference", _NAME),
        ("letter", _NAME), ("target", _NAME), ("change", pa.float32()), ("sd", pa.float32()),
        *_PLACES,
    ]
)  # fmt: skip
"""Columns of ``mutations.parquet``: a row a substitution and output."""


def tabulate_contributions(found: Contributions, subjects: Sequence[Subject]) -> pa.Table:
    """Give a row for each base and output, of sequences of one length.

    By sequence, then output, then position (0-based, of the sequence as the model reads it).
    ``genome_position`` is the base's on its contig, 0-based, of either strand.
    """
    count, length, places = found.present.shape
    rows = count * places * length
    shape = (count, places, length)
    return pa.table(
        [
            *_repeat_subjects(subjects, places * length),
            pa.array(_spread(np.arange(length, dtype=np.int32), shape)),
            _encode(_spread(found.codes[:, None], shape), _SYMBOLS),
            _encode(_spread(np.arange(places)[:, None], shape), [o.name for o in found.outputs]),
            _encode(np.zeros(rows), [found.method]),
            pa.array(found.present.transpose(0, 2, 1).ravel()),
            _optional(found.sd, (0, 2, 1), rows),
            *_locate(subjects, length, places, 1),
        ],
        schema=ATTRIBUTIONS,
    )


def tabulate_mutations(found: Contributions, subjects: Sequence[Subject]) -> pa.Table:
    """Give a row for each substitution and output; columns as `tabulate_contributions`.

    ``change`` is the output with the letter minus the output of the sequence as it is.
    """
    assert found.changes is not None
    count, length, letters, places = found.changes.shape
    shape = (count, places, length, letters)
    present, replaced = found.codes[:, None, :, None], np.arange(letters)
    table = pa.table(
        [
            *_repeat_subjects(subjects, places * length * letters),
            pa.array(_spread(np.arange(length, dtype=np.int32)[:, None], shape)),
            _encode(_spread(present, shape), _SYMBOLS),
            _encode(_spread(replaced, shape), _SYMBOLS),
            _encode(
                _spread(np.arange(places)[:, None, None], shape), [o.name for o in found.outputs]
            ),
            pa.array(found.changes.transpose(0, 3, 1, 2).ravel()),
            _optional(found.changes_sd, (0, 3, 1, 2), found.changes.size),
            *_locate(subjects, length, places, letters),
        ],
        schema=MUTATIONS,
    )
    return table.filter(pa.array(_spread(present != replaced, shape)))


@contextmanager
def open_table(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Write a Parquet table atomically, part by part; equal parts are equal bytes."""
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        yield writer


def name_track(target: str, method: str) -> str:
    """Give the file name of a track."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', target)}.{method}.bedgraph"


def write_track(
    path: Path,
    name: str,
    subjects: Sequence[Subject],
    contributions: Iterable[npt.NDArray[np.float32]],
) -> int:
    """Write contributions on a genome as bedGraph: 0-based half-open, a line a base, sorted.

    Where windows overlap, a base has the mean of its contributions. Padding is left out.

    Parameters
    ----------
    path : Path
    name : str
        Of the track.
    subjects : sequence of Subject
        Intervals.
    contributions : iterable of float32 (length,)
        Of each.

    Returns
    -------
    int
        Bases with a contribution from more than one window.
    """
    bases: dict[str, list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]] = {}
    for subject, values in zip(subjects, contributions, strict=True):
        assert subject.place is not None
        known = np.flatnonzero(subject.codes < len(DNA.letters))
        at = subject.place.locate(known)
        bases.setdefault(subject.place.chrom, []).append((at, values[known].astype(np.float64)))
    lines, shared = [f'track type=bedGraph name="{name}"'], 0
    for chrom in sorted(bases):
        at = np.concatenate([part[0] for part in bases[chrom]])
        values = np.concatenate([part[1] for part in bases[chrom]])
        unique, inverse, counts = np.unique(at, return_inverse=True, return_counts=True)
        means = np.bincount(inverse, values, len(unique)) / counts
        shared += int((counts > 1).sum())
        lines += [
            f"{chrom}\t{start}\t{start + 1}\t{value:.6g}"
            for start, value in zip(unique.tolist(), means.tolist(), strict=True)
        ]
    write_text(path, "\n".join(lines) + "\n")
    return shared


def _spread(values: npt.NDArray[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    return np.broadcast_to(values, shape).ravel()


def _encode(codes: npt.NDArray[np.generic], names: Sequence[str]) -> pa.Array:
    """Give names as a dictionary array; -1 is null."""
    indices = codes.astype(np.int32)
    mask = indices < 0 if (indices < 0).any() else None
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=mask), pa.array(list(names), pa.string())
    )


def _repeat_subjects(subjects: Sequence[Subject], times: int) -> list[pa.Array]:
    ids = list(dict.fromkeys(subject.id for subject in subjects))
    kinds = list(dict.fromkeys(subject.kind for subject in subjects))
    places = np.array([[ids.index(s.id), kinds.index(s.kind)] for s in subjects]).reshape(-1, 2)
    return [
        _encode(np.repeat(places[:, 0], times), ids),
        _encode(np.repeat(places[:, 1], times), kinds),
    ]


def _optional(
    values: npt.NDArray[np.float32] | None, order: tuple[int, ...], rows: int
) -> pa.Array:
    if values is None:
        return pa.nulls(rows, pa.float32())
    return pa.array(values.transpose(order).ravel())


def _locate(subjects: Sequence[Subject], length: int, places: int, letters: int) -> list[pa.Array]:
    """Give contig and position of every row; null where a sequence has no place."""
    chroms = list(dict.fromkeys(s.place.chrom for s in subjects if s.place is not None))
    contig = np.array([-1 if s.place is None else chroms.index(s.place.chrom) for s in subjects])
    at = np.full((len(subjects), length), -1, np.int64)
    for row, subject in enumerate(subjects):
        if subject.place is not None:
            at[row] = subject.place.locate(np.arange(length))
    rows = np.repeat(contig, places * length * letters)
    spread = np.broadcast_to(at[:, None, :, None], (len(subjects), places, length, letters))
    return [_encode(rows, chroms), pa.array(spread.ravel(), mask=(spread < 0).ravel())]
