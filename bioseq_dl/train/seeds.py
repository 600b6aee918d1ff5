"""Random numbers that depend on where the training is, not on how it got there.

Each step seeds its generators from (seed, epoch, batch, rank). A resumed run therefore
needs no saved generator state, and dropout and augmentation repeat bit by bit.
"""

from __future__ import annotations

import numpy as np
import torch


def step_seed(seed: int, epoch: int, batch: int, rank: int = 0) -> int:
    """Give a 64-bit seed for one step, well mixed (numpy's SeedSequence)."""
    words = np.random.SeedSequence((seed, epoch, batch, rank)).generate_state(2, np.uint32)
    return (int(words[0]) << 31) | (int(words[1]) >> 1)


def seed_step(generator: torch.Generator, seed: int, epoch: int, batch: int, rank: int = 0) -> None:
    """Seed torch (dropout) and the augmentation's generator for one step."""
    value = step_seed(seed, epoch, batch, rank)
    torch.manual_seed(value)
    generator.manual_seed(value ^ 0x5EED)
