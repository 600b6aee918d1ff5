"""Update rules and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from bioseq_dl.config import Train


def build_optimizer(model: nn.Module, train: Train) -> torch.optim.Optimizer:
    """Build the optimizer; weight decay spares biases and normalisation (1-D parameters)."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": train.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = train.learning_rate
    if train.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate)
    if train.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate)
    if train.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, momentum=train.momentum)
    return torch.optim.SGD(groups, lr=rate, momentum=train.momentum)


def learning_rate_at(progress: float, train: Train, plateau_factor: float = 1.0) -> float:
    """Give the rate at a point of the training.

    A pure function of the progress, so that a resumed run needs no scheduler state.

    Parameters
    ----------
    progress : float
        Share of all planned steps that are done, 0 to 1.
    train : Train
        ``cosine`` falls to 0 along half a cosine after the warm-up (Loshchilov &
        Hutter 2017, without restarts); ``plateau`` is `plateau_factor` times the peak.
    plateau_factor : float
        1 at first, halved at each plateau.
    """
    warmup = train.warmup_fraction
    if progress < warmup:
        return train.learning_rate * max(progress / warmup, 1e-3)
    if train.schedule == "cosine":
        along = (progress - warmup) / max(1.0 - warmup, 1e-9)
        return train.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(along, 1.0)))
    if train.schedule == "plateau":
        return train.learning_rate * plateau_factor
    return train.learning_rate


def set_learning_rate(groups: Iterable[dict[str, Any]], rate: float) -> None:
    """Write the rate into an optimizer's parameter groups."""
    for group in groups:
        group["lr"] = rate
