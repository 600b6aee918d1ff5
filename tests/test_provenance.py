"""Where a result came from, and which code a step runs."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bioseq_dl import provenance, source_code
from bioseq_dl.provenance import collect_versions, hash_file, read_git_commit, record_provenance
from bioseq_dl.steps import STEPS


def test_what_is_recorded_can_be_written_and_is_true() -> None:
    with record_provenance() as found:
        assert found == {}
    assert set(found) == {"versions", "git_commit", "hardware", "seconds", "peak_memory_bytes"}
    assert json.loads(json.dumps(found)) == found
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["seconds"] >= 0
    assert 2**20 < found["peak_memory_bytes"] < found["hardware"]["memory_bytes"]


def test_a_failed_block_records_nothing() -> None:
    kept = {}
    with pytest.raises(ZeroDivisionError), record_provenance() as found:  # noqa: PT012
        kept = found
        _ = 1 / 0
    assert kept == {}


def test_versions_need_no_import() -> None:
    code = (
        "import sys\nfrom bioseq_dl.provenance import collect_versions\n"
        "found = collect_versions()\nprint('torch' in found, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


def test_packages_that_are_absent_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package-here"))
    assert set(collect_versions()) == {"python", "bioseq_dl", "numpy"}


def test_a_copy_without_git_has_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise FileNotFoundError("git")

    read_git_commit.cache_clear()
    monkeypatch.setattr(provenance.subprocess, "run", fail)
    assert read_git_commit() is None
    read_git_commit.cache_clear()


def test_packages_of_every_step_are_recorded() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    asked = {re.split(r"[<>=\[]", word)[0] for step in STEPS for word in extras[step]}
    assert asked
    assert asked <= set(provenance.PACKAGES)


def test_a_log_tells_how_its_step_was_made(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != provenance.TELL}
    said = []
    for more in ({}, {provenance.TELL: "1"}):
        words = [sys.executable, "-m", "bioseq_dl", "reference", "--format", "json"]
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, env=environment | more
        )
        said.append(done.stderr)
    assert said[0] == ""
    assert len(said[1].splitlines()) == 1
    log = tmp_path / "step.log"
    log.write_text(f"a warning\nmade with {{\n{said[1]}and more\n")
    told = provenance.read_told(log)
    assert told is not None
    assert set(told) == {"versions", "git_commit", "hardware"}
    assert told["versions"] == collect_versions()
    log.write_text('made with {"versions": null, "git_commit": 1}\n')
    assert provenance.read_told(log) is None
    log.write_bytes(b"\xff made with nothing\n")
    assert provenance.read_told(log) is None


def test_the_commit_is_dirty_where_code_has_changed_but_not_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
        command = ["git", "-C", str(tmp_path), *who, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def read() -> str | None:
        read_git_commit.cache_clear()
        return read_git_commit()

    table, code = tmp_path / "benchmarks" / "results" / "a.tsv", tmp_path / "bioseq_dl" / "a.py"
    for path in (table, code):
        path.parent.mkdir(parents=True)
        path.write_text("1")
    monkeypatch.setattr(provenance.bioseq_dl, "__file__", str(code))
    assert read() is None
    git("init")
    assert read() is None  # no commit yet
    git("add", ".")
    git("commit", "-m", "first")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "new.txt").write_text("untracked")
    table.write_text("2")
    assert read() == commit
    code.write_text("2")
    assert read() == f"{commit}-dirty"
    git("tag", "-a", "v1", "-m", "a tag")
    assert read() == f"{commit}-dirty"
    read_git_commit.cache_clear()


def test_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ACGT" * 100_000)
    assert hash_file(tmp_path / "a") == hashlib.sha256(b"ACGT" * 100_000).hexdigest()


def test_digest_changes_with_the_code_of_the_step_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ("fetch", "ingest", "train")
    before = {step: source_code.code_digest(step) for step in steps}
    assert before == {step: source_code.code_digest(step) for step in steps}
    read = source_code.read_code

    def edited(path: Path) -> str:
        change = "edited" if path == source_code.ROOT / "io" / "fasta.py" else ""
        return read(path) + change

    monkeypatch.setattr(source_code, "read_code", edited)
    differs = {step: source_code.code_digest(step) != before[step] for step in steps}
    assert differs == {"fetch": False, "ingest": True, "train": False}


def test_only_what_the_code_does_is_read(tmp_path: Path) -> None:
    codes = [
        "def f(x):\n    return x + 1\n",
        '"""Text."""\n\n\ndef f(x):\n    """More."""\n    return x  +  1  # why\n',
        "def f(x):\n    return x + 2\n",
    ]
    read = []
    for index, code in enumerate(codes):
        (tmp_path / f"{index}.py").write_text(code)
        read.append(source_code.read_code(tmp_path / f"{index}.py"))
    assert read[0] == read[1]
    assert read[0] != read[2]


def test_imports_inside_functions_count() -> None:
    assert "bioseq_dl.io.download" in source_code.imported_modules("bioseq_dl.io.fetch")
    assert "httpx" in source_code.step_packages("fetch")
