"""Encoded cells on disk: sparse values, and beside them what each fold was fitted to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bioseq_dl.config import Targets
from bioseq_dl.encode.cells import CellExamples
from bioseq_dl.encode.transform import read_transform, write_transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import check_rows
from bioseq_dl.io.tensors import map_tensors, write_tensors

_TENSORS = {
    "indptr": ("I64", 1),
    "totals": ("F64", 1),
    "data": ("F32", 1),
    "counts": ("F32", 1),
    "targets": ("F32", 2),
    "indices": ("I32", 1),
    "roles": ("U8", 2),
}
_METADATA = ("genes", "ids_sha256", "targets")
_FIX = "delete the file and run encode again"


def transform_path(examples: str | Path, fold: int) -> Path:
    """Give where a fold's transform stands: ``transforms/fold<N>.json`` beside the examples."""
    return Path(examples).parent / "transforms" / f"fold{fold}.json"


def write_cell_examples(path: str | Path, examples: CellExamples) -> None:
    """Write ``examples.safetensors`` and ``transforms/fold<N>.json`` beside it.

    Raises
    ------
    InputError
        Where the folder cannot be written or the disk is full.
    """
    for fold, transform in enumerate(examples.transforms):
        write_transform(transform_path(path, fold), transform)
    metadata = {
        "genes": list(examples.genes),
        "ids_sha256": examples.ids_sha256,
        "targets": examples.spec.model_dump(mode="json"),
    }
    arrays = {name: getattr(examples, name) for name in _TENSORS}
    write_tensors(path, arrays, _TENSORS, metadata)


def open_cells(path: str | Path, fold: int) -> CellExamples:
    """Map ``examples.safetensors`` for one fold.

    Raises
    ------
    InputError
        As `read_cell_examples`; where there is no such fold.
    """
    examples = read_cell_examples(path)
    folds = len(examples.transforms)
    if fold >= folds:
        raise InputError("no such fold", file=path, found=fold, allowed=f"0 to {folds - 1}")
    return replace(examples, fold=fold)


def read_cell_examples(path: str | Path) -> CellExamples:
    """Map ``examples.safetensors`` and read the transforms beside it.

    Raises
    ------
    InputError
        Where a file is missing, cut short, or not one that `write_cell_examples` made.
    """
    arrays, metadata = map_tensors(
        path, _TENSORS, ("counts",), _METADATA, what="the examples", fix=_FIX
    )
    check_rows(arrays["indptr"], arrays["indices"], arrays["data"], path, _FIX)
    folds = len(arrays["roles"])
    transforms = tuple(read_transform(transform_path(path, fold)) for fold in range(folds))
    try:
        spec = Targets.model_validate(metadata["targets"])
    except ValidationError as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"damaged examples: {problem}", file=path, fix=_FIX) from None
    return CellExamples(
        indptr=arrays["indptr"],
        indices=arrays["indices"],
        data=arrays["data"],
        counts=arrays.get("counts"),
        totals=arrays["totals"],
        targets=arrays["targets"],
        roles=arrays["roles"],
        genes=tuple(metadata["genes"]),
        spec=spec,
        ids_sha256=metadata["ids_sha256"],
        transforms=transforms,
    )
