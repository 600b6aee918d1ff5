"""A trained network made ready to score windows and many small changes of them.

For each reference window one pass through the network is kept; a mutant is computed where it
differs from its reference (`local`), and wholly where that does not pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioseq_dl.data.one_hot import reverse_complement_codes
from bioseq_dl.errors import InputError
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.perturb.changes import check_changes
from bioseq_dl.perturb.kmers import sum_kmers
from bioseq_dl.perturb.plan import Plan, build_plan
from bioseq_dl.perturb.strand import Batches, score_strand
from bioseq_dl.perturb.tail import read_tail
from bioseq_dl.perturb.trunk import read_trunk

Precision = Literal["fp32", "bf16"]
DEFAULT_BATCHES = {"cpu": Batches(32, 128), "cuda": Batches(256, 2048)}
"""Where nothing was measured (`batches.measure_batch`)."""


@dataclass(frozen=True, eq=False)
class Engine:
    """A network for reading only. Its results are the model's own within 1e-5."""

    plan: Plan
    batches: Batches
    """How many windows, and how many mutants, are computed at once."""

    @torch.inference_mode()
    def forward(self, codes: Tensor) -> Tensor:
        """Read windows in one batch.

        Parameters
        ----------
        codes : uint8 tensor, shape (n, length)
            A C G T = 0 1 2 3, unknown = 4.

        Returns
        -------
        float32 tensor, shape (n, targets), or (n, targets, classes) for multiclass
            The model's raw outputs, on its device.

        Raises
        ------
        InputError
            Where the network is made for windows of another length.
        """
        plan = self.plan
        _check_length(plan, codes.shape[1])
        codes = codes.to(plan.device)
        with full_precision():
            outputs = _read_windows(plan, codes)
            if plan.strands == 2:
                outputs = (outputs + _read_windows(plan, reverse_complement_codes(codes))) / 2
        return outputs.view(-1, *_tail(plan))

    def score_windows(self, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Read any number of windows, uint8 (n, length), batch by batch.

        Returns
        -------
        float32 (n, targets), or (n, targets, classes)
        """
        size = self.batches.windows
        outputs = np.empty((len(windows), *_tail(self.plan)), np.float32)
        for first in range(0, len(windows), size):
            batch = torch.from_numpy(np.ascontiguousarray(windows[first : first + size]))
            outputs[first : first + size] = self.forward(batch).cpu().numpy()
        return outputs

    @torch.inference_mode()
    def score_changes(
        self,
        references: NDArray[np.uint8],
        rows: NDArray[np.int64],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        mutants: NDArray[np.uint8],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score reference windows and mutants of them.

        Parameters
        ----------
        references : uint8 (w, length)
            A C G T = 0 1 2 3, unknown = 4. Each is scored once.
        rows : int64 (m,)
            Which reference each mutant changes.
        starts, ends : int64 (m,)
            The changed interval in the window, half-open; outside of it the mutant is its
            reference. May be empty.
        mutants : uint8 (m, length), or uint8 (sum of ends - starts,)
            The mutants' windows, or their changed letters alone, end to end.

        Returns
        -------
        references : float32 (w, targets), or (w, targets, classes) for multiclass
            Raw outputs: logits, or values for regression.
        mutants : float32 (m, targets), or (m, targets, classes)

        Raises
        ------
        InputError
            Where the network is made for windows of another length.
        ValueError
            Where the arguments do not fit together.
        """
        plan = self.plan
        changes = check_changes(references, rows, starts, ends, mutants)
        _check_length(plan, references.shape[1])
        with full_precision():
            found = score_strand(plan, self.batches, changes)
            if plan.strands == 2:
                others = score_strand(plan, self.batches, changes.turn())
                for one, other in zip(found, others, strict=True):
                    one += other
                    one /= 2
        return found[0].reshape(-1, *_tail(plan)), found[1].reshape(-1, *_tail(plan))

    def with_batches(self, batches: Batches) -> Engine:
        """Give the same with other batches."""
        return replace(self, batches=batches)


def prepare(
    model: SequenceModel,
    device: torch.device,
    unknown: str = "zeros",
    precision: Precision = "fp32",
) -> Engine:
    """Make an engine of a trained network; the network itself is not changed.

    Parameters
    ----------
    model : SequenceModel
        Read as in evaluation mode.
    device : torch.device
    unknown : str
        How unknown bases are encoded, ``zeros`` or ``uniform``: the checkpoint's.
    precision : str
        ``bf16`` multiplies in bfloat16 within the convolutions. Differences are rounded apart
        from what they differ from, and so keep their rank better than two bf16 passes would;
        whether well enough is to be checked on each model.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    batches = DEFAULT_BATCHES.get(device.type, DEFAULT_BATCHES["cpu"])
    return Engine(build_plan(model, device, unknown, dtype), batches)


@contextmanager
def full_precision() -> Iterator[None]:
    """Keep convolutions on a GPU from rounding fp32 to TF32, which is their default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _read_windows(plan: Plan, codes: Tensor) -> Tensor:
    outputs = read_tail(plan, read_trunk(plan, codes))[0]
    terms = sum_kmers(plan.kmers, codes)
    return outputs if terms is None else outputs + terms


def _check_length(plan: Plan, found: int) -> None:
    if plan.length is not None and found != plan.length:
        raise InputError(
            "this network was made for windows of one length",
            found=f"{found} bases",
            allowed=f"{plan.length} bases",
        )


def _tail(plan: Plan) -> tuple[int, ...]:
    return (plan.targets, plan.classes) if plan.classes > 1 else (plan.targets,)
