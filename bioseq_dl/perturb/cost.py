"""Which changes are worth a tile, and how many of them make a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.perturb.places import follow
from bioseq_dl.perturb.plan import Plan
from bioseq_dl.perturb.trunk import count_map

_TILE_VALUE, _MAP_VALUE = 200, 40
"""What a value of a convolution's output costs beside its products, in products: it is kept, read,
added, activated, pooled, compared."""
_WORTH = 0.8
"""A tile is computed where its cost is below this share of the whole window's."""


def bucket_widths(widths: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Round changed widths up to a few sizes: powers of two, then sixteenths of the window."""
    powers = 2 ** np.ceil(np.log2(np.maximum(widths, 1))).astype(np.int64)
    step = max(64, -(-length // 16))
    steps = -(-widths // step) * step
    return np.minimum(np.where(powers <= 64, powers, steps), length)


def count_window(plan: Plan, length: int) -> int:
    """Cost of a whole window's convolutions, in products."""
    total = 0
    for stage, (convolved, _) in zip(plan.stages, count_map(plan, length), strict=True):
        total += convolved * (stage.weight[0].numel() + _MAP_VALUE) * stage.channels
    return total


def count_tile(plan: Plan, length: int, width: int) -> int:
    """Cost of the tiles of a change of this width, in products."""
    positions, total = max(length, plan.shortest), 0
    for stage, step in zip(
        plan.stages, follow(plan.stages, positions, np.zeros(1, np.int64), width), strict=True
    ):
        total += step.read.width * stage.weight[0].numel() * stage.channels
        total += step.convolved.width * _TILE_VALUE * stage.channels
    return total


def is_worth_tiles(plan: Plan, length: int, width: int) -> bool:
    """Whether changes of this width are scored by tiles rather than as whole windows."""
    if not plan.stages:
        return False
    return count_tile(plan, length, width) < _WORTH * count_window(plan, length)


def tile_batch(plan: Plan, length: int, width: int, tiles: int, windows: int) -> int:
    """Choose a batch for changes of this width, of those for width 1 and whole windows."""
    share = count_tile(plan, length, width) / count_tile(plan, length, 1)
    size = max(tiles / share, windows)
    return int(2 ** np.floor(np.log2(max(1.0, min(size, tiles)))))
