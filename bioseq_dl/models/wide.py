"""A linear model of k-mers, to be trained beside a network.

Cheng et al. 2016, "Wide & deep learning for recommender systems", DLRS 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bioseq_dl.config import Wide

STEP = 0.25
"""Weights of k-mers counted anywhere enter with this factor, and so learn more slowly: they
are hit many times in each sequence."""


class KmerTerms(nn.Module):
    """Sum of a weight for each k-mer of a sequence, at its place or anywhere.

    Weights start at 0. Where no gradient with respect to the columns is asked for, a look-up
    in a table; where it is (attributions), the same sum as a product of columns, which is
    defined between letters too: each k-mer counts as much as the product of its letters' shares.

    Parameters
    ----------
    wide : Wide
        Which k-mers.
    length : int, optional
        Of all sequences; needed for k-mers at their place.
    outputs : int
        Values a sequence.
    letters : int
        Of the alphabet.
    wild_type : sequence of int, optional
        Codes of a sequence of that length whose k-mers count for nothing at their place.
    """

    native: Tensor | None

    def __init__(
        self,
        wide: Wide,
        length: int | None,
        outputs: int,
        letters: int = 4,
        wild_type: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.wide = wide
        self.letters = letters
        self.positional: nn.Parameter | None = None
        native = None
        self.anywhere: nn.Parameter | None = None
        # The last row of each table stays 0: it is that of k-mers with an unknown base.
        if wide.positional is not None:
            if length is None:
                raise ValueError("k-mers at their place need one length")
            places = max(0, length - wide.positional + 1)
            rows = places * letters**wide.positional + 1
            if wild_type is not None:
                native = _list_rows(wild_type, wide.positional, letters)
            self.positional = nn.Parameter(torch.zeros(rows, outputs))
        # Not of the weights: it follows from the wild type.
        self.register_buffer("native", native, persistent=False)
        if wide.anywhere is not None:
            rows = letters**wide.anywhere + 1
            self.anywhere = nn.Parameter(torch.zeros(rows, outputs))

    def forward(self, columns: Tensor) -> Tensor | float:
        """Read one-hot columns (n, letters, length); give (n, outputs)."""
        if columns.requires_grad:
            return self._multiply(columns)
        known = columns.amax(1) > 0.5
        codes = columns.argmax(1)
        total: Tensor | float = 0.0
        if self.positional is not None and self.wide.positional is not None:
            total = total + self._sum(codes, known, self.wide.positional, self.positional, True)
        if self.anywhere is not None and self.wide.anywhere is not None:
            terms = self._sum(codes, known, self.wide.anywhere, self.anywhere, False)
            total = total + STEP * terms
        return total

    def _multiply(self, columns: Tensor) -> Tensor | float:
        shares = columns.transpose(1, 2)
        total: Tensor | float = 0.0
        if self.positional is not None and self.wide.positional is not None:
            table: Tensor = self.positional
            if self.native is not None:
                table = table.index_fill(0, self.native, 0.0)
            total = total + _contract(shares, table, self.wide.positional, self.letters)
        if self.anywhere is not None and self.wide.anywhere is not None:
            terms = _contract(shares, self.anywhere, self.wide.anywhere, self.letters)
            total = total + STEP * terms
        return total

    def _sum(
        self, codes: Tensor, known: Tensor, size: int, table: Tensor, placed: bool
    ) -> Tensor | float:
        places = codes.shape[1] - size + 1
        if places < 1:
            return 0.0
        rows, whole = torch.zeros_like(codes[:, :places]), known[:, :places]
        for start in range(size):
            rows = rows * self.letters + codes[:, start : start + places]
            whole = whole & known[:, start : start + places]
        if placed:
            rows = rows + torch.arange(places, device=rows.device) * self.letters**size
        if placed and self.native is not None:
            whole = whole & (rows != self.native)
        last = table.shape[0] - 1
        rows = torch.where(whole, rows, last)
        counted = None
        if self.training and self.wide.dropout > 0:
            ones = torch.ones(rows.shape, dtype=table.dtype, device=table.device)
            counted = functional.dropout(ones, self.wide.dropout)
        return functional.embedding_bag(
            rows, table, mode="sum", per_sample_weights=counted, padding_idx=last
        )


def _list_rows(codes: Sequence[int], size: int, letters: int) -> Tensor:
    """Give the row of a sequence's k-mer at each place; the last where it has an unknown letter."""
    windows = torch.tensor(codes, dtype=torch.int64).unfold(0, size, 1)
    powers = letters ** torch.arange(size - 1, -1, -1)
    places = torch.arange(len(windows))
    rows = (windows * powers).sum(1) + places * letters**size
    return torch.where((windows < letters).all(1), rows, len(windows) * letters**size)


def _contract(shares: Tensor, table: Tensor, size: int, letters: int) -> Tensor | float:
    """Sum over places and k-mers of weight times the product of the letters' shares.

    Letter by letter, the first (slowest in the k-mer's number) first: (n, places,
    letters^(k-1) …, outputs) shrinks by `letters` each time.
    """
    places = shares.shape[1] - size + 1
    if places < 1:
        return 0.0
    # One table for all places, or one a place.
    weights = table[:-1].reshape(-1, letters, letters ** (size - 1) * table.shape[1])
    terms = torch.einsum("npl,plr->npr", shares[:, :places], weights.expand(places, -1, -1))
    for start in range(1, size):
        terms = terms.reshape(*terms.shape[:2], letters, -1)
        terms = (shares[:, start : start + places, :, None] * terms).sum(2)
    return terms.sum(1)
