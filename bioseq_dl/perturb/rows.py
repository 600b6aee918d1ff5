"""What a stage does to rows (n, positions, channels), over whole maps or parts of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.config.model import Activation
from bioseq_dl.models.blocks import activate
from bioseq_dl.perturb.plan import LayerNorm, Linear, Plan, Stage

_NARROW = 32
"""Rows of fewer channels are pooled several positions at a time."""
BLOCK = 8
"""Rows are computed alike in batches of a multiple of this."""
_MONOTONE = ("relu", "exp")
"""Of these the maximum may be taken first, which leaves fewer values to activate."""


def encode_rows(codes: Tensor, plan: Plan) -> Tensor:
    """Turn codes (n, positions) into one-hot rows: (n, positions, letters)."""
    letters = torch.arange(plan.letters, dtype=codes.dtype, device=codes.device)
    rows = torch.empty((*codes.shape, plan.letters), device=codes.device)
    torch.eq(codes.unsqueeze(2), letters, out=rows)
    if plan.unknown:
        rows += (codes == plan.letters).unsqueeze(2) * plan.unknown
    return rows


def convolve(
    rows: Tensor, weight: Tensor, bias: Tensor | None, dilation: int, left: int, right: int
) -> Tensor:
    """Convolve rows with zeros around them: (n, p, in) to (n, p + left + right - reach, out)."""
    rows = rows.to(weight.dtype)
    if left != right:
        rows, left = functional.pad(rows, (0, 0, left, right)), 0
    if weight.shape[3] == 1 and not left:
        done = multiply(rows, weight[:, :, 0, 0].t())
        return done.float() if bias is None else done.float().add_(bias)
    columns = rows.unsqueeze(1).permute(0, 3, 1, 2)
    wide = None if bias is None else bias.to(weight.dtype)
    done = functional.conv2d(columns, weight, wide, padding=(0, left), dilation=(1, dilation))
    return done.float().squeeze(2).transpose(1, 2).contiguous()


def normalise(rows: Tensor, norm: LayerNorm | None) -> Tensor:
    """Normalise each position over its channels, where there is a norm."""
    if norm is None:
        return rows
    return functional.layer_norm(rows, rows.shape[-1:], norm.weight, norm.bias, norm.eps)


def project(rows: Tensor, stage: Stage, bias: bool) -> Tensor:
    """Give what a residual connection adds, without or with its bias where it has its own."""
    if stage.projection is None:
        return rows
    done = multiply(rows.to(stage.projection.dtype), stage.projection).float()
    if bias and stage.projection_bias is not None:
        done += stage.projection_bias
    return done


def finish(rows: Tensor, stage: Stage, count: int) -> Tensor:
    """Activate and pool rows that are whole windows, or whose last ones are cut; may overwrite.

    Parameters
    ----------
    rows : tensor, shape (n, positions, channels)
        Convolved, normalised, added to.
    stage : Stage
    count : int
        Pooling windows.
    """
    if not stage.pools:
        return activate_in_place(rows, stage.activation)
    if stage.activation in _MONOTONE:
        return activate_in_place(_pool(rows, stage, count), stage.activation)
    return _pool(activate(rows, stage.activation), stage, count)


def activate_in_place(rows: Tensor, activation: Activation) -> Tensor:
    """Apply an activation, into the same memory where torch can."""
    if activation == "relu":
        return rows.relu_()
    return activate(rows, activation)


def _pool(rows: Tensor, stage: Stage, count: int) -> Tensor:
    width, step = stage.pool, stage.stride
    span = (count - 1) * step + 1
    pooled = rows[:, :span:step]
    if width == 1:
        return pooled.clone()
    for tap in range(1, width):
        # Windows cut by the end lack their last taps.
        taken = rows[:, tap : tap + span : step]
        whole = taken.shape[1]
        if tap == 1:
            first, pooled = pooled, torch.empty_like(pooled, memory_format=torch.contiguous_format)
            pooled[:, whole:] = first[:, whole:]
            torch.maximum(first[:, :whole], taken, out=pooled[:, :whole])
        else:
            torch.maximum(pooled[:, :whole], taken, out=pooled[:, :whole])
    return pooled


def multiply(vectors: Tensor, weight: Tensor) -> Tensor:
    """Multiply rows (…, in) with weights (in, out), each rounded the same in any company.

    Matrix products compute the rows beyond a multiple of some block by another routine. So
    rows are filled up to one, and what a window scores does not depend on its batch.
    """
    flat = vectors.reshape(-1, vectors.shape[-1])
    lacking = -len(flat) % BLOCK
    if not lacking:
        return (flat @ weight).view(*vectors.shape[:-1], -1)
    product = functional.pad(flat, (0, 0, 0, lacking)) @ weight
    return product[: len(flat)].view(*vectors.shape[:-1], -1)


def apply_linear(vectors: Tensor, linear: Linear) -> Tensor:
    """Apply a dense layer to the last dimension."""
    return complete_linear(multiply(vectors, linear.weight), linear)


def complete_linear(product: Tensor, linear: Linear) -> Tensor:
    """Add the bias to a product with the weights, in place; normalise and activate."""
    values = normalise(product.add_(linear.bias), linear.norm)
    return values if linear.activation is None else activate_in_place(values, linear.activation)


def largest(rows: Tensor) -> Tensor:
    """Maximum over positions: (n, channels); minus infinity where there is no position."""
    count, positions, channels = rows.shape
    if positions == 0:
        return rows.new_full((count, channels), float("-inf"))
    fold = 1
    dense = rows.stride(2) == 1 and rows.stride(1) == channels
    while dense and channels * fold * 2 <= _NARROW:
        fold *= 2
    whole = positions // fold * fold
    if fold == 1 or whole == 0:
        return rows.amax(1)
    # Reductions over short rows do not fill the vector registers: take several at once.
    wide = rows[:, :whole].as_strided(
        (count, whole // fold, fold * channels), (rows.stride(0), fold * channels, 1)
    )
    best = wide.amax(1).view(count, fold, channels).amax(1)
    return best if whole == positions else torch.maximum(best, rows[:, whole:].amax(1))
