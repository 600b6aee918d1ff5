"""Archives whose hashes all fit, and which are not what they say: one line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.contents import Result, list_needed
from bioseq_dl.archive.verify import verify_archive
from bioseq_dl.archive.zip_file import write_zip
from bioseq_dl.cli.main import main

Repack = Callable[..., Path]
DEEP = b"[" * 100_000


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Callable[[Path, str], None]:
    def check(path: Path, words: str) -> None:
        assert main(["verify", str(path)]) == 2
        told = capfd.readouterr().err
        assert len(told.splitlines()) == 1, told
        assert words in told
        assert str(path) in told

    return check


Refused = Callable[[Path, str], None]


def test_what_was_made_again_passes(repack: Repack) -> None:
    verify_archive(repack())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: [", "config.yaml: not valid YAML; found"),
        (b"a: !!python/name:os.system x", "config.yaml: not valid YAML; found"),
        (b"a: 2026-06-31", "config.yaml: not valid YAML; found"),
        (b"a: \x00", "config.yaml: not valid YAML; found"),
        (DEEP, "config.yaml: not valid YAML; found"),
        (b"a: \xff", "config.yaml: the config is not UTF-8 text"),
        (b"", "config.yaml: a config is a mapping"),
        (b"[1]", "config.yaml: a config is a mapping"),
        (b"1: 2", "config.yaml"),
    ],
)
def test_configs(repack: Repack, refused: Refused, text: bytes, words: str) -> None:
    refused(repack(**{"config.yaml": text, "results/config.yaml": text}), words)


@pytest.mark.parametrize("text", [b"", b"a: [", b"runs: {}", None])
def test_the_config_that_reproduce_reads(
    repack: Repack, refused: Refused, text: bytes | None
) -> None:
    words = "a file is missing" if text is None else "not the same as config.yaml"
    refused(repack(**{"results/config.yaml": text}), f"'results/config.yaml': {words}")


@pytest.mark.parametrize(
    "text",
    [
        b'{"format": 1, "files": {"a": {"sha256": "", "bytes": Infinity}}, "left_out": {}}',
        b'{"format": 1, "run": "cnn", "version": "1\\n2", "files": {}, "left_out": {}}',
        b'{"format": 1, "run": "cnn", "version": "\\ud800", "files": {}, "left_out": {}}',
        DEEP,
        b"\xff",
        b"null",
    ],
)
def test_manifests(repack: Repack, refused: Refused, text: bytes) -> None:
    refused(repack(**{manifest.NAME: text}), "'manifest.json': damaged")


@pytest.mark.parametrize(
    "text",
    [
        *(DEEP, b"[1]", b"5", b'{"@graph": [1]}', b'{"@graph": [{"@id": 1}]}', b"\xff", b'"x"'),
        b'{"@context": [[]], "@graph": []}',
    ],
)
def test_metadata(repack: Repack, refused: Refused, text: bytes) -> None:
    refused(repack(**{crate.NAME: text}), "no valid RO-Crate metadata")


def needed(result: Result) -> list[str]:
    found = [path.relative_to(result.results).as_posix() for path in list_needed(result)]
    return [f"results/{name}" for name in found]


def test_files_that_every_run_has(result: Result, repack: Repack, refused: Refused) -> None:
    assert len(needed(result)) == 9
    for name in needed(result):
        words = "the run is not finished: no such file; fix: export it again"
        refused(repack(**{name: None}), words)


@pytest.mark.parametrize("content", [b"", b"junk", b"[1]"])
def test_junk(result: Result, repack: Repack, refused: Refused, content: bytes) -> None:
    words = {".json": "not valid JSON", ".parquet": "not a readable Parquet file"}
    for name in needed(result):
        if not name.endswith(".pt"):
            refused(repack(**{name: content}), words[Path(name).suffix])


def test_a_model_that_is_none(repack: Repack, refused: Refused) -> None:
    refused(repack(**{"results/runs/cnn/fold0/seed1/model.pt": b"junk"}), "cannot be restored")


def test_names_that_are_no_text(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "names.zip"
    write_zip(path, {"é.txt": b"", manifest.NAME: b"{}"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    refused(path, "not a zip archive, or cut short")
