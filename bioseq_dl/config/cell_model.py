"""What network reads the expression of a cell."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.cell_presets import CELL_SIZES, FIELDS_OF_KIND
from bioseq_dl.config.model import ConvLayer
from bioseq_dl.config.sources import Source


class CellRecurrent(Section):
    """An LSTM or GRU along the order of the genes."""

    cell: Literal["lstm", "gru"] = "lstm"
    """Unit."""
    genes_per_step: int = Field(default=64, ge=1)
    """Genes that are read together as one step; the last step is filled up with zeros."""
    hidden: int = Field(default=64, ge=1)
    """Units in each direction."""
    layers: int = Field(default=1, ge=1)
    """Stacked layers."""
    bidirectional: bool = True
    """Read from both ends."""
    pooling: Literal["flatten", "mean", "last"] = "flatten"
    """How steps become one vector: all end to end, their mean, or the last state of each
    direction. The mean forgets which genes a state is of."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Between layers."""

    @model_validator(mode="after")
    def _between_layers(self) -> CellRecurrent:
        if self.dropout and self.layers == 1:
            raise ValueError("recurrent.dropout is between layers: there is one layer")
        return self


class ImageStem(Section):
    """The first convolution of an image, normalised and activated."""

    channels: int = Field(default=24, ge=1)
    """Filters."""
    kernel: int = Field(default=5, ge=1)
    """Pixels a side."""
    stride: int = Field(default=1, ge=1)
    """Step in pixels, in both directions."""

    @model_validator(mode="after")
    def _odd(self) -> ImageStem:
        if self.kernel % 2 == 0:
            raise ValueError("stem.kernel must be odd, so that a pixel is in its middle")
        return self


class ImageStage(Section):
    """Residual blocks of two convolutions of 3 x 3 (He et al. 2016, CVPR)."""

    channels: int = Field(ge=1)
    """Filters of each convolution."""
    blocks: int = Field(default=1, ge=1)
    """Blocks one after another."""
    stride: int = Field(default=1, ge=1)
    """Step of the first convolution of the first block, in both directions."""


class Decoder(Section):
    """Dense layers from a bottleneck back to the genes: with it the network is an autoencoder."""

    bottleneck: int = Field(default=32, ge=1)
    """Numbers that a cell is reduced to: its embedding, which a linear layer classifies."""
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (128,)
    """Hidden dense layers from the bottleneck to the genes."""
    loss: Literal["gaussian", "nb", "zinb"] = "gaussian"
    """``gaussian``: squared error of the values as the network reads them; ``nb``, ``zinb``:
    (zero-inflated) negative binomial of the counts (Lopez et al. 2018; Eraslan et al. 2019)."""
    weight: float = Field(default=1.0, gt=0)
    """Factor of its loss beside that of the targets."""
    mask: float = Field(default=0.0, ge=0, lt=1)
    """Denoising: share of a cell's values set to 0 before they are read, in training only."""
    noise: float = Field(default=0.0, ge=0)
    """Denoising: standard deviation of Gaussian noise added to each value, in training only."""
    variational: bool = False
    """The bottleneck is a normal distribution, drawn from in training (Kingma & Welling 2014)."""
    beta: float = Field(default=1.0, ge=0)
    """Of ``variational``: factor of the divergence from the standard normal distribution; 1 is
    the evidence lower bound (Higgins et al. 2017), of ``gaussian`` with a variance of 1/2."""
    supervised: bool = True
    """Targets shape the embedding too; with false they do not, and are predicted by a linear
    layer on an embedding learnt without them."""

    @model_validator(mode="after")
    def _beta_of_variational(self) -> Decoder:
        if not self.variational and self.beta != type(self).model_fields["beta"].default:
            raise ValueError("decoder.beta needs decoder.variational: true")
        return self


