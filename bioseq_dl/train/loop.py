"""The training loop: the only one, for every task.

It stands on Lightning Fabric, which brings devices, mixed precision and several
processes, and leaves the loop's position in our hands: resuming in the middle of an
epoch, bit by bit, is a matter of which batch comes next.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from bioseq_dl.config import Train
from bioseq_dl.errors import InputError
from bioseq_dl.models.global_norm import synchronise_norms
from bioseq_dl.train.history import Epoch
from bioseq_dl.train.optimizer import learning_rate_at, set_learning_rate
from bioseq_dl.train.ranks import ALONE, Ranks, agree, count_own, deal_rows, join_batch
from bioseq_dl.train.seeds import seed_step

Batch = tuple[tuple[Any, ...], Any]
"""The model's inputs, and what the loss takes: targets, perhaps with weights."""
Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class Feed:
    """Where the batches come from."""

    plan: Callable[[int], Sequence[NDArray[np.int64]]]
    """Epoch (from 0) to the indices of each training batch."""
    train_batch: Callable[[NDArray[np.int64], torch.Generator], Batch]
    """Indices to an augmented batch on the device."""
    validate: Callable[[nn.Module], tuple[float, float] | None]
    """Model to (loss, score) on the validation fold; None where it is empty."""


@dataclass
class Progress:
    """Where the training is; all of it goes into the resume state."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    plateau_factor: float = 1.0
    stalled: int = 0
    plateau_stalled: int = 0
    best_value: float = -math.inf
    best_epoch: int = 0
    resumed: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    samples: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """What a finished training leaves."""

    weights: dict[str, Tensor]
    """Of the epoch that is kept (of the moving average, where there is one)."""
    progress: Progress


class Interrupted(Exception):  # noqa: N818  (a request, not an error)
    """The process was asked to end; the state is on disk."""


def train_model(
    fabric: Fabric,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Tensor, Any], Tensor],
    feed: Feed,
    train: Train,
    seed: int,
    *,
    ranks: Ranks = ALONE,
    state: dict[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] = lambda _: None,
    on_epoch: Callable[[list[Epoch]], None] = lambda _: None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train to the end, from the start or from a saved state.

    Parameters
    ----------
    fabric : Fabric
        Launched; knows device, precision and processes.
    model, optimizer
        As built; set up with `fabric` here.
    loss : callable
        (outputs, targets) to a scalar; honours missing targets.
    feed : Feed
        The batches.
    train : Train
        The config.
    seed : int
        Of shuffling, dropout and augmentation.
    ranks : Ranks
        The processes that train together: each takes its part of every batch.
    state : dict, optional
        What `save` was given in an earlier, interrupted run.
    save : callable
        Writes the state; called at each epoch's end and every ``checkpoint_seconds``.
    on_epoch : callable
        Gets the learning curve so far.
    stop_asked : callable
        True, in any of the processes, ends the run with `Interrupted` after the step at hand,
        state saved.

    Raises
    ------
    InputError
        Where the loss is no longer finite.
    Interrupted
        Where `stop_asked`.
    """
    device = fabric.device
    norms = synchronise_norms(model) if ranks.world > 1 else []
    module, optimizer = fabric.setup(model, optimizer)
    average = _start_average(model, train)
    progress = Progress()
    best: dict[str, Tensor] = {}
    if state is not None:
        progress, best = _restore(state, model, optimizer, average, fabric)
    generator = torch.Generator(device=device)
    saved_at = time.monotonic()

    def snapshot() -> dict[str, Any]:
        return {
            "progress": asdict(progress),
            "model": _weights(model),
            "optimizer": optimizer.state_dict(),
            "average": None if average is None else average.state_dict(),
            "precision": fabric.strategy.precision.state_dict(),
            "best": best,
        }

    while progress.epoch < train.epochs and not _is_over(progress, train):
        plan = feed.plan(progress.epoch)
        if not plan:
            raise InputError("no training batches: the training fold is empty")
        model.train()
        started = time.perf_counter()
        loss_sum = torch.tensor(progress.loss_sum, dtype=torch.float64, device=device)
        while progress.batch < len(plan):
            number = progress.batch
            seed_step(generator, seed, progress.epoch, number, ranks.rank)
            total = len(plan[number])
            for norm in norms:
                norm.counted = count_own(ranks, total) > 0
            inputs, targets = feed.train_batch(deal_rows(ranks, plan[number]), generator)
            window = min(
                train.accumulate, len(plan) - number // train.accumulate * train.accumulate
            )
            steps_now = (number + 1) % train.accumulate == 0 or number + 1 == len(plan)
            with fabric.no_backward_sync(module, enabled=not steps_now):
                outputs, targets = join_batch(ranks, module(*inputs), targets, total)
                value = loss(outputs, targets)
                # Each process has its outputs' part of the gradient; their mean is taken.
                fabric.backward(value * (ranks.world / window))
            if steps_now:
                done = (progress.epoch + number / len(plan)) / train.epochs
                rate = learning_rate_at(done, train, progress.plateau_factor)
                set_learning_rate(optimizer.param_groups, rate)
                if train.clip_norm is not None:
                    fabric.clip_gradients(
                        module, optimizer, max_norm=train.clip_norm, error_if_nonfinite=False
                    )
                optimizer.step()
                optimizer.zero_grad()
                progress.step += 1
                if average is not None:
                    average.update_parameters(model)
            loss_sum += value.detach() * total
            progress.loss_count += total
            progress.samples += total
            progress.batch += 1
            # Between the micro-batches of a step, gradients live in memory only.
            late = time.monotonic() - saved_at >= train.checkpoint_seconds
            stop, due = map(bool, agree(ranks, stop_asked(), late))
            if steps_now and (stop or (due and progress.batch < len(plan))):
                progress.loss_sum = float(loss_sum)
                progress.epoch_seconds += time.perf_counter() - started
                if ranks.first:
                    save(snapshot())
                started = time.perf_counter()
                saved_at = time.monotonic()
                if stop:
                    raise Interrupted
        progress.loss_sum = float(loss_sum)
        row = _end_epoch(progress, feed, _averaged(average, model), train, optimizer)
        progress.epoch_seconds += time.perf_counter() - started
        progress.seconds += progress.epoch_seconds
        progress.history.append(asdict(row) | {"seconds": round(progress.epoch_seconds, 3)})
        progress.epoch_seconds = 0.0
        if train.keep == "last" or progress.best_epoch == progress.epoch:
            best = _weights(_averaged(average, model))
        on_epoch([Epoch(**entry) for entry in progress.history])
        if ranks.first:
            save(snapshot())
        saved_at = time.monotonic()
    return Trained(best, progress)


