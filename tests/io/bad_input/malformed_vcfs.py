"""Malformed VCFs, each with the exact message a user reads.

A row of `MALFORMED_VCFS` is a name, the file's bytes and the message, in which ``{file}`` stands
for its path and ``…`` for anything. All are found before any model runs.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

TOP = b"##fileformat=VCFv4.2\n##contig=<ID=20,length=64444167>\n"
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
SAMPLES = COLUMNS[:-1] + b"\tFORMAT\tS1\tS2\n"
GOOD = b"20\t100\trs1\tA\tC\t50.00\tPASS\tDP=3\n"
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@dataclass(frozen=True)
class VcfCase:
    """A malformed VCF."""

    name: str
    data: bytes
    message: str

    def fits(self, text: str) -> bool:
        """Tell whether a message, with ``{file}`` for the path, is the one of the table."""
        return re.fullmatch(re.escape(self.message).replace("…", ".*"), text) is not None


MALFORMED_VCFS: list[VcfCase] = []


def malformed(message: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Enter what a function returns into the table."""

    def enter(make: Callable[[], bytes]) -> Callable[[], bytes]:
        MALFORMED_VCFS.append(VcfCase(make.__name__, make(), message))
        return make

    return enter


def vcf(*records: str, columns: bytes = COLUMNS) -> bytes:
    """A VCF of one good record and these, on line 5 and after."""
    good = GOOD if columns == COLUMNS else GOOD[:-1] + b"\tGT\t0/1\t1/1\n"
    return TOP + columns + good + b"".join(record.encode() + b"\n" for record in records)


def record(**changes: str) -> str:
    """A record with some columns changed."""
    fields = {"chrom": "20", "pos": "200", "id": ".", "ref": "A", "alt": "C", "qual": "."}
    return "\t".join((fields | {"filter": "PASS", "info": "."} | changes).values())


def bgzip(data: bytes, size: int = 60_000) -> bytes:
    """Blocks of the BGZF format (SAM specification, 4.1)."""
    blocks = b""
    for start in range(0, len(data), size):
        raw = data[start : start + size]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(raw) + packer.flush()
        header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"
        blocks += header + struct.pack("<H", len(body) + 25) + body
        blocks += struct.pack("<II", zlib.crc32(raw), len(raw))
    return blocks + BGZIP_END


def many() -> bytes:
    draw = random.Random(0)
    places = sorted(draw.sample(range(1, 10**6), 5000))
    return vcf(*(record(pos=str(place), id=f"rs{draw.random()}") for place in places))


# The file.


@malformed("{file}: the file is empty")
def empty_file():
    return b""


@malformed("{file}: the file is empty")
def empty_file_in_bgzip():
    return BGZIP_END


@malformed(
    "{file}: the compressed file is cut short: the bgzip end marker is missing; "
    "fix: copy or download it again"
)
def bgzip_cut_between_blocks():
    return bgzip(many())[: -len(BGZIP_END)]


