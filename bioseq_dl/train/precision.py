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
from bioseq_dl.train.device import Device

LOSS_TOLERANCE = 0.02
"""Largest relative difference of the loss between bf16 and fp32."""
GRADIENT_COSINE = 0.98
"""Smallest cosine between the whole gradients in bf16 and fp32."""

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
    train: Train, device: Device, model: nn.Module, step: Callable[[nn.Module], Tensor]
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
        Gives the loss (a scalar) of a given model on a fixed batch.

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
    loss_gap, cosine = compare_with_fp32(model, step, device.accelerator)
    figures = f"loss differs by {loss_gap:.2%}, gradient cosine {cosine:.4f}"
    if loss_gap <= LOSS_TOLERANCE and cosine >= GRADIENT_COSINE:
        return Precision("bf16", f"auto: bf16 agrees with fp32 ({figures})")
    return Precision("fp32", f"auto: bf16 disagrees with fp32 ({figures})")


def compare_with_fp32(
    model: nn.Module, step: Callable[[nn.Module], Tensor], accelerator: str
) -> tuple[float, float]:
    """Give the loss's relative difference and the gradients' cosine, bf16 against fp32.

    Dropout is off in both, since masks are drawn differently in each precision.
    """
    results = []
    for enabled in (False, True):
        trial = copy.deepcopy(model).to(accelerator).train()
        for module in trial.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
            if isinstance(module, nn.LSTM | nn.GRU):
                module.dropout = 0.0
        with torch.autocast(accelerator, torch.bfloat16, enabled=enabled):
            loss = step(trial)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = torch.cat(
            [p.grad.float().flatten() for p in trial.parameters() if p.grad is not None]
        )
        results.append((float(loss.detach()), gradient))
    (exact_loss, exact), (fast_loss, fast) = results
    gap = abs(fast_loss - exact_loss) / max(abs(exact_loss), 1e-12)
    return gap, float(nn.functional.cosine_similarity(exact, fast, dim=0))


def _has_fast_bf16(device: Device) -> bool:
    if device.accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return bool(_CPU_FLAGS & set(flags))
