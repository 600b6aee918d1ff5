"""Put the parts of a scattered VCF together, and index it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

import pysam

from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.vcf.bgzip import join_bgzip

_TBI_LIMIT = 2**29
"""Positions a .tbi can hold (the tabix format); a .csi holds more."""
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
    join_bgzip(parts, out)


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
    suffix = ".csi" if max(max_position, _find_longest(path)) >= _TBI_LIMIT else ".tbi"
    index = path.with_name(path.name + suffix)
    with atomic_path(index) as temporary:
        pysam.tabix_index(
            str(path), preset="vcf", force=True, index=str(temporary), csi=suffix == ".csi"
        )
    other = path.with_name(path.name + (".tbi" if suffix == ".csi" else ".csi"))
    other.unlink(missing_ok=True)  # of an older version of the file
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
