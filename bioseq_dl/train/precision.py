"""bf16 where it is fast and agrees with fp32; fp32 otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bioseq_dl.config import Train
from bioseq_dl.errors import InputError
from bioseq_dl.models.noise import Draw, Noise
from bioseq_dl.train.device import Device

LOSS_TOLERANCE = 0.02
"""Largest relative difference of the loss between bf16 and fp32 on one batch."""
NOISE_TOLERANCE = 0.5
"""Largest error of the bf16 gradient, as a share of the noise between batches: what
rounding adds must be small beside what the choice of the batch adds anyway."""

_CPU_FLAGS = {"amx_bf16", "avx512_bf16"}


@dataclass(frozen=True)
class Precision:
    """The precision that was chosen, and why."""

    name: str
    """``fp32``, ``bf16`` or ``fp16``."""
    reason: str
    """Why, for the log and the report."""

    @property
    def fabric(self) -> str:
        """Lightning Fabric's name for it."""
        return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[self.name]


def choose_precision(
    train: Train, device: Device, model: nn.Module, step: Callable[[nn.Module, int], Tensor]
) -> Precision:
    """Choose the precision of the training steps.

    Parameters
    ----------
    train : Train
        ``precision: auto`` asks for the choice; anything else is taken as it is.
    device : Device
        Where the steps run.
    model : nn.Module
        The model as initialised; a copy of it is tried, itself it stays untouched.
    step : callable
        (model, number) to the loss (a scalar) on a fixed batch, number 0 or 1.

    Raises
    ------
    InputError
        Where fp16 is asked for without a GPU.
    """
    if train.precision == "fp16" and device.accelerator != "cuda":
        raise InputError(
            "train.precision fp16 needs a GPU", found=device.name, allowed="auto, fp32, bf16"
        )
    if train.precision != "auto":
        return Precision(train.precision, "asked for")
    if not _has_fast_bf16(device):
        return Precision("fp32", "auto: no fast bf16 on this hardware")
    gap, error = compare_with_fp32(model, step, device.accelerator)
    figures = f"loss differs by {gap:.2%}, gradient by {error:.2f} of the noise between batches"
    if gap <= LOSS_TOLERANCE and error <= NOISE_TOLERANCE:
        return Precision("bf16", f"auto: bf16 agrees with fp32 ({figures})")
    return Precision("fp32", f"auto: bf16 disagrees with fp32 ({figures})")


def compare_with_fp32(
    model: nn.Module, step: Callable[[nn.Module, int], Tensor], accelerator: str
) -> tuple[float, float]:
    """Compare a step in bf16 with the same step in fp32, on copies of the model.

    Dropout and other noise are off in both, since they are drawn differently in each.

    Returns
    -------
    loss_gap : float
        Relative difference of the loss.
    gradient_error : float
        Norm of the gradients' difference, divided by the noise of a batch: the norm of
        the difference between the fp32 gradients of two batches, over the root of 2.
    """
    exact_loss, exact = _take_gradient(model, step, 0, accelerator, bf16=False)
    fast_loss, fast = _take_gradient(model, step, 0, accelerator, bf16=True)
    _, other = _take_gradient(model, step, 1, accelerator, bf16=False)
    gap = abs(fast_loss - exact_loss) / max(abs(exact_loss), 1e-12)
    noise = float((exact - other).norm()) / 2**0.5
    return gap, float((fast - exact).norm()) / max(noise, 1e-12)


def _take_gradient(
    model: nn.Module,
    step: Callable[[nn.Module, int], Tensor],
    number: int,
    accelerator: str,
    *,
    bf16: bool,
) -> tuple[float, Tensor]:
    trial = copy.deepcopy(model).to(accelerator).train()
    for module in trial.modules():
        if isinstance(module, nn.Dropout | Noise | Draw):
            module.eval()
        if isinstance(module, nn.LSTM | nn.GRU):
            module.dropout = 0.0
    with torch.autocast(accelerator, torch.bfloat16, enabled=bf16):
        loss = step(trial, number)
    loss.backward()  # type: ignore[no-untyped-call]
    parts = [p.grad.float().flatten() for p in trial.parameters() if p.grad is not None]
    return float(loss.detach()), torch.cat(parts)


def _has_fast_bf16(device: Device) -> bool:
    if device.accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return bool(_CPU_FLAGS & set(flags))
