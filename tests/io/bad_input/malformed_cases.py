"""A table of malformed inputs, which functions enter themselves into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Make = Callable[[Path], Any]


@dataclass(frozen=True)
class Case:
    """A malformed input."""

    name: str
    make: Make
    """Writes files into a folder; gives a config, or a call that reads them."""
    message: str
    """What a user reads; ``{tmp}`` stands for the folder."""
    step: str = "ingest"
    """Which step finds it."""


def enter_into(table: list[Case]) -> Callable[..., Callable[[Make], Make]]:
    """Give the decorator ``malformed(message, step)`` of a table."""

    def malformed(message: str, step: str = "ingest") -> Callable[[Make], Make]:
        def enter(make: Make) -> Make:
            table.append(Case(make.__name__, make, message, step))
            return make

        return enter

    return malformed
