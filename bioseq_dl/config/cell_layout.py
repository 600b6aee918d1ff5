"""Where genes stand in the picture, or in the order, that a network reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.sources import Source


class CellLayout(Section):
    """Places of the genes, fitted on the training cells of each fold.

    Genes are taken in the order of their names, so that their order in the files does not matter.
    """

    kind: Literal["tsne", "umap", "pca", "file", "pathways", "clustered", "plain"] = "tsne"
    """``tsne``, ``umap``, ``pca``: genes of like expression stand together; ``file``: places are
    given; ``pathways``: the genes of a set stand together; ``clustered``: one row of genes, like
    beside like; ``plain``: row by row, by name."""
    size: int | None = Field(default=None, ge=2, le=1024)
    """Pixels of a side of the square; null is the smallest that the genes fill to 80 % or less
    (of a file the largest row or column that it holds)."""
    assignment: Literal["lsa", "average"] = "lsa"
    """``lsa``: a pixel for each gene, with the least sum of squared distances from where the
    embedding (tsne, umap, pca) puts them; ``average``: genes stay on the pixel where they fall,
    and a pixel shows the mean of its genes (of a file: several genes may share a pixel)."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the draw of cells and of the embedding."""
    cells: int = Field(default=2000, ge=2)
    """At most so many training cells are drawn to place the genes. Their table is dense while
    genes are placed: 2,000 cells by 5,000 genes take 40 MB."""
    components: int = Field(default=50, ge=2)
    """Genes are reduced to so many numbers, by a singular value decomposition, before tsne, umap
    and clustered."""
    perplexity: float = Field(default=30.0, gt=1)
    """Neighbours of a gene, about, in tsne; at most a third of the genes."""
    neighbours: int = Field(default=15, ge=2)
    """Neighbours of a gene in umap."""
    source: Source | None = None
    """``file``: a table (CSV, TSV, Parquet) with the columns gene, row, column, counted from 0.
    ``pathways``: gene sets in GMT format, or a table with the columns gene, pathway; a gene of
    several sets belongs to the first in the file."""
    unlisted: Literal["error", "append"] = "error"
    """Genes that a file of places does not list: ``append`` puts them, by name, on free pixels.
    Genes without a pathway always stand together after the others."""

    @model_validator(mode="after")
    def _options_agree(self) -> CellLayout:
        given = self.kind in ("file", "pathways")
        if given != (self.source is not None):
            raise ValueError("source belongs to the kinds file and pathways, which need it")
        if self.kind == "clustered" and self.size is not None:
            raise ValueError("size is of squares: clustered is one row, as long as there are genes")
        if self.assignment == "average" and self.kind in ("pathways", "clustered", "plain"):
            raise ValueError(
                f"kind {self.kind} gives each gene a pixel: there is nothing to average"
            )
        if self.unlisted == "append" and self.kind != "file":
            raise ValueError("unlisted is of kind file")
        return self
