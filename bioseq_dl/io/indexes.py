"""Where the user's pip finds packages, asked through unearth."""

from __future__ import annotations

import configparser
import os
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from packaging.version import InvalidVersion, Version
from unearth import PackageFinder

from bioseq_dl.errors import InputError
from bioseq_dl.io.download import hide_password


@dataclass(frozen=True)
class IndexSettings:
    """Where the user's pip looks for packages.

    Parameters
    ----------
    indexes : tuple of str
        Addresses of simple indexes, the main one first; empty with ``no-index``.
    find_links : tuple of str
        Folders or pages of archives.
    trusted_hosts : tuple of str
        Hosts whose certificate is not checked.
    cert : str or None
        File of certificates to trust instead of the usual ones.
    """

    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None


def read_index_settings(environment: Mapping[str, str] | None = None) -> IndexSettings:
    """Read where pip looks: its config files, then its environment variables over them.

    Files and their order are those of pip's documentation ("Configuration"): global, user,
    site, then ``PIP_CONFIG_FILE``; of their sections ``[global]`` and ``[download]`` count.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, str] = {}
    for section in ("global", "download"):
        for path in _list_config_files(environment):
            parser = configparser.RawConfigParser()
            try:
                parser.read(path, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError) as error:
                raise InputError(f"cannot read pip's config: {error}", file=path) from None
            if parser.has_section(section):
                found |= {key.replace("_", "-"): text for key, text in parser.items(section)}
    for key in ("index-url", "extra-index-url", "find-links", "trusted-host", "cert", "no-index"):
        if text := environment.get("PIP_" + key.upper().replace("-", "_")):
            found[key] = text
    indexes: tuple[str, ...] = ()
    if found.get("no-index", "").lower() not in ("1", "true", "yes", "on", "y", "t"):
        # The finder's own default is the public index.
        main = found.get("index-url", "").strip() or PackageFinder().sources[0]["url"]
        indexes = (main, *found.get("extra-index-url", "").split())
    return IndexSettings(
        indexes,
        tuple(found.get("find-links", "").split()),
        tuple(found.get("trusted-host", "").split()),
        found.get("cert", "").strip() or None,
    )


def find_links(package: str, version: str, settings: IndexSettings) -> list[Any]:
    """List the archives of that version in the user's indexes, as unearth's links.

    Raises
    ------
    InputError
        Where no index can be asked, or none has the version.
    """
    if not settings.indexes and not settings.find_links:
        raise InputError(
            f"cannot look for {package} {version}: pip's settings allow no index",
            fix="unset no-index, or set find-links",
        )
    fetcher = _IndexFetcher(settings)
    session: Any = fetcher  # of the shape that unearth asks for, with httpx's responses
    finder = PackageFinder(
        session=session,
        index_urls=settings.indexes,
        find_links=settings.find_links,
        ignore_compatibility=True,  # the archive is read, not run
    )
    try:
        found = list(finder.find_all_packages(package, allow_yanked=True))
    except ValueError as error:
        raise InputError(f"cannot use pip's index settings: {error}") from None
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise InputError(f"not a version of {package}", found=version) from None
    links = [item.link for item in found if item.version and Version(item.version) == wanted]
    if links:
        return links
    versions = sorted({Version(item.version) for item in found if item.version}, reverse=True)
    asked = ", ".join(hide_password(place) for place in settings.indexes + settings.find_links)
    if fetcher.failures and not versions:
        reasons = "; ".join(fetcher.failures)
        raise InputError(
            f"cannot look for {package} {version}: {reasons}",
            fix="check the network and pip's index-url",
        )
    raise InputError(
        f"no index has {package} {version} (asked {asked})",
        allowed=", ".join(map(str, versions[:8])) or None,
        fix=None if versions else "check the package's name",
    )


class _IndexFetcher:
    """What unearth asks for pages of an index: httpx, plus file addresses and a memory."""

    def __init__(self, settings: IndexSettings) -> None:
        self.settings = settings
        self.failures: list[str] = []

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Give a page; a failure is a 503 page, so that the next index is asked."""
        request = httpx.Request("GET", url, headers=headers)
        parts = urlsplit(url)
        if parts.scheme == "file":
            path = Path(httpx.URL(url).path)
            if not path.is_file():
                return httpx.Response(404, request=request)
            kind = {"Content-Type": "text/html"}
            return httpx.Response(200, content=path.read_bytes(), headers=kind, request=request)
        try:
            with httpx.Client(
                verify=make_verify(self.settings, parts.hostname),
                follow_redirects=True,
                timeout=30.0,
            ) as client:
                response = client.get(url, headers=headers)
        except httpx.RequestError as error:
            self.failures.append(f"{hide_password(url)}: {error or type(error).__name__}")
            return httpx.Response(503, request=request)
        if response.status_code not in (200, 404):
            self.failures.append(f"{hide_password(url)}: status {response.status_code}")
        return response

    head = get

    def get_stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Unused: archives are downloaded by `download`."""
        raise NotImplementedError(url)

    def iter_secure_origins(self) -> Iterator[tuple[str, str, str]]:
        """Give the origins that may be asked: scheme, host, port."""
        yield from (("https", "*", "*"), ("file", "*", "*"), ("http", "127.0.0.0/8", "*"))
        yield ("http", "localhost", "*")
        for host in self.settings.trusted_hosts:
            name, _, port = host.partition(":")
            yield ("*", name, port or "*")


def make_verify(settings: IndexSettings, host: str | None) -> ssl.SSLContext | bool:
    """Give how a host's certificate is checked: as pip would."""
    if host in {name.partition(":")[0] for name in settings.trusted_hosts}:
        return False
    if settings.cert is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.cert)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"cannot use pip's cert: {error}", file=settings.cert) from None


def _list_config_files(environment: Mapping[str, str]) -> list[Path]:
    """List pip's config files that are there, the weakest first."""
    own = environment.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    home = Path(environment.get("HOME") or Path.home())
    shared = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    paths = [Path(folder) / "pip" / "pip.conf" for folder in shared.split(os.pathsep)]
    paths.append(Path("/etc/pip.conf"))
    if not (own and Path(own).exists()):
        user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        paths += [home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    paths.append(Path(sys.prefix) / "pip.conf")
    if own:
        paths.append(Path(own))
    return [path for path in paths if path.is_file()]
