"""One training of a model at a time.

A cluster's job outlives the Snakemake that submitted it. When the workflow is started again,
the same model is asked for a second time while the first training still runs: the second
then waits, and takes over what the first leaves.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bioseq_dl.io.atomic import explain_os_error


@contextmanager
def claim_model(out: Path, log: Callable[[str], None]) -> Iterator[bool]:
    """Wait until no other process trains this model; hold it while the block runs.

    An advisory lock (flock) on a file beside it, which the kernel frees however the process
    ends; over NFS it holds between machines. The file goes when the block ends. Where a file
    system has no locks, that is said and the training goes on: two of the same model would
    cost time twice and write the same weights.
    Of several processes of one training the caller of all takes it.

    Parameters
    ----------
    out : Path
        The model that is trained.
    log : callable
        Told when there is something to wait for.

    Yields
    ------
    bool
        Whether another process had it.

    Raises
    ------
    InputError
        Where the folder cannot be written.
    """
    path = out.with_name(".train.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, waited = _lock(path, log)
    except OSError as error:
        raise explain_os_error(error, out) from error
    with handle:
        try:
            yield waited
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)  # while it is held


def _lock(path: Path, log: Callable[[str], None]) -> tuple[BinaryIO, bool]:
    waited = False
    while True:
        handle = path.open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("another process trains this model: waiting until it ends")
            waited = True
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            log(f"no locks on this file system ({error.strerror}): a second training is not seen")
            return handle, False
        # Whoever held it has removed it: then a third may hold another file of that name.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                return handle, waited
        handle.close()


def is_finished(out: Path, key: str) -> bool:
    """Tell whether the model stands there whole, trained on the same data with the same config.

    Parameters
    ----------
    out : Path
        model.pt; train.json, written just before it, says what it was trained from.
    key : str
        Digest of config, data, fold, seed and torch version.
    """
    summary = out.with_name("train.json")
    try:
        same = json.loads(summary.read_text(encoding="utf-8")).get("key") == key
        return same and out.stat().st_mtime_ns >= summary.stat().st_mtime_ns
    except (OSError, json.JSONDecodeError):
        return False
