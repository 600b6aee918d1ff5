"""The network on the expression of a cell: a trunk by kind, dense layers, a head, a decoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bioseq_dl.config import CellModel
from bioseq_dl.errors import InputError
from bioseq_dl.models.arrangement import Arrangement
from bioseq_dl.models.cell_shape import CellShape
from bioseq_dl.models.decoder import GeneDecoder
from bioseq_dl.models.dense import DenseLayers
from bioseq_dl.models.image_trunks import ResidualTrunk
from bioseq_dl.models.noise import Draw, Noise, divergence
from bioseq_dl.models.order_trunks import ConvTrunk, RecurrentTrunk
from bioseq_dl.models.resnet import ResNet18Trunk
from bioseq_dl.models.shape import layer_positions

Trunk = ResidualTrunk | ResNet18Trunk | ConvTrunk | RecurrentTrunk


class CellNetwork(nn.Module):
    """A network built from a ``CellModel`` config.

    Parameters
    ----------
    model : CellModel
        The layers.
    shape : CellShape
        What goes in and comes out; `build_model` checks that they fit.
    """

    def __init__(self, model: CellModel, shape: CellShape) -> None:
        super().__init__()
        self.model = model
        self.shape = shape
        decoder = model.decoder
        self.noise = Noise(decoder.mask, decoder.noise) if decoder is not None else None
        self.input_dropout = nn.Dropout(model.input_dropout)
        self.arrangement: Arrangement | None = None
        self.trunk: Trunk | None = None
        features = shape.genes
        if model.kind != "mlp":
            self.arrangement = Arrangement(shape)
            self.trunk = _build_trunk(model, shape)
            features = self.trunk.features
        self.dense = DenseLayers(
            features, model.dense, model.normalisation, model.activation, model.dropout
        )
        features = self.dense.features
        self.bottleneck: nn.Linear | None = None
        self.decoder: GeneDecoder | None = None
        self.draw = Draw()
        if decoder is not None:
            wide = decoder.bottleneck * (2 if decoder.variational else 1)
            self.bottleneck = nn.Linear(features, wide)
            self.decoder = GeneDecoder(model, shape.genes)
            features = decoder.bottleneck
        self.head = nn.Linear(features, shape.targets * shape.classes)

    @property
    def arguments(self) -> dict[str, Any]:
        """What `build_model` needs to build this network again."""
        return {"model": self.model, "shape": self.shape}

    def forward(
        self, values: Tensor, counts: Tensor | None = None, totals: Tensor | None = None
    ) -> Tensor:
        """Read cells.

        Parameters
        ----------
        values : float32 tensor, shape (n, genes)
            Scaled values, as `bioseq_dl.encode.cells.CellExamples.gather` gives.
        counts : float32 tensor, shape (n, genes), optional
            What a decoder of counts is compared with.
        totals : float32 tensor, shape (n,), optional
            Library sizes; the sum of `counts` where not given.

        Returns
        -------
        float32 tensor, shape (n, targets * classes + d)
            Logits, or values of a regression, target by target and class by class. d = 1 with a
            decoder: its loss of each cell, times its weight: the mean over genes of the
            reconstruction's, and of a variational one ``beta`` times the divergence, divided by
            the genes too (which with beta 1 is the negative evidence lower bound, a gene).

        Raises
        ------
        ValueError
            Where a decoder needs counts that are not given.
        """
        embedding, mean, log_variance = self._encode(self._spoil(values))
        outputs = self._judge(embedding)
        if self.decoder is None or self.model.decoder is None:
            return outputs
        cost = self.decoder(embedding, values, counts, totals)
        if mean is not None and log_variance is not None:
            cost = cost + self.model.decoder.beta / self.shape.genes * divergence(
                mean, log_variance
            )
        return torch.cat([outputs, self.model.decoder.weight * cost.unsqueeze(1)], 1)

    def classify(self, values: Tensor) -> Tensor:
        """Give the outputs of `forward` without the decoder's; (n, targets * classes)."""
        return self._judge(self._encode(self._spoil(values))[0])

    def embed(self, values: Tensor) -> Tensor:
        """Give each cell's place in the bottleneck, or in the last layer before the head.

        Returns
        -------
        float32 tensor, shape (n, features)
            Of a variational bottleneck the mean.
        """
        embedding, mean, _ = self._encode(self._spoil(values))
        return (embedding if mean is None else mean).float()

    def reconstruction_error(
        self, values: Tensor, counts: Tensor | None = None, totals: Tensor | None = None
    ) -> Tensor:
        """Give how badly each cell is told from its embedding: the mean over genes.

        Nothing is drawn: a variational embedding is its mean. In evaluation mode equal cells
        give equal numbers, whatever stands beside them.

        Returns
        -------
        float32 tensor, shape (n,)
            Squared error, or minus the logarithm of the probability of the counts.

        Raises
        ------
        ValueError
            Where there is no decoder, or it needs counts that are not given.
        """
        if self.decoder is None:
            raise ValueError("a network without a decoder reconstructs nothing")
        error: Tensor = self.decoder(self.embed(values), values, counts, totals)
        return error

    def read_maps(self, values: Tensor) -> list[Tensor]:
        """Give the maps of an image network, first stage first, each (n, channels, h, w).

        Raises
        ------
        ValueError
            Where the network reads no images.
        """
        if not isinstance(self.trunk, ResidualTrunk | ResNet18Trunk):
            raise ValueError(f"a network of kind {self.model.kind} has no maps")
        return self.trunk.read_maps(self._arrange(self._spoil(values)))

    def classify_maps(self, maps: Tensor) -> Tensor:
        """Give the outputs (n, targets * classes) that follow from the last of `read_maps`."""
        assert isinstance(self.trunk, ResidualTrunk | ResNet18Trunk)
        return self._judge(self._squeeze(self.trunk.pooling(maps))[0])

    def _spoil(self, values: Tensor) -> Tensor:
        if self.noise is not None:
            values = self.noise(values)
        dropped: Tensor = self.input_dropout(values)
        return dropped

    def _arrange(self, values: Tensor) -> Tensor:
        assert self.arrangement is not None
        images: Tensor = self.arrangement(values).unsqueeze(1)
        if self.model.enlarge > 1:
            # As a product that expands: the gradient of interpolation is not deterministic.
            side = self.model.enlarge
            images = images.repeat_interleave(side, 2).repeat_interleave(side, 3)
        return images

    def _encode(self, values: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        features = values if self.trunk is None else self.trunk(self._arrange(values))
        return self._squeeze(features)

    def _squeeze(self, features: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Give the embedding, and of a variational one its mean and log variance."""
        features = self.dense(features)
        if self.bottleneck is None or self.model.decoder is None:
            return features, None, None
        found: Tensor = self.bottleneck(features).float()
        if not self.model.decoder.variational:
            return found, None, None
        mean, log_variance = found.chunk(2, 1)
        log_variance = log_variance.clamp(-10.0, 10.0)
        return self.draw(mean, log_variance), mean, log_variance

    def _judge(self, embedding: Tensor) -> Tensor:
        decoder = self.model.decoder
        # In training alone: attributions ask afterwards which genes the classes hang on.
        if self.training and decoder is not None and not decoder.supervised:
            embedding = embedding.detach()
        outputs: Tensor = self.head(embedding)
        return outputs.float()


def _build_trunk(model: CellModel, shape: CellShape) -> Trunk:
    assert shape.height is not None
    assert shape.width is not None
    height, width = shape.height * model.enlarge, shape.width * model.enlarge
    if model.kind == "cnn1d":
        return ConvTrunk(model, width)
    if model.kind == "lstm":
        return RecurrentTrunk(model, width)
    if model.kind == "cnn2d":
        return ResidualTrunk(model, height, width)
    return ResNet18Trunk(height, width, model.grid, freeze=model.freeze)


def build_model(model: CellModel, shape: CellShape) -> CellNetwork:
    """Build the network, its convolutions in channels-last memory.

    Weights are drawn from torch's global generator: seed it before. ``weights`` are not read:
    `bioseq_dl.models.initial.load_initial` does it, where training begins.

    Raises
    ------
    InputError
        Where the network needs an image, an order or counts that are not there, or the order is
        too short for its layers.
    """
    _check_layout(model, shape)
    if model.needs_counts and not shape.counts:
        assert model.decoder is not None
        raise InputError(
            f"decoder.loss {model.decoder.loss} tells counts, and these values are none",
            position="key model.decoder.loss",
            found="values without counts",
            allowed="gaussian",
            fix="ingest raw counts (ingest.values: counts), or take decoder.loss: gaussian",
        )
    if model.kind == "cnn1d":
        assert shape.width is not None
        width = shape.width
        for layer in model.conv:
            width = layer_positions(layer, width)
        if width < 1:
            raise InputError(
                "the order of genes is too short for the network's layers",
                position="key model.conv",
                found=f"{shape.width} places",
                fix="use smaller kernels and pools, or padding: same",
            )
    built = CellNetwork(model, shape)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return built


def _check_layout(model: CellModel, shape: CellShape) -> None:
    if model.kind == "mlp":
        return
    given = "no layout"
    if shape.pixels is not None:
        given = f"a layout of {shape.height} x {shape.width}"
        flat = shape.height == 1
        if flat == model.needs_order:
            return
    wanted = "an order: a layout of height 1" if model.needs_order else "an image"
    raise InputError(
        f"a network of kind {model.kind} reads {wanted}",
        position="key encode.layout",
        found=given,
        fix="give such an encode.layout, or take model.kind: mlp",
    )
