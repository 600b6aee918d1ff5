"""Is an archive whole, and what it says it is."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import yaml

from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.manifest import Manifest, is_safe
from bioseq_dl.archive.zip_file import NO_ZIP, hash_stream, is_as_written
from bioseq_dl.config import Config, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_folder

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises of damaged files: also of a method, or of encryption, that it reads there."""

_USED = "results/config.yaml"
"""The copy of the config that `reproduce` reads."""


def verify_archive(path: Path) -> tuple[Manifest, Config]:
    """Check an archive of `export_run`, file by file.

    Returns
    -------
    manifest : Manifest
    config : Config
        Of its run alone.

    Raises
    ------
    InputError
        With the first thing that is wrong: no zip or cut short; paths that lead outside; no
        manifest, or of a newer format; a file that is missing, damaged or not listed; anything
        else that was changed; metadata that are no RO-Crate or list other files; a config that
        is not valid, or not the one that stands among the results.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = _check_files(archive, str(path))
            text = archive.read(crate.NAME)
            config_text = archive.read("config.yaml")
        whole = is_as_written(path)
    except NO_ZIP as error:
        raise InputError(
            "not a zip archive, or cut short", file=path, found=str(error), fix="get it again"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read the archive: {error.strerror}", file=path) from None
    if not whole:
        raise InputError(
            "damaged: every file in it is whole, but what stands between them was changed",
            file=path,
            fix="get it again",
        )
    crate.check_crate(text, found.files, str(path))
    if found.files[_USED].sha256 != found.files["config.yaml"].sha256:
        raise InputError("not the same as config.yaml", file=path, record=_USED)
    config = _read_config(config_text, f"{path}, config.yaml")
    if list(config.runs) != [found.run]:
        raise InputError(
            "the config is not of the run",
            file=path,
            record="config.yaml",
            found=", ".join(config.runs),
            allowed=found.run,
        )
    return found, config


def extract_archive(path: Path, folder: Path) -> None:
    """Unpack an archive that `verify_archive` has passed into a new folder, atomically.

    Raises
    ------
    InputError
        Where a path leads outside, or the folder is not new.
    """
    with atomic_folder(folder) as temporary, zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not is_safe(name):
                raise InputError("a path leads outside the archive", file=path, found=name)
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("wb") as handle:
                while chunk := source.read(1 << 20):
                    handle.write(chunk)


def _check_files(archive: zipfile.ZipFile, file: str) -> Manifest:
    names = archive.namelist()
    for name in names:
        if name.endswith("/"):
            what = "it holds a folder: another program has packed it"
            raise InputError(what, file=file, found=name, fix="take the archive of export")
        if not is_safe(name):
            raise InputError("a path leads outside the archive", file=file, found=name)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("a file stands in it twice", file=file, record=twice)
    if manifest.NAME not in names:
        raise InputError("not an export of a run: it has no manifest.json", file=file)
    found = manifest.read_manifest(_read(archive, manifest.NAME, file), file)
    for name in (*sorted(found.files), crate.NAME, "config.yaml", _USED):
        if name not in names:
            raise InputError("a file is missing", file=file, record=name, fix="get it again")
        if name not in found.files:
            raise InputError("the manifest does not list a file", file=file, record=name)
    for name, listed in sorted(found.files.items()):
        try:
            with archive.open(name) as source:
                digest, size = hash_stream(source)
        except _DAMAGE:
            digest, size = "", -1
        if (digest, size) != (listed.sha256, listed.bytes):
            raise InputError(
                "damaged: not the content that the manifest lists",
                file=file,
                record=name,
                fix="get it again",
            )
    extra = sorted(set(names) - set(found.files) - {manifest.NAME})
    if extra:
        raise InputError("holds a file that the manifest does not list", file=file, record=extra[0])
    return found


def _read_config(text: bytes, file: str) -> Config:
    try:
        data = yaml.safe_load(text.decode())
    except UnicodeDecodeError:
        raise InputError("the config is not UTF-8 text", file=file) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the 31st of June
        what = getattr(error, "problem", None) or str(error)
        raise InputError("not valid YAML", file=file, found=what) from None
    if not isinstance(data, dict):
        raise InputError("a config is a mapping with a key 'runs'", file=file, found=data)
    return validate_config(data, file)


def _read(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    try:
        return archive.read(name)
    except _DAMAGE:
        raise InputError("damaged", file=file, record=name, fix="get it again") from None
