"""Changes of a sequence carried through the stages as differences.

A convolution is linear: its output for the changed sequence is the reference's output plus the
convolution of the difference of the inputs, which is 0 but for a few positions. So where w
positions differ, a kernel of k taps costs w * k products a filter, instead of (w + k - 1) * k
for all the outputs that they reach, and nothing is read from around the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bioseq_dl.perturb.places import Step, Tile
from bioseq_dl.perturb.plan import Stage
from bioseq_dl.perturb.rows import convolve, finish, multiply, normalise, project

_SPREAD_WIDTH = 24
"""A product with all taps, added up where they overlap, is the faster convolution of fewer
changed positions than this."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some positions of a map of each reference."""

    rows: Tensor
    """(references, positions, channels), contiguous."""
    first: int
    """Which position of the map is the first."""


@dataclass(frozen=True, eq=False)
class KeptStage:
    """What is kept of a stage's pass over the references."""

    sums: Part
    """Before the activation; with a ``norm`` before that too, and without what is added."""
    added: Part | None
    """What is added, where there is a ``norm`` before."""
    output: Part


def select(part: Part, which: NDArray[np.int64], tile: Tile, positions: int) -> Tensor:
    """Read the tiles of mutants from their references: (n, width, channels).

    A tile that reaches beyond the map's end is cut there, where all tiles stand in one place;
    else the last position is read again, which changes no maximum.
    """
    rows, count, start = part.rows, len(which), tile.start
    if start is not None:
        first = start - part.first
        rows = rows[:, first : first + tile.within(positions)]
        if which[0] + count - 1 == which[-1] and (np.diff(which) == 1).all():
            return rows[int(which[0]) : int(which[0]) + count]
        return rows.index_select(0, _to(which, rows))
    place = np.minimum(tile.starts[:, None] + np.arange(tile.width), positions - 1) - part.first
    flat = (which[:, None] * rows.shape[1] + place).ravel()
    chosen = rows.flatten(0, 1).index_select(0, _to(flat, rows))
    return chosen.view(count, tile.width, -1)


def _to(indices: NDArray[np.int64], like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(indices)).to(like.device, non_blocking=True)


def spread(delta: Tensor, stage: Stage) -> Tensor:
    """Convolve differences with zeros around: (n, w, in) to (n, w + reach + 2, out).

    All outputs that the differences reach, between a row of zeros on either side.
    """
    count, width, _ = delta.shape
    reach, kernel = stage.reach, stage.kernel
    if width > _SPREAD_WIDTH and kernel > 1:
        return convolve(delta, stage.weight, None, stage.dilation, reach + 1, reach + 1)
    products = multiply(delta.to(stage.spread.dtype), stage.spread).float()
    taps = products.view(count, width, kernel, stage.channels)
    sums = taps.new_zeros((count, width + reach + 2, stage.channels))
    if width < kernel:
        for place in range(width):
            sums[:, place + 1 : place + reach + 2 : stage.dilation] += taps[:, place]
    else:
        for tap in range(kernel):
            first = tap * stage.dilation + 1
            sums[:, first : first + width] += taps[:, :, tap]
    return sums


def lay(raw: Tensor, reached: NDArray[np.int64], tile: Tile, positions: int) -> Tensor:
    """Read tiles from rows that stand elsewhere; 0 where there are none.

    Parameters
    ----------
    raw : tensor, shape (n, w + 2, channels)
        Rows of zeros first and last.
    reached : int64 (n,)
        Which position of the map is the second row of each.
    tile : Tile
        Wanted; beyond the map's end as `select` does.
    positions : int
        Of the map.
    """
    count, width, last = len(raw), tile.within(positions), raw.shape[1] - 1
    offsets = tile.starts - reached
    if (offsets == offsets[0]).all() and int(tile.starts.max()) + width <= positions:
        first = int(offsets[0]) + 1
        if first >= 0 and first + width <= last + 1:
            return raw[:, first : first + width]
        return raw.index_select(1, _to(np.clip(first + np.arange(width), 0, last), raw))
    at = np.minimum(tile.starts[:, None] + np.arange(width), positions - 1)
    at = np.clip(at - reached[:, None] + 1, 0, last) + np.arange(count)[:, None] * (last + 1)
    return raw.flatten(0, 1).index_select(0, _to(at.ravel(), raw)).view(count, width, -1)


def recompute(
    stages: Sequence[Stage],
    steps: Sequence[Step],
    kept: Sequence[KeptStage],
    which: NDArray[np.int64],
    delta: Tensor,
) -> Tensor:
    """Give the last map's tiles of mutants: (n, width, channels).

    Parameters
    ----------
    stages : sequence of Stage
    steps : sequence of Step
        Their tiles, of these mutants.
    kept : sequence of KeptStage
    which : int64 (n,)
        The row in `kept` of each mutant's reference.
    delta : tensor, shape (n, width, letters)
        Changed sequence minus reference, one-hot, over the first step's ``read``.
    """
    deltas: list[Tensor] = []
    output = delta
    for number, (stage, step, saved) in enumerate(zip(stages, steps, kept, strict=True)):
        if number:
            before = steps[number - 1]
            delta = output - select(
                kept[number - 1].output, which, before.written, before.written_positions
            )
        deltas.append(delta)
        tile = step.convolved
        sums = lay(spread(delta, stage), step.reached, tile, step.convolved_positions)
        sums = sums + select(saved.sums, which, tile, step.convolved_positions)
        if stage.added is not None:
            change = functional.pad(project(deltas[stage.added], stage, bias=False), (0, 0, 1, 1))
            change = lay(change, steps[stage.added].read.starts, tile, step.convolved_positions)
            if saved.added is None:
                sums += change
            else:
                sums = normalise(sums, stage.norm)
                sums += select(saved.added, which, tile, step.convolved_positions)
                sums += change
        else:
            sums = normalise(sums, stage.norm)
        output = finish(sums, stage, step.written.width)
    return output
