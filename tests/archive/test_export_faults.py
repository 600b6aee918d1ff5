"""What an archive cannot hold, or nobody meant to publish, is refused by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bioseq_dl.archive.contents import Result, list_files
from bioseq_dl.archive.export import export_run
from bioseq_dl.archive.verify import verify_archive
from bioseq_dl.cli.main import main
from bioseq_dl.errors import InputError


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"note:1.txt", "note:1.txt: not every system can unpack a file of this name"),
        (b"a\\b.txt", "not every system can unpack a file of this name"),
        (b"caf\xe9.txt", "the file's name is not UTF-8 text"),
    ],
)
def test_names_that_verify_would_refuse(
    result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: bytes, words: str
) -> None:
    (result.folder / os.fsdecode(name)).write_text("note")
    out = tmp_path / "run.zip"
    assert main(["export", str(result.results), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1
    assert not out.exists()


def test_other_names_are_packed(result: Result, tmp_path: Path) -> None:
    for name in ("note 1 (é, 中).txt", "a'b\"c.txt", "100%.txt"):
        (result.folder / name).write_text("note")
    made = export_run(result, [], tmp_path / "run.zip", licence="© Ürün")
    assert len([name for name in made.files if name.endswith(".txt") and "runs/" in name]) == 3
    verify_archive(tmp_path / "run.zip")


def test_a_license_that_is_no_text(
    result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "run.zip"), "--license", os.fsdecode(b"caf\xe9")]
    assert main(["export", str(result.results), *words]) == 2
    assert "the license is not UTF-8 text" in capsys.readouterr().err


def test_links_that_lead_outside(result: Result, tmp_path: Path) -> None:
    secret = tmp_path / "project" / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("key")
    encoded = next(result.results.rglob("examples.safetensors")).parent
    for link, target in (
        (result.folder / "link.txt", secret / "key.txt"),
        (result.results / "report" / "link.txt", secret / "key.txt"),
        (encoded / "transforms", secret),
    ):
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(target)
        with pytest.raises(InputError, match=rf"{link.name}: a link leads out of the results"):
            export_run(result, [], tmp_path / "run.zip")
        link.unlink()
    assert not (tmp_path / "run.zip").exists()


def test_links_that_are_packed_as_before(result: Result, tmp_path: Path) -> None:
    (result.folder / "latest.json").symlink_to(result.metrics)
    elsewhere = tmp_path / "elsewhere"
    for folder in (result.results / "data", result.folder):
        moved = elsewhere / folder.name
        moved.parent.mkdir(exist_ok=True)
        folder.rename(moved)
        folder.symlink_to(moved)
    linked = tmp_path / "linked"
    linked.symlink_to(result.results)
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    assert main(["export", str(result.results), "--out", str(one)]) == 0
    assert main(["export", str(linked), "--out", str(two)]) == 0
    assert one.read_bytes() == two.read_bytes()
    assert "runs/cnn/latest.json" in list_files(result)