@malformed(
    "{file}: the compressed file is cut short: the bgzip end marker is missing; "
    "fix: copy or download it again"
)
def bgzip_cut_in_a_block():
    data = bgzip(many())
    return data[: len(data) // 2]


@malformed(
    "{file}: the compressed file is cut short: it ends after byte … of text; fix: copy or "
    "download it again"
)
def gzip_cut():
    return gzip.compress(many(), mtime=0)[:40_000]


@malformed(
    "{file}: the compressed file is cut short: it ends after byte … of text; fix: copy or "
    "download it again"
)
def xz_cut():
    return lzma.compress(many())[:40_000]


@malformed(
    "{file}: damaged compressed data after byte … of text: …; fix: copy or download it again"
)
def bgzip_damaged():
    data = bytearray(bgzip(many()))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


@malformed(
    "{file}: other data than bgzip from byte … on; fix: decompress the file and compress it "
    "again with bgzip"
)
def bgzip_with_other_gzip_behind():
    return (
        bgzip(vcf())[: -len(BGZIP_END)]
        + gzip.compress(record().encode() + b"\n", mtime=0)
        + BGZIP_END
    )


@malformed("{file}, line 6, byte 147: binary data, not text; found '0x00'")
def binary():
    return vcf(record()) + b"\x00\x01\x02\n"


@malformed("{file}, line 6, byte 154: not UTF-8 text; found '0xe9'; fix: convert it with iconv")
def not_utf8():
    return vcf(record()) + "20\t300\t\xe9\tA\tC\t.\t.\t.\n".encode("latin-1")


@malformed(
    "{file}: this is UTF-16 text; allowed: plain text, gzip, bgzip, xz or bzip2; fix: save "
    "it as UTF-8"
)
def utf16():
    return vcf(record()).decode().encode("utf-16")


@malformed(
    "{file}: this is a zip archive (or a spreadsheet); allowed: plain text, gzip, bgzip, xz "
    "or bzip2; fix: unpack it, or save it as CSV"
)
def zip_archive():
    return b"PK\x03\x04" + bytes(100)


@malformed("{file}: the BCF is cut short or damaged; fix: copy or write it again")
def bcf_cut():
    return b"BCF\x02\x02" + bytes(20)


@malformed("{file}: the BCF is cut short or damaged; fix: copy or write it again")
def bcf_of_nothing():
    return bgzip(b"BCF\x02\x02\x10\0\0\0nonsense")


@malformed(
    "{file}, line 1: a FASTA header, where a VCF is needed; found '>20'; allowed: "
    "##fileformat=VCFv4.x as the first line"
)
def fasta():
    return b">20\nACGT\n"


@malformed(
    "{file}, line 1: the VCF has no header; found '20 99 100 A C'; allowed: "
    "##fileformat=VCFv4.x as the first line; fix: put the header of the original file in "
    "front"
)
def bed():
    return b"20\t99\t100\tA\tC\n"


# The header.


@malformed(
    "{file}, line 1: the VCF has no header; found '20 100 rs1 A C 50.00 PASS DP=3'; allowed: "
    "##fileformat=VCFv4.x as the first line; fix: put the header of the original file in "
    "front"
)
def no_header():
    return GOOD


@malformed(
    "{file}, line 1: the header does not say that this is a VCF; found '#CHROM POS ID REF "
    "ALT QUAL FILTER INFO'; allowed: ##fileformat=VCFv4.x as the first line; fix: put "
    "##fileformat=VCFv4.2 first"
)
def no_fileformat():
    return COLUMNS + GOOD


@malformed(
    "{file}, line 1: the header does not say that this is a VCF; found '##source=x'; "
    "allowed: ##fileformat=VCFv4.x as the first line; fix: put ##fileformat=VCFv4.2 first"
)
def fileformat_not_first():
    return b"##source=x\n" + TOP + COLUMNS + GOOD


@malformed(
    "{file}, line 3: a record before the #CHROM line; found '20 100 rs1 A C 50.00 PASS "
    "DP=3'; allowed: ##key=value lines, then '#CHROM POS ID REF ALT QUAL FILTER INFO'; fix: "
    "add the #CHROM line before the records"
)
def no_columns_line():
    return TOP + GOOD


@malformed(
    "{file}, line 3: the header has no #CHROM line; found 'the end of the file'; allowed: a "
    "line '#CHROM POS ID REF ALT QUAL FILTER INFO', tabs between; fix: add it after the "
    "lines that start with ##"
)
def header_alone_without_columns_line():
    return TOP


@malformed(
    "{file}, line 3: spaces instead of tabs; found '#CHROM POS ID REF ALT QUAL FILTER INFO'; "
    "allowed: #CHROM POS ID REF ALT QUAL FILTER INFO, then FORMAT and samples; fix: put tabs "
    "between the columns"
)
def columns_line_with_spaces():
    return TOP + COLUMNS.replace(b"\t", b" ") + GOOD


@malformed(
    "{file}, line 3: the #CHROM line has other columns than a VCF's; found '#CHROM POS ID "
    "REF ALT QUAL FILTER'; allowed: #CHROM POS ID REF ALT QUAL FILTER INFO, then FORMAT and "
    "samples"
)
def columns_line_of_seven():
    return TOP + COLUMNS.replace(b"\tINFO", b"") + GOOD


@malformed(
    "{file}, line 3: the #CHROM line has other columns than a VCF's; found '#CHROM POS ID "
    "ALT REF QUAL FILTER INFO'; allowed: #CHROM POS ID REF ALT QUAL FILTER INFO, then FORMAT "
    "and samples"
)
def columns_line_with_other_names():
    return TOP + COLUMNS.replace(b"REF\tALT", b"ALT\tREF") + GOOD


@malformed(
    "{file}, line 3: the ninth column is not FORMAT; found 'S1'; allowed: FORMAT, then a "
    "column a sample"
)
def samples_without_format():
    return TOP + COLUMNS[:-1] + b"\tS1\n"


@malformed(
    "{file}, line 3: a header line that starts with one #; found '#a comment'; allowed: "
    "##key=value lines, then the #CHROM line; fix: start it with ##, or remove it"
)
def comment_in_header():
    return TOP + b"#a comment\n" + COLUMNS + GOOD


@malformed(
    "{file}, line 3: an empty line in the header; allowed: ##key=value lines, then '#CHROM "
    "POS ID REF ALT QUAL FILTER INFO'; fix: remove the line"
)
def empty_line_in_header():
    return TOP + b"\n" + COLUMNS + GOOD


@malformed(
    "{file}, line 6: a header line after the first record; found '##fileformat=VCFv4.2'; "
    "allowed: records; fix: remove it; to join VCFs use bcftools concat"
)
def header_after_records():
    return vcf(record()) + TOP


@malformed(
    "{file}, line 6: a header line after the first record; found '#CHROM POS ID REF ALT QUAL "
    "FILTER INFO'; allowed: records; fix: remove it; to join VCFs use bcftools concat"
)
def second_columns_line():
    return vcf(record()) + COLUMNS + GOOD


@malformed(
    "{file}, line 1: line ends of carriage returns alone; found '##fileformat=VCFv4.2'; fix: "
    "convert them to line feeds: tr '\\r' '\\n'"
)
def carriage_returns_alone():
    return vcf(record()).replace(b"\n", b"\r")


# Columns of a record.


@malformed(
    "{file}, line 5: the record has 5 columns, the #CHROM line 8; found '20 200 . A C'; "
    "allowed: 8, tabs between; fix: the line is cut short; write the file again"
)
def five_columns():
    return vcf("20\t200\t.\tA\tC")


@malformed(
    "{file}, line 4: the record has 7 columns, the #CHROM line 8; found '20 100 rs1 A C 50 "
    "PASS'; allowed: 8, tabs between; fix: the line is cut short; write the file again"
)
def seven_columns_everywhere():
    return TOP + COLUMNS + b"20\t100\trs1\tA\tC\t50\tPASS\n" * 3


@malformed(
    "{file}, line 5: the record has 9 columns, the #CHROM line 8; found '20 200 . A C . PASS "
    ". GT'; allowed: 8, tabs between"
)
def nine_columns_of_eight():
    return vcf(record() + "\tGT")


@malformed(
    "{file}, line 6: the record has 10 columns, the #CHROM line 11; found '20 300 . A C . "
    "PASS . GT 0/1'; allowed: 11, tabs between; fix: the line is cut short; write the file "
    "again"
)
def a_sample_missing():
    return vcf(record() + "\tGT\t0/1\t1/1", record(pos="300") + "\tGT\t0/1", columns=SAMPLES)


@malformed(
    "{file}, line 5: the record has 7 columns, the #CHROM line 8; found '20 200 . A C . "
    "PASS'; allowed: 8, tabs between; fix: the line is cut short; write the file again"
)
def columns_that_make_up_for_each_other():
    return vcf("20\t200\t.\tA\tC\t.\tPASS", record() + "\tGT")


@malformed(
    "{file}, line 5: the record has 1 column, the #CHROM line 8; found '20 200 . A C . PASS "
    ".'; allowed: 8, tabs between; fix: put tabs, not spaces, between the columns"
)
def spaces_for_tabs():
    return vcf(record().replace("\t", "  "))


@malformed("{file}, line 6: an empty line; allowed: records; fix: remove the line")
def empty_line():
    return vcf(record(), "", record(pos="300"))


@malformed("{file}, line 6: an empty line; allowed: records; fix: remove the line")
def empty_line_at_the_end():
    return vcf(record(), "")


@malformed(
    "{file}, line 5: the record has 4 columns, the #CHROM line 8; found '20 200 . A'; "
    "allowed: 8, tabs between; fix: the line is cut short; write the file again"
)
def last_line_cut():
    return vcf(record())[:-12]


@malformed("{file}, line 5: the column INFO is empty; fix: write '.' for a missing value")
def empty_info():
    return vcf(record(info=""))


@malformed("{file}, line 5: the column CHROM is empty")
def empty_chrom():
    return vcf(record(chrom=""))


@malformed("{file}, line 5: not a contig name; found 'chr 20'; allowed: no spaces, commas, < or >")
def chrom_with_a_space():
    return vcf(record(chrom="chr 20"))


# POS.


@malformed(
    "{file}, line 5: POS is 0; found '0'; allowed: 1 to 2147483647; fix: positions count "
    "from 1; add 1 to 0-based ones"
)
def pos_0():
    return vcf(record(pos="0"))


@malformed("{file}, line 5: POS is negative; found '-5'; allowed: 1 to 2147483647")
def pos_negative():
    return vcf(record(pos="-5"))


@malformed("{file}, line 5: POS is no number; found '1,000'; allowed: 1 to 2147483647")
def pos_with_commas():
    return vcf(record(pos="1,000"))


@malformed("{file}, line 5: POS is no number; found '1e6'; allowed: 1 to 2147483647")
def pos_as_float():
    return vcf(record(pos="1e6"))


@malformed("{file}, line 5: POS is no number; found '.'; allowed: 1 to 2147483647")
def pos_missing():
    return vcf(record(pos="."))


@malformed("{file}, line 5: POS is too large; found '2147483648'; allowed: 1 to 2147483647")
def pos_too_large():
    return vcf(record(pos="2147483648"))


@malformed(
    "{file}, line 5: POS is too large; found "
    "'99999999999999999999999999999999999999999999999999999999999…'; allowed: 1 to 2147483647"
)
def pos_of_5000_digits():
    return vcf(record(pos="9" * 5000))


# REF and ALT.


@malformed(
    "{file}, line 5: a letter of REF is no base; found '.'; allowed: A, C, G, T, N; fix: "
    "write the base before the variant in front of REF and ALT: bcftools norm"
)
def ref_no_letter():
    return vcf(record(ref="."))


@malformed(
    "{file}, line 5: a letter of REF is no base; found '-'; allowed: A, C, G, T, N; fix: "
    "write the base before the variant in front of REF and ALT: bcftools norm"
)
def ref_of_dash():
    return vcf(record(ref="-"))


@malformed(
    "{file}, line 5: a letter of REF is no base; found 'R'; allowed: A, C, G, T, N; fix: "
    "write the first base in alphabetical order that the code stands for, or N"
)
def ref_ambiguous():
    return vcf(record(ref="R"))


@malformed(
    "{file}, line 5: a letter of REF is no base (letter 3 of 3); found 'ACU'; allowed: A, C, "
    "G, T, N; fix: write T"
)
def ref_of_rna():
    return vcf(record(ref="ACU"))


@malformed(
    "{file}, line 5: a letter of REF is no base (letter 401 of 801); found "
    "'ACGTACGTACGTACGTACGTXACGTACGTACGTACGTACG'; allowed: A, C, G, T, N"
)
def ref_with_a_bad_letter_far_in():
    return vcf(record(ref="ACGT" * 100 + "X" + "ACGT" * 100))


@malformed(
    "{file}, line 5: a letter of REF is no base (letter 2 of 3); found 'A,C'; allowed: A, C, "
    "G, T, N"
)
def ref_of_two_alleles():
    return vcf(record(ref="A,C"))


@malformed(
    "{file}, line 5: an empty allele in ALT; found 'A,,C'; allowed: alleles with a comma "
    "between; fix: remove the extra comma"
)
def alt_with_an_empty_allele():
    return vcf(record(alt="A,,C"))


@malformed(
    "{file}, line 5: an empty allele in ALT; found 'C,'; allowed: alleles with a comma "
    "between; fix: remove the extra comma"
)
def alt_with_a_comma_at_the_end():
    return vcf(record(alt="C,"))


@malformed(
    "{file}, line 5: '.' in a list of ALT alleles; found 'C,.'; allowed: '.' alone; fix: remove it"
)
def alt_missing_in_a_list():
    return vcf(record(alt="C,."))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found 'C/T'; allowed: A, C, G, T, N; "
    "*; <ID>; a breakend; or '.' alone; fix: put a comma between alleles"
)
def alt_as_genotype():
    return vcf(record(alt="C/T"))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found '-'; allowed: A, C, G, T, N; *; "
    "<ID>; a breakend; or '.' alone; fix: write the base before the variant in front of REF "
    "and ALT: bcftools norm"
)
def alt_of_dash():
    return vcf(record(alt="-"))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found 'CXT'; allowed: A, C, G, T, N; "
    "*; <ID>; a breakend; or '.' alone"
)
def alt_bad_letter():
    return vcf(record(alt="G,CXT"))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found '<DEL'; allowed: A, C, G, T, N; "
    "*; <ID>; a breakend; or '.' alone"
)
def alt_symbolic_not_closed():
    return vcf(record(alt="<DEL"))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found 'G]17]'; allowed: A, C, G, T, N; "
    "*; <ID>; a breakend; or '.' alone"
)
def alt_breakend_without_a_place():
    return vcf(record(alt="G]17]"))


@malformed(
    "{file}, line 5: an ALT allele that is malformed; found '?'; allowed: A, C, G, T, N; *; "
    "<ID>; a breakend; or '.' alone"
)
def alt_in_bz2():
    return bz2.compress(vcf(record(alt="?")))
