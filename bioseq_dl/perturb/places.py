"""Which positions of each map a changed interval of the sequence reaches.

An interval is followed through the stages with one width for all mutants, the largest that
any place of the interval among the pooling windows needs, and with a start for each mutant.
So all mutants of a batch have tiles of one shape. A tile always lies within its map; that it
holds some unchanged positions does no harm, their difference is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.perturb.plan import Stage


@dataclass(frozen=True, eq=False)
class Tile:
    """Part of a map that is computed anew: [start, start + width) for each mutant."""

    starts: NDArray[np.int64]
    width: int

    @property
    def start(self) -> int | None:
        """The one start of all mutants; None where they differ, or there is none."""
        first = int(self.starts[0]) if len(self.starts) else None
        return first if first is not None and bool((self.starts == first).all()) else None

    def within(self, positions: int) -> int:
        """Width, cut at the end of a map of `positions` where all tiles stand in one place."""
        return self.width if self.start is None else min(self.width, positions - self.start)

    def take(self, members: slice) -> Tile:
        """The tiles of some mutants."""
        return Tile(self.starts[members], self.width)


@dataclass(frozen=True, eq=False)
class Step:
    """The tiles of one stage."""

    read: Tile
    """Of the stage's input."""
    reached: NDArray[np.int64]
    """The first convolved position that the input tile reaches; may lie outside the map."""
    convolved: Tile
    """Of the convolution's output, before pooling: whole pooling windows. Where the last
    window is cut by the map's end, the tile reaches beyond the map."""
    written: Tile
    """Of the stage's output."""
    convolved_positions: int
    """Of the convolution's whole output."""
    written_positions: int
    """Of the stage's whole output."""

    def take(self, members: slice) -> Step:
        """The tiles of some mutants."""
        return replace(
            self,
            read=self.read.take(members),
            reached=self.reached[members],
            convolved=self.convolved.take(members),
            written=self.written.take(members),
        )


def follow(
    stages: Sequence[Stage], positions: int, starts: NDArray[np.int64], width: int
) -> list[Step]:
    """Follow changed intervals through the stages.

    Parameters
    ----------
    stages : sequence of Stage
    positions : int
        Of the first stage's input.
    starts : int64 (n,)
        First changed position of each mutant.
    width : int
        Changed positions, of all mutants; start + width lies within the map.
    """
    steps = []
    read = Tile(starts, width)
    for stage in stages:
        convolved = stage.convolved(positions)
        reached = read.starts + stage.left - stage.reach
        span = read.width + stage.reach
        if stage.pools:
            count = stage.pooled(convolved)
            taken = min(count, (span + stage.pool - 2) // stage.stride + 1)
            # The first window that ends after the first reached position.
            window = -((stage.pool - 1 - reached) // stage.stride)
            window = np.clip(window, 0, count - taken)
            tile = Tile(window * stage.stride, (taken - 1) * stage.stride + stage.pool)
            written = Tile(window, taken)
            positions = count
        else:
            taken = min(convolved, span)
            tile = written = Tile(np.clip(reached, 0, convolved - taken), taken)
            positions = convolved
        steps.append(Step(read, reached, tile, written, convolved, positions))
        read = written
    return steps
