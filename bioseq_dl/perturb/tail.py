"""From the last map to the outputs: recurrence, pooling, dense layers, head.

For a mutant only the tile of the last map is known to differ from its reference's. The maximum
is that of the tile and of the map left and right of it, means change by what the tile changes,
attention is read from the map with the weights of the tile's positions taken out, and
``flatten`` followed by a dense layer is linear, so the product of the differences is added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.perturb.local import Part, select
from bioseq_dl.perturb.places import Tile
from bioseq_dl.perturb.plan import Plan
from bioseq_dl.perturb.rows import BLOCK, apply_linear, complete_linear, largest, multiply

_MANY = 4
"""Mutants a reference from which on its running maxima are worth their passes."""


@dataclass(frozen=True, eq=False)
class KeptTail:
    """What is kept of the references' last map; row by row like their `Part`."""

    rows: Tensor
    """(references, positions, channels): the last map."""
    total: Tensor | None
    """(references, channels): sum over positions, for ``mean``."""
    scores: Tensor | None
    """(references, positions, heads), for ``attention``."""
    flat: Tensor | None
    """(references, features of the first dense layer): its product with ``flatten``'s part."""


def read_tail(plan: Plan, rows: Tensor) -> tuple[Tensor, KeptTail]:
    """Read whole last maps: (n, positions, channels) to (n, outputs), and what to keep."""
    mapped = rows
    if plan.recurrent is not None:
        rows = _recur(plan.recurrent, rows)
    product: Tensor | None = None
    total = scores = flat = None
    for kind, weight in _split(plan, rows.shape[1], rows.shape[2]):
        if kind == "max":
            term = multiply(largest(rows), weight)
        elif kind == "mean":
            total = rows.sum(1)
            term = multiply(total / rows.shape[1], weight)
        elif kind == "attention":
            assert plan.score is not None
            scores = apply_linear(rows, plan.score)
            weights = scores.softmax(1)
            term = multiply(torch.matmul(weights.transpose(1, 2), rows).flatten(1), weight)
        else:
            flat = multiply(_reduce(plan, rows).flatten(1), weight)
            term = flat
        product = term if product is None else product + term
    assert product is not None
    # What is kept must not be overwritten.
    product = product.clone() if product is flat else product
    return _finish(plan, product), KeptTail(mapped, total, scores, flat)


def join_kept(parts: list[KeptTail]) -> KeptTail:
    """Put what was kept of several batches together."""

    def join(tensors: list[Tensor | None]) -> Tensor | None:
        there = [tensor for tensor in tensors if tensor is not None]
        return (there[0] if len(there) == 1 else torch.cat(there)) if there else None

    rows = join([part.rows for part in parts])
    assert rows is not None
    return KeptTail(
        rows,
        join([part.total for part in parts]),
        join([part.scores for part in parts]),
        join([part.flat for part in parts]),
    )


def read_tiles(
    plan: Plan, kept: KeptTail, which: NDArray[np.int64], tile: Tile, rows: Tensor
) -> Tensor:
    """Read last maps of which a tile is changed.

    Parameters
    ----------
    plan : Plan
    kept : KeptTail
        Of the references.
    which : int64 (n,)
        Each mutant's reference in `kept`.
    tile : Tile
        Where the tiles stand in the last map.
    rows : tensor, shape (n, width, channels)
        The tiles.

    Returns
    -------
    float32 tensor, shape (n, outputs)
    """
    if plan.recurrent is not None:
        whole = kept.rows[torch.from_numpy(which).to(rows.device)]
        at = torch.from_numpy(tile.starts[:, None] + np.arange(tile.width)).to(rows.device)
        whole[torch.arange(len(rows), device=rows.device).unsqueeze(1), at] = rows
        return read_tail(plan, whole)[0]
    positions, channels = kept.rows.shape[1:]
    references, back = np.unique(which, return_inverse=True)
    low, high = int(references[0]), int(references[-1]) + 1
    dense = high - low == len(references)
    own = _Own(
        kept.rows[low:high] if dense else kept.rows[_to(references, rows)],
        None if np.array_equal(back, np.arange(len(references))) else _to(back, rows),
    )
    old = select(Part(kept.rows, 0), which, tile, positions)
    product: Tensor | None = None
    for kind, weight in _split(plan, positions, channels):
        if kind == "max":
            term = multiply(torch.maximum(_around(own, tile, back), largest(rows)), weight)
        elif kind == "mean":
            assert kept.total is not None
            total = kept.total[_to(which, rows)] + (rows - old).sum(1)
            term = multiply(total / positions, weight)
        elif kind == "attention":
            assert kept.scores is not None
            scores = kept.scores[_to(which, rows)]
            term = multiply(_attend(plan, own, scores, tile, rows), weight)
        else:
            assert kept.flat is not None
            term = _flatten(plan, tile, old, rows, weight).add_(kept.flat[_to(which, rows)])
        product = term if product is None else product + term
    assert product is not None
    return _finish(plan, product)


