"""Which examples make a batch, and a batch in one gather."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bioseq_dl.encode.examples import Encoded, Examples
from bioseq_dl.encode.windows import gather_windows
from bioseq_dl.errors import InputError

Indices = npt.NDArray[np.int64]

_JITTER = 0.1
"""Lengths are blurred by up to this share before sorting, so that batches differ between
epochs; it bounds what the blur adds to the padding."""


class Batch(NamedTuple):
    """Examples side by side."""

    codes: Tensor
    """uint8 (n, length): the unknown code (DNA: 4) beyond a sequence's end."""
    lengths: Tensor | None
    """int64 (n,): bases of each; None where none is padded."""
    targets: Tensor
    """float32 (n, targets): NaN where missing; of residues (n, length, labels)."""
    features: Tensor | None = None
    """float32 (n, features, length): further inputs, 0 beyond a sequence's end."""


def plan_batches(
    lengths: Indices,
    indices: Indices,
    batch_size: int,
    token_budget: int | None = None,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = False,
    parts: int = 1,
) -> list[Indices]:
    """Divide examples into batches, the same way for the same arguments.

    Sequences of one length are cut into batches of nearly equal size, so that none is a
    leftover of one or two. Others are grouped by length so that little is padded.

    Parameters
    ----------
    lengths : array of int64, shape (all examples,)
    indices : array of int64, shape (n,)
        Examples to use.
    batch_size : int
        At most this many examples a batch.
    token_budget : int, optional
        At most this many bases a batch, padding included.
    seed, epoch : int
        Decide the order, with `shuffle`.
    shuffle : bool
        Random batches in random order; else in the order of `indices` (of length, where
        lengths differ).
    parts : int
        Processes that share each batch, taking its examples in turn: `batch_size` and
        `token_budget` are of one of them.

    Returns
    -------
    list of arrays of int64
        Every index once.

    Raises
    ------
    InputError
        Where one sequence alone exceeds `token_budget`.
    """
    if not len(indices):
        return []
    chosen = lengths[indices]
    longest = int(chosen.max())
    if token_budget is not None and longest > token_budget:
        raise InputError(
            "a sequence is longer than train.token_budget",
            record=f"row {indices[int(np.argmax(chosen))] + 1}",
            found=f"{longest} bases",
            allowed=f"{token_budget} bases a batch",
            fix="raise train.token_budget, or crop with encode.length",
        )
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(indices)) if shuffle else np.arange(len(indices))
    if longest == int(chosen.min()):
        limit = batch_size if token_budget is None else min(batch_size, token_budget // longest)
        pieces = np.array_split(indices[order], -(-len(indices) // (limit * parts)))
        return [np.asarray(piece, np.int64) for piece in pieces]
    blur = random.uniform(1, 1 + _JITTER, len(order)) if shuffle else 1.0
    order = order[np.argsort(chosen[order] * blur, kind="stable")]
    batches = _fill_batches(chosen[order], indices[order], batch_size, token_budget, parts)
    if shuffle:
        batches = [batches[place] for place in random.permutation(len(batches))]
    return batches


def _fill_batches(
    lengths: Indices, indices: Indices, batch_size: int, token_budget: int | None, parts: int
) -> list[Indices]:
    batches = []
    start = 0
    while start < len(indices):
        end = min(start + batch_size * parts, len(indices))
        if token_budget is not None:
            widest = np.maximum.accumulate(lengths[start:end])
            bases = widest * -(-np.arange(1, end - start + 1) // parts)
            end = start + int(np.searchsorted(bases, token_budget, side="right"))
        batches.append(np.asarray(indices[start:end], np.int64))
        start = end
    return batches


def gather(examples: Examples, indices: Indices) -> Batch:
    """Copy the examples of a batch out of the (mapped) arrays.

    Returns
    -------
    Batch
        On the CPU; padded on the right to the longest of the batch.
    """
    starts = examples.offsets[indices]
    lengths = examples.offsets[indices + 1] - starts
    width = int(lengths.max()) if len(lengths) else 0
    none = np.zeros(len(indices), np.int64)
    fill = examples.alphabet.unknown_code
    codes = gather_windows(examples.codes, starts, width, none, lengths, fill)
    padded = bool((lengths < width).any())
    if examples.spec.per_residue:
        targets = _gather_rows(examples.targets, starts, lengths, width, np.nan)
    else:
        targets = examples.targets[indices]
    features = None
    if examples.features is not None:
        rows = _gather_rows(examples.features, starts, lengths, width, 0.0)
        features = torch.from_numpy(rows).transpose(1, 2)
    return Batch(
        codes=torch.from_numpy(codes),
        lengths=torch.from_numpy(lengths) if padded else None,
        targets=torch.from_numpy(targets),
        features=features,
    )


def _gather_rows(
    values: npt.NDArray[np.float32], starts: Indices, lengths: Indices, width: int, fill: float
) -> npt.NDArray[np.float32]:
    """Copy rows of each record side by side: (n, width, columns)."""
    rows = np.full((len(starts), width, values.shape[1]), fill, np.float32)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        rows[row, :length] = values[start : start + length]
    return rows


def join_positions(outputs: Tensor, examples: Encoded, indices: Indices) -> Tensor:
    """Put outputs of residues (n, length, outputs) end to end, without the padding.

    Others, a row a record, stay as they are: either way as `Examples.target_rows` has targets.
    """
    if not examples.spec.per_residue:
        return outputs
    lengths = torch.from_numpy(examples.lengths[indices]).to(outputs.device)
    inside = torch.arange(outputs.shape[1], device=outputs.device) < lengths.unsqueeze(1)
    return outputs[inside]


def move_batch(batch: Batch, device: torch.device) -> Batch:
    """Copy a batch to the device; to a GPU from pinned memory, without waiting for it."""

    def move(part: Tensor) -> Tensor:
        if device.type != "cuda":
            return part.to(device)
        return part.pin_memory().to(device, non_blocking=True)

    lengths = None if batch.lengths is None else move(batch.lengths)
    features = None if batch.features is None else move(batch.features)
    return Batch(move(batch.codes), lengths, move(batch.targets), features)
