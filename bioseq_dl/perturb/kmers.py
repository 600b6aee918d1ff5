"""Weights of k-mers summed over windows, or over the few that a change touches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.perturb.plan import KmerTable

_LETTERS = len(DNA.letters)


def sum_kmers(
    tables: Sequence[KmerTable], codes: Tensor, starts: NDArray[np.int64] | None = None
) -> Tensor | None:
    """Sum the weights of the k-mers within stretches of sequences.

    Parameters
    ----------
    tables : sequence of KmerTable
    codes : uint8 tensor, shape (n, positions)
        4 stands for an unknown base, and for what lies beyond the sequence.
    starts : int64 (n,), optional
        Where the stretches begin in their sequences; default at 0.

    Returns
    -------
    float32 tensor, shape (n, outputs), or None where there are no tables
    """
    total: Tensor | None = None
    for table in tables:
        places = codes.shape[1] - table.size + 1
        if places < 1:
            terms = table.weights.new_zeros((len(codes), table.weights.shape[1]))
            total = terms if total is None else total + terms
            continue
        long = codes.long()
        rows, whole = torch.zeros_like(long[:, :places]), torch.ones_like(long[:, :places]).bool()
        for tap in range(table.size):
            letters = long[:, tap : tap + places]
            rows = rows * _LETTERS + letters
            whole &= letters < _LETTERS
        if table.placed:
            at = torch.arange(places, device=codes.device)
            if starts is not None:
                at = at + torch.from_numpy(starts).to(codes.device).unsqueeze(1)
            rows = rows + at * _LETTERS**table.size
        last = len(table.weights) - 1
        rows = torch.where(whole, rows, last)
        terms = functional.embedding_bag(rows, table.weights, mode="sum", padding_idx=last)
        total = terms if total is None else total + terms
    return total


def margin(tables: Sequence[KmerTable]) -> int:
    """Letters on either side of a change whose k-mers it touches."""
    return max((table.size - 1 for table in tables), default=0)
