"""Encoded records: what a network reads, before it is one-hot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bioseq_dl.config import Targets
from bioseq_dl.encode.alphabet import DNA, Alphabet, Codes

ROLES = ("train", "val", "test", "drop")
"""A record's role in a fold, by its code."""


class Encoded(Protocol):
    """Encoded records of any task, as training, predictions and comparisons see them."""

    @property
    def targets(self) -> npt.NDArray[np.float32]:
        """float32 (n, targets): NaN where missing; of residues a row a residue."""

    @property
    def roles(self) -> npt.NDArray[np.uint8]:
        """uint8 (folds, n): places in ROLES."""

    @property
    def spec(self) -> Targets:
        """What the columns of `targets` mean."""

    @property
    def ids_sha256(self) -> str:
        """`hash_ids` of the records' ids."""

    @property
    def unknown(self) -> str:
        """How unknown letters become one-hot."""

    @property
    def weights(self) -> npt.NDArray[np.float32] | None:
        """float32 (n,): how much each record counts; None where all count alike."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 (n,): what batches are grouped by."""

    @property
    def fitted(self) -> str | None:
        """What was fitted on train and other data are mapped through, as JSON; or None."""

    def select(self, fold: int, role: str) -> npt.NDArray[np.int64]:
        """Rows that have a role in a fold, int64."""

    def target_rows(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows of `targets` that belong to records."""


@dataclass(frozen=True, eq=False)
class Examples:
    """All records of a run as arrays, in the order of ``records.parquet``.

    The arrays may be memory-mapped and read-only.
    """

    codes: Codes
    """uint8 (letters,): all sequences end to end; DNA: A C G T = 0 1 2 3, unknown = 4."""
    offsets: npt.NDArray[np.int64]
    """int64 (n + 1,): where each sequence starts, and where the last ends."""
    targets: npt.NDArray[np.float32]
    """float32 (n, targets): NaN where missing. Of residues (letters, labels): a row a residue."""
    roles: npt.NDArray[np.uint8]
    """uint8 (folds, n): places in ROLES."""
    spec: Targets
    """What the columns of `targets` mean."""
    unknown: str
    """How unknown bases become one-hot: ``zeros`` or ``uniform``."""
    ids_sha256: str
    """`hash_ids` of the records' ids."""
    alphabet: Alphabet = DNA
    """What the codes stand for."""
    weights: npt.NDArray[np.float32] | None = None
    """float32 (n,): how much each record counts in training; None where all count alike."""
    wild_type: Codes | None = None
    """uint8 (length,): the sequence that all others are mutants of, where there is one."""

    features: npt.NDArray[np.float32] | None = None
    """float32 (letters, features): further inputs of each position, where there are any."""

    def __post_init__(self) -> None:
        count = self.offsets.shape[0] - 1
        labelled = self.codes.size if self.spec.per_residue else count
        arrays: tuple[tuple[str, npt.NDArray[Any], type, tuple[int, ...]], ...] = (
            ("codes", self.codes, np.uint8, (self.codes.size,)),
            ("offsets", self.offsets, np.int64, (max(count, 0) + 1,)),
            ("targets", self.targets, np.float32, (labelled, len(self.spec.labels))),
            ("roles", self.roles, np.uint8, (*self.roles.shape[:1], count)),
        )
        if self.weights is not None:
            arrays += (("weights", self.weights, np.float32, (count,)),)
        if self.wild_type is not None:
            arrays += (("wild_type", self.wild_type, np.uint8, (self.wild_type.size,)),)
        if self.features is not None:
            shape = (self.codes.size, *self.features.shape[1:2])
            arrays += (("features", self.features, np.float32, shape),)
        for name, array, dtype, shape in arrays:
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} must be {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}"
                )
        if self.offsets[0] != 0 or self.offsets[-1] != self.codes.size:
            raise ValueError("offsets must run from 0 to the number of bases")
        if (np.diff(self.offsets) < 0).any():
            raise ValueError("offsets must not fall")
        if self.unknown not in ("zeros", "uniform"):
            raise ValueError(f"unknown must be zeros or uniform, found {self.unknown}")

    def __len__(self) -> int:
        return int(self.offsets.shape[0]) - 1

    @property
    def size_in_words(self) -> str:
        """How much the examples hold, for a log."""
        return f"{self.codes.size:,} {self.alphabet.unit}s"

    @property
    def fitted(self) -> None:
        """What was fitted on train: nothing."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Bases of each sequence, int64 (n,)."""
        lengths: npt.NDArray[np.int64] = np.diff(self.offsets)
        return lengths

    @property
    def length(self) -> int | None:
        """The length that all sequences share; None where they differ."""
        lengths = self.lengths
        if not lengths.size or (lengths != lengths[0]).any():
            return None
        return int(lengths[0])

    def target_rows(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows of `targets` that belong to records: the records', or all their positions'."""
        if not self.spec.per_residue:
            return rows
        starts, lengths = self.offsets[rows], self.lengths[rows]
        ends = np.cumsum(lengths)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)

    def select(self, fold: int, role: str) -> npt.NDArray[np.int64]:
        """Rows that have a role (``train``, ``val``, ``test``, ``drop``) in a fold, int64."""
        return np.flatnonzero(self.roles[fold] == ROLES.index(role))


def hash_ids(ids: Any) -> str:
    """Hash ids in their order, so that arrays and tables made apart can be matched.

    Parameters
    ----------
    ids : iterable of str, or Arrow array of strings

    Returns
    -------
    str
        SHA-256 of the ids, each followed by a newline, in UTF-8.
    """
    texts = ids.to_pylist() if hasattr(ids, "to_pylist") else list(ids)
    return hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()
