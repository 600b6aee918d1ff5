"""Put the parts of a scattered VCF together, and index it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import pysam

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.vcf.bgzip import check_bgzip, join_bgzip
from bioseq_dl.io.vcf.source import silence_htslib

_TBI_LIMIT = 2**29
"""Positions a .tbi can hold (the tabix format); a .csi holds more."""
_ORDER = "give the parts in order, each once"
_LENGTH = re.compile(rb"##contig=<.*?\blength=([0-9]+)")


def gather_vcfs(parts: Sequence[str | Path], out: str | Path) -> None:
    """Put the parts of a scattered VCF end to end.

    The blocks are copied as they are, so the result has the bytes of the unscattered file.

    Parameters
    ----------
    parts : sequence of path
        As `open_annotated` writes them, in order; only the first has the header.
    out : path

    Raises
    ------
    InputError
        Where a part is missing or damaged, or has or lacks the header; where `out` cannot be
        written.
    """
    if not parts:
        raise ValueError("no parts")
    for number, part in enumerate(parts):
        has_header = _read_start(part) == b"#"
        if number == 0 and not has_header:
            raise InputError("the first part has no header", file=part, fix=_ORDER)
        if number > 0 and has_header:
            raise InputError("a part that is not the first has a header", file=part, fix=_ORDER)
    join_bgzip(parts, out)


def _read_start(part: str | Path) -> bytes:
    check_bgzip(part)
    try:
        with gzip.open(part, "rb") as handle:
            return handle.read(1)
    except (OSError, EOFError, zlib.error):
        raise InputError(
            "damaged compressed data", file=part, fix="write this part again"
        ) from None


def index_vcf(path: str | Path, is_sorted: bool, max_position: int = 0) -> Path | None:
    """Index a bgzip VCF with tabix; equal files give equal indexes.

    Parameters
    ----------
    path : path
    is_sorted : bool
        As the survey found it.
    max_position : int
        The largest POS.

    Returns
    -------
    Path or None
        ``.tbi``, or ``.csi`` where a position or a contig's declared length is 2^29 or more.
        None where the file is not sorted: then there can be no index.

    Raises
    ------
    InputError
        Where the index cannot be written.
    """
    path = Path(path)
    if not is_sorted:
        return None
    wide = max(max_position, _find_longest(path)) >= _TBI_LIMIT
    # An END in INFO may lie beyond what POS and the header tell: then .tbi fails, .csi does not.
    index = _write_index(path, wide=wide) or _write_index(path, wide=True)
    if index is None:
        raise InputError(
            "tabix cannot index the file", file=path, fix="sort the input first: bcftools sort"
        )
    old = {path.with_name(path.name + suffix) for suffix in (".tbi", ".csi")} - {index}
    old.pop().unlink(missing_ok=True)
    return index


def _write_index(path: Path, *, wide: bool) -> Path | None:
    index = path.with_name(path.name + (".csi" if wide else ".tbi"))
    try:
        with atomic_path(index) as temporary, silence_htslib():
            pysam.tabix_index(str(path), preset="vcf", force=True, index=str(temporary), csi=wide)
    except OSError as error:
        if error.errno is not None:  # htslib's own has none
            raise
        return None
    return index


def _find_longest(path: Path) -> int:
    """Give the largest contig length that the header declares."""
    longest = 0
    with gzip.open(path, "rb") as handle:
        for line in handle:
            if not line.startswith(b"#"):
                break
            if match := _LENGTH.match(line):
                longest = max(longest, int(match[1]))
    return longest
