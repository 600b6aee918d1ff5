"""The study's file: a journal that several machines append to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import explain_os_error

_BLOCK = 1 << 16


class Journal(JournalFileBackend):
    """Optuna's journal file, which also outlives a writer that died within a line.

    Its lock is a file made with ``O_EXCL``, which network file systems (NFS 3 and later) know; one
    whose holder died is broken after half a minute.
    """

    def __init__(self, path: Path) -> None:
        # Absolute: nothing may depend on the folder that a worker stands in.
        self.path = path.resolve()
        self.hold = JournalFileOpenLock(str(self.path))
        super().__init__(str(self.path), self.hold)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations; a line without an end, of a writer that died, is cut off first."""
        text = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in logs)
        self.hold.acquire()
        try:
            with self.path.open("r+b") as handle:
                handle.seek(_find_end(handle))
                handle.truncate()
                handle.write(text.encode())
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        finally:
            self.hold.release()


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
        if not create:
            return optuna.load_study(study_name=name, storage=storage)
        direction = StudyDirection.MAXIMIZE if higher else StudyDirection.MINIMIZE
        return optuna.create_study(
            storage=storage, study_name=name, direction=direction, load_if_exists=True
        )
    except KeyError:
        raise missing from None
    except OSError as error:
        raise explain_os_error(error, path) from error
    except ValueError as error:
        raise InputError(
            "the journal of the search is damaged",
            file=path,
            found=str(error).splitlines()[0],
            fix="delete its folder to search anew",
        ) from None


def _find_end(handle: Any) -> int:
    """Give the place after the last whole line."""
    end: int = handle.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        handle.seek(start)
        found = handle.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + int(found) + 1
        end = start
    return 0
