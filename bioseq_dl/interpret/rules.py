"""DeepLIFT's rules for the two kinds of layers that are not linear.

Written here because Captum 0.9 does not do it for our networks: where max pooling follows a
ReLU, its ReLU is given the gradient from before the pooling's rule, so contributions do not
sum to the difference of the outputs; and its pooling takes the gradient of the batch's first
sequence for all where nothing changed. Where it is right, a test holds that ours is the same.

A batch is n sequences and then their n references, which are compared pairwise. Gradients
flow back to the sequences alone: with these rules they are DeepLIFT's multipliers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from bioseq_dl.config.model import Activation
from bioseq_dl.models.blocks import activate

NO_CHANGE = 1e-6
"""Where an input differs by less, the slope stands for the ratio of differences, which would
be rounding noise in fp32."""


def rescale(values: Tensor, activation: Activation) -> Tensor:
    """Apply an activation; backwards, its multiplier is the change of its output by its input's.

    Shrikumar, Greenside & Kundaje 2017, ICML, section 3.5.1, for any activation of a single
    input. Shape (2 n, …).
    """
    rescaled: Tensor = _Rescale.apply(values, activation)  # type: ignore[no-untyped-call]
    return rescaled


def take_highest(values: Tensor) -> Tensor:
    """Take the maximum along the last dimension; backwards, share its change out.

    What the maximum of the sequence rises above the reference's goes to the place that has
    it; what it falls goes to the place that had it (as in SHAP's DeepExplainer, Lundberg & Lee
    2017, NeurIPS). Shape (2 n, …, places) to (2 n, …).
    """
    highest: Tensor = _TakeHighest.apply(values)  # type: ignore[no-untyped-call]
    return highest


class _Rescale(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, activation: Activation) -> Tensor:
        activated = activate(values, activation)
        ctx.save_for_backward(values, activated)
        ctx.activation = activation
        return activated

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, activated = ctx.saved_tensors
        count = len(values) // 2
        with torch.enable_grad():
            given = values[:count].detach().requires_grad_()
            (slope,) = torch.autograd.grad(activate(given, ctx.activation).sum(), given)
        change = values[:count] - values[count:]
        ratio = (activated[:count] - activated[count:]) / change
        ratio = torch.where(change.abs() < NO_CHANGE, slope, ratio)
        return _pad(gradients[0][:count] * ratio), None


class _TakeHighest(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        highest, places = values.max(-1)
        ctx.save_for_backward(values, highest, places)
        return highest

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        values, highest, places = ctx.saved_tensors
        count = len(values) // 2
        gradient = gradients[0][:count].unsqueeze(-1)
        change = values[:count] - values[count:]
        rise = (highest[:count] - highest[count:]).unsqueeze(-1)
        now, before = (part.unsqueeze(-1) for part in places.split(count))
        multipliers = torch.zeros_like(change)
        for place, part in ((now, rise.clamp(min=0)), (before, rise.clamp(max=0))):
            changed = change.gather(-1, place)
            ratio = torch.where(changed.abs() < NO_CHANGE, 0.0, part / changed)
            multipliers.scatter_add_(-1, place, gradient * ratio)
        # Nothing changed: the maximum follows its place.
        still = change.gather(-1, now).abs() < NO_CHANGE
        multipliers.scatter_add_(-1, now, torch.where(still & (now == before), gradient, 0.0))
        return _pad(multipliers)


def _pad(multipliers: Tensor) -> Tensor:
    """Give the references a gradient of 0."""
    return torch.cat([multipliers, torch.zeros_like(multipliers)])
