"""A zip whose bytes follow from its contents: sorted, uncompressed, without times.

Uncompressed, because another version of zlib makes other bytes of the same contents; most of what
a run leaves (weights, Parquet) would hardly shrink.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

Content = bytes | Path
NO_ZIP = (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError)
"""What zipfile raises of a damaged directory: also of names and versions that it reads there."""
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_CHUNK = 1 << 20


def write_zip(path: Path, contents: Mapping[str, Content]) -> None:
    """Write files by name, in the order of their names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(contents.items()):
            with archive.open(_entry(name, _size(content)), "w") as target:
                if isinstance(content, bytes):
                    target.write(content)
                else:
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, target, _CHUNK)


def is_as_written(path: Path) -> bool:
    """Whether a zip is, byte by byte, what `write_zip` makes of its contents.

    Hashes of the contents do not see what stands between them.
    """
    with tempfile.TemporaryFile() as again:
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(again, "w") as copy:
            for name in sorted(archive.namelist()):
                with (
                    archive.open(name) as source,
                    copy.open(_entry(name, archive.getinfo(name).file_size), "w") as target,
                ):
                    shutil.copyfileobj(source, target, _CHUNK)
        again.seek(0)
        with path.open("rb") as original:
            return _equal(original, again)


def hash_stream(source: IO[bytes]) -> tuple[str, int]:
    """Give the sha256 and the size of what a stream still holds."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system = 3
    entry.external_attr = _MODE
    entry.file_size = size  # decides on the form for large files
    return entry


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _equal(one: IO[bytes], other: IO[bytes]) -> bool:
    while True:
        part, same = one.read(_CHUNK), other.read(_CHUNK)
        if part != same:
            return False
        if not part:
            return True
