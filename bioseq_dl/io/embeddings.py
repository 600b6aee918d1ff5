"""Numbers for each residue from a file, such as a language model's output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import read_magic

ID, EMBEDDING = "id", "embedding"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"

_CHEAP = 1 << 24
"""Numbers that `check_embeddings` reads, at least."""

Found: TypeAlias = NDArray[np.float32] | h5py.Dataset
Look = Callable[[str, int], "Found | None"]
"""Id and residues of a protein to its numbers, whose shape is known before they are read."""


def read_embeddings(
    path: str | Path, ids: Sequence[str], lengths: Sequence[int], features: int
) -> NDArray[np.float32]:
    """Read the embeddings of some proteins.

    Parameters
    ----------
    path : path
        HDF5: a dataset (residues, features) per id. Parquet: columns ``id`` and ``embedding``,
        a list of residues * features numbers, residue by residue.
    ids : sequence of str
        Records' ids; where the file does not know ``name/id``, ``id`` is looked up.
    lengths : sequence of int
        Residues of each.
    features : int
        Numbers a residue.

    Returns
    -------
    array of float32, shape (all residues, features)
        Proteins end to end, in the order of `ids`.

    Raises
    ------
    InputError
        Where the file is of neither format or damaged, lacks a protein, or has another number
        of residues or features, or a number that is not finite.
    """
    ends = np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))]).astype(np.int64)
    values = np.empty((int(ends[-1]), features), np.float32)
    with _open(path, features) as look:
        for row, name in enumerate(ids):
            found = _find(look, path, name, int(lengths[row]), features)
            values[ends[row] : ends[row + 1]] = _read_numbers(found, path, name)
    return values


def check_embeddings(
    path: str | Path, ids: Sequence[str], lengths: Sequence[int], features: int
) -> None:
    """Find what `read_embeddings` would stumble over: ids and shapes of all, numbers of the first.

    Parameters
    ----------
    path, ids, lengths, features
        As `read_embeddings` takes them.

    Raises
    ------
    InputError
        As `read_embeddings`.
    """
    read = 0
    with _open(path, features) as look:
        for name, length in zip(ids, lengths, strict=True):
            found = _find(look, path, name, int(length), features)
            if read < _CHEAP:
                read += _read_numbers(found, path, name).size


def _find(look: Look, path: str | Path, name: str, length: int, features: int) -> Found:
    found = look(name, length)
    if found is None and "/" in name:
        found = look(name.partition("/")[2], length)
    if found is None:
        raise InputError(
            "no embedding of a record",
            file=path,
            record=name,
            fix="compute it for every sequence, or leave this record out",
        )
    if found.shape != (length, features):
        raise InputError(
            "an embedding of another shape",
            file=path,
            record=name,
            found=" x ".join(map(str, found.shape)),
            allowed=f"{length} residues x {features} features",
            fix=_suggest(found.shape, length, features),
        )
    return found


def _suggest(shape: tuple[int, ...], length: int, features: int) -> str:
    if len(shape) == 2 and shape[1] == features and abs(shape[0] - length) in (1, 2):
        return "leave out the model's special tokens; compute it from this sequence"
    if len(shape) == 2 and shape[0] == length:
        given = shape[1]
        return f"set ingest.embeddings.features: {given}, or give a file of {features} features"
    return f"compute it from this sequence, {features} numbers a residue"


def _read_numbers(found: Found, path: str | Path, name: str) -> NDArray[np.float32]:
    values = np.asarray(found[()], np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        residue, feature = np.argwhere(bad)[0]
        raise InputError(
            "an embedding that is no finite number",
            file=path,
            record=name,
            position=f"residue {residue + 1}, feature {feature + 1}",
        )
    return values


@contextmanager
def _open(path: str | Path, features: int) -> Iterator[Look]:
    magic = read_magic(path)
    if magic == _HDF5:
        try:
            with h5py.File(path, "r") as file:
                yield lambda name, _: _look_up(file, name)
        except OSError as error:
            raise InputError("cannot read the embeddings", file=path, found=str(error)) from None
    elif magic[:4] == _PARQUET:
        table = _read_table(path)
        places = {name: row for row, name in enumerate(table.column(ID).to_pylist())}
        column = table.column(EMBEDDING)

        def look(name: str, length: int) -> NDArray[np.float32] | None:
            if name not in places:
                return None
            flat = np.asarray(column[places[name]].values, np.float32)
            rows, left = divmod(len(flat), features)
            if left == 0 and abs(rows - length) <= 2:
                return flat.reshape(rows, features)
            # The numbers do not say how many are a residue's: take the residues for right.
            return flat.reshape(length, -1) if len(flat) % length == 0 else flat

        yield look
    else:
        raise InputError("embeddings of no known format", file=path, allowed="HDF5, or Parquet")


def _look_up(file: h5py.File, name: str) -> h5py.Dataset | None:
    found = file.get(name)
    return found if isinstance(found, h5py.Dataset) else None


def _read_table(path: str | Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError("cannot read the embeddings", file=path, found=str(error)) from None
    for name, kind in ((ID, "strings"), (EMBEDDING, "lists of numbers")):
        if name not in table.column_names:
            raise InputError(
                f"the embeddings have no column {name}",
                file=path,
                found=", ".join(table.column_names),
                allowed=f"{ID} and {EMBEDDING}",
            )
        given = table.schema.field(name).type
        fits = pa.types.is_string(given) or pa.types.is_large_string(given)
        if name == EMBEDDING:
            fits = hasattr(given, "value_type") and (
                pa.types.is_floating(given.value_type) or pa.types.is_integer(given.value_type)
            )
        if not fits:
            raise InputError(
                "a column of another type",
                file=path,
                position=f"column {name}",
                found=str(given),
                allowed=kind,
            )
    return table
