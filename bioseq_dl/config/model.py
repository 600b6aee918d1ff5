"""How records are encoded and what network reads them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section


class Encode(Section):
    """Sequences to integer codes."""

    unknown: Literal["zeros", "uniform", "error"] = "zeros"
    """How N and other IUPAC codes reach the network: a column of zeros, of 1/4 each,
    or not at all."""
    length: int | None = Field(default=None, ge=1)
    """Crop or pad (with unknown) to this length around the centre; without it lengths
    stay as they are."""


class ConvLayer(Section):
    """Convolution, normalisation, activation, pooling, dropout."""

    channels: int = Field(ge=1)
    """Filters."""
    kernel: int = Field(ge=1)
    """Width in bases."""
    dilation: int = Field(default=1, ge=1)
    """Step between the kernel's taps."""
    pool: int = Field(default=1, ge=1)
    """Width of max pooling; 1 is none."""
    pool_stride: int | None = Field(default=None, ge=1)
    """Step of the pooling; default its width."""
    residual: bool = False
    """Add the layer's input (projected where channels differ) before the activation."""
    padding: Literal["same", "valid"] = "same"
    """``valid`` shortens the sequence by kernel - 1."""
    activation: Literal["relu", "gelu", "silu", "exp"] | None = None
    """Overrides the model's activation for this layer."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """After pooling."""


class Recurrent(Section):
    """A bidirectional recurrent layer after the convolutions (or on the bases)."""

    kind: Literal["lstm", "gru"] = "lstm"
    """Cell."""
    hidden: int = Field(default=128, ge=1)
    """Units in each direction."""
    layers: int = Field(default=1, ge=1)
    """Stacked layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """After the last layer and between layers."""


class Model(Section):
    """Convolutions, then a recurrent layer, then pooling, then dense layers, then a head.

    Each part may be absent: no ``recurrent`` is a CNN, no ``conv`` a BiLSTM or BiGRU,
    both a CNN-BiLSTM. ``preset`` takes a published (or our own) set of sizes instead.
    """

    preset: Literal["cnn", "bilstm", "bigru", "cnn_bilstm", "basset", "danq", "deepsea"] | None = (
        None
    )
    """Named sizes; the other size fields must then be left out."""
    conv: tuple[ConvLayer, ...] = ()
    """Convolutional layers, first first."""
    recurrent: Recurrent | None = None
    """Recurrent layer."""
    normalisation: Literal["batch", "layer", "none"] = "batch"
    """After each convolution and each dense layer but the last."""
    activation: Literal["relu", "gelu", "silu", "exp"] = "relu"
    """Everywhere but the head."""
    pooling: Literal["max", "mean", "max_mean", "attention", "flatten"] = "max"
    """How positions become one vector; ``flatten`` keeps them and needs one length."""
    dense: tuple[int, ...] = ()
    """Hidden dense layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Before the head and between dense layers."""
    reverse_complement: bool = False
    """Average the outputs of both strands, in training and after (parameters shared)."""

    @model_validator(mode="after")
    def _something_to_build(self) -> Model:
        sizes = {"conv", "recurrent", "normalisation", "activation", "pooling", "dense", "dropout"}
        if self.preset is None and not self.conv and self.recurrent is None:
            raise ValueError("give a preset, conv layers, or a recurrent layer")
        if self.preset is not None and (clash := sorted(sizes & self.model_fields_set)):
            raise ValueError(f"preset {self.preset} fixes the sizes; leave out {', '.join(clash)}")
        return self
