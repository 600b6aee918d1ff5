"""Mutants as changed intervals of reference windows, on either strand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import DNA

_UNKNOWN = DNA.unknown_code
_COMPLEMENT = np.array([3, 2, 1, 0, _UNKNOWN], np.uint8)


@dataclass(frozen=True, eq=False)
class Changes:
    """Mutants of some reference windows."""

    references: NDArray[np.uint8]
    """(w, length)"""
    rows: NDArray[np.int64]
    """(m,): which reference each mutant changes."""
    starts: NDArray[np.int64]
    """(m,): first changed letter."""
    ends: NDArray[np.int64]
    """(m,): after the last changed letter."""
    letters: NDArray[np.uint8]
    """New letters of all mutants, somewhere in here."""
    begins: NDArray[np.int64]
    """(m,): where in `letters` a mutant's first changed letter is."""

    def turn(self) -> Changes:
        """The same on the other strand."""
        length = self.references.shape[1]
        return replace(
            self,
            references=_COMPLEMENT[self.references[:, ::-1]],
            starts=length - self.ends,
            ends=length - self.starts,
            letters=_COMPLEMENT[self.letters[::-1]],
            begins=len(self.letters) - self.begins - (self.ends - self.starts),
        )

    def read(
        self, mutants: NDArray[np.int64], firsts: NDArray[np.int64], width: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Read stretches of mutants and of their references.

        Parameters
        ----------
        mutants : int64 (n,)
        firsts : int64 (n,)
            Where the stretches begin.
        width : int

        Returns
        -------
        uint8 (n, width), uint8 (n, width)
            The references' letters and the mutants'; unknown beyond the window.
        """
        length = self.references.shape[1]
        places = firsts[:, None] + np.arange(width)
        flat = self.rows[mutants, None] * length + np.clip(places, 0, length - 1)
        old = self.references.ravel()[flat]
        if (firsts < 0).any() or (firsts + width > length).any():
            old[(places < 0) | (places >= length)] = _UNKNOWN
        shift = places - self.starts[mutants, None]
        changed = (shift >= 0) & (places < self.ends[mutants, None])
        new = old.copy()
        new[changed] = self.letters[(self.begins[mutants, None] + shift)[changed]]
        return old, new


def check_changes(
    references: NDArray[np.uint8],
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    mutants: NDArray[np.uint8],
) -> Changes:
    """Bring the arguments of `score_changes` into one form.

    Raises
    ------
    ValueError
        Where shapes, indices or letters do not fit.
    """
    count, length = len(rows), references.shape[1]
    if references.ndim != 2 or references.dtype != np.uint8 or mutants.dtype != np.uint8:
        raise ValueError("references must be uint8 (w, length), mutants uint8")
    if not count == len(starts) == len(ends):
        raise ValueError("rows, starts and ends must be of one length")
    if count and not (rows.min() >= 0 and rows.max() < len(references)):
        raise ValueError("rows must be rows of references")
    if count and (starts.min() < 0 or (starts > ends).any() or ends.max() > length):
        raise ValueError("0 <= start <= end <= length must hold for every mutant")
    widths = ends - starts
    if mutants.ndim == 2:
        if mutants.shape != (count, length):
            raise ValueError(f"mutants must be ({count}, {length}), found {mutants.shape}")
        begins = np.arange(count) * length + starts
    else:
        if mutants.shape != (int(widths.sum()),):
            raise ValueError(f"mutants must be ({widths.sum()},) letters, found {mutants.shape}")
        begins = np.cumsum(widths) - widths
    if any(letters.size and letters.max() > _UNKNOWN for letters in (references, mutants)):
        raise ValueError(f"letters must be 0 to {_UNKNOWN}")
    return Changes(
        np.ascontiguousarray(references),
        rows.astype(np.int64),
        starts.astype(np.int64),
        ends.astype(np.int64),
        np.ascontiguousarray(mutants).ravel(),
        begins.astype(np.int64),
    )
