"""Download a file once, whatever the network does, into a cache named by content."""

from __future__ import annotations

import os
import shutil
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import httpx
from tqdm import tqdm

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path, explain_os_error
from bioseq_dl.io.lock import hold_lock
from bioseq_dl.io.manifest import hash_file

TRIES = 5
"""Tries without a new byte before giving up."""
FIRST_PAUSE = 0.5
"""Seconds before the second try; doubled for each one after."""
LONGEST_PAUSE = 60.0
"""Seconds; also the most that a server's Retry-After is followed."""
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes that may be gone on the next try."""


def download(
    url: str,
    cache: Path,
    sha256: str,
    *,
    name: str | None = None,
    progress: bool = True,
    verify: ssl.SSLContext | bool = True,
) -> Path:
    """Give the cached file of that hash, downloading it if it is not there.

    What has arrived is kept in the cache between tries and between runs, and only the rest is
    asked for again. Two processes that want the same file download it once.

    Parameters
    ----------
    url : str
        http, https or file address.
    cache : Path
        Cache folder; the file comes to stand at ``files/<sha256>/<name>`` in it.
    sha256 : str
        Of the whole file, 64 hex digits.
    name : str, optional
        File name in the cache; default the last part of the address.
    progress : bool
        Show a progress bar on standard error.
    verify : ssl.SSLContext or bool
        How the server's certificate is checked.

    Raises
    ------
    InputError
        Where the file cannot be had, or has another hash; then no file is left.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "file"):
        raise InputError(
            "cannot download this kind of address",
            file=hide_password(url),
            found=parts.scheme,
            allowed="http, https, file",
        )
    name = name or Path(unquote(parts.path)).name or "download"
    target = cache / "files" / sha256 / name
    # Before the lock, so that a cache that is shared read-only serves what it has.
    if is_whole(target, sha256):
        return target
    with hold_lock(cache / "locks" / f"{sha256}.lock"):
        if is_whole(target, sha256):
            return target
        if parts.scheme == "file":
            _copy(Path(url2pathname(parts.path)), target, sha256)
        else:
            part = cache / "parts" / f"{sha256}.part"
            try:
                part.parent.mkdir(parents=True, exist_ok=True)
                _fill(part, url, sha256, name, progress=progress, verify=verify)
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
                _validator_path(part).unlink(missing_ok=True)
            except OSError as error:
                raise explain_os_error(error, target) from error
    return target


def is_whole(path: Path, sha256: str) -> bool:
    """Say whether a file is there and has that content."""
    return path.is_file() and hash_file(path) == sha256


def wrong_hash(file: str | Path, found: str, expected: str) -> InputError:
    """Give the error for a file whose content is not the one that was asked for."""
    return InputError(
        f"the content has another hash: found sha256 {found}, expected {expected}",
        file=file,
        fix="give the right sha256, or the address of the right file",
    )


def hide_password(url: str) -> str:
    """Give an address without the user name and password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _copy(path: Path, target: Path, sha256: str) -> None:
    if not path.is_file():
        raise InputError("no such file", file=path)
    with atomic_path(target) as temporary:
        shutil.copyfile(path, temporary)
        if (found := hash_file(temporary)) != sha256:
            raise wrong_hash(path, found, sha256)


def _fill(
    part: Path,
    url: str,
    sha256: str,
    name: str,
    *,
    progress: bool,
    verify: ssl.SSLContext | bool,
) -> None:
    """Download into `part` until its hash is right."""
    with httpx.Client(follow_redirects=True, timeout=30.0, verify=verify) as client:
        while True:
            resumed = part.is_file() and part.stat().st_size > 0
            _transfer(client, part, url, name, progress=progress)
            found = hash_file(part)
            if found == sha256:
                return
            part.unlink()
            _validator_path(part).unlink(missing_ok=True)
            # Bytes of an earlier run may be of another file: only a whole download is proof.
            if not resumed:
                raise wrong_hash(hide_password(url), found, sha256)


def _transfer(client: httpx.Client, part: Path, url: str, name: str, *, progress: bool) -> None:
    """Ask for what `part` lacks until the server says that it is whole."""
    failures, furthest = 0, _size(part)
    while True:
        pause = 0.0
        try:
            _request_rest(client, part, url, name, progress=progress)
            return
        except httpx.UnsupportedProtocol as error:
            raise InputError(f"cannot download: {error}", file=hide_password(url)) from None
        except httpx.HTTPStatusError as error:
            response = error.response
            problem = f"the server answers {response.status_code} {response.reason_phrase}".strip()
            if response.status_code not in TRANSIENT:
                raise InputError(
                    f"cannot download: {problem}", file=hide_password(url), fix="check the address"
                ) from None
            if response.headers.get("Retry-After", "").isdigit():
                pause = float(response.headers["Retry-After"])
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise InputError(f"cannot download: {error}", file=hide_password(url)) from None
        if (arrived := _size(part)) > furthest:
            failures, furthest = 0, arrived
        failures += 1
        if failures >= TRIES:
            raise InputError(
                f"cannot download: {problem} ({TRIES} tries)",
                file=hide_password(url),
                fix=f"run again later; the {arrived:,} bytes that arrived are kept",
            )
        time.sleep(min(max(pause, FIRST_PAUSE * 2 ** (failures - 1)), LONGEST_PAUSE))


def _request_rest(client: httpx.Client, part: Path, url: str, name: str, *, progress: bool) -> None:
    """Make one request for the bytes that `part` lacks and add them to it."""
    have = _size(part)
    validator = _validator_path(part)
    # Compressed transfer would change the bytes that the hash and the range are about.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator.is_file():
            # RFC 9110, 13.1.5: the rest of the same version, or the whole of a newer one.
            headers["If-Range"] = validator.read_text(encoding="ascii")
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range") == f"bytes */{have}":
                return
            part.unlink()
            raise httpx.ReadError("the file on the server is shorter than what has arrived")
        response.raise_for_status()
        going_on = response.status_code == 206
        if going_on and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise httpx.ReadError("the server sent another range than was asked for")
        _keep_validator(validator, response)
        length = response.headers.get("Content-Length", "")
        start = have if going_on else 0
        with (
            part.open("ab" if going_on else "wb") as handle,
            tqdm(
                desc=name,
                total=start + int(length) if length.isdigit() else None,
                initial=start,
                unit="B",
                unit_scale=True,
                disable=not progress,
                # A log file gets a line now and then, a terminal a moving bar.
                mininterval=0.1 if sys.stderr.isatty() else 10.0,
            ) as bar,
        ):
            for chunk in response.iter_raw():
                handle.write(chunk)
                bar.update(len(chunk))
            handle.flush()
            os.fsync(handle.fileno())


def _keep_validator(path: Path, response: httpx.Response) -> None:
    """Note the strong ETag, else the date, by which the server knows this version."""
    tag = response.headers.get("ETag", "")
    value = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    if value.isascii() and value:
        path.write_text(value, encoding="ascii")
    else:
        path.unlink(missing_ok=True)


def _validator_path(part: Path) -> Path:
    return part.with_suffix(".version")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
