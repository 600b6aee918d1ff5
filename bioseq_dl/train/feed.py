"""Where a training's batches, its loss and its validation come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from bioseq_dl.config import Augment, Targets, Train
from bioseq_dl.data.batches import join_positions, plan_batches
from bioseq_dl.encode.examples import Encoded
from bioseq_dl.tasks.task import Task
from bioseq_dl.train.loop import Feed
from bioseq_dl.train.ranks import Ranks, collect_parts, share_first
from bioseq_dl.train.score import check_scored
from bioseq_dl.train.weights import class_weights

Rows = NDArray[np.int64]


def plan_epochs(
    train: Train, seed: int, examples: Encoded, rows: Rows
) -> Callable[[int], list[Rows]]:
    """Give what divides an epoch (from 0) into batches: those of all processes together."""
    lengths = examples.lengths

    def plan(epoch: int) -> list[Rows]:
        return plan_batches(
            lengths,
            rows,
            train.batch_size,
            train.token_budget,
            seed=seed,
            epoch=epoch,
            shuffle=True,
            parts=train.devices,
        )

    return plan


def load_loss(
    train: Train,
    targets: Targets,
    task: Task,
    examples: Encoded,
    rows: Rows,
    device: torch.device,
) -> Callable[[Tensor, Any], Tensor]:
    """Make the task's loss, with the class weights of the training records `rows`."""
    weights = None
    if train.class_weights == "balanced":
        found = class_weights(examples.targets[rows], targets)
        weights = torch.as_tensor(found, device=device)
    loss: Callable[[Tensor, Any], Tensor] = task.load("loss")(
        targets, weights, train.label_smoothing, train.loss
    )
    return loss


def build_feed(
    train: Train,
    seed: int,
    targets: Targets,
    task: Task,
    examples: Encoded,
    rows: dict[str, Rows],
    fabric: Fabric,
    ranks: Ranks,
) -> Feed:
    """Make what the loop reads from.

    Parameters
    ----------
    rows : dict
        Role to the rows of its records: ``train`` and ``val``.
    ranks : Ranks
        Each process validates its part of the batches; the first judges them all, and what it
        finds holds for all.

    Raises
    ------
    InputError
        Where the score is asked to choose, and validation has no label of it.
    """
    make_batch = task.load("feed")
    changes = train.augment if train.augment != Augment() else None
    plain_loss = task.load("loss")(targets, None, 0.0, train.loss)
    val_plan = plan_batches(
        examples.lengths,
        rows["val"],
        train.batch_size,
        train.token_budget,
        seed=0,
        epoch=0,
        shuffle=False,
    )
    val_rows = np.concatenate(val_plan) if val_plan else rows["val"]
    if train.monitor == "score" and val_plan:
        check_scored(examples.targets[examples.target_rows(val_rows)], targets)

    def train_batch(indices: Rows, generator: torch.Generator) -> Any:
        return make_batch(examples, indices, fabric.device, changes, generator)

    @torch.no_grad()
    def validate(model: nn.Module) -> tuple[float, float] | None:
        if not val_plan:
            return None
        outputs = []
        for indices in val_plan[ranks.rank :: ranks.world]:
            inputs, _ = make_batch(examples, indices, fabric.device)
            with fabric.autocast():
                found = model(*inputs).float().cpu()
            outputs.append(join_positions(found, examples, indices))
        parts = collect_parts(ranks, outputs)
        judged = (0.0, 0.0)
        if ranks.first:
            joined = torch.cat(parts)
            truth = np.asarray(examples.targets[examples.target_rows(val_rows)])
            loss = float(plain_loss(joined, torch.from_numpy(truth)))
            judged = loss, task.load("score")(joined.numpy(), truth, targets)
        return share_first(ranks, judged)

    return Feed(plan_epochs(train, seed, examples, rows["train"]), train_batch, validate)
