"""Scales of amino acids, below the one-hot columns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bioseq_dl.encode.scales import tabulate_scales


class LetterScales(nn.Module):
    """Add the numbers of each letter.

    Those of an unknown one are what its column is: 0, or the mean.

    Parameters
    ----------
    names : sequence of str
        Keys of `bioseq_dl.encode.scales.SCALES`; none adds nothing.
    """

    table: Tensor

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        table = torch.from_numpy(tabulate_scales(names)) if names else torch.empty(0, 0)
        # Not of the weights: it follows from the config.
        self.register_buffer("table", table, persistent=False)

    @property
    def channels(self) -> int:
        """Rows that are added."""
        return int(self.table.shape[0])

    def forward(self, columns: Tensor) -> Tensor:
        """Read (n, letters + further, length); give (n, letters + further + channels, length)."""
        if not self.channels:
            return columns
        table = self.table.to(columns.dtype)
        return torch.cat([columns, table @ columns[:, : table.shape[1]]], dim=1)
