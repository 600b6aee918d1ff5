"""Batch normalisation over the records of all processes that train together.

torch's own `SyncBatchNorm` runs on GPUs alone and is no `BatchNorm2d`. This one is, keeps the names
of its weights, and gives on any device what one process gives on the whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


class _Sum(torch.autograd.Function):
    """The sum over processes; each process's part has had a hand in what all make of it."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:  # noqa: ARG004
        total = part.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _sum_over_processes(part: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(part)  # type: ignore[no-untyped-call]
    return total


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` whose statistics, in training, are of all processes' values.

    The mean first, then the squares of the distances from it, so that nothing cancels.
    """

    counted = True
    """Whether this process's values count; False where it holds no record of a batch."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name of it)
        """Normalise (n, channels, height, width); n may be 0 here, if not in all processes."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        weight = 1.0 if self.counted else 0.0
        places = input.shape[0] * input.shape[2] * input.shape[3] * weight
        sums = torch.cat([values.sum((0, 2, 3)) * weight, values.new_tensor([places])])
        sums = _sum_over_processes(sums)
        count = sums[-1].detach()
        mean = sums[:-1] / count.clamp(min=1.0)
        centred = values - mean[:, None, None]
        squares = _sum_over_processes(centred.square().sum((0, 2, 3)) * weight)
        variance = squares / count.clamp(min=1.0)
        assert self.running_mean is not None
        assert self.running_var is not None
        # One value has no variance; take the statistics of the batches before. Chosen on the
        # device: asking a GPU for the count would make every layer wait for it.
        enough = count >= 2
        before = values - self.running_mean[:, None, None]
        distance = torch.where(enough, centred, before)
        scale = torch.rsqrt(torch.where(enough, variance, self.running_var) + self.eps)
        self._follow(enough, mean.detach(), squares.detach() / (count - 1).clamp(min=1.0))
        factor = scale * self.weight
        return (distance * factor[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _follow(self, enough: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, which are then equal in all processes."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        step = enough * self.momentum
        self.running_mean += step * (mean - self.running_mean)
        self.running_var += step * (variance - self.running_var)
        self.num_batches_tracked += enough.long()


def synchronise_norms(model: nn.Module) -> list[GlobalBatchNorm2d]:
    """Make every batch normalisation of a model one of all processes, in place.

    The modules stay the same objects: a network may hold them in a second place (its frozen
    layers), and their weights keep their names.

    Returns
    -------
    list of GlobalBatchNorm2d
        Those that were changed.
    """
    changed = []
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GlobalBatchNorm2d
            assert isinstance(module, GlobalBatchNorm2d)
            changed.append(module)
    return changed
