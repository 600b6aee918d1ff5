"""Positions to one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bioseq_dl.config import Model
from bioseq_dl.models.blocks import activate, within


class Pooling(nn.Module):
    """One or several ways to sum up positions, side by side.

    Parameters
    ----------
    model : Model
        Its `pooling` (``max``, ``mean``, ``attention``: mean weighted by a learned softmax
        score, ``flatten``), `attention_heads`, `flatten_channels` and `activation` count.
    channels : int
        Of each position.
    positions : int, optional
        How many there are; needed for ``flatten``.
    """

    def __init__(self, model: Model, channels: int, positions: int | None) -> None:
        super().__init__()
        self.kinds = model.pooling
        self.activation = model.activation
        heads = model.attention_heads
        self.score = nn.Linear(channels, heads) if "attention" in self.kinds else None
        sizes = {"max": channels, "mean": channels, "attention": heads * channels, "flatten": 0}
        self.features = sum(sizes[kind] for kind in self.kinds)
        self.reduction: nn.Linear | None = None
        if "flatten" in self.kinds:
            if positions is None:
                raise ValueError("flatten needs the number of positions")
            if model.flatten_channels is not None:
                self.reduction = nn.Linear(channels, model.flatten_channels)
            self.features += positions * (model.flatten_channels or channels)

    def forward(self, rows: Tensor, lengths: Tensor | None) -> Tensor:
        """Read rows (n, positions, channels); give (n, features)."""
        inside = None if lengths is None else within(lengths, rows.shape[1]).unsqueeze(2)
        zeroed = rows if inside is None else rows.masked_fill(~inside, 0.0)
        vectors = []
        for kind in self.kinds:
            if kind == "max":
                masked = rows if inside is None else rows.masked_fill(~inside, float("-inf"))
                vectors.append(masked.amax(1))
            elif kind == "mean":
                count = rows.shape[1] if lengths is None else lengths.unsqueeze(1)
                vectors.append(zeroed.sum(1) / count)
            elif kind == "attention":
                vectors.append(self._attend(zeroed, inside))
            else:
                vectors.append(self._flatten(zeroed))
        return torch.cat(vectors, 1)

    def _flatten(self, rows: Tensor) -> Tensor:
        if self.reduction is not None:
            rows = activate(self.reduction(rows), self.activation)
        return rows.flatten(1)

    def _attend(self, rows: Tensor, inside: Tensor | None) -> Tensor:
        assert self.score is not None
        scores = self.score(rows).float()
        if inside is not None:
            scores = scores.masked_fill(~inside, float("-inf"))
        weights = scores.softmax(1).to(rows.dtype)
        return torch.matmul(weights.transpose(1, 2), rows).flatten(1)
