"""Fixtures of the archive tests: results that look finished, and archives that fit themselves."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.contents import Result, find_result, list_needed
from bioseq_dl.archive.export import export_run
from bioseq_dl.archive.manifest import Listed, Manifest
from bioseq_dl.archive.zip_file import write_zip
from bioseq_dl.config import validate_config
from bioseq_dl.io.parquet import write_parquet

SOURCE = {"format": "fasta", "name": "all", "source": {"path": "all.fa"}, "labels": {"bound": 1}}
RUN = {
    "task": "dna_sequence",
    "targets": {"names": ["bound"]},
    "ingest": {"inputs": [SOURCE]},
    "split": {"method": "random"},
    "model": {"conv": [{"channels": 8, "kernel": 11}]},
    "train": {"seeds": [1]},
}
TABLE = pa.table({"id": ["a", "b"], "role": ["val", "test"]})
Change = Callable[..., Path]


def make_results(folder: Path, name: str = "cnn") -> Result:
    """Every file of a finished run; nothing was trained for them."""
    config = validate_config({"runs": {name: RUN}})
    result = Result(folder, config, name)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    for path in list_needed(result, with_data=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            write_parquet(path, TABLE)
        else:
            path.write_text("{}")
    return find_result(folder, name)


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return make_results(tmp_path / "project" / "results")


@pytest.fixture
def repack(result: Result, tmp_path: Path) -> Change:
    """Give an archive of which files were changed, or taken out, and all hashes made to fit."""

    def make(**changes: bytes | None) -> Path:
        path = tmp_path / "run.zip"
        old = export_run(result, [], path)
        with zipfile.ZipFile(path) as opened:
            contents = {name: opened.read(name) for name in opened.namelist()}
        contents |= {name: value for name, value in changes.items() if value is not None}
        kept = {
            name: value
            for name, value in contents.items()
            if changes.get(name, b"") is not None and name != manifest.NAME
        }
        files = {name: list_bytes(value) for name, value in kept.items()}
        if crate.NAME not in changes:
            both = files | {manifest.NAME: Listed("", 0)}
            del both[crate.NAME]
            kept[crate.NAME] = crate.write_crate("cnn", "A run", "2026-01-01", "none", both, {})
            files[crate.NAME] = list_bytes(kept[crate.NAME])
        made = manifest.write_manifest(Manifest("cnn", old.version, files, old.left_out))
        write_zip(path, kept | {manifest.NAME: changes.get(manifest.NAME) or made})
        return path

    return make


def list_bytes(value: bytes) -> Listed:
    return Listed(hashlib.sha256(value).hexdigest(), len(value))


@pytest.fixture
def results_of() -> Callable[..., Result]:
    return make_results
