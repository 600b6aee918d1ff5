"""Small networks on cells, and cells for them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from bioseq_dl.config import CellModel
from bioseq_dl.models.cell_shape import CellShape
from bioseq_dl.models.cells import CellNetwork, build_model

SMALL: dict[str, dict[str, object]] = {
    "mlp": {"kind": "mlp", "dense": (8,)},
    "cnn1d": {"kind": "cnn1d", "conv": ({"channels": 4, "kernel": 3, "pool": 2},), "grid": 4},
    "lstm": {"kind": "lstm", "recurrent": {"genes_per_step": 4, "hidden": 6}},
    "cnn2d": {
        "kind": "cnn2d",
        "stem": {"channels": 4, "kernel": 3},
        "stages": ({"channels": 6, "stride": 2},),
        "grid": 2,
    },
    "resnet18": {"kind": "resnet18"},
}
"""Kind: a network of it, small where it may be."""

GENES = 20


def shape_of(kind: str, targets: int = 1, classes: int = 3, counts: bool = False) -> CellShape:
    """Twenty genes: on an image of 6 x 5 from the last place on, or in an order of 22 places."""
    shape = CellShape(GENES, targets, classes, counts)
    if kind == "mlp":
        return shape
    if kind in ("cnn1d", "lstm"):
        return replace(shape, height=1, width=22, pixels=tuple(range(1, 21)))
    return replace(shape, height=6, width=5, pixels=tuple(range(29, 9, -1)))


def build(
    kind: str, shape: CellShape | None = None, seed: int = 0, **changes: object
) -> CellNetwork:
    """Build a small network of a kind."""
    torch.manual_seed(seed)
    model = CellModel.model_validate(SMALL[kind] | changes)
    return build_model(model, shape_of(kind) if shape is None else shape)


def draw(cells: int = 5, genes: int = GENES, seed: int = 1) -> Tensor:
    """Draw scaled values."""
    return torch.randn(cells, genes, generator=torch.Generator().manual_seed(seed))


def draw_counts(cells: int = 5, genes: int = GENES, seed: int = 2) -> Tensor:
    """Draw counts, many of them 0."""
    rates = 4 * torch.rand(cells, genes, generator=torch.Generator().manual_seed(seed))
    return torch.poisson(rates, generator=torch.Generator().manual_seed(seed))
