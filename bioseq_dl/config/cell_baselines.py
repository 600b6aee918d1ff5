"""What networks of cells are compared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bioseq_dl.config.train import Baselines


class CellBaselines(Baselines):
    """Honest comparisons on the same cells and the same genes."""

    kmer: None = None
    """Of sequences."""
    additive: Literal[False] = False
    """Of sequences."""
    both_strands: Literal[False] = False
    """Of DNA."""
    logistic: bool = True
    """Logistic (or ridge) regression on the scaled genes."""
    forest: bool = True
    """Random forest on the scaled genes."""
    trees: int = Field(default=500, ge=10)
    """Of the forest."""
    class_weights: Literal["none", "balanced"] = "none"
    """Of ``logistic`` and ``forest``: ``balanced`` weights each class by the inverse of its share
    in train, as ``train.class_weights`` does of networks: compare like with like."""
    pca: int | None = Field(default=50, ge=2)
    """So many principal components of the scaled genes, and the vote (or mean) of the nearest
    training cells among them; what an embedding is compared with. Null leaves it out."""
    neighbours: int = Field(default=15, ge=1)
    """Training cells that vote."""
    seed: int = Field(default=0, ge=0)
    """Of the forest and of the components."""
    strengths: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    """Inverse regularisation strengths tried; the best on validation is kept."""
