"""FASTA files, record by record."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from Bio.SeqIO.FastaIO import SimpleFastaParser

from bioseq_dl.config import FastaInput
from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_text
from bioseq_dl.io.letters import join_letters
from bioseq_dl.io.records import Batch

BATCH_RECORDS = 65_536
BATCH_LETTERS = 1 << 25
_HEADERS_SEEN = 100
"""Headers whose keys an error about a missing one lists."""
_REGION = re.compile(r"([^\s:]+):(\d+)-(\d+)(?:\(([+-])\))?")


class FastaRecord(NamedTuple):
    """One record: line of its header (from 1), first word of it, all of it, sequence."""

    line: int
    id: str
    header: str
    sequence: str


def read_fasta(path: str | Path) -> Iterator[FastaRecord]:
    """Read a FASTA file (plain, gzip, bgzip, xz) record by record.

    White space within sequences is dropped, letters stay as they are.

    Raises
    ------
    InputError
        While reading: what `open_text` raises, text before the first header, no header.
    """
    starts: deque[int] = deque()
    count = 0
    with open_text(path) as handle:
        lines = _number_headers(handle, starts, path)
        parsed: Iterator[tuple[str, str]] = SimpleFastaParser(lines)  # type: ignore[no-untyped-call]
        for header, sequence in parsed:
            words = header.split(None, 1)
            yield FastaRecord(starts.popleft(), words[0] if words else "", header, sequence)
            count += 1
    if count == 0:
        raise InputError("the file has no FASTA record", file=path)


def _number_headers(handle: Iterable[str], starts: deque[int], path: str | Path) -> Iterator[str]:
    """Pass lines on and note where headers stand, which the parser does not tell."""
    for number, line in enumerate(handle, 1):
        if line.startswith(">"):
            starts.append(number)
        elif not starts and line.strip():
            raise InputError(
                "text before the first FASTA header",
                file=path,
                position=f"line {number}",
                found=line.strip(),
                allowed="a line that starts with '>'",
                fix="give a table as format: table" if "," in line or "\t" in line else None,
            )
        yield line


def read_fasta_batches(entry: FastaInput, path: str | Path) -> Iterator[Batch]:
    """Read a FASTA input as batches.

    Labels, folds and groups stand in the header as ``key=value``, the value ended by white
    space, ``;`` or ``|``, or in double quotes. An id ``chrom:start-end`` or
    ``chrom:start-end(strand)`` whose width is the sequence's length gives the coordinates:
    0-based half-open as bedtools getfasta writes them, or 1-based inclusive (one wider) as
    samtools faidx does.

    Raises
    ------
    InputError
        What `read_fasta` raises; a header key that no record has.
    """
    keys = [*entry.columns.values(), entry.split_column, entry.group_column]
    wanted = {key: _make_pattern(key) for key in keys if key is not None}
    seen: set[str] = set()
    names: dict[str, None] = {}
    records: list[FastaRecord] = []
    letters = first = 0
    for record in read_fasta(path):
        records.append(record)
        letters += len(record.sequence)
        if len(records) >= BATCH_RECORDS or letters >= BATCH_LETTERS:
            yield _make_batch(entry, records, wanted, seen)
            records, letters = [], 0
        if wanted and first < _HEADERS_SEEN:
            names |= dict.fromkeys(re.findall(r"([^\s;|=]+)=", record.header))
            first += 1
    if records:
        yield _make_batch(entry, records, wanted, seen)
    for key in wanted:
        if key not in seen:
            raise InputError(
                f"no FASTA header has the key {key}=",
                file=path,
                allowed=", ".join(names) or None,
                fix=None if names else "write it as '>id key=value'",
            )


def _make_pattern(key: str) -> re.Pattern[str]:
    return re.compile(rf'(?:^|[\s;|]){re.escape(key)}=(?:"([^"]*)"|([^\s;|]*))')


def _make_batch(
    entry: FastaInput,
    records: Sequence[FastaRecord],
    wanted: dict[str, re.Pattern[str]],
    seen: set[str],
) -> Batch:
    found: dict[str, list[str]] = {}
    for key, pattern in wanted.items():
        matches = [pattern.search(record.header) for record in records]
        found[key] = [(m[1] if m[1] is not None else m[2]) if m else "" for m in matches]
        if any(matches):
            seen.add(key)
    regions = [read_region(record.id, len(record.sequence)) for record in records]
    letters, offsets = join_letters([record.sequence for record in records])
    return Batch(
        places=np.array([record.line for record in records], np.int64),
        ids=[record.id for record in records],
        letters=letters,
        offsets=offsets,
        values={target: found[key] for target, key in entry.columns.items()},
        split=found[entry.split_column] if entry.split_column else None,
        group=found[entry.group_column] if entry.group_column else None,
        chrom=[region[0] if region else None for region in regions],
        start=np.array([region[1] if region else -1 for region in regions], np.int64),
        end=np.array([region[2] if region else -1 for region in regions], np.int64),
        strand=[region[3] if region else None for region in regions],
    )


def read_region(name: str, length: int) -> tuple[str, int, int, str] | None:
    """Read ``chrom:start-end(strand)`` of a sequence of that length, 0-based half-open.

    Gives None where the id is no region or its width is not the length.
    """
    match = _REGION.fullmatch(name)
    if match is None:
        return None
    start, end = int(match[2]), int(match[3])
    if end - start + 1 == length and start >= 1:
        start -= 1
    elif end - start != length:
        return None
    return (match[1], start, end, match[4] or ".") if length else None
