"""Genes of a cell to places of its image (or order), by a fixed layout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bioseq_dl.models.cell_shape import CellShape


class Arrangement(nn.Module):
    """Put each gene at its place; a place of several genes holds their mean, one of none 0.

    Parameters
    ----------
    shape : CellShape
        With a layout.
    """

    pixels: Tensor
    source: Tensor
    genes_at: Tensor

    def __init__(self, shape: CellShape) -> None:
        super().__init__()
        assert shape.pixels is not None
        assert shape.height is not None
        assert shape.width is not None
        self.height, self.width, self.averaged = shape.height, shape.width, shape.averaged
        places = self.height * self.width
        pixels = torch.tensor(shape.pixels, dtype=torch.int64)
        source = torch.full((places,), shape.genes, dtype=torch.int64)
        source[pixels] = torch.arange(shape.genes)
        genes_at = torch.bincount(pixels, minlength=places).clamp(min=1).float()
        # Not of the weights: all follow from the shape.
        self.register_buffer("pixels", pixels, persistent=False)
        self.register_buffer("source", source, persistent=False)
        self.register_buffer("genes_at", genes_at, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Read values (n, genes); give images (n, height, width)."""
        if self.averaged:
            empty = values.new_zeros(len(values), len(self.source))
            placed = empty.index_add(1, self.pixels, values) / self.genes_at
        else:  # a look-up: the last column, of zeros, is what empty places read
            placed = nn.functional.pad(values, (0, 1)).index_select(1, self.source)
        return placed.reshape(len(values), self.height, self.width)
