"""The study's file: a journal that several machines append to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import explain_os_error

GRACE = 60
"""Seconds after which the lock of a process that died is broken."""
_BLOCK = 1 << 16
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, AssertionError)
"""What optuna raises of lines that are no JSON, no operation, or lack a part."""


@contextmanager
def hold_file(path: Path) -> Iterator[None]:
    """Let one process at a time into the block, over network file systems (NFS 3 and later) too.

    The lock is a file beside `path`, made with ``O_EXCL``. One whose holder died is broken by those
    who wait, after `GRACE` seconds.
    """
    # Absolute: nothing may depend on the folder that a worker stands in.
    lock = JournalFileOpenLock(str(path.resolve()), grace_period=GRACE)
    lock.acquire()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # broken by others, as we took too long
            lock.release()


class Journal(JournalFileBackend):
    """Optuna's journal file, which also outlives a writer that died within a line."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        super().__init__(str(self.path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations; a line without an end, of a writer that died, is cut off first."""
        text = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in logs)
        try:
            with hold_file(self.path):
                _cut_torn_line(self.path)
                with self.path.open("ab") as handle:
                    handle.write(text.encode())
                    handle.flush()
                    os.fsync(handle.fileno())
        except OSError as error:
            raise explain_os_error(error, self.path) from error


def open_study(path: Path, name: str, higher: bool, *, create: bool = True) -> optuna.Study:
    """Open a study of a journal; make it where there is none yet.

    Parameters
    ----------
    path : Path
        The journal.
    name : str
        Of the study: a journal holds one for each version of a config.
    higher : bool
        Whether a larger value is better.
    create : bool
        With false the study must be there.

    Raises
    ------
    InputError
        Where the journal is damaged, cannot be written, or (with `create` false) holds no such
        study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    missing = InputError(
        "the journal holds no study of this config", file=path, fix="run tune first"
    )
    if not create and not path.exists():
        raise missing
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.JournalStorage(Journal(path))
        known = {study.study_name for study in storage.get_all_studies()}
        if not create and name not in known:
            raise missing
        direction = StudyDirection.MAXIMIZE if higher else StudyDirection.MINIMIZE
        return optuna.create_study(
            storage=storage, study_name=name, direction=direction, load_if_exists=True
        )
    except OSError as error:
        raise explain_os_error(error, path) from error
    except _DAMAGE as error:
        raise InputError(
            "the journal of the search is damaged",
            file=path,
            found=(str(error) or type(error).__name__).splitlines()[0],
            fix="delete its folder to search anew",
        ) from None


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as handle:
        size = end = handle.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            handle.seek(start)
            found = handle.read(end - start).rfind(b"\n")
            end = start + found + 1
            if found >= 0:
                break
        if end < size:
            handle.truncate(end)
