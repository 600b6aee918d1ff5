"""Examples with a planted motif, small enough to train on in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bioseq_dl.config import Targets
from bioseq_dl.data.examples import write_examples
from bioseq_dl.encode.examples import Examples, hash_ids

MOTIF = np.array([0, 1, 2, 2, 3, 0, 1, 1], np.uint8)


def plant(count: int = 400, length: int = 40, targets: Targets | None = None) -> Examples:
    """Binary examples: the motif stands in the positives; a fifth each is val and test."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (count, length)).astype(np.uint8)
    truth = random.integers(0, 2, count).astype(np.float32)
    for row in np.flatnonzero(truth):
        start = random.integers(0, length - len(MOTIF))
        codes[row, start : start + len(MOTIF)] = MOTIF
    roles = np.zeros((1, count), np.uint8)
    roles[0, : count // 5] = 1
    roles[0, count // 5 : 2 * (count // 5)] = 2
    spec = targets or Targets()
    return Examples(
        codes=codes.ravel(),
        offsets=np.arange(count + 1, dtype=np.int64) * length,
        targets=np.repeat(truth[:, None], len(spec.names), axis=1),
        roles=roles,
        spec=spec,
        unknown="zeros",
        ids_sha256=hash_ids([f"r{row}" for row in range(count)]),
    )


def write_planted(path: Path, count: int = 400) -> Path:
    write_examples(path, plant(count))
    return path
