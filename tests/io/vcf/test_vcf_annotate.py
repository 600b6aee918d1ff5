"""Annotated VCFs: what is added, and that nothing else changes."""

from __future__ import annotations

import gzip
import re
from itertools import pairwise

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.annotate import open_annotated
from bioseq_dl.io.vcf.chunks import read_chunks
from bioseq_dl.io.vcf.gather import gather_vcfs, index_vcf
from bioseq_dl.io.vcf.header import InfoField, quote
from bioseq_dl.io.vcf.survey import survey_vcf

FIELDS = (
    InfoField("BDL_x_DIFF", "Float", 'The "difference", ALT - REF'),
    InfoField("BDL_STATUS", "String", r"Back\slash"),
)
OURS = re.compile(rb"(;|(?<=\t))BDL_x_DIFF=[^\t]*")


def make_info(chunk):
    """Values for all records but each third."""
    _, offsets = chunk.alleles()
    info = []
    for record in range(len(chunk.lines)):
        values = ",".join(f"{(record + n) / 7:.6g}" for n in range(*offsets[record : record + 2]))
        status = ";BDL_STATUS=scored" if record % 5 == 0 else ""
        info.append(None if record % 3 == 2 else f"BDL_x_DIFF={values}{status}".encode())
    return info


def annotate(survey, path, first=0, last=None, **options):
    provenance = {"version": "1.0", "models": 'a "b"'}
    with open_annotated(path, survey.header, FIELDS, provenance, **options) as writer:
        for chunk in read_chunks(survey, first, last):
            writer.write(chunk.lines, make_info(chunk))


def strip(data: bytes) -> bytes:
    """Take out what we added, and nothing else."""
    lines = []
    for line in data.split(b"\n"):
        if line.startswith((b"##INFO=<ID=BDL_", b"##bioseq_dl=")):
            continue
        fields = line.split(b"\t")
        if not line.startswith(b"#") and len(fields) > 7:
            fields[7] = re.sub(rb"(^|;)BDL_x_DIFF=.*", b"", fields[7]) or b"."
        lines.append(b"\t".join(fields))
    return b"\n".join(lines)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(0, 60),
    seed=st.integers(0, 99),
    samples=st.integers(0, 3),
    shuffled=st.booleans(),
    records=st.integers(1, 30),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_round_trip_and_scatter(
    tmp_path_factory, vcf_maker, count, seed, samples, shuffled, records, cuts
):
    folder = tmp_path_factory.mktemp("round")
    data = vcf_maker(count, seed, samples=samples, shuffled=shuffled)
    (folder / "in.vcf").write_bytes(data)
    survey = survey_vcf(folder / "in.vcf", chunk_records=records)
    annotate(survey, folder / "whole.gz")
    out = gzip.decompress((folder / "whole.gz").read_bytes())
    assert strip(out) == data
    # Scattered into any number of parts, empty ones too, and gathered: the same bytes.
    edges = [0, *sorted(min(cut, len(survey.chunks)) for cut in cuts), len(survey.chunks)]
    parts = []
    for number, (first, last) in enumerate(pairwise(edges)):
        parts.append(folder / f"part{number}.gz")
        annotate(survey, parts[-1], first, last, write_header=number == 0)
    gather_vcfs(parts, folder / "gathered.gz")
    assert (folder / "gathered.gz").read_bytes() == (folder / "whole.gz").read_bytes()


@pytest.mark.parametrize("samples", [0, 2])
def test_pysam_reads_what_was_added(tmp_path, vcf_maker, samples):
    path = tmp_path / "in.vcf"
    path.write_bytes(vcf_maker(300, samples=samples))
    survey = survey_vcf(path, chunk_records=64)
    out = tmp_path / "out.vcf.gz"
    annotate(survey, out)
    index = index_vcf(out, survey.is_sorted)
    assert index == tmp_path / "out.vcf.gz.tbi"
    expected = [info for chunk in read_chunks(survey) for info in make_info(chunk)]
    with pysam.VariantFile(str(out)) as file:
        field = file.header.info["BDL_x_DIFF"]
        assert (field.number, field.type) == ("A", "Float")
        assert field.description == 'The "difference", ALT - REF'.replace('"', '\\"')
        records = list(file)
        assert len(records) == 300
        for record, info in zip(records, expected, strict=True):
            if info is None:
                assert "BDL_x_DIFF" not in record.info
                continue
            values = info.decode().split(";")[0].removeprefix("BDL_x_DIFF=").split(",")
            assert record.info["BDL_x_DIFF"] == pytest.approx([float(v) for v in values], rel=1e-5)
            assert len(values) == max(1, len(record.alts or ()))
        assert len(list(file.fetch("X"))) == sum(record.chrom == "X" for record in records)


