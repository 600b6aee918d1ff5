"""The pass over a VCF: what it finds, and that it agrees with the rule for one line."""

from __future__ import annotations

import gzip
import os

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.blocks import parse_block
from bioseq_dl.io.vcf.records import check_record
from bioseq_dl.io.vcf.survey import survey_vcf

TOP = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def lines(*places: tuple[str, int], alt: str = "C") -> bytes:
    return TOP + b"".join(f"{c}\t{p}\t.\tA\t{alt}\t.\t.\t.\n".encode() for c, p in places)


def survey(folder, data, **options):
    path = folder / "in.vcf"
    path.write_bytes(data)
    return survey_vcf(path, **options)


def test_counts_and_contigs(tmp_path, vcf_maker, vcf_writer):
    path = tmp_path / "in"  # told apart by content, not by name
    data = vcf_maker(3000, samples=2)
    vcf_writer(path, data)
    found = survey_vcf(path, chunk_records=1000)
    body = [line.split(b"\t") for line in data.split(b"\n") if line and not line.startswith(b"#")]
    assert found.records == 3000
    assert found.alleles == sum(fields[4].count(b",") + 1 for fields in body)
    assert found.contigs == ("20", "X")
    assert found.max_position == max(int(fields[1]) for fields in body)
    assert found.is_sorted
    assert b"\n".join([*found.header.lines, b""]) + b"" == data[: data.index(b"20\t")]
    assert found.header.columns == 11
    assert [chunk.records for chunk in found.chunks] == [1000] * 3
    assert [chunk.first_record for chunk in found.chunks] == [0, 1000, 2000]
    assert [chunk.first_line for chunk in found.chunks] == [9, 1009, 2009]


def test_no_records(tmp_path):
    found = survey(tmp_path, TOP)
    assert (found.records, found.alleles, found.contigs, found.chunks) == (0, 0, (), ())
    assert found.is_sorted


@pytest.mark.parametrize(
    ("places", "first_unsorted"),
    [
        ([("1", 5), ("1", 5), ("2", 1)], None),
        ([("2", 5), ("1", 1), ("10", 1)], None),
        ([("1", 5), ("1", 4)], 4),
        ([("1", 5), ("2", 7), ("1", 9)], 5),
        ([("1", 5), ("2", 7), ("2", 6), ("1", 1)], 5),
        ([("chr1", 1), ("chr1_alt_of_a_long_name", 1), ("chr1_alt_of_a_long_nam", 1)], None),
    ],
)
def test_order(tmp_path, monkeypatch, places, first_unsorted):
    assert survey(tmp_path, lines(*places)).first_unsorted == first_unsorted
    # The same where every line is a block of its own.
    monkeypatch.setattr("bioseq_dl.io.vcf.survey.BLOCK", 7)
    found = survey(tmp_path, lines(*places))
    assert found.first_unsorted == first_unsorted
    assert found.contigs == tuple(dict.fromkeys(chrom for chrom, _ in places))


