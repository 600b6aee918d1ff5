"""A checkpoint applied to encoded examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from bioseq_dl.data.batches import plan_batches
from bioseq_dl.encode.examples import Examples
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint, restore_model

BATCH = {"cpu": 32, "cuda": 512}
"""Small batches are the fast ones on a CPU: the activations stay in its cache."""


@torch.inference_mode()
def predict_examples(
    checkpoint: Checkpoint, examples: Examples, rows: NDArray[np.int64], device: torch.device
) -> NDArray[np.float32]:
    """Give the model's raw outputs for some rows, in fp32.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained model.
    examples : Examples
        Encoded records.
    rows : int64 (n,)
        Which of them.
    device : torch.device
        Where the model runs.

    Returns
    -------
    float32 (n, targets) or (n, targets, classes)
        Logits, or values for regression, in the order of `rows`.
    """
    model = restore_model(checkpoint).to(device)
    feed = find_task(checkpoint.task).load("feed")
    shape = checkpoint.shape
    tail = (shape.targets, shape.classes) if shape.classes > 1 else (shape.targets,)
    outputs = np.empty((len(rows), *tail), np.float32)
    place = np.empty(len(examples), np.int64)
    place[rows] = np.arange(len(rows))
    for indices in _batches(examples, rows, device):
        inputs, _ = feed(examples, indices, device)
        outputs[place[indices]] = model(*inputs).float().cpu().numpy()
    return outputs


def _batches(
    examples: Examples, rows: NDArray[np.int64], device: torch.device
) -> Iterator[NDArray[np.int64]]:
    size = BATCH.get(device.type, 32)
    yield from plan_batches(examples.lengths, rows, size, None, seed=0, epoch=0, shuffle=False)
