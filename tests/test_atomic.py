"""Files that are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_folder, atomic_path, check_writable, write_json, write_text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_text_and_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "é\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path) == {"a", "b.txt"}


def test_equal_data_are_equal_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None]})
    write_json(tmp_path / "b.json", {"a": [1.5, None], "b": 1})
    text = (tmp_path / "a.json").read_text()
    assert text == (tmp_path / "b.json").read_text()
    assert json.loads(text) == {"a": [1.5, None], "b": 1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "c.json", float("nan"))
    assert names(tmp_path) == {"a.json", "b.json"}


def test_an_error_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == {"a.txt"}
    path.unlink()
    with pytest.raises(RuntimeError, match="crash"):
        fail()
    assert names(tmp_path) == set()


def test_a_kill_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    code = (
        "import os, sys\n"
        "from bioseq_dl.io.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"


def test_the_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent  # a rename within one file system
        assert temporary.suffix == ".tsv"  # for libraries that look at it
    assert path.read_text() == "new"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "")
        assert os.umask(mask) == mask  # unchanged
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_writers_side_by_side_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts = [str(number) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write_text, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == {"a.txt"}


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "no permission to write here"),
    ],
)
def test_failures_that_a_user_can_mend(
    number: int, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr("bioseq_dl.io.atomic.os.fsync", fail)
    with pytest.raises(InputError) as caught:
        write_text(tmp_path / "a.txt", "new")
    assert str(caught.value).startswith(f"{tmp_path / 'a.txt'}: cannot write: {problem}; fix: ")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == {"a.txt"}


def test_another_failure_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("bioseq_dl.io.atomic.os.fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_text(tmp_path / "a.txt", "new")
    assert names(tmp_path) == set()


@pytest.mark.parametrize("write", [lambda path: write_text(path, ""), check_writable])
@pytest.mark.parametrize("name", ["file/a.txt", "file/b/a.txt"])
def test_a_file_where_a_folder_is_needed(write: object, name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="a file stands where a folder is needed; fix: remove"):
        write(tmp_path / name)  # type: ignore[operator]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("write", [lambda path: write_text(path, ""), check_writable])
def test_a_folder_where_the_file_should_go(write: object, tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(InputError, match="a folder stands where the file should go; fix: remove"):
        write(tmp_path / "a.txt")  # type: ignore[operator]
    assert names(tmp_path) == {"a.txt"}


def test_check_leaves_no_file(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b.txt")
    assert names(tmp_path) == {"a"}


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a" / "b") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "a" / "b").exists()
    assert names(tmp_path) == {"a", "b", "x"}
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o777 & ~current_umask()
    with pytest.raises(InputError), atomic_folder(tmp_path / "c") as folder:  # noqa: PT012
        (folder / "x").mkdir()
        (folder / "x").write_text("1")
    assert names(tmp_path) == {"a", "b", "x"}


def test_a_folder_must_be_fresh(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as folder:
        (folder / "x").write_text("1")
    before = names(tmp_path)
    with (
        pytest.raises(InputError, match=r"empty: the folder is not empty.*found 'x'"),
        atomic_folder(tmp_path / "empty"),
    ):
        pass
    with (
        pytest.raises(InputError, match="a file stands where a folder is needed"),
        atomic_folder(tmp_path / "empty" / "x"),
    ):
        pass
    assert names(tmp_path) == before


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
