"""A batch of sequences on the device, ready for the network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioseq_dl.config import Augment
from bioseq_dl.data.augmentation import augment
from bioseq_dl.data.batches import gather, move_batch
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.encode.examples import Examples


def feed_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    device: torch.device,
    changes: Augment | None = None,
    generator: torch.Generator | None = None,
) -> tuple[tuple[Tensor, Tensor | None], Tensor]:
    """Gather codes, copy them to the device, augment and encode them there.

    Parameters
    ----------
    examples : Examples
        Encoded records, memory-mapped.
    indices : int64 (n,)
        Rows of the batch.
    device : torch.device
        Where the network is.
    changes : Augment, optional
        Augmentation; None leaves the sequences as they are.
    generator : torch.Generator, optional
        Of the augmentation, on the device.

    Returns
    -------
    inputs : (x, lengths)
        float32 (n, 4, L), and int64 (n,) or None where all lengths are equal.
    targets : float32 (n, targets)
        NaN where missing.
    """
    batch = move_batch(gather(examples, indices), device)
    codes = batch.codes
    if changes is not None and generator is not None:
        codes = augment(codes, batch.lengths, changes, generator)
    return (one_hot(codes, examples.unknown, torch.float32), batch.lengths), batch.targets
