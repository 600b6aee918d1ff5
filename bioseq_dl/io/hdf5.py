"""HDF5 files: opened, and said what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import BLOCK_VALUES, stack_blocks
from bioseq_dl.io.handles import read_magic

_MAGIC = b"\x89HDF\r\n\x1a\n"


@contextmanager
def open_hdf5(path: str | Path, kind: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Parameters
    ----------
    path : path
    kind : str
        What it should be, in words.

    Raises
    ------
    InputError
        Where it is missing, is no HDF5 file, or is damaged, here or while it is read.
    """
    magic = read_magic(path)
    if magic != _MAGIC:
        raise InputError(
            f"not an HDF5 file, which {kind} is",
            file=path,
            found=magic.decode("latin-1").encode("unicode_escape").decode(),
            fix="unpack it" if magic.startswith(b"\x1f\x8b") else "give the format that it has",
        )
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:  # h5py raises either, by what is damaged
        raise InputError(
            "the HDF5 file is cut short or damaged",
            file=path,
            found=str(error).split("(")[-1].strip(")"),
            fix="copy or download it again",
        ) from None


def find_member(group: Any, name: str, path: str | Path, kind: str) -> Any:
    """Give a member of a group.

    Raises
    ------
    InputError
        Where there is none of that name; tells what there is.
    """
    if name in group:
        return group[name]
    names = sorted(group)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    raise InputError(
        f"the file has no {kind} {name}",
        file=path,
        allowed=", ".join(names[:20]) or "none",
        fix=f"did you mean {close[0]}?" if close else None,
    )


def read_strings(dataset: Any) -> list[str]:
    """Read a dataset of one dimension as text; numbers as they are written, NaN as nothing."""
    found = dataset[()]
    if found.dtype.kind in "SO":
        return [
            item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
            for item in found
        ]
    return ["" if item != item else str(item) for item in found.tolist()]


def check_matrix(found: Any, path: str | Path) -> None:
    """See that a member is a matrix of numbers.

    Raises
    ------
    InputError
    """
    if not isinstance(found, h5py.Dataset) or found.ndim != 2 or found.dtype.kind not in "biuf":
        kind = "a group"
        if isinstance(found, h5py.Dataset):
            kind = f"{found.ndim} dimensions of {found.dtype}"
        raise InputError(
            "not a matrix of numbers",
            file=path,
            position=found.name.lstrip("/"),
            found=kind,
            allowed="2 dimensions of integers or floats",
        )


def read_dense(dataset: Any, path: str | Path, *, transposed: bool = False) -> Any:
    """Read a dense matrix as a sparse one, in blocks.

    Parameters
    ----------
    dataset : h5py.Dataset (rows, columns)
    path : path
        For messages.
    transposed : bool
        Give it as (columns, rows).

    Returns
    -------
    csr_array of float32

    Raises
    ------
    InputError
        Where it is no matrix of numbers.
    """
    check_matrix(dataset, path)
    rows, columns = dataset.shape[::-1] if transposed else dataset.shape
    step = max(1, BLOCK_VALUES // max(columns, 1))

    def read(start: int) -> Any:
        part = slice(start, start + step)
        return np.asarray(dataset[:, part]).T if transposed else np.asarray(dataset[part])

    return stack_blocks((read(start) for start in range(0, rows, step)), columns)
