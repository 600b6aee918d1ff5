"""Encoded examples on disk, in the safetensors format.

The file is written and mapped here rather than by the safetensors library, for two
reasons: the library orders its metadata by chance, and equal data shall be equal bytes;
and it copies a tensor it reads, where training wants to map the codes and read a batch at
a time. Format: https://github.com/huggingface/safetensors#format (8 bytes, little-endian,
with the header's length; a JSON header; the tensors end to end).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from bioseq_dl.config import Targets
from bioseq_dl.encode.alphabet import ALPHABETS, find_alphabet
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path

__all__ = ["Examples", "read_examples", "write_examples"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "U8": np.dtype("uint8"),
    "I64": np.dtype("<i8"),
    "F32": np.dtype("<f4"),
}
# Widest first, so that every tensor begins at a multiple of its item size.
_TENSORS = {
    "offsets": ("I64", 1),
    "targets": ("F32", 2),
    "features": ("F32", 2),
    "weights": ("F32", 1),
    "codes": ("U8", 1),
    "roles": ("U8", 2),
    "wild_type": ("U8", 1),
}
_OPTIONAL = ("features", "weights", "wild_type")
_METADATA = ("alphabet", "ids_sha256", "targets", "unknown")
_LARGEST_HEADER = 100_000_000  # the format's own limit
_FIX = "delete the file and run encode again"


def write_examples(path: str | Path, examples: Examples) -> None:
    """Write ``examples.safetensors``: atomically, and the same bytes for equal examples.

    Raises
    ------
    InputError
        Where the folder cannot be written or the disk is full.
    """
    metadata = {
        "alphabet": examples.alphabet.letters,
        "ids_sha256": examples.ids_sha256,
        "targets": examples.spec.model_dump(mode="json"),
        "unknown": examples.unknown,
    }
    header: dict[str, Any] = {
        "__metadata__": {key: json.dumps(metadata[key], sort_keys=True) for key in _METADATA}
    }
    arrays = []
    end = 0
    for name, (code, _) in _TENSORS.items():
        if getattr(examples, name) is None:
            continue
        array = np.ascontiguousarray(getattr(examples, name), _DTYPES[code])
        start, end = end, end + array.nbytes
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": (start, end)}
        arrays.append(array)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format pads its header with spaces
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        handle.write(len(text).to_bytes(8, "little"))
        handle.write(text)
        for array in arrays:
            handle.write(array.data)


def read_examples(path: str | Path) -> Examples:
    """Map ``examples.safetensors``: codes, targets and roles are read when they are used.

    Raises
    ------
    InputError
        Where the file is missing, cut short, or not one that `write_examples` made.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if size < 8 or not 2 <= length <= min(size - 8, _LARGEST_HEADER):
                raise InputError("not a whole safetensors file", file=path, fix=_FIX)
            text = handle.read(length)
    except OSError as error:
        raise InputError(f"cannot read the examples: {error.strerror}", file=path) from None
    header = _parse_header(text, path)
    tensors = {
        name: _map_tensor(path, header, name, 8 + length, size)
        for name in _TENSORS
        if name not in _OPTIONAL or name in header
    }
    metadata = _parse_metadata(header, path)
    try:
        return Examples(
            codes=tensors["codes"],
            offsets=tensors["offsets"],
            targets=tensors["targets"],
            roles=tensors["roles"],
            spec=Targets.model_validate(metadata["targets"]),
            unknown=metadata["unknown"],
            ids_sha256=metadata["ids_sha256"],
            alphabet=find_alphabet(metadata["alphabet"]),  # type: ignore[arg-type]
            features=tensors.get("features"),
            weights=tensors.get("weights"),
            wild_type=tensors.get("wild_type"),
        )
    except (ValidationError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"damaged examples: {problem}", file=path, fix=_FIX) from None


def _parse_header(text: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError("the safetensors header is not JSON", file=path, fix=_FIX)
    return header


def _parse_metadata(header: dict[str, Any], path: Path) -> dict[str, Any]:
    found = header.get("__metadata__")
    try:
        metadata = {key: json.loads(found[key]) for key in _METADATA}  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "the metadata of the examples are incomplete",
            file=path,
            position="key __metadata__",
            allowed=", ".join(_METADATA),
            fix=_FIX,
        ) from None
    if find_alphabet(metadata["alphabet"]) is None:
        raise InputError(
            "examples of another alphabet",
            file=path,
            found=metadata["alphabet"],
            allowed=", ".join(known.letters for known in ALPHABETS.values()),
            fix=_FIX,
        )
    return metadata


def _map_tensor(
    path: Path, header: dict[str, Any], name: str, data: int, size: int
) -> npt.NDArray[Any]:
    code, dimensions = _TENSORS[name]
    dtype = _DTYPES[code]
    entry = header.get(name)
    try:
        shape = tuple(int(side) for side in entry["shape"])  # type: ignore[index]
        start, end = (int(place) for place in entry["data_offsets"])  # type: ignore[index]
        found = (entry["dtype"], len(shape))  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "a tensor is missing or has no place", file=path, position=f"tensor {name}", fix=_FIX
        ) from None
    if found != (code, dimensions) or min(shape) < 0:
        raise InputError(
            "a tensor has another type",
            file=path,
            position=f"tensor {name}",
            found=f"{found[0]} {shape}",
            allowed=f"{code} with {dimensions} dimensions",
            fix=_FIX,
        )
    count = int(np.prod(shape))
    if end - start != count * dtype.itemsize or start < 0 or data + end > size:
        raise InputError(
            "the file is cut short or its header is wrong",
            file=path,
            position=f"tensor {name}",
            found=f"{size} bytes",
            allowed=f"{data + start + count * dtype.itemsize} bytes or more",
            fix=_FIX,
        )
    if count == 0:  # nothing can be mapped
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", data + start, shape))
