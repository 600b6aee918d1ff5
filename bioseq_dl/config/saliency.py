"""What is told of the genes that networks of cells look at."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bioseq_dl.config.base import Section


class Saliency(Section):
    """Genes that speak for each class, beside those that differ between the classes."""

    fold: int = Field(default=0, ge=0)
    """Whose networks, and whose test cells."""
    cells: int = Field(default=100, ge=1)
    """At most so many test cells of each class."""
    top: int = Field(default=20, ge=1)
    """Genes of each class that are listed and compared."""
    test: Literal["wilcoxon", "t-test", "t-test_overestim_var"] = "wilcoxon"
    """Of scanpy's ``rank_genes_groups``, on the training cells."""
    seed: int = Field(default=0, ge=0)
    """Of the draw of cells."""