def _recur(recurrent: nn.Module, rows: Tensor) -> Tensor:
    # Filled up for the reason that `multiply` tells.
    count = len(rows)
    lacking = -count % BLOCK
    filled = functional.pad(rows, (0, 0, 0, 0, 0, lacking)) if lacking else rows
    read: Tensor = recurrent(filled, None)
    # Sums over positions are rounded by the order in memory.
    return read[:count].contiguous()


@dataclass(frozen=True, eq=False)
class _Own:
    """The last maps of the references that a batch of mutants has."""

    maps: Tensor
    """(references, positions, channels)"""
    back: Tensor | None
    """int64 (n,): each mutant's reference in `maps`; None where they are one to one."""

    def each(self, values: Tensor) -> Tensor:
        """Give each mutant its reference's row."""
        return values if self.back is None else values.index_select(0, self.back)


def _around(own: _Own, tile: Tile, back: NDArray[np.int64]) -> Tensor:
    """Maximum of each mutant's reference left and right of the tile: (n, channels)."""
    start, width, maps = tile.start, tile.width, own.maps
    if start is not None:
        sides = largest(maps[:, :start]), largest(maps[:, start + width :])
        return own.each(torch.maximum(*sides))
    count, positions, channels = maps.shape
    if len(back) < _MANY * count:
        at = torch.arange(positions, device=maps.device)
        starts = _to(tile.starts, maps).unsqueeze(1)
        inside = (at >= starts) & (at < starts + width)
        return own.each(maps).masked_fill(inside.unsqueeze(2), float("-inf")).amax(1)
    nothing = maps.new_full((count, 1, channels), float("-inf"))
    left = torch.cat([nothing, _running(maps)], 1).flatten(0, 1)
    right = torch.cat([nothing, _running(maps.flip(1))], 1).flatten(0, 1)
    row = back * (positions + 1)
    before = left.index_select(0, _to(row + tile.starts, maps))
    after = right.index_select(0, _to(row + positions - tile.starts - width, maps))
    return torch.maximum(before, after)


def _running(maps: Tensor) -> Tensor:
    """Maximum of all positions up to each, by doubling steps."""
    step = 1
    while step < maps.shape[1]:
        further = maps.clone()
        torch.maximum(maps[:, step:], maps[:, :-step], out=further[:, step:])
        maps, step = further, 2 * step
    return maps


def _attend(plan: Plan, own: _Own, scores: Tensor, tile: Tile, rows: Tensor) -> Tensor:
    assert plan.score is not None
    places = _to(tile.starts[:, None] + np.arange(tile.width), rows).unsqueeze(2)
    places = places.expand(-1, -1, scores.shape[2])
    weights = scores.scatter(1, places, apply_linear(rows, plan.score)).softmax(1)
    inside = torch.matmul(weights.gather(1, places).transpose(1, 2), rows)
    weights.scatter_(1, places, 0.0)
    maps = own.maps.expand(len(rows), -1, -1) if len(own.maps) == 1 else own.each(own.maps)
    return (inside + torch.matmul(weights.transpose(1, 2), maps)).flatten(1)


def _flatten(plan: Plan, tile: Tile, old: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """Product of what changes with the weights of where it stands: (n, features)."""
    change = _reduce(plan, rows) - _reduce(plan, old)
    width = change.shape[1] * change.shape[2]
    change = change.flatten(1)

    def apply(start: int, members: Tensor) -> Tensor:
        first = start * (width // tile.width)
        return multiply(members, weight[first : first + width])

    if tile.start is not None:
        return apply(tile.start, change)
    product = change.new_empty((len(change), weight.shape[1]))
    for start in np.unique(tile.starts):
        chosen = _to(np.flatnonzero(tile.starts == start), change)
        product[chosen] = apply(int(start), change[chosen])
    return product


def _to(indices: NDArray[np.int64], like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(indices)).to(like.device)


def _split(plan: Plan, positions: int, channels: int) -> list[tuple[str, Tensor]]:
    """Take the first dense layer's weights apart by kind of pooling."""
    heads = 0 if plan.score is None else plan.score.weight.shape[1]
    flat = channels if plan.reduction is None else plan.reduction.weight.shape[1]
    sizes = {
        "max": channels,
        "mean": channels,
        "attention": heads * channels,
        "flatten": positions * flat,
    }
    parts = torch.split(plan.dense[0].weight, [sizes[kind] for kind in plan.pooling])
    return list(zip(plan.pooling, parts, strict=True))


def _reduce(plan: Plan, rows: Tensor) -> Tensor:
    return rows if plan.reduction is None else apply_linear(rows, plan.reduction)


def _finish(plan: Plan, product: Tensor) -> Tensor:
    values = complete_linear(product, plan.dense[0])
    for linear in plan.dense[1:]:
        values = apply_linear(values, linear)
    return values
