"""From a bottleneck back to the genes, and how far it is from what was read."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bioseq_dl.config import CellModel, Decoder
from bioseq_dl.models.count_likelihood import negative_binomial, zero_inflated
from bioseq_dl.models.dense import DenseLayers

_LARGEST_DISPERSION = math.log(1e6)
"""Above it a negative binomial is a Poisson distribution within float32."""


class GeneDecoder(nn.Module):
    """Dense layers to each gene's value, or to the distribution of its counts.

    Counts of a cell are spread over its genes by a softmax, times its library size (Lopez et al.
    2018). The softmax has one more place, for all genes that are not read, so that the library
    may be that of all genes. The dispersion is one number a gene; the zero inflation of ``zinb``
    depends on the cell.

    Parameters
    ----------
    model : CellModel
        With a decoder.
    genes : int
    """

    def __init__(self, model: CellModel, genes: int) -> None:
        super().__init__()
        assert model.decoder is not None
        self.decoder: Decoder = model.decoder
        kind = self.decoder.loss
        self.layers = DenseLayers(
            self.decoder.bottleneck, self.decoder.hidden, model.normalisation, model.activation, 0.0
        )
        features = self.layers.features
        self.values = nn.Linear(features, genes + (kind != "gaussian"))
        self.log_dispersion = None if kind == "gaussian" else nn.Parameter(torch.zeros(genes))
        self.dropout_logits = nn.Linear(features, genes) if kind == "zinb" else None

    def forward(
        self, embedding: Tensor, values: Tensor, counts: Tensor | None, totals: Tensor | None
    ) -> Tensor:
        """Judge the reconstruction of each cell.

        Parameters
        ----------
        embedding : float tensor, shape (n, bottleneck)
        values : float32 tensor, shape (n, genes)
            As the network read them, before any noise.
        counts : float32 tensor, shape (n, genes), optional
            What ``nb`` and ``zinb`` are about.
        totals : float32 tensor, shape (n,), optional
            Library size; the sum of `counts` where it is not given.

        Returns
        -------
        float32 tensor, shape (n,)
            Mean over genes: squared error, or minus the logarithm of the probability (nats).

        Raises
        ------
        ValueError
            Where counts are needed and not given.
        """
        hidden = self.layers(embedding)
        found: Tensor = self.values(hidden).float()
        if self.log_dispersion is None:
            return (found - values.float()).square().mean(1)
        if counts is None:
            raise ValueError(f"a decoder of loss {self.decoder.loss} needs counts")
        counts = counts.float()
        library = counts.sum(1) if totals is None else totals.float()
        mean = torch.softmax(found, 1)[:, :-1] * library.unsqueeze(1)
        dispersion = self.log_dispersion.float().clamp(-_LARGEST_DISPERSION, _LARGEST_DISPERSION)
        if self.dropout_logits is None:
            return -negative_binomial(counts, mean, dispersion).mean(1)
        logits = self.dropout_logits(hidden).float()
        return -zero_inflated(counts, mean, dispersion, logits).mean(1)
