"""Encoded examples on disk, in the safetensors format."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from bioseq_dl.config import Targets
from bioseq_dl.encode.alphabet import ALPHABETS, find_alphabet
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.io.tensors import map_tensors, write_tensors

__all__ = ["Examples", "read_examples", "write_examples"]

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
    arrays = {name: getattr(examples, name) for name in _TENSORS}
    write_tensors(path, arrays, _TENSORS, metadata)


def open_examples(path: str | Path, fold: int) -> Examples:
    """Map ``examples.safetensors``, which every fold reads alike."""
    del fold
    return read_examples(path)


def read_examples(path: str | Path) -> Examples:
    """Map ``examples.safetensors``: codes, targets and roles are read when they are used.

    Raises
    ------
    InputError
        Where the file is missing, cut short, or not one that `write_examples` made.
    """
    path = Path(path)
    tensors, metadata = map_tensors(
        path, _TENSORS, _OPTIONAL, _METADATA, what="the examples", fix=_FIX
    )
    alphabet = find_alphabet(metadata["alphabet"])
    if alphabet is None:
        raise InputError(
            "examples of another alphabet",
            file=path,
            found=metadata["alphabet"],
            allowed=", ".join(known.letters for known in ALPHABETS.values()),
            fix=_FIX,
        )
    try:
        return Examples(
            codes=tensors["codes"],
            offsets=tensors["offsets"],
            targets=tensors["targets"],
            roles=tensors["roles"],
            spec=Targets.model_validate(metadata["targets"]),
            unknown=metadata["unknown"],
            ids_sha256=metadata["ids_sha256"],
            alphabet=alphabet,
            features=tensors.get("features"),
            weights=tensors.get("weights"),
            wild_type=tensors.get("wild_type"),
        )
    except (ValidationError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"damaged examples: {problem}", file=path, fix=_FIX) from None
