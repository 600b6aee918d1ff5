"""Layers on sequences of columns: (n, channels, 1, positions), in channels-last memory.

A one-dimensional convolution is done as a two-dimensional one of height 1, because only
that has a channels-last memory layout, in which convolution, normalisation and pooling are
two to three times faster on a CPU in bf16.

Where sequences are padded, each layer is told their lengths and does not look beyond them:
a padded sequence gives what it gives alone.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.config import ConvLayer
from bioseq_dl.config.model import Activation
from bioseq_dl.models.shape import layer_positions

_LARGEST_EXPONENT = 6.0
"""exp is clipped here: a filter with few and strong matches is many standard deviations
above its mean there, and would drown all others."""


def within(lengths: Tensor, width: int) -> Tensor:
    """True where a position is inside its sequence: bool (n, width)."""
    return torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)


def fill_beyond(columns: Tensor, lengths: Tensor | None, value: float) -> Tensor:
    """Set what lies beyond each sequence's end; (n, channels, 1, positions)."""
    if lengths is None:
        return columns
    return columns.masked_fill(~within(lengths, columns.shape[3])[:, None, None], value)


def activate(values: Tensor, activation: Activation) -> Tensor:
    """Apply an activation by its name."""
    if activation == "relu":
        return functional.relu(values)
    if activation == "gelu":
        return functional.gelu(values)
    if activation == "silu":
        return functional.silu(values)
    return torch.exp(values.clamp(max=_LARGEST_EXPONENT))


class Normalisation(nn.Module):
    """Normalise columns over the batch (``batch``) or over the channels (``layer``).

    Takes (n, channels, 1, positions), or (n, channels) after pooling. Batch statistics
    count only positions inside their sequence.
    """

    def __init__(self, kind: str, channels: int) -> None:
        super().__init__()
        self.norm: nn.Module = nn.Identity()
        if kind == "batch":
            self.norm = nn.BatchNorm2d(channels)
        elif kind == "layer":
            self.norm = nn.LayerNorm(channels)

    def forward(self, columns: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Give a tensor of the same shape."""
        if isinstance(self.norm, nn.Identity):
            return columns
        if columns.dim() == 2:
            return self.forward(columns[:, :, None, None])[:, :, 0, 0]
        if isinstance(self.norm, nn.LayerNorm):
            normed: Tensor = self.norm(columns.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return normed
        if not self.training:
            return self._normalise(columns)
        if lengths is None:
            return self._normalise(columns)
        rows = columns.permute(0, 2, 3, 1)[:, 0]
        inside = within(lengths, columns.shape[3])
        changed = torch.zeros_like(rows)
        changed[inside] = self._normalise(rows[inside][:, :, None, None])[:, :, 0, 0].to(rows)
        return changed.unsqueeze(1).permute(0, 3, 1, 2)

    def _normalise(self, columns: Tensor) -> Tensor:
        norm = self.norm
        assert isinstance(norm, nn.BatchNorm2d)
        alone = type(norm) is nn.BatchNorm2d  # one of several processes counts them all itself
        if alone and self.training and columns.shape[0] * columns.shape[3] < 2:
            # One position has no variance; take the statistics of the batches before.
            return functional.batch_norm(
                columns, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        normed: Tensor = norm(columns)
        return normed


class ConvBlock(nn.Module):
    """One ``ConvLayer``: (convolution, normalisation, activation) x repeat, pooling, dropout."""

    def __init__(
        self, layer: ConvLayer, channels: int, normalisation: str, activation: Activation
    ) -> None:
        super().__init__()
        self.layer = layer
        self.activation = layer.activation or activation
        widths = [channels] + [layer.channels] * layer.repeat
        around = (layer.kernel - 1) * layer.dilation if layer.padding == "same" else 0
        # What an even kernel needs more on the right is added by hand.
        self.lacking = around % 2
        self.convolutions = nn.ModuleList(
            nn.Conv2d(
                before,
                after,
                (1, layer.kernel),
                padding=(0, around // 2),
                dilation=(1, layer.dilation),
            )
            for before, after in pairwise(widths)
        )
        self.normalisations = nn.ModuleList(
            Normalisation(normalisation, layer.channels) for _ in range(layer.repeat)
        )
        project = layer.residual and channels != layer.channels
        self.projection = nn.Conv2d(channels, layer.channels, 1) if project else None
        self.dropout = nn.Dropout(layer.dropout)

    def forward(self, columns: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Give the columns after the layer, and the lengths after it.

        What lies beyond a sequence's end must be 0, and is 0 in the result.
        """
        layer, inside, before = self.layer, lengths, columns
        for place in range(layer.repeat):
            if place:
                columns = self.dropout(activate(columns, self.activation))
                columns = fill_beyond(columns, inside, 0.0)
            if self.lacking:
                columns = functional.pad(columns, (0, 1))
            columns = self.convolutions[place](columns)
            if layer.padding == "valid" and inside is not None:
                inside = inside - (layer.kernel - 1) * layer.dilation
            columns = self.normalisations[place](columns, inside)
        if layer.residual:
            columns = columns + (before if self.projection is None else self.projection(before))
        columns = activate(columns, self.activation)
        if layer.pool > 1 or layer.pool_stride is not None:
            columns = self._pool(fill_beyond(columns, inside, float("-inf")))
        if lengths is not None:
            lengths = layer_positions(layer, lengths)
        return self.dropout(fill_beyond(columns, lengths, 0.0)), lengths

    def _pool(self, columns: Tensor) -> Tensor:
        layer = self.layer
        stride = layer.pool_stride or layer.pool
        if layer.padding == "same":
            # A last window that is not whole is filled up, so that no base is left out.
            width = columns.shape[3]
            rest = ((width - 1) // stride) * stride + layer.pool - width
            if rest > 0:
                columns = functional.pad(columns, (0, rest), value=float("-inf"))
        return functional.max_pool2d(columns, (1, layer.pool), (1, stride))
