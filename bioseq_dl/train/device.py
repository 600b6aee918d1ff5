"""Which device trains, and how many threads."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from bioseq_dl.config import Train
from bioseq_dl.errors import InputError


@dataclass(frozen=True)
class Device:
    """The device that was chosen, and why."""

    accelerator: str
    """``cpu`` or ``cuda``."""
    devices: int
    """How many are trained on together."""
    name: str
    """What the hardware calls itself."""
    reason: str
    """Why it was chosen, for the log and the report."""


def choose_device(train: Train) -> Device:
    """Choose the device that the config asks for.

    Raises
    ------
    InputError
        Where ``device: cuda`` meets a machine without a GPU, or fewer than ``devices``.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if train.device == "cuda" and gpus == 0:
        built = "with" if torch.version.cuda else "without"
        raise InputError(
            "train.device is cuda, but no GPU is visible",
            found=f"torch {torch.__version__} built {built} CUDA, 0 GPUs",
            fix="request a GPU from the scheduler, install a CUDA build of torch, "
            "or set train.device to auto or cpu",
        )
    on_gpu = train.device == "cuda" or (train.device == "auto" and gpus > 0)
    if on_gpu:
        if train.devices > gpus:
            raise InputError(
                "train.devices asks for more GPUs than are visible",
                found=train.devices,
                allowed=f"1 to {gpus}",
                fix="lower train.devices or request more GPUs",
            )
        why = "asked for" if train.device == "cuda" else f"auto: {gpus} GPU(s) visible"
        return Device("cuda", train.devices, torch.cuda.get_device_name(0), why)
    why = "asked for" if train.device == "cpu" else "auto: no GPU visible"
    return Device("cpu", train.devices, "CPU", why)


def set_threads(threads: int | None) -> int:
    """Set torch's CPU threads; default what the scheduler gave this process.

    Results are bit-identical only between equal numbers of threads.
    """
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    torch.set_num_threads(threads)
    return threads


def set_determinism(seed: int) -> None:
    """Seed torch and ask for deterministic kernels."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode would fill new memory as well, which we always overwrite.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(seed)
