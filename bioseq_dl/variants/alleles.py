"""Alleles of VCF records: what kind each is, and what is left when shared letters are trimmed.

One allele is one row, on its own: nothing here depends on what other alleles its record has,
so that splitting a multi-allelic record changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.io.vcf.chunks import Chunk

CLASSES = ("SNV", "MNV", "insertion", "deletion", "complex", "identical")
"""Of the trimmed allele. ``complex`` replaces bases by others of another number; ``identical``
is an ALT that repeats REF."""
NO_CLASS = -1
"""Of alleles that are no sequence."""

STATUSES = (
    "scored",
    "flipped",
    "ref_mismatch",
    "symbolic",
    "breakend",
    "star",
    "no_alt",
    "no_contig",
    "beyond_contig",
    "longer_than_window",
    "unknown_bases",
)
"""What became of an allele; the first two have scores."""
STATUS = {name: code for code, name in enumerate(STATUSES)}
SCORED, FLIPPED = STATUS["scored"], STATUS["flipped"]

_BASES = b"ACGTN"
_CODES = np.frombuffer(DNA.table, np.uint8)
_LETTER = np.zeros(256, bool)
_LETTER[list(_BASES)] = True


@dataclass(frozen=True, eq=False)
class Alleles:
    """All ALT alleles of a chunk, in order: the ``n`` rows of its scores.

    Parameters
    ----------
    record : ndarray of int64 (n,)
        The allele's record among those of the chunk.
    number : ndarray of int64 (n,)
        Its place in its record's ALT column, from 0.
    ref, alt : list of bytes (n,)
        As written, upper case.
    prefix, suffix : ndarray of int64 (n,)
        Letters that REF and ALT share on the left and on the right, the right ones taken
        first.
    ref_length, alt_length : ndarray of int64 (n,)
        Of the trimmed alleles: without prefix and suffix.
    kind : ndarray of int8 (n,)
        Place in `CLASSES`, or `NO_CLASS`.
    status : ndarray of int8 (n,)
        Place in `STATUSES`: what ALT alone tells.
    code : ndarray of uint8 (n,)
        Code of the alternative letter of an SNV; 0 for others.
    """

    record: NDArray[np.int64]
    number: NDArray[np.int64]
    ref: list[bytes]
    alt: list[bytes]
    prefix: NDArray[np.int64]
    suffix: NDArray[np.int64]
    ref_length: NDArray[np.int64]
    alt_length: NDArray[np.int64]
    kind: NDArray[np.int8]
    status: NDArray[np.int8]
    code: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.alt)


def list_alleles(chunk: Chunk) -> Alleles:
    """Classify and trim every allele of a chunk.

    Single letters, the common case, are handled all at once; the others one by one.
    """
    alt, offsets = chunk.alleles()
    count = len(alt)
    if count == len(chunk.ref):
        record = np.arange(count)
        number = np.zeros(count, np.int64)
        ref = chunk.ref
    else:
        record = np.repeat(np.arange(len(chunk.ref)), np.diff(offsets))
        number = np.arange(count) - offsets[record]
        ref = [chunk.ref[row] for row in record.tolist()]
    ref_length = np.fromiter(map(len, ref), np.int64, count)
    alt_length = np.fromiter(map(len, alt), np.int64, count)
    # The first letter of each, from all letters end to end.
    ref_letter = _first_letters(ref, ref_length)
    alt_letter = _first_letters(alt, alt_length)
    single = (ref_length == 1) & (alt_length == 1) & _LETTER[alt_letter]
    same = single & (ref_letter == alt_letter)
    kind = np.where(single, CLASSES.index("SNV"), NO_CLASS).astype(np.int8)
    kind[same] = CLASSES.index("identical")
    code = np.where(single, _CODES[alt_letter], 0).astype(np.uint8)
    prefix = np.zeros(count, np.int64)
    suffix = same.astype(np.int64)
    status = np.zeros(count, np.int8)
    for row in np.flatnonzero(~single).tolist():
        status[row] = STATUS[_read_status(alt[row])]
        if status[row] != SCORED:
            continue
        left, right = trim(ref[row], alt[row])
        shared = left + right
        prefix[row], suffix[row] = left, right
        kind[row] = _classify(len(ref[row]) - shared, len(alt[row]) - shared)
        if kind[row] == 0:
            code[row] = _CODES[alt[row][left]]
    return Alleles(
        record=record,
        number=number,
        ref=ref,
        alt=alt,
        prefix=prefix,
        suffix=suffix,
        ref_length=ref_length - prefix - suffix,
        alt_length=alt_length - prefix - suffix,
        kind=kind,
        status=status,
        code=code,
    )


def trim(ref: bytes, alt: bytes) -> tuple[int, int]:
    """Count the letters that two alleles share: (on the left, on the right).

    The right ones are taken first, so that an insertion or deletion in a repeat comes to
    stand as far left as its record says: CAA>CA is the deletion of the first A.
    """
    most = min(len(ref), len(alt))
    right = 0
    while right < most and ref[-1 - right] == alt[-1 - right]:
        right += 1
    left = 0
    while left < most - right and ref[left] == alt[left]:
        left += 1
    return left, right


def _classify(ref: int, alt: int) -> int:
    if ref == alt:
        name = ("identical", "SNV")[ref] if ref < 2 else "MNV"
    elif ref == 0:
        name = "insertion"
    else:
        name = "complex" if alt else "deletion"
    return CLASSES.index(name)


def _read_status(alt: bytes) -> str:
    """Tell what ALT is (VCF 4.3, 1.6.1 and 5.4)."""
    if not alt.translate(None, _BASES):
        return "scored"
    if alt == b".":
        return "no_alt"
    if alt == b"*":
        return "star"
    single = alt.startswith(b".") or alt.endswith(b".")
    return "breakend" if b"[" in alt or b"]" in alt or single else "symbolic"


def _first_letters(alleles: list[bytes], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    letters: NDArray[np.uint8] = np.frombuffer(b"".join(alleles), np.uint8)
    return letters if len(letters) == len(alleles) else letters[np.cumsum(lengths) - lengths]
