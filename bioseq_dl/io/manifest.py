"""Which file stands for which source: the record of what was fetched.

Standard library only, so that steps after ``fetch`` need none of its packages.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_json


@dataclass(frozen=True)
class Fetched:
    """A source's file on this machine.

    Parameters
    ----------
    path : str
        Where the file is.
    sha256 : str
        Of its content, 64 hex digits.
    bytes : int
        Its size.
    """

    path: str
    sha256: str
    bytes: int


def source_key(source: Source) -> str:
    """Give the name of a source in ``sources.json``.

    Returns
    -------
    str
        The first 16 hex digits of the sha256 of the source's canonical JSON (sorted keys, no
        spaces, fields that are not given left out).
    """
    data = source.model_dump(mode="json", exclude_none=True)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def default_cache() -> Path:
    """Give the user's cache folder: ``$XDG_CACHE_HOME/bioseq_dl``, or ``~/.cache/bioseq_dl``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bioseq_dl"


def hash_file(path: str | Path) -> str:
    """Give the sha256 of a file's content in hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_manifest(path: str | Path, fetched: Mapping[str, Fetched]) -> None:
    """Write ``sources.json``: source key to path, sha256 and size, atomically."""
    write_json(path, {key: asdict(item) for key, item in fetched.items()})


def read_manifest(path: str | Path) -> dict[str, Fetched]:
    """Read ``sources.json``.

    Raises
    ------
    InputError
        Where the file is missing or is not such a manifest.
    """
    fix = "run the fetch step again"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return {key: Fetched(**item) for key, item in data.items()}
    except FileNotFoundError:
        raise InputError("no such file", file=path, fix=fix) from None
    except (ValueError, TypeError, AttributeError):
        raise InputError("not a manifest of sources", file=path, fix=fix) from None


def find_file(source: Source, files: Mapping[str, Fetched]) -> Fetched:
    """Give the file of a source.

    Raises
    ------
    InputError
        Where the manifest does not hold the source.
    """
    key = source_key(source)
    if key not in files:
        raise InputError(
            f"the source {source.label} is not among the fetched files",
            fix="run the fetch step again with this config",
        )
    return files[key]
