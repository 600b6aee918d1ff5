"""Networks that read every sequence whole: of tasks without an engine for small changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.errors import InputError
from bioseq_dl.perturb.engine import DEFAULT_BATCHES, full_precision
from bioseq_dl.perturb.strand import Batches
from bioseq_dl.train.checkpoint import Checkpoint, restore_model


@dataclass(frozen=True, eq=False)
class PlainEngine:
    """A network for reading only, with the methods of an `Engine` that tables of mutations need."""

    model: nn.Module
    device: torch.device
    letters: int
    unknown: str
    targets: int
    classes: int
    batches: Batches

    @torch.inference_mode()
    def score_windows(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read sequences of one length, uint8 codes (n, length), batch by batch.

        Returns
        -------
        float32 (n, targets), or (n, targets, classes)
            Raw outputs: logits, or values for regression.
        """
        tail = (self.targets, self.classes) if self.classes > 1 else (self.targets,)
        outputs = np.empty((len(windows), *tail), np.float32)
        size = self.batches.windows
        with full_precision():
            for first in range(0, len(windows), size):
                codes = torch.from_numpy(windows[first : first + size].copy())
                columns = one_hot(codes.to(self.device), self.unknown, letters=self.letters)
                found = self.model(columns, None).float().cpu()
                outputs[first : first + size] = found.reshape(-1, *tail).numpy()
        return outputs

    def score_changes(
        self,
        references: NDArray[np.uint8],
        rows: NDArray[np.int64],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        mutants: NDArray[np.uint8],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score references (w, length) and whole mutants (m, length), as `Engine` does.

        Where they differ (`rows`, `starts`, `ends`) saves nothing here.
        """
        del rows, starts, ends
        return self.score_windows(references), self.score_windows(mutants)


def prepare_plain(checkpoint: Checkpoint, device: torch.device, batch: int | None) -> PlainEngine:
    """Make an engine of a trained network.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : torch.device
    batch : int, optional
        Sequences at once.

    Raises
    ------
    InputError
        Where the model predicts residues, not sequences.
    """
    if checkpoint.targets.per_residue:
        raise InputError(
            "models of this task cannot score changes of a sequence", found=checkpoint.task
        )
    shape = checkpoint.shape
    batches = DEFAULT_BATCHES.get(device.type, DEFAULT_BATCHES["cpu"])
    return PlainEngine(
        model=restore_model(checkpoint).to(device),
        device=device,
        letters=shape.letters,
        unknown=checkpoint.unknown,
        targets=shape.targets,
        classes=shape.classes,
        batches=Batches(batch, batch) if batch else batches,
    )
