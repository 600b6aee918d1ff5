"""Networks along an order of the genes: convolutions, or an LSTM of several genes a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.config import CellModel
from bioseq_dl.models.blocks import ConvBlock
from bioseq_dl.models.image_trunks import GridPooling
from bioseq_dl.models.shape import layer_positions


class ConvTrunk(nn.Module):
    """Convolutions along the genes; reads (n, 1, 1, width).

    Parameters
    ----------
    model : CellModel
        Of kind ``cnn1d``.
    width : int
        Places of the order; enough for the layers (`shortest_order`).
    """

    def __init__(self, model: CellModel, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        channels = 1
        for layer in model.conv:
            self.blocks.append(ConvBlock(layer, channels, model.normalisation, model.activation))
            channels = layer.channels
            width = layer_positions(layer, width)
        self.pooling = GridPooling(1, width, model.grid, channels)
        self.features = self.pooling.features

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, 1, 1, width); give (n, features)."""
        for block in self.blocks:
            images, _ = block(images, None)
        pooled: Tensor = self.pooling(images)
        return pooled


class RecurrentTrunk(nn.Module):
    """An LSTM or GRU over steps of several genes; reads (n, 1, 1, width).

    Parameters
    ----------
    model : CellModel
        Of kind ``lstm``.
    width : int
        Places of the order.
    """

    def __init__(self, model: CellModel, width: int) -> None:
        super().__init__()
        recurrent = model.recurrent
        assert recurrent is not None
        self.step, self.pooling = recurrent.genes_per_step, recurrent.pooling
        self.hidden, self.directions = recurrent.hidden, 1 + recurrent.bidirectional
        kind = nn.LSTM if recurrent.cell == "lstm" else nn.GRU
        self.cell: nn.LSTM | nn.GRU = kind(
            self.step,
            recurrent.hidden,
            num_layers=recurrent.layers,
            batch_first=True,
            dropout=recurrent.dropout,
            bidirectional=recurrent.bidirectional,
        )
        self.features = self.directions * recurrent.hidden
        if self.pooling == "flatten":
            self.features *= -(-width // self.step)

    def forward(self, images: Tensor) -> Tensor:
        """Read (n, 1, 1, width); give (n, features)."""
        order = images.flatten(1)
        order = functional.pad(order, (0, -order.shape[1] % self.step))
        states: Tensor = self.cell(order.reshape(len(order), -1, self.step))[0]
        if self.pooling == "mean":
            return states.mean(1)
        if self.pooling == "flatten":
            return states.flatten(1)
        if self.directions == 1:
            return states[:, -1]
        # The backward direction ends at the first step.
        return torch.cat([states[:, -1, : self.hidden], states[:, 0, self.hidden :]], 1)
