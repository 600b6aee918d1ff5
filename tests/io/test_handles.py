"""Text files, however compressed, whole or damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import zlib

import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_binary, open_text

TEXT = "".join(f"line {number} é\n" for number in range(20_000))
BYTES = TEXT.encode()
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def bgzip(data: bytes) -> bytes:
    """Blocks of the BGZF format (SAM specification, 4.1)."""
    blocks = b""
    for start in range(0, len(data), 60_000):
        raw = data[start : start + 60_000]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(raw) + packer.flush()
        header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"
        blocks += header + struct.pack("<H", len(body) + 25) + body
        blocks += struct.pack("<II", zlib.crc32(raw), len(raw))
    return blocks + BGZIP_END


PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "members": lambda data: gzip.compress(data[:5000]) + gzip.compress(data[5000:]),
    "bgzip": bgzip,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_text_comes_back_whatever_the_name(tmp_path, packer):
    path = tmp_path / "data.whatever"
    path.write_bytes(PACKERS[packer](BYTES))
    with open_text(path) as handle:
        assert handle.read() == TEXT
    with open_binary(path) as handle:
        assert b"".join(iter(lambda: handle.read(777), b"")) == BYTES


@pytest.mark.parametrize("packer", ["gzip", "members", "bgzip", "xz", "bzip2"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_every_cut_is_noticed(tmp_path, packer, share):
    data = PACKERS[packer](BYTES)
    path = tmp_path / "cut"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut short|damaged"), open_text(path) as handle:
        handle.read()


def test_bgzip_cut_between_blocks_is_noticed(tmp_path):
    data = bgzip(BYTES)
    path = tmp_path / "cut.gz"
    path.write_bytes(data[: -len(BGZIP_END)])
    assert gzip.decompress(path.read_bytes()) == BYTES  # gzip itself sees nothing
    with pytest.raises(InputError, match="the bgzip end marker is missing"):
        open_text(path)


@pytest.mark.parametrize("packer", ["gzip", "xz", "bzip2"])
def test_damage_within_is_noticed(tmp_path, packer):
    data = bytearray(PACKERS[packer](BYTES))
    for place in range(len(data) // 2, len(data) // 2 + 20):
        data[place] ^= 0xFF
    path = tmp_path / "damaged"
    path.write_bytes(data)
    with (
        pytest.raises(
            InputError, match=r"damaged compressed data|cannot read|not UTF-8|binary|cut"
        ),
        open_text(path) as handle,
    ):
        handle.read()


def test_byte_order_mark_is_dropped_and_line_ends_are_one(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    with open_text(path) as handle:
        assert list(handle) == ["a\n", "b\n", "c\n"]


@pytest.mark.parametrize("data", [b"", gzip.compress(b""), b"\xef\xbb\xbf", BGZIP_END])
def test_nothing_in_it(tmp_path, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(InputError, match="the file is empty"), open_text(path) as handle:
        handle.read()


def test_binary_is_named_with_its_place(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"good\nline\x00\x01")
    with pytest.raises(InputError) as caught, open_text(path) as handle:
        handle.read()
    assert str(caught.value) == f"{path}, line 2, byte 10: binary data, not text; found '0x00'"


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" + random.Random(1).randbytes(5000))
    with pytest.raises(InputError, match=r"binary data|not UTF-8"), open_text(path) as handle:
        handle.read()


@pytest.mark.parametrize("size", [0, 262_143, 262_144, 300_000])
def test_other_encodings_are_refused_wherever_they_begin(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(b"a" * size + "\né".encode("latin-1") + b"\n")
    with pytest.raises(InputError) as caught, open_binary(path) as handle:
        handle.read()
    assert f"line 2, byte {size + 2}: not UTF-8 text; found '0xe9'" in str(caught.value)


@pytest.mark.parametrize("size", range(262_140, 262_146))
def test_characters_may_lie_across_chunks(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(b"a" * size + "€é".encode() * 200_000)
    with open_text(path) as handle:
        assert handle.read() == "a" * size + "€é" * 200_000


def test_character_cut_at_the_end(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"a\n\xe2\x82")
    with pytest.raises(InputError, match="not UTF-8 text"), open_text(path) as handle:
        handle.read()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"PK\x03\x04", "a zip archive"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        ("a,b".encode("utf-16"), "UTF-16 text"),
        (b"PAR1", "a Parquet file"),
    ],
)
def test_known_kinds_are_named(tmp_path, start, kind):
    path = tmp_path / "a"
    path.write_bytes(start + b"\0" * 50)
    with pytest.raises(InputError, match=f"this is {kind}"):
        open_text(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_text(tmp_path / "none")
    with pytest.raises(InputError, match="cannot read the file: Is a directory"):
        open_text(tmp_path)