def test_declarations_stand_before_the_columns_line(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    data = vcf_maker(3)
    path.write_bytes(data)
    survey = survey_vcf(path)
    annotate(survey, tmp_path / "out.gz")
    out = gzip.decompress((tmp_path / "out.gz").read_bytes()).split(b"\n")
    before = data.split(b"\n")
    assert out[:7] == before[:7]
    assert out[7:10] == [
        b'##INFO=<ID=BDL_x_DIFF,Number=A,Type=Float,Description="The \\"difference\\", ALT - REF">',
        b'##INFO=<ID=BDL_STATUS,Number=A,Type=String,Description="Back\\\\slash">',
        b'##bioseq_dl=<version="1.0",models="a \\"b\\"">',
    ]
    assert out[10] == before[7]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1\t5\t.\tA\tC\t50.00\t.\t.", b"1\t5\t.\tA\tC\t50.00\t.\tK=1"),
        (b"1\t5\t.\tA\tC\t50.00\t.\tDP=3", b"1\t5\t.\tA\tC\t50.00\t.\tDP=3;K=1"),
        (b"1\t5\t.\tA\tC\t50.00\t.\tX=.", b"1\t5\t.\tA\tC\t50.00\t.\tX=.;K=1"),
        (b"1\t5\t.\tA\tC\t50.00\t.\tDP=3;", b"1\t5\t.\tA\tC\t50.00\t.\tDP=3;;K=1"),
    ],
)
def test_info_column(tmp_path, line, expected):
    for more in (b"", b"\tGT\t0/1\t."):
        columns = 8 + more.count(b"\t")
        header = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2".split(b"\t")
        path = tmp_path / "in.vcf"
        top = b"##fileformat=VCFv4.2\n" + b"\t".join(header[:columns]) + b"\n"
        path.write_bytes(top + line + more + b"\n")
        survey = survey_vcf(path)
        field = InfoField("K", "Integer", "x", number="1")
        with open_annotated(tmp_path / "out", survey.header, [field], {}) as writer:
            writer.write([line + more, line + more], [b"K=1", None])
        out = gzip.decompress((tmp_path / "out").read_bytes())
        assert out.endswith(expected + more + b"\n" + line + more + b"\n")


def test_a_declared_field_is_not_written_again(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    path.write_bytes(vcf_maker(3))
    annotate(survey_vcf(path), tmp_path / "out.gz")
    again = survey_vcf(tmp_path / "out.gz")
    with pytest.raises(InputError) as caught:
        annotate(again, tmp_path / "again.gz", source=again.path)
    assert str(caught.value) == (
        f"{tmp_path / 'out.gz'}: the header declares the INFO field BDL_STATUS already; "
        "fix: choose another prefix for the fields to write"
    )
    assert not (tmp_path / "again.gz").exists()


@pytest.mark.parametrize("info", ["DP=3;BDL_STATUS=x", "BDL_STATUS=x;DP=3", "DP=3;BDL_STATUS"])
def test_an_undeclared_field_in_a_record_is_found(tmp_path, info):
    path = tmp_path / "in.vcf"
    row = f"1\t9\t.\tA\tC\t.\t.\t{info}\n"
    top = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    path.write_text(top + row.replace(info, "BDL_STATUS2=3;XBDL_STATUS=1") + row)
    with pytest.raises(InputError, match=r"record '1:9': a record has the INFO field BDL_STATUS,"):
        annotate(survey_vcf(path), tmp_path / "out.gz")
    assert not (tmp_path / "out.gz").exists()


def test_equal_calls_give_equal_bytes(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    path.write_bytes(vcf_maker(2000))
    survey = survey_vcf(path, chunk_records=500)
    for name in "ab":
        annotate(survey, tmp_path / f"{name}.gz")
        index_vcf(tmp_path / f"{name}.gz", is_sorted=True)
    for suffix in ("", ".tbi"):
        one, other = ((tmp_path / f"{name}.gz{suffix}").read_bytes() for name in "ab")
        assert one == other


def test_nothing_is_left_where_writing_fails(tmp_path, vcf_maker):
    path = tmp_path / "in.vcf"
    path.write_bytes(vcf_maker(20))
    survey = survey_vcf(path)
    with (
        pytest.raises(ValueError, match="20 lines, 1 values"),
        open_annotated(tmp_path / "out.gz", survey.header, FIELDS, {}) as writer,
    ):
        writer.write(next(read_chunks(survey)).lines, [None])
    assert [file.name for file in tmp_path.iterdir()] == ["in.vcf"]


def test_fields_are_checked():
    for key in ("1a", "a b", "", "a-b", "a;b"):
        with pytest.raises(ValueError, match="no INFO key"):
            InfoField(key, "Float", "x")
    with pytest.raises(ValueError, match="no INFO type"):
        InfoField("a", "Number", "x")
    assert quote('a "b"\n\\c') == r'"a \"b\" \\c"'
