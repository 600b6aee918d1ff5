"""Named arrays on disk, in the safetensors format.

The file is written and mapped here rather than by the safetensors library, for two reasons: the
library orders its metadata by chance, and equal data shall be equal bytes; and it copies a tensor
it reads, where training wants to map what it reads a batch at a time. Format:
https://github.com/huggingface/safetensors#format (8 bytes, little-endian, with the header's
length; a JSON header; the tensors end to end).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path

_DTYPES: dict[str, np.dtype[Any]] = {
    "U8": np.dtype("uint8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_LARGEST_HEADER = 100_000_000  # the format's own limit

Kinds = Mapping[str, tuple[str, int]]
"""Name of a tensor: its type (U8, I32, I64, F32, F64) and its number of dimensions. Widest first,
so that every tensor begins at a multiple of its item size."""


def write_tensors(
    path: str | Path,
    arrays: Mapping[str, npt.NDArray[Any] | None],
    kinds: Kinds,
    metadata: Mapping[str, Any],
) -> None:
    """Write arrays: atomically, and the same bytes for equal arrays and metadata.

    Parameters
    ----------
    path : path
    arrays : mapping
        Name: array; those that are None are left out.
    kinds : mapping
        What each is, in the order of the file.
    metadata : mapping
        Written as JSON, key by key.

    Raises
    ------
    InputError
        Where the folder cannot be written or the disk is full.
    """
    texts = {key: json.dumps(metadata[key], sort_keys=True) for key in sorted(metadata)}
    header: dict[str, Any] = {"__metadata__": texts}
    laid = []
    end = 0
    for name, (code, _) in kinds.items():
        given = arrays.get(name)
        if given is None:
            continue
        array = np.ascontiguousarray(given, _DTYPES[code])
        start, end = end, end + array.nbytes
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": (start, end)}
        laid.append(array)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format pads its header with spaces
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        handle.write(len(text).to_bytes(8, "little"))
        handle.write(text)
        for array in laid:
            handle.write(array.data)


def map_tensors(
    path: str | Path,
    kinds: Kinds,
    optional: Collection[str],
    metadata: Collection[str],
    *,
    what: str,
    fix: str,
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Map the arrays of a file that `write_tensors` made; they are read when they are used.

    Parameters
    ----------
    path : path
    kinds : mapping
        What each must be.
    optional : collection of str
        Which may be absent.
    metadata : collection of str
        Keys that must be there.
    what, fix : str
        For messages: what the file holds, and how to mend it.

    Returns
    -------
    arrays : dict
        Those that are there, read-only.
    metadata : dict
        Decoded.

    Raises
    ------
    InputError
        Where the file is missing, cut short, or not one of these.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if size < 8 or not 2 <= length <= min(size - 8, _LARGEST_HEADER):
                raise InputError("not a whole safetensors file", file=path, fix=fix)
            text = handle.read(length)
    except OSError as error:
        raise InputError(f"cannot read {what}: {error.strerror}", file=path) from None
    header = _parse_header(text, path, fix)
    arrays = {
        name: _map_tensor(path, header, name, kind, 8 + length, size, fix)
        for name, kind in kinds.items()
        if name not in optional or name in header
    }
    return arrays, _parse_metadata(header, path, metadata, what, fix)


def _parse_header(text: bytes, path: Path, fix: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError("the safetensors header is not JSON", file=path, fix=fix)
    return header


def _parse_metadata(
    header: dict[str, Any], path: Path, keys: Collection[str], what: str, fix: str
) -> dict[str, Any]:
    found = header.get("__metadata__")
    try:
        return {key: json.loads(found[key]) for key in keys}  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"the metadata of {what} are incomplete",
            file=path,
            position="key __metadata__",
            allowed=", ".join(keys),
            fix=fix,
        ) from None


def _map_tensor(
    path: Path,
    header: dict[str, Any],
    name: str,
    kind: tuple[str, int],
    data: int,
    size: int,
    fix: str,
) -> npt.NDArray[Any]:
    code, dimensions = kind
    dtype = _DTYPES[code]
    entry = header.get(name)
    try:
        shape = tuple(int(side) for side in entry["shape"])  # type: ignore[index]
        start, end = (int(place) for place in entry["data_offsets"])  # type: ignore[index]
        found = (entry["dtype"], len(shape))  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "a tensor is missing or has no place", file=path, position=f"tensor {name}", fix=fix
        ) from None
    if found != (code, dimensions) or min(shape) < 0:
        raise InputError(
            "a tensor has another type",
            file=path,
            position=f"tensor {name}",
            found=f"{found[0]} {shape}",
            allowed=f"{code} with {dimensions} dimensions",
            fix=fix,
        )
    count = int(np.prod(shape))
    if end - start != count * dtype.itemsize or start < 0 or data + end > size:
        raise InputError(
            "the file is cut short or its header is wrong",
            file=path,
            position=f"tensor {name}",
            found=f"{size} bytes",
            allowed=f"{data + start + count * dtype.itemsize} bytes or more",
            fix=fix,
        )
    if count == 0:  # nothing can be mapped
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", data + start, shape))
