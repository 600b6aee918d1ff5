"""Being asked to end: noted, so that the state can be saved first."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Note SIGTERM and SIGUSR1 (a cluster's warning) instead of dying of them.

    Within another such block, that one is told too.
    """
    asked = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(True)
        outer = before[signal.Signals(number)]
        if callable(outer):
            outer(number, frame)

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
