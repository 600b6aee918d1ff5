"""How chunks and the threads within a chunk share the processor."""

from __future__ import annotations

from dataclasses import dataclass

_MOST = 4
"""Chunks at once; each holds what it keeps of its reference windows."""


@dataclass(frozen=True)
class Workers:
    """Chunks scored side by side, each with some threads of its own.

    Two chunks with a thread each are faster than one with two threads, which wait for each
    other at the end of every operation.
    """

    count: int
    threads: int


def share_threads(threads: int, chunks: int, device: str) -> Workers:
    """Divide threads among chunks.

    Parameters
    ----------
    threads : int
        CPU threads in all.
    chunks : int
        Of the whole file, so that all parts of a scattered run compute in one way: rounding
        may depend on the number of threads.
    device : str
        ``cpu``, or an accelerator, which takes one chunk at a time.
    """
    count = max(1, min(threads, chunks, _MOST)) if device == "cpu" else 1
    return Workers(count, max(1, threads // count))
