"""The learning curve, streamed to a CSV."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from bioseq_dl.io.atomic import atomic_path


@dataclass(frozen=True)
class Epoch:
    """One row of the learning curve."""

    epoch: int
    """Counted from 1."""
    step: int
    """Optimizer steps so far."""
    train_loss: float
    val_loss: float | None
    """None without validation records."""
    val_score: float | None
    """What `score` in ``train.json`` names (`bioseq_dl.train.score.name_score`)."""
    learning_rate: float
    """Of the epoch's last step."""
    seconds: float
    """Wall time of the epoch; the one column that differs between equal runs."""


class Writer(Protocol):
    """What TensorBoard's SummaryWriter has."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> Any:
        """Add a point to a curve."""


def write_history(path: Path, rows: list[Epoch]) -> None:
    """Write the whole curve atomically; called after each epoch, so it can be watched."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(asdict(row))


def log_epoch(writer: Writer | None, row: Epoch) -> None:
    """Send a row to TensorBoard, where it is on."""
    if writer is None:
        return
    for name, value in asdict(row).items():
        if name not in ("epoch", "step", "seconds") and value is not None:
            writer.add_scalar(name, value, row.step)
