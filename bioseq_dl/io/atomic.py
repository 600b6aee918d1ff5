"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bioseq_dl.errors import InputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it there when the block ends well.

    The file is flushed to disk before the rename, so a crash or a full disk leaves the
    old file or none, never half a file. Nothing is left behind on an error.

    Raises
    ------
    InputError
        Where the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part" + path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; rename it there when the block ends well.

    Nothing is left behind on an error.

    Raises
    ------
    InputError
        As `check_fresh`, and where the folder cannot be written or the disk is full.
    """
    path = Path(path).resolve()
    check_fresh(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        temporary.replace(path)  # an empty folder gives way
    except OSError as error:
        raise explain_os_error(error, path) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def check_fresh(path: str | Path) -> None:
    """Find out that a folder can be written without mixing with what stands in it.

    Raises
    ------
    InputError
        Where it is a file, or a folder that is not empty.
    """
    path = Path(path)
    if path.is_dir():
        if (held := next(path.iterdir(), None)) is not None:
            raise InputError(
                "the folder is not empty, and old files would stand beside the new",
                file=path,
                found=held.name,
                fix="give another folder, or remove this one",
            )
    elif path.exists():
        raise InputError(
            "a file stands where a folder is needed", file=path, fix="give the name of a folder"
        )


def check_writable(path: str | Path) -> None:
    """Find out before long work, not after it, whether a file can be written there.

    Makes the folder; leaves no file.

    Raises
    ------
    InputError
        As `atomic_path`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise explain_os_error(error, path) from error


def write_text(path: str | Path, text: str) -> None:
    """Write text (UTF-8) atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, data: Any) -> None:
    """Write JSON atomically: sorted keys, so that equal data are equal bytes."""
    write_text(path, json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n")


def _flush(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def explain_os_error(error: OSError, path: Path) -> Exception:
    """Give the InputError for a failed write that a user can mend, else the error itself."""
    fixes = {
        errno.ENOSPC: ("no space left on the disk", "free some space, then run again"),
        errno.EDQUOT: ("the disk quota is used up", "free some space, then run again"),
        errno.EROFS: ("the file system is read-only", "write to another results folder"),
        errno.EACCES: ("no permission to write here", "change the folder's permissions"),
        errno.EPERM: ("no permission to write here", "change the folder's permissions"),
        errno.ENOTDIR: ("a file stands where a folder is needed", "remove or rename that file"),
        errno.EISDIR: ("a folder stands where the file should go", "remove or rename that folder"),
        errno.EEXIST: ("a file stands where a folder is needed", "remove or rename that file"),
    }
    if error.errno not in fixes:
        return error
    problem, fix = fixes[error.errno]
    return InputError(f"cannot write: {problem}", file=path, fix=fix)
