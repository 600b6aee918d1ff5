"""Sources to files, and the manifest of them."""

from __future__ import annotations

import hashlib
import os

import pytest

from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import (
    Fetched,
    default_cache,
    fetch_all,
    fetch_source,
    read_manifest,
    source_key,
    write_manifest,
)
from bioseq_dl.io.manifest import find_file


def test_key_is_of_the_source_and_stays():
    key = source_key(Source(path="a.fa"))
    assert key == hashlib.sha256(b'{"path":"a.fa"}').hexdigest()[:16]
    assert key != source_key(Source(path="b.fa"))


def test_local_file_is_hashed_where_it_stands(tmp_path):
    path = tmp_path / "a.fa"
    path.write_bytes(b">a\nA\n")
    expected = Fetched(str(path), hashlib.sha256(b">a\nA\n").hexdigest(), 5)
    assert fetch_source(Source(path=str(path)), tmp_path) == expected
    pinned = Source(path=str(path), sha256=expected.sha256)
    assert fetch_source(pinned, tmp_path) == expected
    with pytest.raises(InputError, match=f"found sha256 {expected.sha256}, expected {'0' * 64}"):
        fetch_source(Source(path=str(path), sha256="0" * 64), tmp_path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file; fix: relative paths count from"):
        fetch_source(Source(path=str(tmp_path / "none")), tmp_path)
    with pytest.raises(InputError, match="a folder, where a file is needed"):
        fetch_source(Source(path=str(tmp_path)), tmp_path)


def test_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a.fa"
    path.touch(0o000)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputError, match="cannot read the file: Permission denied"):
        fetch_source(Source(path=str(path)), tmp_path)


def test_manifest_returns_what_was_written(tmp_path, site):
    (tmp_path / "a.fa").write_bytes(b">a\nA\n")
    site.files["/b.fa"] = b">b\nC\n"
    url = Source(url=f"{site.url}/b.fa", sha256=hashlib.sha256(b">b\nC\n").hexdigest())
    local = Source(path=str(tmp_path / "a.fa"))
    fetched = fetch_all([local, url, local], tmp_path / "cache", progress=False)
    assert list(fetched) == [source_key(local), source_key(url)]
    write_manifest(tmp_path / "sources.json", fetched)
    assert read_manifest(tmp_path / "sources.json") == fetched
    assert find_file(url, fetched).bytes == 5
    with pytest.raises(InputError, match=r"the source c\.fa is not among the fetched files"):
        find_file(Source(path="c.fa"), fetched)


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": {"path": "x"}}', '{"a": 3}'])
def test_bad_manifest(tmp_path, text):
    (tmp_path / "sources.json").write_text(text)
    with pytest.raises(InputError, match="not a manifest of sources; fix: run the fetch step"):
        read_manifest(tmp_path / "sources.json")


def test_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "bioseq_dl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "bioseq_dl"
