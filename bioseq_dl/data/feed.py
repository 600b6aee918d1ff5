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
"""One-hot columns (n, letters, length), with further features below them, and lengths (n,) where
sequences are padded."""

Labels = Tensor | tuple[Tensor, Tensor]
"""What a loss takes: targets (n, targets), with weights (n,) where records have some."""


def feed_batch(
    examples: Examples,
    indices: npt.NDArray[np.int64],
    device: torch.device,
    augment: Augment | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Inputs, Labels]:
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
    targets : float32 tensor, shape (n, targets), or (n, length, labels) of residues
        Beside it the weights, where records have some.
    """
    codes, lengths, targets, features = move_batch(gather(examples, indices), device)
    letters = len(examples.alphabet.letters)
    if augment is not None and generator is not None:
        codes = draw_augmented(codes, lengths, augment, generator, letters)
    columns = one_hot(codes, examples.unknown, letters=letters)
    if features is not None:
        columns = torch.cat([columns, features], dim=1)
    if examples.weights is None:
        return (columns, lengths), targets
    weights = torch.from_numpy(examples.weights[indices]).to(device)
    return (columns, lengths), (targets, weights)
