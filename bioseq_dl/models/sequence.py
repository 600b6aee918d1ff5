"""The network for sequences: convolutions, recurrence, pooling, dense layers, head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.config import Model
from bioseq_dl.data.one_hot import one_hot, reverse_complement_one_hot
from bioseq_dl.errors import InputError
from bioseq_dl.models.blocks import ConvBlock, Normalisation, activate, fill_beyond
from bioseq_dl.models.pooling import Pooling
from bioseq_dl.models.recurrent import BidirectionalBlock
from bioseq_dl.models.scales import LetterScales
from bioseq_dl.models.shape import Shape, count_positions, shortest_length
from bioseq_dl.models.wide import KmerTerms


class SequenceModel(nn.Module):
    """A network built from a ``Model`` config.

    Sequences shorter than the network's narrowest (convolutions without padding, pooling)
    are read as if unknown bases followed them.

    Parameters
    ----------
    model : Model
        The layers.
    shape : Shape
        What goes in and comes out.
    """

    reference: Tensor | None

    def __init__(self, model: Model, shape: Shape) -> None:
        super().__init__()
        self.model = model
        self.shape = shape
        self.shortest = shortest_length(model)
        self.scales = LetterScales(model.scales)
        channels = shape.letters + self.scales.channels
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
        positions = None if shape.length is None else count_positions(model, shape.length)
        self.pooling = Pooling(model, channels, positions)
        features = self.pooling.features
        self.dense = nn.ModuleList()
        self.normalisations = nn.ModuleList()
        for width in model.dense:
            self.dense.append(nn.Linear(features, width))
            self.normalisations.append(Normalisation(model.normalisation, width))
            features = width
        self.pooling_dropout = nn.Dropout(model.pooling_dropout)
        self.dropout = nn.Dropout(model.dropout)
        outputs = shape.targets * shape.classes
        self.head = nn.Linear(features, outputs)
        wild_type = shape.wild_type if model.relative else None
        self.wide: KmerTerms | None = None
        if model.wide is not None:
            self.wide = KmerTerms(model.wide, shape.length, outputs, shape.letters, wild_type)
        reference = None
        if wild_type is not None and "flatten" in model.pooling:
            codes = torch.tensor(wild_type, dtype=torch.uint8).unsqueeze(0)
            reference = one_hot(codes, letters=shape.letters).squeeze(0)
        # Not of the weights: it follows from the shape.
        self.register_buffer("reference", reference, persistent=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """What `build_model` needs to build this network again."""
        return {"model": self.model, "shape": self.shape}

    def forward(self, columns: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Read one-hot columns.

        Parameters
        ----------
        columns : tensor, shape (n, letters, length)
            What stands beyond a sequence's length is not looked at.
        lengths : int64 tensor, shape (n,), optional
            Bases of each; without it all are `length`.

        Returns
        -------
        float32 tensor, shape (n, targets), or (n, targets, classes) for multiclass
            Logits, or values for regression.

        Raises
        ------
        InputError
            Where the network has weights for each place and is made for another length.
        """
        if self.model.needs_length and columns.shape[2] != self.shape.length:
            raise InputError(
                "this network was made for sequences of one length",
                found=f"{columns.shape[2]} bases",
                allowed=f"{self.shape.length} bases",
                fix="encode with the encode.length it was trained with",
            )
        both = self.model.reverse_complement
        if not both or (both == "evaluation" and self.training):
            return self._read(columns, lengths)
        other = reverse_complement_one_hot(columns, lengths)
        if self.training:  # together, so that batch statistics are of both strands
            repeated = None if lengths is None else lengths.repeat(2)
            one, two = self._read(torch.cat([columns, other]), repeated).chunk(2)
        else:  # apart, so that a row is rounded the same way whichever strand comes first
            one, two = self._read(columns, lengths), self._read(other, lengths)
        return (one + two) / 2

    def _read(self, columns: Tensor, lengths: Tensor | None) -> Tensor:
        columns = fill_beyond(columns.unsqueeze(2), lengths, 0.0)
        linear_part = 0.0 if self.wide is None else self.wide(columns.squeeze(2))
        if self.reference is not None:
            columns = columns - self.reference.unsqueeze(1).to(columns.dtype)
        columns = self.scales(columns.squeeze(2)).unsqueeze(2)
        if columns.shape[3] < self.shortest:
            columns = functional.pad(columns, (0, self.shortest - columns.shape[3]))
        if lengths is not None:
            lengths = lengths.clamp(min=self.shortest)
        for block in self.convolutions:
            columns, lengths = block(columns, lengths)
        rows = columns.squeeze(2).transpose(1, 2)
        if self.recurrent is not None:
            rows = self.recurrent(rows, lengths)
        vectors = self.pooling_dropout(self.pooling(rows, lengths))
        for linear, normalisation in zip(self.dense, self.normalisations, strict=True):
            vectors = normalisation(linear(vectors))
            vectors = self.dropout(activate(vectors, self.model.activation))
        if not self.dense:
            vectors = self.dropout(vectors)
        outputs: Tensor = self.head(vectors).float() + linear_part
        if self.shape.classes > 1:
            return outputs.reshape(-1, self.shape.targets, self.shape.classes)
        return outputs


def build_model(model: Model, shape: Shape) -> SequenceModel:
    """Build the network, its convolutions in channels-last memory.

    Weights are drawn from torch's global generator: seed it before.

    Raises
    ------
    InputError
        Where the sequences are too short for the layers, or have no one length and the
        network has weights for each place.
    """
    if model.needs_length and shape.length is None:
        raise InputError(
            f"{model.needs_length} needs sequences of one length",
            position="key model",
            found="sequences of different lengths",
            fix="set encode.length",
        )
    shortest = shortest_length(model)
    if shape.length is not None and shape.length < shortest:
        raise InputError(
            "the sequences are too short for the network's layers",
            position="key model.conv",
            found=f"{shape.length} bases",
            allowed=f"{shortest} bases or more",
            fix="use smaller kernels and pools or padding same, or pad with encode.length",
        )
    built = SequenceModel(model, shape)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return built


def count_parameters(module: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
