"""A batch ready for the network: gathered, moved, augmented, one-hot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bioseq_dl.config import Augment
from bioseq_dl.data.augmentation import augment as draw_augmented
from bioseq_dl.data.batches import gather, move_batch
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.encode.examples import Examples

Inputs = tuple[Tensor, Tensor | None]
"""One-hot columns (n, 4, length), and lengths (n,) where sequences are padded."""


def feed_batch(
    examples: Examples,
    indices: npt.NDArray[np.int64],
    device: torch.device,
    augment: Augment | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Inputs, Tensor]:
    """Bring a batch to the device.

    Codes travel, a byte a base; augmentation and one-hot are done on the device.

    Parameters
    ----------
    examples : Examples
    indices : array of int64, shape (n,)
    device : torch.device
    augment : Augment, optional
        Changes to draw; needs `generator`, which must be of the device.

    Returns
    -------
    inputs : tuple
        The arguments of ``SequenceModel``.
    targets : float32 tensor, shape (n, targets)
    """
    codes, lengths, targets = move_batch(gather(examples, indices), device)
    if augment is not None and generator is not None:
        codes = draw_augmented(codes, lengths, augment, generator)
    return (one_hot(codes, examples.unknown), lengths), targets
