"""What a record of a VCF must look like: one line, checked column by column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from bioseq_dl.errors import InputError

MAX_POSITION = 2**31 - 1
"""The largest POS: a 32-bit integer (VCF 4.3, 1.3)."""
_CHROM = re.compile(rb"[^\s,<>]+|<[^\s<>]+>")
_REF = re.compile(rb"[ACGTNacgtn]+")
_BASES = rb"[ACGTNacgtn]"
_PLACE = rb"(?:[^\s\[\],<>]+|<[^\s<>]+>):[0-9]+"
ALLELE = re.compile(
    rb"|".join(
        (
            _BASES + rb"+",
            rb"\*",
            _BASES + rb"*<[^\s<>,]+>",
            rb"(?:" + _BASES + rb"+|\.)(?:\[" + _PLACE + rb"\[|\]" + _PLACE + rb"\])",
            rb"(?:\[" + _PLACE + rb"\[|\]" + _PLACE + rb"\])(?:" + _BASES + rb"+|\.)",
            rb"\." + _BASES + rb"+",
            _BASES + rb"+\.",
        )
    )
)
"""Bases; ``*``; ``<ID>``, also behind bases; breakends, single ones too (VCF 4.3, 1.6.1, 5.4)."""
ALT = re.compile(rb"\.|(?:" + ALLELE.pattern + rb")(?:,(?:" + ALLELE.pattern + rb"))*")
NAMES = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")


def check_record(line: bytes, columns: int, number: int, file: str | Path) -> None:
    """Hold one record against VCF 4.3.

    Parameters
    ----------
    line : bytes
        Without its end.
    columns : int
        Of the ``#CHROM`` line.
    number : int
        1-based line number.
    file : path

    Raises
    ------
    InputError
        At the first column that is malformed.
    """
    if line.startswith(b"#"):
        problem, found = "a header line after the first record", line.replace(b"\t", b" ")
        remedy = "remove it; to join VCFs use bcftools concat"
        _fail(number, file, problem, found, "records", remedy)
    if not line.strip():
        _fail(number, file, "an empty line", None, "records", "remove the line")
    fields = line.split(b"\t")
    if len(fields) != columns:
        _fail_columns(line, len(fields), columns, number, file)
    for name, value in zip(NAMES, fields, strict=False):
        if not value:
            missing = None if name in ("CHROM", "POS", "REF") else "write '.' for a missing value"
            _fail(number, file, f"the column {name} is empty", None, None, missing)
    chrom, pos, _, ref, alt = fields[:5]
    if not _CHROM.fullmatch(chrom):
        _fail(number, file, "not a contig name", chrom, "no spaces, commas, < or >", None)
    if not pos.isdigit():
        problem = "POS is negative" if pos[:1] == b"-" and pos[1:].isdigit() else "POS is no number"
        _fail(number, file, problem, pos, f"1 to {MAX_POSITION}", None)
    if not pos.strip(b"0"):
        count = "positions count from 1; add 1 to 0-based ones"
        _fail(number, file, "POS is 0", pos, f"1 to {MAX_POSITION}", count)
    if len(pos) > 10 or int(pos) > MAX_POSITION:
        _fail(number, file, "POS is too large", pos, f"1 to {MAX_POSITION}", None)
    if not _REF.fullmatch(ref):
        _fail_ref(ref, number, file)
    if not ALT.fullmatch(alt):
        _fail_alt(alt, number, file)


def _fail_columns(line: bytes, found: int, columns: int, number: int, file: str | Path) -> NoReturn:
    problem = f"the record has {found} column{'s' if found > 1 else ''}, the #CHROM line {columns}"
    fix = None
    if len(line.split()) >= columns > found:
        fix = "put tabs, not spaces, between the columns"
    elif found < columns:
        fix = "the line is cut short; write the file again"
    _fail(number, file, problem, line.replace(b"\t", b" "), f"{columns}, tabs between", fix)


def _fail_ref(ref: bytes, number: int, file: str | Path) -> NoReturn:
    place = next(i for i in range(len(ref)) if not _REF.fullmatch(ref[i : i + 1]))
    fix: str | None = None
    if ref in (b".", b"-"):
        fix = "write the base before the variant in front of REF and ALT: bcftools norm"
    elif ref[place : place + 1].upper() in tuple(b"%c" % code for code in b"RYSWKMBDHV"):
        fix = "write the first base in alphabetical order that the code stands for, or N"
    elif ref[place : place + 1] in b"Uu":
        fix = "write T"
    problem = "a letter of REF is no base"
    if len(ref) > 1:
        problem += f" (letter {place + 1} of {len(ref)})"
        ref = ref[max(0, place - 20) : place + 20]
    _fail(number, file, problem, ref, "A, C, G, T, N", fix)


def _fail_alt(alt: bytes, number: int, file: str | Path) -> NoReturn:
    alleles = alt.split(b",")
    allowed = "A, C, G, T, N; *; <ID>; a breakend; or '.' alone"
    if b"" in alleles:
        fix = "remove the extra comma"
        _fail(number, file, "an empty allele in ALT", alt, "alleles with a comma between", fix)
    if b"." in alleles:
        _fail(number, file, "'.' in a list of ALT alleles", alt, "'.' alone", "remove it")
    bad = next(allele for allele in alleles if not ALLELE.fullmatch(allele))
    fix = ""
    if b"/" in bad or b"|" in bad:
        fix = "put a comma between alleles"
    elif bad == b"-":
        fix = "write the base before the variant in front of REF and ALT: bcftools norm"
    _fail(number, file, "an ALT allele that is malformed", bad, allowed, fix or None)


def _fail(
    number: int,
    file: str | Path,
    problem: str,
    found: bytes | None,
    allowed: str | None,
    fix: str | None,
) -> NoReturn:
    raise InputError(
        problem,
        file=file,
        position=f"line {number}",
        found=found.decode(errors="replace") if found is not None else None,
        allowed=allowed,
        fix=fix,
    )
