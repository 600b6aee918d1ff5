"""A linear model of k-mers, to be trained beside a network.

Cheng et al. 2016, "Wide & deep learning for recommender systems", DLRS 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.config import Wide

_LETTERS = 4
_STEP = 0.25
"""Weights of k-mers counted anywhere enter with this factor, and so learn more slowly: they
are hit many times in each sequence."""


class KmerTerms(nn.Module):
    """Sum of a weight for each k-mer of a sequence, at its place or anywhere.

    Weights start at 0. A look-up in a table, so no gradient reaches the columns.

    Parameters
    ----------
    wide : Wide
        Which k-mers.
    length : int, optional
        Of all sequences; needed for k-mers at their place.
    outputs : int
        Values a sequence.
    """

    def __init__(self, wide: Wide, length: int | None, outputs: int) -> None:
        super().__init__()
        self.wide = wide
        self.positional: nn.Parameter | None = None
        self.anywhere: nn.Parameter | None = None
        # The last row of each table stays 0: it is that of k-mers with an unknown base.
        if wide.positional is not None:
            if length is None:
                raise ValueError("k-mers at their place need one length")
            places = max(0, length - wide.positional + 1)
            rows = places * _LETTERS**wide.positional + 1
            self.positional = nn.Parameter(torch.zeros(rows, outputs))
        if wide.anywhere is not None:
            rows = _LETTERS**wide.anywhere + 1
            self.anywhere = nn.Parameter(torch.zeros(rows, outputs))

    def forward(self, columns: Tensor) -> Tensor | float:
        """Read one-hot columns (n, 4, length); give (n, outputs)."""
        known = columns.amax(1) > 0.5
        codes = columns.argmax(1)
        total: Tensor | float = 0.0
        if self.positional is not None and self.wide.positional is not None:
            total = total + self._sum(codes, known, self.wide.positional, self.positional, True)
        if self.anywhere is not None and self.wide.anywhere is not None:
            terms = self._sum(codes, known, self.wide.anywhere, self.anywhere, False)
            total = total + _STEP * terms
        return total

    def _sum(
        self, codes: Tensor, known: Tensor, size: int, table: Tensor, placed: bool
    ) -> Tensor | float:
        places = codes.shape[1] - size + 1
        if places < 1:
            return 0.0
        rows, whole = torch.zeros_like(codes[:, :places]), known[:, :places]
        for start in range(size):
            rows = rows * _LETTERS + codes[:, start : start + places]
            whole = whole & known[:, start : start + places]
        if placed:
            rows = rows + torch.arange(places, device=rows.device) * _LETTERS**size
        last = table.shape[0] - 1
        rows = torch.where(whole, rows, last)
        counted = None
        if self.training and self.wide.dropout > 0:
            ones = torch.ones(rows.shape, dtype=table.dtype, device=table.device)
            counted = functional.dropout(ones, self.wide.dropout)
        return functional.embedding_bag(
            rows, table, mode="sum", per_sample_weights=counted, padding_idx=last
        )