def _end_epoch(
    progress: Progress,
    feed: Feed,
    model: nn.Module,
    train: Train,
    optimizer: torch.optim.Optimizer,
) -> Epoch:
    """Validate, judge the epoch, move on to the next; give the curve's row (no time yet)."""
    train_loss = progress.loss_sum / max(progress.loss_count, 1)
    model.eval()
    validated = feed.validate(model)
    val_loss, val_score = validated if validated is not None else (None, None)
    for name, value in (("training", train_loss), ("validation", val_loss)):
        if value is not None and not math.isfinite(value):
            raise InputError(
                f"the {name} loss is not finite in epoch {progress.epoch + 1}",
                found=value,
                fix="lower train.learning_rate, set train.clip_norm, or set train.precision: fp32",
            )
    progress.epoch += 1
    progress.batch, progress.loss_sum, progress.loss_count = 0, 0.0, 0
    if val_loss is None:
        progress.best_epoch = progress.epoch
    else:
        score = -math.inf if val_score is None or math.isnan(val_score) else val_score
        value = score if train.monitor == "score" else -val_loss
        if value > progress.best_value or progress.best_epoch == 0:
            progress.best_value, progress.best_epoch = value, progress.epoch
            progress.stalled = progress.plateau_stalled = 0
        else:
            progress.stalled += 1
            progress.plateau_stalled += 1
        if train.schedule == "plateau" and progress.plateau_stalled > train.plateau_patience:
            progress.plateau_factor *= 0.5
            progress.plateau_stalled = 0
    rate = float(optimizer.param_groups[0]["lr"])
    return Epoch(progress.epoch, progress.step, train_loss, val_loss, val_score, rate, 0.0)


def _is_over(progress: Progress, train: Train) -> bool:
    if train.keep == "last":
        return False
    return train.patience is not None and progress.stalled >= train.patience


def _start_average(model: nn.Module, train: Train) -> AveragedModel | None:
    """Average parameters and buffers; the decay warms up, as in TensorFlow's EMA."""
    if train.ema_decay is None:
        return None
    limit = train.ema_decay

    @torch.no_grad()
    def mix(kept: Tensors, new: Tensors, count: Tensor | int) -> None:
        seen = float(count)
        share = 1.0 - min(limit, (1.0 + seen) / (10.0 + seen))
        if kept[0].is_floating_point():
            torch._foreach_lerp_(kept, new, share)
        else:
            torch._foreach_copy_(kept, new)

    return AveragedModel(model, multi_avg_fn=mix, use_buffers=True)


def _averaged(average: AveragedModel | None, model: nn.Module) -> nn.Module:
    return model if average is None else average.module


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _restore(
    state: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: AveragedModel | None,
    fabric: Fabric,
) -> tuple[Progress, dict[str, Tensor]]:
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
    if average is not None:
        average.load_state_dict(state["average"])
    fabric.strategy.precision.load_state_dict(state["precision"])
    progress = Progress(**state["progress"])
    progress.resumed += 1
    return progress, state["best"]
