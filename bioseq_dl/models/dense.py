"""Hidden dense layers, each normalised, activated and dropped from."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bioseq_dl.config.model import Activation
from bioseq_dl.models.blocks import Normalisation, activate


class DenseLayers(nn.Module):
    """(linear, normalisation, activation, dropout) for each width; dropout alone for none.

    Parameters
    ----------
    features : int
        Columns that come in.
    widths : sequence of int
        Of the layers.
    normalisation : str
        ``batch``, ``layer`` or ``none``.
    activation : str
    dropout : float
    """

    def __init__(
        self,
        features: int,
        widths: Sequence[int],
        normalisation: str,
        activation: Activation,
        dropout: float,
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.linear = nn.ModuleList()
        self.normalisations = nn.ModuleList()
        for width in widths:
            self.linear.append(nn.Linear(features, width))
            self.normalisations.append(Normalisation(normalisation, width))
            features = width
        self.dropout = nn.Dropout(dropout)
        self.features = features

    def forward(self, vectors: Tensor) -> Tensor:
        """Read (n, features); give (n, last width)."""
        for linear, normalisation in zip(self.linear, self.normalisations, strict=True):
            vectors = activate(normalisation(linear(vectors)), self.activation)
            vectors = self.dropout(vectors)
        return vectors if len(self.linear) else self.dropout(vectors)
