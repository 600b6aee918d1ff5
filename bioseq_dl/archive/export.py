"""A finished run to one archive."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import bioseq_dl
from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.contents import (
    DATA,
    Result,
    check_whole,
    collect_provenance,
    config_text,
    list_code,
    list_files,
)
from bioseq_dl.archive.manifest import Listed, Manifest, is_safe
from bioseq_dl.archive.zip_file import NO_ZIP, Content, write_zip
from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.manifest import Fetched, hash_file, read_manifest, source_key

UNLICENSED = "not stated: ask who made it"


def export_run(
    result: Result,
    sources: Iterable[Source],
    path: Path,
    *,
    with_data: bool = False,
    licence: str = UNLICENSED,
) -> Manifest:
    """Write a run with all that tells how it was made; the same results give the same bytes.

    Parameters
    ----------
    result : Result
        Finished.
    sources : iterable of Source
        Of the run's config.
    path : Path
        The archive.
    with_data : bool
        Include the records and what was encoded of them; else their hashes alone.
    licence : str
        Of the contents, for the metadata.

    Returns
    -------
    Manifest
        What it holds.

    Raises
    ------
    InputError
        Where files of the run are missing, damaged, from elsewhere, or of names that an archive
        cannot hold; where the archive cannot be written or would take the place of something else.
    """
    check_whole(result, with_data=with_data)
    _check_target(path, result)
    if not _is_text(licence):
        raise InputError("the license is not UTF-8 text", found=_show(licence))
    files = list_files(result)
    for name, found in files.items():
        _check_name(name, found)
        _check_place(found, result)
    left_out = {} if with_data else {name: p for name, p in files.items() if p.name in DATA}
    provenance = {
        "steps": collect_provenance({f"results/{name}": p for name, p in files.items()}),
        "sources": _describe_sources(result, sources),
    }
    contents: dict[str, Content] = {
        f"results/{name}": found for name, found in files.items() if name not in left_out
    }
    contents |= list_code()
    contents["config.yaml"] = config_text(result).encode()
    contents["results/config.yaml"] = contents["config.yaml"]
    contents["provenance.json"] = (json.dumps(provenance, indent=1, sort_keys=True) + "\n").encode()
    listed = {name: _list(content) for name, content in sorted(contents.items())}
    # The date of the last result, not of today: exported again, it is the same file.
    date = datetime.fromtimestamp(int(result.metrics.stat().st_mtime), UTC).isoformat()
    inputs = {
        str(entry["label"]): Fetched(
            str(entry["label"]), str(entry["sha256"]), int(str(entry["bytes"]))
        )
        for entry in provenance["sources"].values()
    }
    text = crate.write_crate(
        result.name,
        f"A run of bioseq_dl, task {result.run.task}: config, models, predictions, metrics",
        date,
        licence,
        listed | {manifest.NAME: Listed("", 0)},
        inputs,
    )
    contents[crate.NAME], listed[crate.NAME] = text, _list(text)
    made = Manifest(
        result.name,
        bioseq_dl.__version__,
        dict(sorted(listed.items())),
        {f"results/{name}": _list(p) for name, p in sorted(left_out.items())},
    )
    contents[manifest.NAME] = manifest.write_manifest(made)
    with atomic_path(path) as temporary:
        write_zip(temporary, contents)
    return made


def _check_target(path: Path, result: Result) -> None:
    """Refuse a place where something would be lost: only an earlier archive is replaced."""
    if path.resolve().is_relative_to(result.results.resolve()):
        raise InputError(
            "the archive would stand among the results", file=path, fix="another --out"
        )
    if not path.is_file():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            earlier = manifest.NAME in archive.namelist()
    except (OSError, *NO_ZIP):
        earlier = False
    if not earlier:
        raise InputError(
            "the file is there, and no archive of a run", file=path, fix="another --out"
        )


def _check_name(name: str, path: Path) -> None:
    """Refuse what `verify` would refuse."""
    if not _is_text(name):
        raise InputError(
            "the file's name is not UTF-8 text", file=_show(path), fix="rename or remove the file"
        )
    if not is_safe(name):
        raise InputError(
            "not every system can unpack a file of this name",
            file=path,
            allowed="names without colon and backslash",
            fix="rename or remove the file",
        )


def _check_place(path: Path, result: Result) -> None:
    """Refuse files that only a link brings into the results: nobody chose to publish them.

    The folders at the top of the results, and that of the run, may stand elsewhere themselves.
    """
    depth = len(result.results.parts) + 2
    inside = [parent for parent in path.parents if len(parent.parts) > depth]
    roots = [folder.resolve() for folder in (result.results, result.folder)]
    for link in (path, *inside):
        if link.is_symlink() and not any(link.resolve().is_relative_to(root) for root in roots):
            raise InputError(
                "a link leads out of the results folder",
                file=link,
                found=link.resolve(),
                fix="remove the link, or put the file itself there",
            )


def _is_text(name: str) -> bool:
    """Whether words from the system can be written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _show(name: str | Path) -> str:
    return str(name).encode(errors="backslashreplace").decode()


def find_sources(result: Result) -> dict[str, Fetched]:
    """Give every source that was fetched for a run, by its key."""
    found: dict[str, Fetched] = {}
    for name, path in list_files(result).items():
        if Path(name).name.startswith("sources") and path.suffix == ".json":
            read = read_manifest(path)
            for item in read.values():
                if not (isinstance(item.sha256, str) and isinstance(item.bytes, int)):
                    raise InputError(
                        "not a manifest of sources", file=path, fix="run the fetch step again"
                    )
            found |= read
    return found


def _describe_sources(result: Result, sources: Iterable[Source]) -> dict[str, dict[str, object]]:
    known = find_sources(result)
    found: dict[str, dict[str, object]] = {}
    for source in sources:
        key = source_key(source)
        if key in known:
            label = source.url or source.path or f"{source.package} {source.version}"
            entry = {"sha256": known[key].sha256, "bytes": known[key].bytes}
            found[key] = (
                source.model_dump(mode="json", exclude_none=True) | entry | {"label": label}
            )
    return found


def _list(content: Content) -> Listed:
    if isinstance(content, Path):
        return Listed(hash_file(content), content.stat().st_size)
    return Listed(hashlib.sha256(content).hexdigest(), len(content))
