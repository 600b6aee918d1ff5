"""A small residual network on the image of a cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bioseq_dl.config import CellModel, ImageStage
from bioseq_dl.config.model import Activation
from bioseq_dl.models.blocks import Normalisation, activate


class GridPooling(nn.Module):
    """Average a map over parts, and lay these end to end.

    The bounds are those of torch's adaptive average pooling; as products of matrices, because
    the gradient of that is not deterministic on a GPU.

    Parameters
    ----------
    height, width : int
        Of the map.
    grid : int
        Parts of a side; a shorter side keeps its pixels.
    channels : int
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, height: int, width: int, grid: int, channels: int) -> None:
        super().__init__()
        rows, columns = _share(height, min(grid, height)), _share(width, min(grid, width))
        # Not of the weights: both follow from the sizes.
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.features = channels * len(rows) * len(columns)

    def forward(self, maps: Tensor) -> Tensor:
        """Read (n, channels, height, width); give (n, features), channel by channel."""
        rows, columns = self.rows.to(maps.dtype), self.columns.to(maps.dtype)
        parts: Tensor = torch.einsum("gh,nchw,kw->ncgk", rows, maps, columns)
        return parts.flatten(1)


def _share(size: int, parts: int) -> Tensor:
    """Give what each place counts in each part; float32 (parts, size), rows of sum 1."""
    shares = torch.zeros(parts, size)
    for part in range(parts):
        start, end = part * size // parts, -(-(part + 1) * size // parts)
        shares[part, start:end] = 1 / (end - start)
    return shares


class ResidualBlock(nn.Module):
    """Two convolutions of 3 x 3 and a way around them (He et al. 2016, CVPR)."""

    def __init__(
        self, before: int, after: int, stride: int, normalisation: str, activation: Activation
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.one = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.two = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.normalise_one = Normalisation(normalisation, after)
        self.normalise_two = Normalisation(normalisation, after)
        changed = stride > 1 or before != after
        self.around = nn.Conv2d(before, after, 1, stride) if changed else None

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, channels, height, width); give the same, each side divided by the stride."""
        found = activate(self.normalise_one(self.one(images)), self.activation)
        found = self.normalise_two(self.two(found))
        past = images if self.around is None else self.around(images)
        return activate(found + past, self.activation)


class ResidualTrunk(nn.Module):
    """A stem and stages of residual blocks; reads images (n, 1, height, width).

    Parameters
    ----------
    model : CellModel
        Of kind ``cnn2d``.
    height, width : int
        Of the image.
    """

    def __init__(self, model: CellModel, height: int, width: int) -> None:
        super().__init__()
        stem = model.stem
        assert stem is not None
        self.activation: Activation = model.activation
        self.stem = nn.Conv2d(1, stem.channels, stem.kernel, stem.stride, stem.kernel // 2)
        self.normalise = Normalisation(model.normalisation, stem.channels)
        channels, strides = stem.channels, [stem.stride]
        self.stages = nn.ModuleList()
        for stage in model.stages:
            self.stages.append(_build_stage(stage, channels, model))
            channels = stage.channels
            strides.append(stage.stride)
        for stride in strides:
            height, width = -(-height // stride), -(-width // stride)
        self.pooling = GridPooling(height, width, model.grid, channels)
        self.features = self.pooling.features

    def read_maps(self, images: Tensor) -> list[Tensor]:
        """Give what the stem and each stage make of images, each (n, channels, height, width)."""
        maps = [activate(self.normalise(self.stem(images)), self.activation)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, 1, height, width); give (n, features)."""
        pooled: Tensor = self.pooling(self.read_maps(images)[-1])
        return pooled


def _build_stage(stage: ImageStage, channels: int, model: CellModel) -> nn.Sequential:
    blocks = []
    for place in range(stage.blocks):
        before, stride = (stage.channels, 1) if place else (channels, stage.stride)
        blocks.append(
            ResidualBlock(before, stage.channels, stride, model.normalisation, model.activation)
        )
    return nn.Sequential(*blocks)
