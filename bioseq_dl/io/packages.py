"""Files inside published Python packages: found, downloaded and opened, never installed."""

from __future__ import annotations

import difflib
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from bioseq_dl.errors import InputError
from bioseq_dl.io.download import download
from bioseq_dl.io.indexes import find_links, make_verify, read_index_settings
from bioseq_dl.io.manifest import hash_file


def fetch_archive(
    package: str, version: str, sha256: str, cache: Path, *, progress: bool = True
) -> Path:
    """Give the wheel or sdist of that name, version and hash, from the cache or an index.

    Raises
    ------
    InputError
        Where no index can be asked, none has the version, or none of its files has the hash.
    """
    for path in sorted((cache / "files" / sha256).glob("*")):
        if _is_release(path.name, package, version) and hash_file(path) == sha256:
            return path
    settings = read_index_settings()
    links = find_links(package, version, settings)
    matching = [link for link in links if (link.hash_option or {}).get("sha256") == [sha256]]
    # A folder of archives states no hashes: there the content decides.
    unknown = [link for link in links if "sha256" not in (link.hash_option or {})]
    found = [
        f"{link.filename} {link.hash_option['sha256'][0]}" for link in links if link not in unknown
    ]
    for link in matching + unknown:
        verify = make_verify(settings, urlsplit(link.normalized).hostname)
        url = link.url_without_fragment
        try:
            return download(
                url, cache, sha256, name=link.filename, progress=progress, verify=verify
            )
        except InputError as error:
            if link in matching or "another hash" not in str(error):
                raise
            found.append(f"{link.filename} has another")
    raise InputError(
        f"no file of {package} {version} has the sha256 {sha256}; there are: {'; '.join(found)}",
        fix="give the sha256 of the file that you mean",
    )


def _is_release(name: str, package: str, version: str) -> bool:
    """Say whether an archive's file name is of that package and version."""
    try:
        if name.endswith(".whl"):
            found, number, *_ = parse_wheel_filename(name)
        else:
            found, number = parse_sdist_filename(_as_tar_gz(name))
        return found == canonicalize_name(package) and number == Version(version)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return False


def _as_tar_gz(name: str) -> str:
    """Rename the older archive kinds, which the parser of names does not know."""
    for suffix in (".tar.bz2", ".tar.xz", ".tgz"):
        name = name.removesuffix(suffix) + ".tar.gz" if name.endswith(suffix) else name
    return name


@contextmanager
def open_member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file inside a wheel or sdist.

    Parameters
    ----------
    archive : Path
        zip (wheel, some sdists) or tar, however compressed.
    member : str
        Its exact path inside.

    Raises
    ------
    InputError
        Where the path is unsafe, the archive is damaged, or has no such file.
    """
    check_member(member)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                names = [item.filename for item in opened.infolist() if not item.is_dir()]
                if member not in names:
                    raise _no_member(archive, member, names)
                with opened.open(member) as handle:
                    yield handle
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                files = {item.name: item for item in tar.getmembers() if item.isreg()}
                if member not in files:
                    raise _no_member(archive, member, list(files))
                content = tar.extractfile(files[member])
                assert content is not None
                with content:
                    yield content
        else:
            raise InputError("neither a wheel nor an sdist", file=archive)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise InputError(f"damaged archive: {error}", file=archive) from None


def check_member(member: str) -> None:
    """Refuse a member's path that could leave its folder.

    Raises
    ------
    InputError
        Where the path is absolute, empty, or has ``..`` or a backslash in it.
    """
    path = PurePosixPath(member)
    if not member or path.is_absolute() or ".." in path.parts or "\\" in member:
        raise InputError(
            "unsafe path of a package's member",
            found=member,
            allowed="a path inside the archive, without '..'",
        )


def _no_member(archive: Path, member: str, names: list[str]) -> InputError:
    close = difflib.get_close_matches(member, names, n=3, cutoff=0.5)
    if not close:
        last = PurePosixPath(member).name
        close = [name for name in names if PurePosixPath(name).name == last][:3]
    fix = f"did you mean {' or '.join(close)}?" if close else "list the archive's files"
    return InputError("no such file in the archive", file=archive.name, found=member, fix=fix)
