"""A batch of cells ready for the network: made dense, scaled, moved."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bioseq_dl.config import Augment
from bioseq_dl.encode.cells import CellExamples

Inputs = tuple[Tensor, Tensor | None, Tensor | None]
"""Scaled values (n, genes); where there are counts, these (n, genes) and each cell's sum (n,)."""


def feed_cells(
    examples: CellExamples,
    indices: npt.NDArray[np.int64],
    device: torch.device,
    augment: Augment | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Inputs, Tensor]:
    """Bring a batch to the device.

    Parameters
    ----------
    examples : CellExamples
        As its fold reads them.
    indices : array of int64, shape (n,)
    device : torch.device
    augment, generator
        Not of cells: what is drawn in training is the network's (noise, dropout).

    Returns
    -------
    inputs : tuple
        The arguments of a network of cells.
    targets : float32 tensor, shape (n, targets)
    """
    del augment, generator
    values = torch.from_numpy(examples.gather(indices, examples.fold))
    targets = torch.from_numpy(examples.targets[indices])
    counts, totals = None, None
    if examples.counts is not None:
        counts = _move(torch.from_numpy(examples.gather_counts(indices, examples.fold)), device)
        sums = np.asarray(examples.totals[indices], np.float32)
        totals = _move(torch.from_numpy(sums), device)
    return (_move(values, device), counts, totals), _move(targets, device)


def _move(part: Tensor, device: torch.device) -> Tensor:
    """Copy to the device; to a GPU from pinned memory, without waiting for it."""
    if device.type != "cuda":
        return part.to(device)
    return part.pin_memory().to(device, non_blocking=True)
