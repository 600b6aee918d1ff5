"""How a run on cells is judged."""

from __future__ import annotations

from pydantic import Field

from bioseq_dl.config.train import Evaluate


class CellEvaluate(Evaluate):
    """Metrics and their uncertainty, the class unknown, the embedding."""

    keep: float = Field(default=0.95, gt=0, le=1)
    """Share of the rightly classified validation cells that must not be called unknown: the
    threshold on the calibrated probability is the largest that keeps so many."""
    neighbours: int = Field(default=15, ge=2)
    """Nearest cells: that vote, and that the graph of clusters and the UMAP is made of."""
    drawn: int = Field(default=3000, ge=0)
    """Most cells of the UMAP; 0 draws none."""
