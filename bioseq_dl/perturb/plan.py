"""A trained network as a list of elementary layers, for reading only.

Batch normalisation is folded into the weights before it, dropout is gone, and everything is
laid out in rows (n, positions, channels), the memory order of channels-last convolutions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bioseq_dl.config import Wide
from bioseq_dl.config.model import Activation, PoolingKind
from bioseq_dl.models.blocks import ConvBlock, Normalisation
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.models.wide import STEP


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Normalisation of each position over its channels."""

    weight: Tensor
    bias: Tensor
    eps: float


@dataclass(frozen=True, eq=False)
class Stage:
    """One convolution with all that follows it up to the next one.

    In order: convolution, ``norm``, what is added from before (residual), activation, pooling.
    """

    weight: Tensor
    """(out, in, 1, kernel), channels-last."""
    bias: Tensor
    """(out,); that of a projection is in it, unless there is a ``norm`` between."""
    spread: Tensor
    """(in, kernel * out): one changed input position to all outputs it reaches, the leftmost
    output first."""
    kernel: int
    dilation: int
    left: int
    """Zeros read before the first position."""
    right: int
    """Zeros read after the last position."""
    norm: LayerNorm | None
    added: int | None
    """The stage whose input is added before the activation; None where none is."""
    projection: Tensor | None
    """(in, out): applied to what is added."""
    projection_bias: Tensor | None
    """Only where there is a ``norm``."""
    activation: Activation
    pool: int
    """Width of the maximum; 1 is none."""
    stride: int
    """Step of the maximum."""
    partial: bool
    """Whether pooling windows that reach beyond the last position count."""

    @property
    def reach(self) -> int:
        """Positions that a kernel spans beyond its first."""
        return (self.kernel - 1) * self.dilation

    @property
    def pools(self) -> bool:
        """Whether there is anything to pool or to skip."""
        return self.pool > 1 or self.stride > 1

    @property
    def channels(self) -> int:
        """Filters."""
        return self.weight.shape[0]

    def convolved(self, positions: int) -> int:
        """Positions after the convolution."""
        return positions + self.left + self.right - self.reach

    def pooled(self, positions: int) -> int:
        """Positions after pooling, of those after the convolution."""
        if self.partial:
            return (positions + self.stride - 1) // self.stride
        return (positions - self.pool) // self.stride + 1


@dataclass(frozen=True, eq=False)
class Linear:
    """A dense layer, its batch normalisation folded in."""

    weight: Tensor
    """(in, out)."""
    bias: Tensor
    norm: LayerNorm | None
    activation: Activation | None


@dataclass(frozen=True, eq=False)
class KmerTable:
    """Weights of k-mers, at their place or anywhere."""

    size: int
    weights: Tensor
    """(rows, outputs); the last row is 0."""
    placed: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """All of a network, in the order in which it is computed."""

    letters: int
    unknown: float
    """What an unknown base puts into each of the four columns."""
    shortest: int
    """Shorter sequences are read as if columns of zeros followed."""
    length: int | None
    """The one length that the network reads; None where any will do."""
    stages: tuple[Stage, ...]
    recurrent: nn.Module | None
    pooling: tuple[PoolingKind, ...]
    score: Linear | None
    """Attention scores, (channels, heads)."""
    reduction: Linear | None
    """Channels of each position before ``flatten``."""
    dense: tuple[Linear, ...]
    """The head is the last."""
    kmers: tuple[KmerTable, ...]
    strands: int
    """2 where the outputs of both strands are averaged."""
    targets: int
    classes: int
    device: torch.device
    dtype: torch.dtype
    """Of the convolutions' inputs and weights; all else is float32."""


def build_plan(
    model: SequenceModel,
    device: torch.device,
    unknown: str = "zeros",
    dtype: torch.dtype = torch.float32,
) -> Plan:
    """Take a network apart. Its weights are copied; it is not changed.

    Parameters
    ----------
    model : SequenceModel
        Trained; read as in evaluation mode.
    device : torch.device
        Where the plan's tensors go.
    unknown : str
        ``zeros`` or ``uniform``, as in the checkpoint.
    dtype : torch.dtype
        In which the convolutions multiply: float32, or bfloat16.
    """
    if unknown not in ("zeros", "uniform"):
        raise ValueError(f"unknown must be zeros or uniform, found {unknown}")
    stages: list[Stage] = []
    for block in model.convolutions:
        assert isinstance(block, ConvBlock)
        stages += _take_block(block, len(stages), device, dtype)
    recurrent: nn.Module | None = None
    if model.recurrent is not None:
        recurrent = copy.deepcopy(model.recurrent).to(device).eval()
    dense = [
        _take_linear(linear, norm, model.model.activation, device)
        for linear, norm in zip(model.dense, model.normalisations, strict=True)
    ]
    score, reduction = model.pooling.score, model.pooling.reduction
    return Plan(
        letters=model.shape.letters,
        unknown=1 / model.shape.letters if unknown == "uniform" else 0.0,
        shortest=model.shortest,
        length=model.shape.length if model.model.needs_length else None,
        stages=tuple(stages),
        recurrent=recurrent,
        pooling=model.model.pooling,
        score=None if score is None else _take_linear(score, None, None, device),
        reduction=None
        if reduction is None
        else _take_linear(reduction, None, model.model.activation, device),
        dense=(*dense, _take_linear(model.head, None, None, device)),
        kmers=_take_kmers(model, model.model.wide, device),
        strands=2 if model.model.reverse_complement else 1,
        targets=model.shape.targets,
        classes=model.shape.classes,
        device=device,
        dtype=dtype,
    )


