"""Bidirectional recurrent layers over positions."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bioseq_dl.config import Recurrent


class BidirectionalBlock(nn.Module):
    """A BiLSTM or BiGRU, then dropout.

    Padded sequences are packed, so that the backward direction starts at the sequence's
    end, not in the padding.
    """

    def __init__(self, recurrent: Recurrent, channels: int) -> None:
        super().__init__()
        cell = nn.LSTM if recurrent.kind == "lstm" else nn.GRU
        self.cell: nn.LSTM | nn.GRU = cell(
            channels,
            recurrent.hidden,
            num_layers=recurrent.layers,
            batch_first=True,
            dropout=recurrent.dropout if recurrent.layers > 1 else 0.0,
            bidirectional=True,
        )
        self.dropout = nn.Dropout(recurrent.dropout)
        self.channels = 2 * recurrent.hidden

    def forward(self, rows: Tensor, lengths: Tensor | None) -> Tensor:
        """Read rows (n, positions, channels); give (n, positions, 2 * hidden)."""
        if lengths is None:
            output: Tensor = self.cell(rows)[0]
        else:
            packed = pack_padded_sequence(
                rows, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            output, _ = pad_packed_sequence(
                self.cell(packed)[0], batch_first=True, total_length=rows.shape[1]
            )
        dropped: Tensor = self.dropout(output)
        return dropped
