"""Chunks scored side by side, each in a process with one thread.

Threads would wait for one another: for Python's lock where the network is small, and at the end
of every operation where several share one.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

from bioseq_dl.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 16
"""Processes; each holds some windows and chunks of its own."""


@dataclass(frozen=True)
class Workers:
    """How many processes, and how many threads each has."""

    count: int
    threads: int


def share_threads(threads: int, chunks: int, device: str) -> Workers:
    """Divide threads among processes.

    Parameters
    ----------
    threads : int
        CPU threads in all.
    chunks : int
        Of the whole file, so that all parts of a scattered run compute in one way: rounding
        may depend on the number of threads.
    device : str
        ``cpu``, or an accelerator, which one process feeds.

    Returns
    -------
    Workers
        A process a thread, or one process with all threads where there are fewer chunks, or
        where a process cannot be forked safely.
    """
    # A forked process must not use several threads: those of OpenMP do not survive the fork.
    if device != "cpu" or sys.platform != "linux" or chunks < threads:
        return Workers(1, threads)
    return Workers(min(threads, _MOST), 1)


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Iterator[Result]:
    """Apply a function to items in several processes; give the results in the items' order.

    Parameters
    ----------
    function : callable
        Takes part in the processes as it is, with all that it refers to. With more than one
        process it is run with one thread.
    items : iterable
        Of what can be pickled.
    count : int
        Processes; with 1 the function is called here.

    Raises
    ------
    InputError
        Where a process dies, as it does where memory runs out.
    Exception
        What the function raised, of the first item for which it did.
    """
    if count == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("fork")
    with ExitStack() as stack:
        ends: list[Connection] = []
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(function, there, tuple(ends)))
            process.daemon = True
            process.start()
            there.close()
            ends.append(here)
            stack.callback(process.join)
            stack.callback(process.terminate)
        busy: deque[Connection] = deque()
        for number, item in enumerate(items):
            end = ends[number % count]
            # A process gets an item when it has given back its last, so neither waits to send.
            is_busy = number >= count
            done: Any = _receive(busy.popleft()) if is_busy else None
            end.send(item)
            busy.append(end)
            if is_busy:
                yield done
        while busy:
            yield _receive(busy.popleft())


def _receive(end: Connection) -> Any:
    try:
        result, error = end.recv()
    except (EOFError, ConnectionError):
        raise InputError(
            "a process that scores variants ended unexpectedly",
            fix="where memory ran out, give fewer --threads or more memory",
        ) from None
    if error is not None:
        raise error
    return result


def _serve(function: Callable[[Any], Any], end: Connection, others: tuple[Connection, ...]) -> None:
    # Who started it ends it, and says why.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    torch.set_num_threads(1)
    while True:
        try:
            item = end.recv()
        except (EOFError, ConnectionError):
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = function(item), None
        except Exception as error:  # noqa: BLE001  it is raised again by whoever asked
            answer = None, error
        end.send(answer)
