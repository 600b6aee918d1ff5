"""The network with an output for each position: convolutions, recurrence, dense layers, heads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bioseq_dl.config import Model
from bioseq_dl.models.blocks import ConvBlock, Normalisation, activate, fill_beyond
from bioseq_dl.models.recurrent import BidirectionalBlock
from bioseq_dl.models.scales import LetterScales
from bioseq_dl.models.shape import Shape


class ResidueModel(nn.Module):
    """A network built from a ``Model`` config that pools nothing.

    All heads stand on one trunk; the last dense layer is one for all of them.

    Parameters
    ----------
    model : Model
        The layers.
    shape : Shape
        What goes in and comes out.
    """

    def __init__(self, model: Model, shape: Shape) -> None:
        super().__init__()
        self.model = model
        self.shape = shape
        self.scales = LetterScales(model.scales)
        channels = shape.letters + shape.features + self.scales.channels
        self.convolutions = nn.ModuleList()
        for layer in model.conv:
            self.convolutions.append(
                ConvBlock(layer, channels, model.normalisation, model.activation)
            )
            channels = layer.channels
        self.recurrent: BidirectionalBlock | None = None
        if model.recurrent is not None:
            self.recurrent = BidirectionalBlock(model.recurrent, channels)
            channels = self.recurrent.channels
        self.dense = nn.ModuleList()
        self.normalisations = nn.ModuleList()
        for width in model.dense:
            # A convolution of width one: a dense layer at each position.
            self.dense.append(nn.Conv2d(channels, width, 1))
            self.normalisations.append(Normalisation(model.normalisation, width))
            channels = width
        self.dropout = nn.Dropout(model.dropout)
        self.head = nn.Linear(channels, shape.targets)

    @property
    def arguments(self) -> dict[str, Any]:
        """What `build_model` needs to build this network again."""
        return {"model": self.model, "shape": self.shape}

    def forward(self, columns: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Read one-hot columns, with further features below them.

        Parameters
        ----------
        columns : tensor, shape (n, letters + features, length)
            What stands beyond a sequence's length is not looked at.
        lengths : int64 tensor, shape (n,), optional
            Residues of each; without it all are `length`.

        Returns
        -------
        float32 tensor, shape (n, length, outputs)
            Logits, or values; what stands beyond a sequence's end means nothing.
        """
        columns = fill_beyond(self.scales(columns).unsqueeze(2), lengths, 0.0)
        for block in self.convolutions:
            columns, _ = block(columns, lengths)
        if self.recurrent is not None:
            rows = self.recurrent(columns.squeeze(2).transpose(1, 2), lengths)
            columns = rows.transpose(1, 2).unsqueeze(2)
        for linear, normalisation in zip(self.dense, self.normalisations, strict=True):
            columns = normalisation(linear(columns), lengths)
            columns = self.dropout(activate(columns, self.model.activation))
        if not self.dense:
            columns = self.dropout(columns)
        outputs: Tensor = self.head(columns.squeeze(2).transpose(1, 2))
        return outputs.float()


def build_model(model: Model, shape: Shape) -> ResidueModel:
    """Build the network, its convolutions in channels-last memory.

    Weights are drawn from torch's global generator: seed it before.
    """
    built = ResidueModel(model, shape)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return built
