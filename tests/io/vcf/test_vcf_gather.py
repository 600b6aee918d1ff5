"""Parts put together, and indexes."""

from __future__ import annotations

import gzip

import pysam
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.bgzip import BGZIP_END, read_block_table
from bioseq_dl.io.vcf.gather import gather_vcfs, index_vcf

TOP = (
    b"##fileformat=VCFv4.2\n##contig=<ID=20,length=%d>\n"
    b'##INFO=<ID=END,Number=1,Type=Integer,Description="End">\n'
    b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def write(path, *records, length=1000, header=True):
    rows = b"".join(b"20\t%d\t.\tA\t%s\t.\t.\t%s\n" % record for record in records)
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write((TOP % length if header else b"") + rows)
    return path


def test_parts_follow_each_other(tmp_path):
    parts = [
        write(tmp_path / "a", (5, b"C", b".")),
        write(tmp_path / "b", header=False),
        write(tmp_path / "c", (9, b"G", b"."), header=False),
    ]
    gather_vcfs(parts, tmp_path / "out.gz")
    data = (tmp_path / "out.gz").read_bytes()
    assert gzip.decompress(data) == b"".join(gzip.decompress(p.read_bytes()) for p in parts)
    assert data.count(BGZIP_END) == 1
    gather_vcfs(parts[:1], tmp_path / "one.gz")
    assert (tmp_path / "one.gz").read_bytes() == parts[0].read_bytes()


def test_parts_out_of_place(tmp_path):
    whole, rest = write(tmp_path / "a"), write(tmp_path / "b", (5, b"C", b"."), header=False)
    out = tmp_path / "out.gz"
    with pytest.raises(InputError, match="the first part has no header"):
        gather_vcfs([rest, whole], out)
    with pytest.raises(InputError, match="not the first has a header"):
        gather_vcfs([whole, rest, whole], out)
    with pytest.raises(InputError, match="no such file"):
        gather_vcfs([whole, tmp_path / "none"], out)
    cut = tmp_path / "cut"
    cut.write_bytes(rest.read_bytes()[:-5])
    with pytest.raises(InputError, match="the bgzip end marker is missing"):
        gather_vcfs([whole, cut], out)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(rest.read_bytes()[:18] + b"\x07" + rest.read_bytes()[19:])
    with pytest.raises(InputError, match="damaged compressed data"):
        gather_vcfs([whole, damaged], out)
    plain = tmp_path / "plain"
    plain.write_bytes(b"20\t5\n")
    with pytest.raises(InputError, match="not a bgzip file"):
        gather_vcfs([whole, plain], out)
    with pytest.raises(ValueError, match="no parts"):
        gather_vcfs([], out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("records", "options", "suffix"),
    [
        ([], {}, ".tbi"),
        ([(5, b"C", b".")], {}, ".tbi"),
        ([(5, b"C", b".")], {"length": 2**29 - 1}, ".tbi"),
        ([(5, b"C", b".")], {"length": 2**29}, ".csi"),
        ([(5, b"C", b"."), (2**29 + 7, b"C", b".")], {}, ".csi"),
        ([(5, b"<DEL>", b"END=600000000")], {}, ".csi"),
    ],
)
def test_index(tmp_path, records, options, suffix):
    path = write(tmp_path / "a.vcf.gz", *records, **options)
    old = tmp_path / f"a.vcf.gz{'.csi' if suffix == '.tbi' else '.tbi'}"
    old.write_bytes(b"of an older version")
    largest = max((record[0] for record in records), default=0)
    index = index_vcf(path, is_sorted=True, max_position=largest)
    assert index == tmp_path / f"a.vcf.gz{suffix}"
    assert not old.exists()
    if records:
        with pysam.VariantFile(str(path)) as file:
            start = records[-1][0] - 1
            assert [record.start for record in file.fetch("20", start, start + 1)] == [start]


def test_no_index_of_an_unsorted_file(tmp_path, capfd):
    path = write(tmp_path / "a.vcf.gz", (9, b"C", b"."), (5, b"C", b"."))
    assert index_vcf(path, is_sorted=False) is None
    with pytest.raises(InputError, match="sort the input first"):
        index_vcf(path, is_sorted=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.vcf.gz"]
    assert capfd.readouterr().err == ""


def test_block_table(tmp_path):
    path = tmp_path / "a.gz"
    data = bytes(range(97, 120)) * 20_000
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(data[:1000])
        file.flush()
        file.write(data[1000:])
    table = read_block_table(path)
    assert table.texts[:2].tolist() == [0, 1000]
    with pysam.BGZFile(str(path), "rb", None) as file:
        for offset in (0, 999, 1000, 1001, 70_000, 400_001, len(data) - 1):
            file.seek(table.virtual_offset(offset))
            assert file.read(1) == data[offset : offset + 1]
