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
from torch import Tensor

from bioseq_dl.perturb.places import Tile
from bioseq_dl.perturb.plan import Plan
from bioseq_dl.perturb.rows import apply_linear, complete_linear, largest


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
        rows = plan.recurrent(rows, None)
    product: Tensor | None = None
    total = scores = flat = None
    for kind, weight in _split(plan, rows.shape[1], rows.shape[2]):
        if kind == "max":
            term = largest(rows) @ weight
        elif kind == "mean":
            total = rows.sum(1)
            term = (total / rows.shape[1]) @ weight
        elif kind == "attention":
            assert plan.score is not None
            scores = apply_linear(rows, plan.score)
            weights = scores.softmax(1)
            term = torch.matmul(weights.transpose(1, 2), rows).flatten(1) @ weight
        else:
            flat = _reduce(plan, rows).flatten(1) @ weight
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
    features = plan.dense[0].weight.shape[1]
    if tile.start is not None:
        return _finish(plan, _read_alike(plan, kept, which, tile.start, rows))
    product = rows.new_empty((len(rows), features))
    for start in np.unique(tile.starts):
        members = np.flatnonzero(tile.starts == start)
        chosen = torch.from_numpy(members).to(rows.device)
        product[chosen] = _read_alike(plan, kept, which[members], int(start), rows[chosen])
    return _finish(plan, product)


def _read_alike(
    plan: Plan, kept: KeptTail, which: NDArray[np.int64], start: int, rows: Tensor
) -> Tensor:
    """Give the first dense layer's product, of tiles that all stand in one place."""
    positions, channels = kept.rows.shape[1:]
    stop = start + rows.shape[1]
    references, inverse = np.unique(which, return_inverse=True)
    low, high = int(references[0]), int(references[-1]) + 1
    chosen: slice | Tensor = slice(low, high)
    if high - low > len(references):
        chosen = torch.from_numpy(references).to(rows.device)
    maps = kept.rows[chosen]
    back = None
    if len(references) < len(which) or (inverse != np.arange(len(which))).any():
        back = torch.from_numpy(inverse).to(rows.device)
    old = maps[:, start:stop]
    delta = rows - (old if back is None else old.index_select(0, back))
    product: Tensor | None = None
    for kind, weight in _split(plan, positions, channels):
        if kind == "max":
            around = torch.maximum(largest(maps[:, :start]), largest(maps[:, stop:]))
            around = around if back is None else around.index_select(0, back)
            term = torch.maximum(around, largest(rows)) @ weight
        elif kind == "mean":
            assert kept.total is not None
            total = kept.total[chosen] if back is None else kept.total[chosen].index_select(0, back)
            term = ((total + delta.sum(1)) / positions) @ weight
        elif kind == "attention":
            term = _attend(plan, kept, chosen, back, start, rows, maps) @ weight
        else:
            assert kept.flat is not None
            flat = kept.flat[chosen] if back is None else kept.flat[chosen].index_select(0, back)
            if plan.reduction is None:
                change = delta
            else:
                reduced = _reduce(plan, old)
                change = _reduce(plan, rows)
                change = change - (reduced if back is None else reduced.index_select(0, back))
            part = weight[start * change.shape[2] : stop * change.shape[2]]
            term = flat + change.reshape(len(change), -1) @ part
        product = term if product is None else product + term
    assert product is not None
    return product


def _attend(
    plan: Plan,
    kept: KeptTail,
    chosen: slice | Tensor,
    back: Tensor | None,
    start: int,
    rows: Tensor,
    maps: Tensor,
) -> Tensor:
    assert kept.scores is not None
    assert plan.score is not None
    stop = start + rows.shape[1]
    scores = kept.scores[chosen].clone() if back is None else kept.scores[chosen][back]
    scores[:, start:stop] = apply_linear(rows, plan.score)
    weights = scores.softmax(1)
    inside = torch.matmul(weights[:, start:stop].transpose(1, 2), rows)
    weights[:, start:stop] = 0.0
    if len(maps) == 1:  # one reference: one product for all its mutants
        outside = torch.matmul(weights.transpose(1, 2).flatten(0, 1), maps[0]).view_as(inside)
    else:
        maps = maps if back is None else maps.index_select(0, back)
        outside = torch.matmul(weights.transpose(1, 2), maps)
    return (inside + outside).flatten(1)


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
