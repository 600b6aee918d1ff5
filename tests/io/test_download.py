"""Downloads that break off, change, or are wanted twice."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io import download as module
from bioseq_dl.io.download import download, hide_password

BODY = bytes(range(256)) * 400
SHA256 = hashlib.sha256(BODY).hexdigest()


def fetch(site: Any, cache: Path, sha256: str = SHA256) -> Path:
    site.files.setdefault("/data.bin", BODY)
    return download(f"{site.url}/data.bin", cache, sha256, progress=False)


def list_files(cache: Path) -> list[str]:
    """What lies in the cache, the empty locks apart."""
    found = [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return sorted(str(path.relative_to(cache)) for path in found)


def test_download_lands_under_its_hash_and_is_not_asked_for_again(site, tmp_path):
    path = fetch(site, tmp_path)
    assert path.read_bytes() == BODY
    assert list_files(tmp_path) == [f"files/{SHA256}/data.bin"]
    assert fetch(site, tmp_path) == path
    assert len(site.requests) == 1


def test_dropped_connection_is_resumed_where_it_broke(site, tmp_path):
    site.cut_after = [30_000, 20_000]
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert [request.get("Range") for request in site.requests] == [
        None,
        "bytes=30000-",
        "bytes=50000-",
    ]
    assert site.requests[1]["If-Range"] == '"one"'


def test_server_without_ranges_starts_over(site, tmp_path):
    site.ranges = False
    site.cut_after = [30_000]
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert len(site.requests) == 2


def test_part_of_an_earlier_run_is_used_by_the_next(site, tmp_path):
    site.cut_after = [40_000] + [0] * (module.TRIES - 1)
    with pytest.raises(InputError, match=r"5 tries.*40,000 bytes that arrived are kept"):
        fetch(site, tmp_path)
    assert list_files(tmp_path) == [f"parts/{SHA256}.part", f"parts/{SHA256}.version"]
    site.requests.clear()
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert [request.get("Range") for request in site.requests] == ["bytes=40000-"]
    assert list_files(tmp_path) == [f"files/{SHA256}/data.bin"]


def test_file_that_changed_between_tries_is_taken_anew(site, tmp_path):
    site.cut_after = [40_000] + [0] * (module.TRIES - 1)
    site.files["/data.bin"] = b"old" * 50_000
    with pytest.raises(InputError):
        fetch(site, tmp_path)
    site.files["/data.bin"] = BODY
    site.etag = '"two"'
    assert fetch(site, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("etag", [None, '"one"'])
@pytest.mark.parametrize("old", [b"old" * 50_000, b"x" * len(BODY), b"y" * 2 * len(BODY)])
def test_part_of_another_file_never_spoils_the_download(site, tmp_path, etag, old):
    site.etag = etag
    part = tmp_path / "parts" / f"{SHA256}.part"
    part.parent.mkdir()
    part.write_bytes(old[:60_000] if len(old) != len(BODY) else old)
    assert fetch(site, tmp_path).read_bytes() == BODY


def test_range_that_was_not_asked_for_is_refused(site, tmp_path):
    site.wrong_range = True
    site.cut_after = [30_000]
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert "Range" not in site.requests[-1]


def test_unavailable_then_well(site, tmp_path):
    site.statuses = [503, 429, 500]
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert len(site.requests) == 4


def test_unavailable_for_good(site, tmp_path):
    site.statuses = [503] * 20
    with pytest.raises(InputError) as caught:
        fetch(site, tmp_path)
    assert str(caught.value) == (
        f"{site.url}/data.bin: cannot download: the server answers 503 Service Unavailable "
        "(5 tries); fix: run again later; the 0 bytes that arrived are kept"
    )
    assert len(site.requests) == module.TRIES


def test_missing_page_is_not_tried_again(site, tmp_path):
    with pytest.raises(InputError, match="the server answers 404 Not Found; fix: check"):
        download(f"{site.url}/nothing", tmp_path, SHA256, progress=False)
    assert len(site.requests) == 1
    assert list_files(tmp_path) == []


def test_wrong_hash_names_both_and_leaves_no_file(site, tmp_path):
    with pytest.raises(InputError) as caught:
        fetch(site, tmp_path, "0" * 64)
    assert SHA256 in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert list_files(tmp_path) == []


def test_damaged_cache_is_downloaded_again(site, tmp_path):
    fetch(site, tmp_path).write_bytes(b"damaged")
    assert fetch(site, tmp_path).read_bytes() == BODY
    assert len(site.requests) == 2


def test_two_that_want_one_file_download_it_once(site, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(site, tmp_path), range(4)))
    assert len(set(paths)) == 1
    assert len(site.requests) == 1


def test_what_is_there_needs_no_lock(site, tmp_path, monkeypatch):
    path = fetch(site, tmp_path)
    monkeypatch.setattr(module, "hold_lock", None)  # as in a cache that may only be read
    assert fetch(site, tmp_path) == path


def test_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)
    with pytest.raises(InputError, match=r"cannot download: .*\(5 tries\)"):
        download("http://127.0.0.1:9/x", tmp_path, SHA256, progress=False)


def test_file_address(tmp_path):
    (tmp_path / "a b.bin").write_bytes(BODY)
    url = (tmp_path / "a b.bin").as_uri()
    cache = tmp_path / "cache"
    assert download(url, cache, SHA256, progress=False).read_bytes() == BODY
    with pytest.raises(InputError, match=f"found sha256 {SHA256}, expected {'1' * 64}"):
        download(url, cache, "1" * 64, progress=False)
    assert list_files(cache) == [f"files/{SHA256}/a b.bin"]


def test_other_addresses_are_refused(tmp_path):
    with pytest.raises(InputError, match="found 'ftp'; allowed: http, https, file"):
        download("ftp://host/x", tmp_path, SHA256, progress=False)


def test_passwords_are_not_shown():
    assert hide_password("https://me:secret@host:8/x?y") == "https://host:8/x?y"
