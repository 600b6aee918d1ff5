"""How records are encoded and what network reads them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.presets import PRESETS

Activation = Literal["relu", "gelu", "silu", "exp"]
PoolingKind = Literal["max", "mean", "attention", "flatten"]


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
    repeat: int = Field(default=1, ge=1)
    """Convolutions one after another in this layer, each normalised and activated, with the
    layer's dropout between them."""
    residual: bool = False
    """Add the layer's input (projected where channels differ) before the last activation."""
    padding: Literal["same", "valid"] = "same"
    """``same`` keeps the length, and pools an incomplete last window too; ``valid``
    shortens the sequence by (kernel - 1) * dilation and leaves such a window out."""
    activation: Activation | None = None
    """Overrides the model's activation for this layer."""
    pool: int = Field(default=1, ge=1)
    """Width of max pooling; 1 is none."""
    pool_stride: int | None = Field(default=None, ge=1)
    """Step of the pooling; default its width."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """After pooling."""

    @model_validator(mode="after")
    def _residual_fits(self) -> ConvLayer:
        if self.residual and self.padding == "valid":
            raise ValueError("residual needs padding same: input and output of one length")
        return self


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


class Wide(Section):
    """A linear model of k-mers beside the network, added to its output.

    Trained together ("wide and deep"), it takes what single k-mers tell and leaves the
    network their combinations. K-mers with an unknown base count for nothing.
    """

    positional: int | None = Field(default=None, ge=1, le=6)
    """Length of k-mers with a weight at each place; needs one length."""
    anywhere: int | None = Field(default=None, ge=1, le=8)
    """Length of k-mers with one weight wherever they stand."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of k-mers."""

    @model_validator(mode="after")
    def _something_to_count(self) -> Wide:
        if self.positional is None and self.anywhere is None:
            raise ValueError("wide needs positional, anywhere, or both")
        return self


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Model(Section):
    """Convolutions, then a recurrent layer, then pooling, then dense layers, then a head.

    Each part may be absent: no ``recurrent`` is a CNN, no ``conv`` a BiLSTM or BiGRU,
    both a CNN-BiLSTM. ``preset`` takes a published (or our own) set of sizes instead.
    """

    preset: (
        Literal[
            "cnn",
            "bilstm",
            "bigru",
            "cnn_bilstm",
            "basset",
            "danq",
            "deepsea",
            "variants",
            "residue_cnn",
            "residue_dilated",
            "residue_bilstm",
            "residue_bigru",
            "residue_cnn_bilstm",
        ]
        | None
    ) = None
    """Named sizes; the other size fields must then be left out, and take the preset's. Those of
    ``residue_`` give an output for each position, and pool nothing."""
    scales: tuple[Literal["blosum62", "properties"], ...] = ()
    """Of amino acids, beside one-hot: the row of BLOSUM62, and physico-chemical properties."""
    relative: bool = True
    """Of variants of a wild type of their length: read the difference from it (pooling
    ``flatten``), and give only what differs a weight in ``wide.positional``. The wild type itself
    is then an empty matrix. Without a wild type this says nothing."""
    conv: tuple[ConvLayer, ...] = ()
    """Convolutional layers, first first."""
    recurrent: Recurrent | None = None
    """Recurrent layer."""
    normalisation: Literal["batch", "layer", "none"] = "batch"
    """After each convolution and each dense layer but the last."""
    activation: Activation = "relu"
    """Everywhere but the head."""
    pooling: Annotated[tuple[PoolingKind, ...], BeforeValidator(_as_tuple)] = Field(
        default=("max",), min_length=1
    )
    """How positions become one vector: one of these, or several side by side.
    ``attention`` is a mean with learned weights; ``flatten`` keeps the positions and needs
    one length."""
    attention_heads: int = Field(default=1, ge=1)
    """Means with different weights, side by side, that ``attention`` takes."""
    flatten_channels: int | None = Field(default=None, ge=1)
    """Reduce each position to this many channels before ``flatten``, by a dense layer shared
    by all positions; without it they stay as they are."""
    pooling_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Between pooling and the first dense layer."""
    dense: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Hidden dense layers."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """After each dense layer; where there is none, before the head."""
    wide: Wide | None = None
    """Linear model of k-mers beside the network."""
    reverse_complement: bool | Literal["evaluation"] = False
    """Average the outputs of both strands (parameters shared): in training and after, or
    with ``evaluation`` only after, which trains twice as fast; give the training
    ``augment.reverse_complement`` then."""

    @model_validator(mode="before")
    @classmethod
    def _fill_preset(cls, data: Any) -> Any:
        name = data.get("preset") if isinstance(data, dict) else None
        return {**PRESETS[name], **data} if isinstance(name, str) and name in PRESETS else data

    @model_validator(mode="after")
    def _something_to_build(self) -> Model:
        if self.preset is not None:
            # A config written out in full repeats the preset's sizes, which is no clash.
            named = Model.model_validate(PRESETS[self.preset])
            sizes = set(Model.model_fields) - {"preset", "reverse_complement", "scales", "relative"}
            if clash := sorted(n for n in sizes if getattr(self, n) != getattr(named, n)):
                names = ", ".join(clash)
                raise ValueError(f"preset {self.preset} fixes the sizes; leave out {names}")
        if not self.conv and self.recurrent is None:
            raise ValueError("give a preset, conv layers, or a recurrent layer")
        if len(set(self.pooling)) != len(self.pooling):
            raise ValueError("pooling names a kind twice")
        if self.flatten_channels is not None and "flatten" not in self.pooling:
            raise ValueError("flatten_channels needs pooling flatten")
        if self.attention_heads > 1 and "attention" not in self.pooling:
            raise ValueError("attention_heads needs pooling attention")
        return self

    @property
    def not_per_position(self) -> str | None:
        """The part that keeps the network from an output for each position; None where none."""
        for place, layer in enumerate(self.conv):
            if layer.pool > 1 or (layer.pool_stride or 1) > 1:
                return f"conv[{place}].pool"
            if layer.padding != "same":
                return f"conv[{place}].padding {layer.padding}"
        for name in ("pooling", "wide", "reverse_complement", "pooling_dropout"):
            if getattr(self, name) != type(self).model_fields[name].default:
                return name
        return None

    @property
    def needs_length(self) -> str | None:
        """The part that needs all sequences to have one length; None where none does."""
        if "flatten" in self.pooling:
            return "pooling flatten"
        if self.wide is not None and self.wide.positional is not None:
            return "wide.positional"
        return None