@settings(max_examples=60, deadline=None)
@given(
    widths=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    block=st.integers(1, 300),
    records=st.integers(1, 9),
    size=st.integers(20, 300),
)
def test_chunks_do_not_depend_on_blocks(tmp_path_factory, widths, block, records, size):
    rows = [b"20\t9\t.\t%s\tC\t.\t.\t.\n" % (b"A" * width) for width in widths]
    path = tmp_path_factory.mktemp("chunks") / "in.vcf"
    path.write_bytes(TOP + b"".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bioseq_dl.io.vcf.survey.BLOCK", block)
        found = survey_vcf(path, chunk_records=records, chunk_bytes=size)
    # The plain rule: a record joins the open chunk if that stays within both limits.
    expected: list[list[int]] = []
    for row in rows:
        if expected and len(expected[-1]) < records and sum(expected[-1]) + len(row) <= size:
            expected[-1].append(len(row))
        else:
            expected.append([len(row)])
    assert [(c.records, c.size) for c in found.chunks] == [(len(e), sum(e)) for e in expected]
    assert [c.number for c in found.chunks] == list(range(len(expected)))


PIECES = {
    "chrom": ["20", "X", "chr 1", "", "a,b", "<c>", "#x", "chr20_GL383577v2_alt", "chr20_GL38"],
    "pos": ["1", "7", "2147483647", "2147483648", "0", "00", "007", "-1", "", "1.5", "9" * 12],
    "id": [".", "rs1", ""],
    "ref": ["A", "acgtn", "N" * 40, "", ".", "R", "A,C", "ACXGT", "A ", "*"],
    "alt": ["C", "a", "C,G", ".", "*", "<DEL>", "C,<DEL:ME>", "G[1:5[", "]<c>:5]G", ".A", "A.", "",
            ",", "C,", ",C", "C,,G", "C,.", "..", "<DEL", "DEL>", "G[1[", "C/G", "X", "<>", "<A >"],
    "qual": [".", "", "3"],
    "filter": ["PASS", ""],
    "info": [".", "DP=3", ""],
    "more": [None, None, "GT"],
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whole_columns_agree_with_the_rule_for_one_line(data):
    good = {name: values[:1] for name, values in PIECES.items()}
    rows = []
    for _ in range(data.draw(st.integers(1, 4))):
        changed = data.draw(st.sets(st.sampled_from(list(PIECES)), max_size=2))
        fields = [
            data.draw(st.sampled_from(values if name in changed else good[name]))
            for name, values in PIECES.items()
        ]
        rows.append("\t".join(field for field in fields if field is not None).encode())
    end = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    text = b"".join(row + end for row in rows)

    def message(check):
        try:
            check()
        except InputError as error:
            return str(error)
        return None

    def check_all():
        for number, row in enumerate(rows, 5):
            check_record(row, 8, number, "f")

    assert message(lambda: parse_block(text, 8, 5, "f")) == message(check_all)


def test_block_reads_the_places(vcf_maker):
    text = vcf_maker(500, samples=1)
    body = text[text.index(b"20\t") :]
    block = parse_block(body, 10, 1, "f")
    rows = [row.split(b"\t") for row in body.split(b"\n")[:-1]]
    assert block.positions.tolist() == [int(row[1]) for row in rows]
    assert block.chrom == [b"20", b"X"]
    assert [rows[run][0] for run in block.runs] == block.chrom
    assert block.ends.tolist()[-1] == len(body)


def test_carriage_returns_and_a_missing_line_end_are_told(tmp_path):
    data = lines(("1", 5), ("1", 6))
    found = survey(tmp_path, data.replace(b"\n", b"\r\n"))
    assert "end in carriage returns" in found.notes[0]
    assert found.header.lines[-1].endswith(b"INFO")
    found = survey(tmp_path, data[:-1])
    assert "lacks its line end" in found.notes[0]
    assert found.chunks[0].size == len(data) - 1 - len(TOP)
    assert survey(tmp_path, data).notes == ()


@pytest.mark.parametrize("suffix", [".tbi", ".csi"])
def test_an_index_older_than_the_file_is_told(tmp_path, suffix):
    index = tmp_path / f"in.vcf{suffix}"
    index.write_bytes(b"")
    os.utime(index, (1, 1))
    (note,) = survey(tmp_path, lines(("1", 5))).notes
    assert f"in.vcf{suffix} is older than in.vcf" in note
    assert "It was not used" in note
    os.utime(index, (2**33, 2**33))
    assert survey(tmp_path, lines(("1", 5))).notes == ()


def test_plain_gzip_is_told(tmp_path):
    (note,) = survey(tmp_path, gzip.compress(lines(("1", 5)))).notes
    assert "bgzip would let them seek" in note


def test_byte_order_mark_is_no_text(tmp_path):
    data = lines(("1", 5), ("1", 6))
    found = survey(tmp_path, b"\xef\xbb\xbf" + data)
    assert found.chunks[0].offset == len(TOP)
    assert found.chunks[0].seek == len(TOP) + 3


def test_a_line_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr("bioseq_dl.io.vcf.survey.BLOCK", 50)
    data = TOP + b"1\t5\t.\t%s\tC\t.\t.\t.\n" % (b"ACGT" * 100) + b"1\t6\t.\tA\tX\t.\t.\t.\n"
    with pytest.raises(InputError, match="line 4: an ALT allele"):
        survey(tmp_path, data)


def test_saturation_mutagenesis_of_hnf4a(shared_data, tmp_path):
    found = survey_vcf(shared_data / "dna_chr20_b37" / "HNF4A_satmpra_b37.vcf.gz")
    plain = tmp_path / "plain.vcf"  # pysam reads no plain gzip
    plain.write_bytes(gzip.decompress(found.path.read_bytes()))
    with pysam.VariantFile(str(plain)) as file:
        records = list(file)
    assert found.records == len(records)
    assert found.alleles == sum(len(record.alts or ".") for record in records)
    assert found.contigs == ("20",)
    assert found.is_sorted
    assert found.max_position == max(record.pos for record in records)
    assert found.header.info_ids == {"LOG2FX", "PVAL", "BC"}
