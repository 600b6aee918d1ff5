"""Chunks of a VCF, from any one on, however the file is compressed."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pysam
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.chunks import read_chunks
from bioseq_dl.io.vcf.survey import survey_vcf


def body_of(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if not line.startswith(b"#")]


def test_chunks_hold_the_records(tmp_path, vcf_maker, vcf_writer):
    path = tmp_path / "in"
    data = vcf_maker(1000, samples=1)
    vcf_writer(path, data)
    survey = survey_vcf(path, chunk_records=300)
    chunks = list(read_chunks(survey))
    body = body_of(data)
    assert [chunk.number for chunk in chunks] == [0, 1, 2, 3]
    assert [chunk.first_record for chunk in chunks] == [0, 300, 600, 900]
    assert [line for chunk in chunks for line in chunk.lines] == body
    rows = [line.split(b"\t") for line in body]
    contigs = [survey.contigs[code] for chunk in chunks for code in chunk.chrom]
    assert contigs == [row[0].decode() for row in rows]
    starts = np.concatenate([chunk.start for chunk in chunks])
    assert starts.tolist() == [int(row[1]) - 1 for row in rows]
    assert [ref for chunk in chunks for ref in chunk.ref] == [row[3].upper() for row in rows]
    assert [alt for chunk in chunks for alt in chunk.alts] == [row[4].upper() for row in rows]
    for chunk in chunks:
        alleles, offsets = chunk.alleles()
        assert offsets[-1] == len(alleles)
        for record, alt in enumerate(chunk.alts):
            assert b",".join(alleles[offsets[record] : offsets[record + 1]]) == alt
        lines = data.splitlines()
        assert lines[chunk.first_line - 1] == chunk.lines[0]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 3), (2, None), (3, 4), (4, None), (2, 2)])
def test_any_range_of_chunks(tmp_path, vcf_maker, vcf_writer, first, last):
    path = tmp_path / "in"
    vcf_writer(path, vcf_maker(1000))
    survey = survey_vcf(path, chunk_records=300)
    whole = [chunk.lines for chunk in read_chunks(survey)]
    assert [chunk.lines for chunk in read_chunks(survey, first, last)] == whole[first:last]


def test_bgzip_is_read_from_the_middle(tmp_path, vcf_maker):
    path = tmp_path / "in.gz"
    data = vcf_maker(20_000)
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(data)
    survey = survey_vcf(path, chunk_records=5000)
    place = survey.chunks[3]
    assert place.seek is not None
    assert place.seek >> 16 > 0  # not in the first block
    # What stands before the chunk's block is not read: damage there goes unseen.
    stamp = path.stat()
    with path.open("r+b") as handle:
        handle.seek(2000)
        handle.write(bytes(100))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (chunk,) = read_chunks(survey, 3)
    assert chunk.lines == body_of(data)[15_000:]


@pytest.mark.parametrize("level", [0, 6])
def test_bgzip_with_empty_blocks_and_a_mark(tmp_path, vcf_maker, level):
    """As files put together by cat are: an end marker between the parts."""
    data = b"\xef\xbb\xbf" + vcf_maker(4000)
    half = data.index(b"\n", len(data) // 2) + 1
    path = tmp_path / "in.gz"
    path.write_bytes(b"")
    for part in (data[:half], b"", data[half:]):
        with pysam.BGZFile(str(tmp_path / "part"), f"wb{level}", None) as file:
            file.write(part)
        path.write_bytes(path.read_bytes() + (tmp_path / "part").read_bytes())
    survey = survey_vcf(path, chunk_records=100)
    for first in (0, 17, 19, 20, 21, 39):
        chunk = next(read_chunks(survey, first))
        assert chunk.lines == body_of(data[3:])[100 * first : 100 * (first + 1)]


def test_carriage_returns_are_dropped(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    data = vcf_maker(50)
    path.write_bytes(data.replace(b"\n", b"\r\n")[:-2])
    survey = survey_vcf(path, chunk_records=7)
    lines = [line for chunk in read_chunks(survey) for line in chunk.lines]
    assert lines == body_of(data)


def test_bcf_reads_as_its_text(tmp_path, vcf_maker):
    source, path, raw = tmp_path / "in.vcf", tmp_path / "in.dat", tmp_path / "raw.dat"
    # pysam adds END to symbolic alleles when it writes.
    data = vcf_maker(700, samples=2).replace(b"DP=1;\t", b"DP=1\t")
    data = data.replace(b"<DEL>", b"*").replace(b"C,<INS>", b"C,T")
    source.write_bytes(data)
    with (
        pysam.VariantFile(str(source)) as vcf,
        pysam.VariantFile(str(path), "wb", header=vcf.header) as bcf,
    ):
        for record in vcf:
            bcf.write(record)
    raw.write_bytes(gzip.decompress(path.read_bytes()))
    for file in (path, raw):
        survey = survey_vcf(file, chunk_records=200)
        assert (survey.kind, survey.records) == ("bcf", 700)
        assert survey.is_sorted
        assert survey.header.columns == 11
        lines = [line for chunk in read_chunks(survey) for line in chunk.lines]
        # QUAL is a number in BCF, so 50.00 comes out as 50.
        plain = [line.replace(b"\t50.00\t", b"\t50\t") for line in body_of(data)]
        assert lines == [line.replace(b"\t3e2\t", b"\t300\t") for line in plain]
        assert [chunk.lines for chunk in read_chunks(survey, 2, 3)] == [lines[400:600]]


def test_a_changed_file_is_found(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    path.write_bytes(vcf_maker(50))
    survey = survey_vcf(path)
    path.write_bytes(vcf_maker(51))
    with pytest.raises(InputError, match="has changed since it was checked"):
        next(read_chunks(survey))
    path.unlink()
    with pytest.raises(InputError, match="has changed since it was checked"):
        next(read_chunks(survey))


@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_file_that_shrinks_unnoticed_is_found(tmp_path, vcf_maker, kind):
    path = tmp_path / "in.vcf"
    pack = gzip.compress if kind == "gzip" else bytes
    path.write_bytes(pack(vcf_maker(500)))
    survey = survey_vcf(path, chunk_records=100)
    stamp = path.stat()
    data = pack(vcf_maker(200, seed=1))
    path.write_bytes(data + (b"" if kind == "gzip" else bytes(stamp.st_size - len(data))))
    if kind == "gzip":
        path.write_bytes(data + gzip.compress(b"")[: stamp.st_size - len(data)])
        survey = survey.__class__(**{**survey.__dict__, "stamp": (path.stat().st_size, 0)})
        os.utime(path, ns=(0, 0))
    else:
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(InputError):
        list(read_chunks(survey))
