"""Files inside packages, from indexes made here and without a network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_source
from bioseq_dl.io.indexes import read_index_settings
from bioseq_dl.io.packages import check_member, open_member

CONTENT = b">a\nACGT\n"
JANGGU = "3825abe65578509232fcaa1e56f9eb5d71de105d70c9bcc9551357adc7d2fc47"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """Only what a test sets counts."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "TRUSTED_HOST", "CERT", "NO_INDEX"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def make_wheel(path: Path, content: bytes = CONTENT) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/data/sample.fa", content)
        archive.writestr("pack/__init__.py", "raise RuntimeError('never run')")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_sdist(path: Path, mode: str = "w:gz") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in {
            "pack-1.0/setup.py": b"raise RuntimeError('never run')",
            "pack-1.0/data/sample.fa": CONTENT,
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("pack-1.0/data/link.fa")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_source(sha256: str, member: str = "pack/data/sample.fa", version: str = "1.0") -> Source:
    return Source(package="pack", version=version, member=member, sha256=sha256)


def make_index(folder: Path, files: dict[str, str | None]) -> str:
    """Write a simple index (PEP 503) of archives beside it: name to stated hash."""
    page = folder / "simple" / "pack" / "index.html"
    page.parent.mkdir(parents=True)
    rows = [
        f'<a href="../../{name}{f"#sha256={sha256}" if sha256 else ""}" '
        f'data-requires-python="&lt;3">{name}</a>'
        for name, sha256 in files.items()
    ]
    page.write_text("<html><body>" + "\n".join(rows) + "</body></html>")
    return (folder / "simple").as_uri()


def test_member_of_a_wheel_in_a_folder_of_archives(tmp_path, monkeypatch):
    sha256 = make_wheel(tmp_path / "links" / "pack-1.0-py2-none-win32.whl")
    make_wheel(tmp_path / "links" / "pack-1.0-py3-none-any.whl", b"another")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    cache = tmp_path / "cache"
    fetched = fetch_source(make_source(sha256), cache, progress=False)
    assert Path(fetched.path).read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert fetched.bytes == len(CONTENT)
    # The archive is in the cache now: no index is asked, and the file keeps its time.
    monkeypatch.delenv("PIP_FIND_LINKS")
    before = Path(fetched.path).stat().st_mtime_ns
    assert fetch_source(make_source(sha256), cache, progress=False) == fetched
    assert Path(fetched.path).stat().st_mtime_ns == before
    Path(fetched.path).write_bytes(b"damaged")
    assert fetch_source(make_source(sha256), cache, progress=False) == fetched
    assert Path(fetched.path).read_bytes() == CONTENT


def test_cached_archive_does_not_excuse_a_wrong_version(tmp_path, monkeypatch):
    sha256 = make_wheel(tmp_path / "links" / "pack-1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    fetch_source(make_source(sha256), tmp_path / "cache", progress=False)
    with pytest.raises(InputError, match=r"no index has pack 2\.0 .*; allowed: 1\.0$"):
        fetch_source(make_source(sha256, version="2.0"), tmp_path / "cache", progress=False)


@pytest.mark.parametrize("name", ["pack-1.0.tar.gz", "pack-1.0.tar.bz2", "pack-1.0.zip"])
def test_member_of_an_sdist_in_an_index_of_files(tmp_path, monkeypatch, name):
    if name.endswith("zip"):
        sha256 = make_wheel(tmp_path / name)
        member = "pack/data/sample.fa"
    else:
        sha256 = make_sdist(tmp_path / name, "w:" + name.rpartition(".")[2])
        member = "pack-1.0/data/sample.fa"
    url = make_index(tmp_path, {"pack-1.0-py3-none-any.whl": "0" * 64, name: sha256})
    monkeypatch.setenv("PIP_INDEX_URL", url)
    for _ in range(2):
        fetched = fetch_source(make_source(sha256, member), tmp_path / "cache", progress=False)
        assert Path(fetched.path).read_bytes() == CONTENT
        (tmp_path / name).unlink(missing_ok=True)


def test_index_over_http(tmp_path, monkeypatch, site):
    sha256 = make_wheel(tmp_path / "pack-1.0-py3-none-any.whl")
    name = "pack-1.0-py3-none-any.whl"
    site.files["/simple/pack/"] = f'<a href="../../{name}#sha256={sha256}">x</a>'.encode()
    site.files[f"/{name}"] = (tmp_path / name).read_bytes()
    site.cut_after = [10_000, 100]
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {site.url}/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    fetched = fetch_source(make_source(sha256), tmp_path / "cache", progress=False)
    assert Path(fetched.path).read_bytes() == CONTENT


def test_hash_that_no_file_has(tmp_path, monkeypatch):
    there = make_wheel(tmp_path / "pack-1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_INDEX_URL", make_index(tmp_path, {"pack-1.0-py3-none-any.whl": there}))
    with pytest.raises(InputError) as caught:
        fetch_source(make_source("0" * 64), tmp_path / "cache", progress=False)
    assert str(caught.value) == (
        f"no file of pack 1.0 has the sha256 {'0' * 64}; there are: "
        f"pack-1.0-py3-none-any.whl {there}; fix: give the sha256 of the file that you mean"
    )


def test_index_that_states_a_wrong_hash(tmp_path, monkeypatch):
    there = make_wheel(tmp_path / "pack-1.0-py3-none-any.whl")
    stated = {"pack-1.0-py3-none-any.whl": "0" * 64}
    monkeypatch.setenv("PIP_INDEX_URL", make_index(tmp_path, stated))
    with pytest.raises(InputError, match=f"found sha256 {there}, expected {'0' * 64}"):
        fetch_source(make_source("0" * 64), tmp_path / "cache", progress=False)
    assert not list((tmp_path / "cache").rglob("*.whl"))


def test_nobody_answers(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(InputError, match=r"cannot look for pack 1\.0: http://127.*fix: check the"):
        fetch_source(make_source("0" * 64), tmp_path, progress=False)


def test_no_index_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "true")
    with pytest.raises(InputError, match="pip's settings allow no index"):
        fetch_source(make_source("0" * 64), tmp_path, progress=False)


def test_missing_member_names_close_ones(tmp_path):
    make_wheel(tmp_path / "pack-1.0-py3-none-any.whl")
    with (
        pytest.raises(InputError) as caught,
        open_member(tmp_path / "pack-1.0-py3-none-any.whl", "data/sample.fa"),
    ):
        pass
    assert str(caught.value) == (
        "pack-1.0-py3-none-any.whl: no such file in the archive; found 'data/sample.fa'; "
        "fix: did you mean pack/data/sample.fa?"
    )


def test_link_in_an_sdist_is_no_file(tmp_path):
    make_sdist(tmp_path / "pack-1.0.tar.gz")
    with (
        pytest.raises(InputError, match="no such file in the archive"),
        open_member(tmp_path / "pack-1.0.tar.gz", "pack-1.0/data/link.fa"),
    ):
        pass


@pytest.mark.parametrize("damage", ["cut", "junk"])
def test_damaged_archive(tmp_path, damage):
    path = tmp_path / "pack-1.0.tar.gz"
    make_sdist(path)
    path.write_bytes(path.read_bytes()[:-40] if damage == "cut" else b"junk" * 100)
    with (
        pytest.raises(InputError, match=r"damaged archive|neither a wheel nor an sdist"),
        open_member(path, "pack-1.0/data/sample.fa") as handle,
    ):
        handle.read()


@pytest.mark.parametrize("member", ["", "/etc/passwd", "a/../../b", "..", "a\\b"])
def test_unsafe_members_are_refused(member):
    with pytest.raises(InputError, match="unsafe path"):
        check_member(member)


def test_settings_come_from_files_then_from_the_environment(tmp_path):
    own = tmp_path / "own.conf"
    own.write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n  https://b\n  https://c\n"
        "trusted_host = h:80\n[download]\nfind-links = /d /e\n"
    )
    found = read_index_settings({"PIP_CONFIG_FILE": str(own), "HOME": str(tmp_path)})
    assert found.indexes == ("https://a/simple", "https://b", "https://c")
    assert found.find_links == ("/d", "/e")
    assert found.trusted_hosts == ("h:80",)
    found = read_index_settings(
        {"PIP_CONFIG_FILE": str(own), "HOME": str(tmp_path), "PIP_INDEX_URL": "https://z"}
    )
    assert found.indexes == ("https://z", "https://b", "https://c")


def test_user_settings_are_read_from_the_config_folder(tmp_path):
    config = tmp_path / "config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text("[global]\nindex-url = https://mirror/simple\n")
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}
    assert read_index_settings(environment).indexes[0] == "https://mirror/simple"


def test_bad_settings_file(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("index-url = x\n")
    with pytest.raises(InputError, match=r"pip\.conf: cannot read pip's config"):
        read_index_settings({"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path)})


def test_members_of_the_published_janggu_wheel(tmp_path, monkeypatch):
    """The demo's data: OCT4 (sample) and MAFK (sample2) peaks of 200 bp."""
    monkeypatch.undo()
    names = {"sample": 3897, "sample2": 3900, "sample_test": 100, "sample2_test": 100}
    for name, count in names.items():
        source = Source(
            package="janggu",
            version="0.10.2",
            member=f"janggu/resources/{name}.fa",
            sha256=JANGGU,
        )
        try:
            fetched = fetch_source(source, tmp_path, progress=False)
        except InputError as error:
            if "cannot look for" in str(error) or "no index has" in str(error):
                pytest.skip(f"no package index can be reached: {error}")
            raise
        assert Path(fetched.path).read_bytes().count(b">") == count
