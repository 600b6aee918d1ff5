"""Blocked gzip: where its blocks stand, and files of it put end to end.

Source: SAM/BAM format specification, section 4.1, "The BGZF compression format".
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.io.handles import BGZIP_END, check_bgzip_end, is_bgzip

_HEADER = 18
"""Bytes of a block before its data, where BC is its only subfield, as bgzip writes it."""


@dataclass(frozen=True, eq=False)
class BlockTable:
    """Where the blocks of a bgzip file stand.

    Parameters
    ----------
    places : ndarray of int64 (blocks,)
        First byte of each block in the file.
    texts : ndarray of int64 (blocks,)
        First byte of each block in the text, a leading byte order mark left out of the count.
    """

    places: NDArray[np.int64]
    texts: NDArray[np.int64]

    def virtual_offset(self, offset: int) -> int:
        """Give the virtual offset of a byte of the text: its block's place, and where in it."""
        block = int(np.searchsorted(self.texts, offset, side="right")) - 1
        return int(self.places[block]) << 16 | offset - int(self.texts[block])


def read_block_table(path: str | Path, skipped: int = 0) -> BlockTable:
    """Read where the blocks stand, from their headers alone.

    Parameters
    ----------
    path : path
        Its data have been read whole before, so that damage is known.
    skipped : int
        Bytes at the text's start that do not count.

    Raises
    ------
    InputError
        Where something else than a block follows one.
    """
    places, texts = [], []
    place, text = 0, -skipped
    with Path(path).open("rb") as handle:
        while header := handle.read(_HEADER):
            if len(header) < _HEADER or header[:4] != BGZIP_END[:4] or header[12:14] != b"BC":
                raise InputError(
                    f"other data than bgzip from byte {place + 1:,} on",
                    file=path,
                    fix="decompress the file and compress it again with bgzip",
                )
            places.append(place)
            texts.append(text)
            place += int.from_bytes(header[16:18], "little") + 1
            handle.seek(place - 4)
            text += struct.unpack("<I", handle.read(4))[0]
    return BlockTable(np.array(places, np.int64), np.array(texts, np.int64))


def check_bgzip(path: str | Path) -> None:
    """Find out whether a file is bgzip with its end marker.

    Raises
    ------
    InputError
        Where it is missing, cut short or no bgzip file.
    """
    if not is_bgzip(path):
        raise InputError("not a bgzip file", file=path, fix="write this part again")
    check_bgzip_end(path)


def join_bgzip(parts: Sequence[str | Path], out: str | Path) -> None:
    """Put bgzip files end to end, block by block, without compressing anything again.

    Parameters
    ----------
    parts : sequence of path
        In order; one that holds nothing is allowed.
    out : path
        Written atomically.

    Raises
    ------
    InputError
        Where a part is missing, cut short or no bgzip file; where `out` cannot be written.
    """
    for part in parts:
        check_bgzip(part)
    with atomic_path(out) as temporary, temporary.open("wb") as target:
        for part in parts:
            with Path(part).open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 22)
            # Each part ends with an empty block; only the last one's may stay.
            target.seek(-len(BGZIP_END), 2)
            target.truncate()
        target.write(BGZIP_END)
