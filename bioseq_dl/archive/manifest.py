"""The list of an archive's files with their hashes: what makes it checkable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from bioseq_dl.errors import InputError

FORMAT = 1
NAME = "manifest.json"
_NO_MANIFEST = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What other JSON raises: OverflowError a size of Infinity, RecursionError deep nesting."""


@dataclass(frozen=True)
class Listed:
    """A file by its content."""

    sha256: str
    """64 hex digits."""
    bytes: int
    """Its size."""


@dataclass(frozen=True)
class Manifest:
    """What an archive holds."""

    run: str
    """Name of the run."""
    version: str
    """Of bioseq_dl that exported it."""
    files: dict[str, Listed]
    """Every file but the manifest itself."""
    left_out: dict[str, Listed]
    """Files of the run that hold data, and are not in the archive."""


def write_manifest(manifest: Manifest) -> bytes:
    """Give the manifest as JSON; equal manifests are equal bytes."""
    data = {"format": FORMAT} | asdict(manifest)
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def read_manifest(text: bytes, file: str) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    text : bytes
    file : str
        Name of the archive, for messages.

    Raises
    ------
    InputError
        Where it is none, or of a newer format.
    """
    try:
        data: Any = json.loads(text)
        number = data["format"]
        if isinstance(number, int) and number > FORMAT:
            raise InputError(
                "the archive was made by a newer version of bioseq_dl",
                file=file,
                found=f"format {number}, version {data.get('version')}",
                allowed=f"format {FORMAT}",
                fix="update bioseq_dl",
            )
        if number != FORMAT:
            raise ValueError(f"format {number}")
        files, left_out = (
            {
                str(name): Listed(str(entry["sha256"]), int(entry["bytes"]))
                for name, entry in data[key].items()
            }
            for key in ("files", "left_out")
        )
        run, version = str(data["run"]), str(data["version"])
        if not version.isprintable():
            raise ValueError(f"version {version!r}")
        return Manifest(run, version, files, left_out)
    except _NO_MANIFEST as error:
        raise InputError(
            "damaged", file=file, record=NAME, found=f"{type(error).__name__}: {error}"
        ) from None


def is_safe(name: str) -> bool:
    """Whether a path stays inside the folder it is unpacked to, on any system."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and name == "/".join(parts)
        and not name.startswith("/")
        and ".." not in parts
        and not any(sign in name for sign in "\\:\0")
    )