class CellModel(Section):
    """A network of one kind on the genes of a cell, then dense layers, then a linear head.

    With a ``decoder`` a bottleneck stands before the head, and the genes are told from it.
    Sizes that are left out are those of the kind.
    """

    kind: Literal["mlp", "cnn1d", "lstm", "cnn2d", "resnet18"] = "mlp"
    """``mlp``: dense layers on the genes as they come; ``cnn1d``, ``lstm``: along an order of the
    genes; ``cnn2d``: a small residual network on the image of a cell; ``resnet18``: the network
    of He et al. 2016 on that image. The last four need ``encode.layout``."""
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of a cell's values, before everything else."""
    conv: tuple[ConvLayer, ...] = ()
    """Of ``cnn1d``: convolutional layers along the genes, first first."""
    recurrent: CellRecurrent | None = None
    """Of ``lstm``: the recurrent layers."""
    stem: ImageStem | None = None
    """Of ``cnn2d``: the first convolution."""
    stages: tuple[ImageStage, ...] = ()
    """Of ``cnn2d``: residual blocks, first first."""
    enlarge: int = Field(default=1, ge=1)
    """Of images: repeat each pixel so many times in both directions before the network reads
    them; ``resnet18`` makes of 32 pixels a side one."""
    grid: int = Field(default=1, ge=1)
    """Of convolutions: parts of a side over which the last ones are averaged, before these are
    laid end to end; 1 is global average pooling, which forgets where a gene stands."""
    weights: Source | None = None
    """Of ``resnet18``: weights to start from, a state dict with torchvision's names (``.pth``,
    ``.safetensors``); the head is new, and the first convolution's colours are added up."""
    freeze: Literal["none", "stem", "layer1", "layer2", "layer3", "layer4"] = "none"
    """Of ``weights``: all up to and with this part stays as it was read; ``layer4`` trains the
    head alone."""
    dense: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Hidden dense layers: of ``mlp`` on the genes, of others after the kind's own layers."""
    normalisation: Literal["batch", "layer", "none"] = "batch"
    """After each convolution and each dense layer but the last; of ``resnet18`` of its dense
    layers alone."""
    activation: Literal["relu", "gelu", "silu"] = "relu"
    """Everywhere but in ``resnet18``, the bottleneck and the head."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """After each dense layer; where there is none, before the head (or bottleneck)."""
    decoder: Decoder | None = None
    """Makes it an autoencoder."""

    @model_validator(mode="before")
    @classmethod
    def _fill_sizes(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {**CELL_SIZES.get(str(data.get("kind", "mlp")), {}), **data}

    @model_validator(mode="after")
    def _something_to_build(self) -> CellModel:
        own = FIELDS_OF_KIND[self.kind]
        for name in dict.fromkeys(name for names in FIELDS_OF_KIND.values() for name in names):
            if name not in own and getattr(self, name) != type(self).model_fields[name].default:
                whose = [kind for kind, names in FIELDS_OF_KIND.items() if name in names]
                raise ValueError(f"{name} is of kind {' and '.join(whose)}, not of {self.kind}")
        wanted = {"cnn1d": "conv", "lstm": "recurrent", "cnn2d": "stem"}.get(self.kind)
        if wanted is not None and not getattr(self, wanted):
            raise ValueError(f"kind {self.kind} needs {wanted}")
        if self.freeze != "none" and self.weights is None:
            raise ValueError("freeze keeps what was read: give weights")
        return self

    @property
    def needs_image(self) -> bool:
        """Whether it reads images: ``encode.layout`` must be two-dimensional."""
        return self.kind in ("cnn2d", "resnet18")

    @property
    def needs_order(self) -> bool:
        """Whether it reads genes in an order: ``encode.layout`` must be one-dimensional."""
        return self.kind in ("cnn1d", "lstm")

    @property
    def needs_counts(self) -> bool:
        """Whether its decoder tells counts."""
        return self.decoder is not None and self.decoder.loss != "gaussian"
