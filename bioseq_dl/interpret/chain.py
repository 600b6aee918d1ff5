"""A trained network's layers, called by DeepLIFT's rules."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.config import ConvLayer, Model
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.rules import rescale, take_highest
from bioseq_dl.models.blocks import ConvBlock
from bioseq_dl.models.sequence import SequenceModel


def read_pairs(model: SequenceModel, columns: Tensor) -> Tensor:
    """Read one strand of n sequences and of the n references they are compared with.

    Forwards it is the network; backwards the gradients are DeepLIFT's multipliers.

    Parameters
    ----------
    model : SequenceModel
        In evaluation mode, and one that `check_rules` lets pass.
    columns : tensor, shape (2 n, letters, length)
        One-hot.

    Returns
    -------
    tensor, shape (2 n, targets) or (2 n, targets, classes)
    """
    columns = columns.unsqueeze(2)
    if columns.shape[3] < model.shortest:
        columns = functional.pad(columns, (0, model.shortest - columns.shape[3]))
    for block in model.convolutions:
        assert isinstance(block, ConvBlock)
        columns = _convolve(block, columns)
    vectors = torch.cat([_pool(model, columns, kind) for kind in model.model.pooling], 1)
    for linear, normalisation in zip(model.dense, model.normalisations, strict=True):
        vectors = rescale(normalisation(linear(vectors)), model.model.activation)
    outputs: Tensor = model.head(vectors)
    if model.shape.classes > 1:
        return outputs.reshape(-1, model.shape.targets, model.shape.classes)
    return outputs


def check_rules(model: Model) -> None:
    """Refuse a network with a layer for which DeepLIFT has no rule here.

    There are rules for activations and maxima; convolutions, batch normalisation, means, sums
    and dense layers are linear, and need none.

    Raises
    ------
    InputError
        Names the first layer that is something else.
    """
    obstacles = {
        "a table of k-mers": "wide" if model.wide else None,
        "recurrent layers": f"recurrent: {model.recurrent.kind}" if model.recurrent else None,
        "attention": "pooling: attention" if "attention" in model.pooling else None,
        "this normalisation": "normalisation: layer" if model.normalisation == "layer" else None,
    }
    for part, found in obstacles.items():
        if found is not None:
            raise InputError(
                f"deeplift has no rule for {part}",
                found=found,
                allowed="convolutions, activations, pooling by max, mean or flatten, dense layers",
                fix="use integrated_gradients or mutagenesis",
            )


def _convolve(block: ConvBlock, columns: Tensor) -> Tensor:
    layer, before = block.layer, columns
    for place, convolution in enumerate(block.convolutions):
        if place:
            columns = rescale(columns, block.activation)
        if block.lacking:
            columns = functional.pad(columns, (0, 1))
        columns = block.normalisations[place](convolution(columns))
    if layer.residual:
        columns = columns + (before if block.projection is None else block.projection(before))
    columns = rescale(columns, block.activation)
    return columns if layer.pool == 1 and layer.pool_stride is None else _reduce(layer, columns)


def _reduce(layer: ConvLayer, columns: Tensor) -> Tensor:
    stride, width = layer.pool_stride or layer.pool, columns.shape[3]
    rest = ((width - 1) // stride) * stride + layer.pool - width
    if layer.padding == "same" and rest > 0:
        # The last position again: like -inf it is never above the others of its window,
        # and it has a difference.
        columns = functional.pad(columns, (0, rest, 0, 0), mode="replicate")
    return take_highest(columns.unfold(3, layer.pool, stride))


def _pool(model: SequenceModel, columns: Tensor, kind: str) -> Tensor:
    if kind == "max":
        return take_highest(columns.flatten(2))
    if kind == "mean":
        return columns.mean(3).flatten(1)
    rows = columns.squeeze(2).transpose(1, 2)
    if model.pooling.reduction is not None:
        rows = rescale(model.pooling.reduction(rows), model.model.activation)
    return rows.flatten(1)