def _take_block(
    block: ConvBlock, first: int, device: torch.device, dtype: torch.dtype
) -> list[Stage]:
    layer, stages = block.layer, []
    for place in range(layer.repeat):
        convolution, holder = block.convolutions[place], block.normalisations[place]
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(holder, Normalisation)
        assert convolution.bias is not None
        last = place == layer.repeat - 1
        scale, shift = _fold(holder, layer.channels)
        weight = convolution.weight.detach().double().cpu() * scale[:, None, None, None]
        bias = convolution.bias.detach().double().cpu() * scale + shift
        norm = _take_norm(holder, device)
        around = (layer.kernel - 1) * layer.dilation if layer.padding == "same" else 0
        projection, projection_bias = None, None
        if last and block.projection is not None:
            assert block.projection.bias is not None
            projection = block.projection.weight.detach()[:, :, 0, 0].t().to(device, dtype)
            projection = projection.contiguous()
            if norm is None:
                bias = bias + block.projection.bias.detach().double().cpu()
            else:
                projection_bias = block.projection.bias.detach().to(device, torch.float32)
        mirrored = weight[:, :, 0].permute(1, 2, 0).flip(1)  # (in, kernel, out)
        stages.append(
            Stage(
                weight=weight.to(device, dtype, memory_format=torch.channels_last),
                bias=bias.to(device, torch.float32),
                spread=mirrored.reshape(weight.shape[1], -1).to(device, dtype).contiguous(),
                kernel=layer.kernel,
                dilation=layer.dilation,
                left=around // 2,
                right=around - around // 2,
                norm=norm,
                added=first if last and layer.residual else None,
                projection=projection,
                projection_bias=projection_bias,
                activation=block.activation,
                pool=layer.pool if last else 1,
                stride=(layer.pool_stride or layer.pool) if last else 1,
                partial=layer.padding == "same",
            )
        )
    return stages


def _fold(holder: Normalisation, channels: int) -> tuple[Tensor, Tensor]:
    """Factor and summand that a normalisation is in evaluation; 1 and 0 where it has none."""
    norm = holder.norm
    if not isinstance(norm, nn.BatchNorm2d):
        one = torch.ones(channels, dtype=torch.float64)
        return one, torch.zeros_like(one)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach().double().cpu()
    scale = scale / (norm.running_var.double().cpu() + norm.eps).sqrt()
    return scale, norm.bias.detach().double().cpu() - norm.running_mean.double().cpu() * scale


def _take_norm(holder: Normalisation | None, device: torch.device) -> LayerNorm | None:
    if holder is None or not isinstance(holder.norm, nn.LayerNorm):
        return None
    weight = holder.norm.weight.detach().to(device, torch.float32).clone()
    bias = holder.norm.bias.detach().to(device, torch.float32).clone()
    return LayerNorm(weight, bias, holder.norm.eps)


def _take_linear(
    linear: nn.Module, holder: nn.Module | None, activation: Activation | None, device: torch.device
) -> Linear:
    assert isinstance(linear, nn.Linear)
    assert holder is None or isinstance(holder, Normalisation)
    weight = linear.weight.detach().double().cpu().t()
    bias = linear.bias.detach().double().cpu()
    if holder is not None:
        scale, shift = _fold(holder, len(bias))
        weight, bias = weight * scale, bias * scale + shift
    return Linear(
        weight=weight.to(device, torch.float32).contiguous(),
        bias=bias.to(device, torch.float32),
        norm=_take_norm(holder, device),
        activation=activation,
    )


def _take_kmers(
    model: SequenceModel, wide: Wide | None, device: torch.device
) -> tuple[KmerTable, ...]:
    tables: list[KmerTable] = []
    if model.wide is None or wide is None:
        return ()
    if wide.positional is not None and model.wide.positional is not None:
        weights = model.wide.positional.detach().to(device, torch.float32).clone()
        tables.append(KmerTable(wide.positional, weights, placed=True))
    if wide.anywhere is not None and model.wide.anywhere is not None:
        weights = model.wide.anywhere.detach().to(device, torch.float32) * STEP
        tables.append(KmerTable(wide.anywhere, weights, placed=False))
    return tuple(tables)
