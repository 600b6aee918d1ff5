"""Start the processes that train one model together, and end them together.

The process that was called does not train: it starts one for each device, hands on what they say
and the signals that it gets, and ends the others when one is lost. They find each other through a
port that the system gave it, so that several trainings run beside each other on a machine, and no
variable of a scheduler is read.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from torch import distributed
from torch._C._distributed_c10d import TCPStore

from bioseq_dl.errors import InputError, ProcessLost
from bioseq_dl.train.history import Epoch
from bioseq_dl.train.loop import Interrupted
from bioseq_dl.train.ranks import Ranks, join_group
from bioseq_dl.train.signals import stop_signals

Log = Callable[[str], None]
Watch = Callable[[list[Epoch]], None]
Work = Callable[[Any, Ranks, Log, Watch], None]
_ADDRESS = "127.0.0.1"
_PATIENCE = timedelta(minutes=30)
_ASKED = (signal.SIGTERM, signal.SIGUSR1)


def run_together(
    work: Work,
    job: Any,
    world: int,
    accelerator: str,
    log: Log,
    watch: Watch = lambda _: None,
) -> None:
    """Do work in `world` processes of this machine, to the end of all of them.

    Parameters
    ----------
    work : callable
        (job, ranks, log, watch); a function of a module.
    job : object
        Can be pickled.
    world : int
    accelerator : str
        ``cpu`` or ``cuda``.
    log, watch : callable
        Called here with what the first process gives its own; what they raise ends all.

    Raises
    ------
    InputError
        What one of them raised.
    Interrupted
        Where they were asked to end: by SIGTERM or SIGUSR1 to this process or to any of them.
    ProcessLost
        Where one was killed or failed.
    """
    store = TCPStore(_ADDRESS, 0, is_master=True, wait_for_workers=False, timeout=_PATIENCE)
    context = get_context("spawn")
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    with stop_signals() as stop_asked:
        try:
            for rank in range(world):
                ours, theirs = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(
                    target=_take_part,
                    args=(work, job, rank, world, accelerator, store.port, theirs),
                    name=f"train-{rank}",
                )
                process.start()
                theirs.close()
                running[ours] = (rank, process)
            _attend(dict(running), world, stop_asked, log, watch)
        finally:
            for _, process in running.values():
                if process.is_alive():
                    process.kill()
                process.join()


def _attend(
    pending: dict[Connection, tuple[int, BaseProcess]],
    world: int,
    stop_asked: Callable[[], bool],
    log: Log,
    watch: Watch,
) -> None:
    """Listen until every process has told its end."""
    told = stopped = False
    while pending:
        if stop_asked() and not told:
            told = True
            for _, process in pending.values():
                # It may have ended a moment ago.
                with suppress(ProcessLookupError):
                    os.kill(process.pid or os.getpid(), signal.SIGTERM)
        for ready in wait(list(pending), timeout=0.5):
            assert isinstance(ready, Connection)
            rank, process = pending[ready]
            try:
                kind, what = ready.recv()
            except EOFError:
                process.join()
                code = process.exitcode or 0
                if told and -code in _ASKED:  # before it could note the wish: nothing to save
                    raise Interrupted from None
                raise ProcessLost(_describe_loss(rank, world, code)) from None
            if kind == "log":
                log(what)
            elif kind == "epoch":
                watch(what)
            elif kind == "refused":
                error, cause = what
                raise error from cause
            elif kind == "failed":
                log(what)
                raise ProcessLost(f"process {rank + 1} of {world} failed: {what.splitlines()[-1]}")
            else:
                stopped = stopped or kind == "stopped"
                del pending[ready]
    if stopped:
        raise Interrupted


def _describe_loss(rank: int, world: int, code: int) -> str:
    if code >= 0:
        return f"process {rank + 1} of {world} ended with code {code}"
    name = signal.Signals(-code).name
    hint = " (out of memory, perhaps)" if name == "SIGKILL" else ""
    return f"process {rank + 1} of {world} was ended by {name}{hint}"


def _take_part(
    work: Work, job: Any, rank: int, world: int, accelerator: str, port: int, pipe: Connection
) -> None:
    """Be one of the processes; tell how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the caller ends us
    _end_with_caller()
    # What Fabric reads in place of a scheduler's variables: this machine, and our number.
    os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0", "WORLD_SIZE": str(world)}
    if Path("/sys/class/net/lo").exists():  # of Linux; a host's name may not resolve to itself
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    try:
        store = TCPStore(_ADDRESS, port, is_master=False, timeout=_PATIENCE)
        ranks = join_group(rank, world, store, accelerator)

        def tell(kind: str, what: Any) -> None:
            if rank == 0:
                pipe.send((kind, what))

        work(job, ranks, partial(tell, "log"), partial(tell, "epoch"))
        distributed.destroy_process_group()
    except InputError as error:
        # Pickled, an error loses its cause: whether the disk was at fault, say.
        pipe.send(("refused", (error, error.__cause__)))
    except Interrupted:
        pipe.send(("stopped", None))
    except Exception:  # noqa: BLE001  (handed on whole; the caller says which process it was)
        pipe.send(("failed", traceback.format_exc().rstrip()))
    else:
        pipe.send(("done", None))
    finally:
        pipe.close()


def _end_with_caller() -> None:
    """End at once when the caller is gone, even by SIGKILL, whatever we wait for."""
    caller = parent_process()
    assert caller is not None

    def watch() -> None:
        caller.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-caller").start()
