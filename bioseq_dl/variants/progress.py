"""How far a long loop is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE = 10.0
"""Seconds between lines."""


class Progress:
    """Logs a line every ten seconds: how many, how fast, how much longer.

    Parameters
    ----------
    total : int
    unit : str
        What is counted.
    log : callable
        Takes the lines.
    """

    def __init__(self, total: int, unit: str, log: Callable[[str], None]) -> None:
        self._total, self._unit, self._log = total, unit, log
        self._done = 0
        self._started = self._told = time.perf_counter()

    def add(self, count: int) -> None:
        """Note that so many more are done."""
        self._done += count
        now = time.perf_counter()
        if now - self._told < _PAUSE or not self._done:
            return
        self._told = now
        rate = self._done / (now - self._started)
        left = format_duration((self._total - self._done) / rate)
        share = 100 * self._done / max(self._total, 1)
        self._log(
            f"{self._done:,} of {self._total:,} {self._unit} ({share:.0f} %), "
            f"{rate:,.0f}/s, about {left} left"
        )


def format_duration(seconds: float) -> str:
    """Write a time in words: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
