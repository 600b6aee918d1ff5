"""One process at a time: the second waits until the first has filled the cache."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import explain_os_error


@contextmanager
def hold_lock(path: str | Path) -> Iterator[None]:
    """Hold an advisory lock (flock) on a file while the block runs.

    The kernel frees it when the process ends, however it ends, so no stale lock remains.
    The empty lock file stays: removing it would let two processes hold different files of
    one name.

    Raises
    ------
    InputError
        Where the folder cannot be written or its file system has no locks.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab")
    except OSError as error:
        raise explain_os_error(error, path) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise InputError(
                f"cannot lock the cache: {error.strerror}",
                file=path,
                fix="set 'cache' to a folder on a local disk",
            ) from error
        yield
