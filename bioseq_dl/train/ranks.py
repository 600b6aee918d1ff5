"""Processes that train one model together: what they tell each other.

Each reads its part of every batch. The loss is taken of the outputs of all parts put together, so
that it is the global batch's own: a mean over the labels that are there, weights of records, a
decoder beside the targets and pairs of a batch come out as in one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch._C._distributed_c10d import Store

Value = TypeVar("Value")
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Ranks:
    """One process among those that train together; alone by default."""

    rank: int = 0
    """Its number, from 0."""
    world: int = 1
    """How many there are."""
    group: Any = None
    """Process group on the CPU (gloo), for small messages: no GPU waits for them."""

    @property
    def first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0


ALONE = Ranks()


def join_group(rank: int, world: int, store: Store, accelerator: str) -> Ranks:
    """Enter the process group; every process must.

    Parameters
    ----------
    store : Store
        Where they find each other.
    accelerator : str
        ``cpu`` (gloo) or ``cuda`` (NCCL; of each process its own GPU).
    """
    if accelerator == "cuda":
        torch.cuda.set_device(rank)
        distributed.init_process_group("nccl", store=store, rank=rank, world_size=world)
        return Ranks(rank, world, distributed.new_group(backend="gloo"))
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=world)
    return Ranks(rank, world, distributed.group.WORLD)


def agree(ranks: Ranks, *wishes: float) -> tuple[float, ...]:
    """Give the largest of each number over all processes: what one wishes, all do."""
    if ranks.world == 1:
        return wishes
    found = torch.tensor(wishes, dtype=torch.float64)
    distributed.all_reduce(found, distributed.ReduceOp.MAX, group=ranks.group)
    return tuple(found.tolist())


def share_first(ranks: Ranks, value: Value) -> Value:
    """Give the first process's value in all of them."""
    if ranks.world == 1:
        return value
    box: list[Any] = [value]
    distributed.broadcast_object_list(box, src=0, group=ranks.group)
    shared: Value = box[0]
    return shared


def collect_parts(ranks: Ranks, parts: list[Value]) -> list[Value]:
    """Put lists dealt out one by one (``[rank::world]``) together again, in all processes."""
    if ranks.world == 1:
        return parts
    dealt: list[Any] = [None] * ranks.world
    distributed.all_gather_object(dealt, parts, group=ranks.group)
    total = sum(len(hand) for hand in dealt)
    return [dealt[number % ranks.world][number // ranks.world] for number in range(total)]


def deal_rows(ranks: Ranks, rows: Rows) -> Rows:
    """Give this process's part of a batch; of the first row where it has none.

    A network cannot read nothing, and must still take part in what follows; `join_rows` and
    batch normalisation leave the row out again.
    """
    own: Rows = rows[ranks.rank :: ranks.world]
    return own if len(own) else rows[:1]


def count_own(ranks: Ranks, total: int) -> int:
    """Give how many rows of a batch of `total` are this process's."""
    return len(range(ranks.rank, total, ranks.world))


def join_rows(ranks: Ranks, own: Tensor, total: int, fill: float) -> Tensor:
    """Put the parts of a batch together, in the order of the batch.

    Parameters
    ----------
    own : tensor, shape (n, ...)
        This process's rows, as `deal_rows` dealt them. A second dimension may differ between
        processes (positions of a padded batch).
    total : int
        Rows of the batch.
    fill : float
        What stands beyond the end of shorter rows.

    Returns
    -------
    tensor, shape (total, ...)
        Carries the gradient of this process's rows alone: the sum of the processes' gradients is
        that of the batch.
    """
    if ranks.world == 1:
        return own
    if own.dim() > 2:
        width = int(agree(ranks, own.shape[1])[0])
        rest = own.new_full((own.shape[0], width - own.shape[1], *own.shape[2:]), fill)
        own = torch.cat([own, rest], dim=1)
    rows = -(-total // ranks.world)
    own = own[: count_own(ranks, total)]
    own = torch.cat([own, own.new_zeros((rows - len(own), *own.shape[1:]))]).contiguous()
    parts = [torch.empty_like(own) for _ in range(ranks.world)]
    distributed.all_gather(parts, own.detach())
    parts[ranks.rank] = own
    return torch.stack(parts, dim=1).flatten(0, 1)[:total]


def join_batch(ranks: Ranks, outputs: Tensor, labels: Any, total: int) -> tuple[Tensor, Any]:
    """Put outputs and labels (with weights, where there are some) of a batch together."""
    if ranks.world == 1:
        return outputs, labels
    outputs = join_rows(ranks, outputs.float(), total, 0.0)
    if isinstance(labels, tuple):
        targets, weights = labels
        joined = join_rows(ranks, targets, total, torch.nan)
        return outputs, (joined, join_rows(ranks, weights, total, 0.0))
    return outputs, join_rows(ranks, labels, total, torch.nan)
