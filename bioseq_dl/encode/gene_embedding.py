"""Genes as points: how alike their expression is over cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils.extmath import randomized_svd

from bioseq_dl.config import CellLayout

_ORDERED = 1000
"""Genes of which the leaves are ordered optimally: the time goes with the cube of them."""


def reduce_genes(table: NDArray[np.float32], layout: CellLayout) -> NDArray[np.float64]:
    """Describe each gene by few numbers, whose angle tells how genes correlate.

    Parameters
    ----------
    table : ndarray of float32 (cells, k)
        Standardised: each gene less its mean, by its standard deviation.
    layout : CellLayout

    Returns
    -------
    ndarray of float64 (k, components)
        Genes times the leading singular vectors (randomised: Halko et al. 2011, SIAM Review
        53:217), of length 1; 0 for a gene that does not vary.
    """
    count = min(layout.components, *table.shape)
    vectors, values, _ = randomized_svd(table.T, count, random_state=layout.seed)
    found = (vectors * values).astype(np.float64)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    reduced: NDArray[np.float64] = found / np.where(length > 0, length, 1.0)
    return reduced


def embed_genes(table: NDArray[np.float32], layout: CellLayout) -> NDArray[np.float64]:
    """Put genes in the plane.

    Parameters
    ----------
    table : ndarray of float32 (cells, k)
        Standardised; at least 4 genes.
    layout : CellLayout
        Of kind tsne, umap or pca.

    Returns
    -------
    ndarray of float64 (k, 2)
        All 0 where genes are all alike.
    """
    if (table == table[:, :1]).all():
        return np.zeros((table.shape[1], 2))
    if layout.kind == "pca":
        plane = PCA(2, svd_solver="randomized", random_state=layout.seed).fit_transform(table.T)
    elif layout.kind == "umap":
        plane = _embed_by_umap(reduce_genes(table, layout), layout)
    else:
        reduced = reduce_genes(table, layout)
        perplexity = min(layout.perplexity, (len(reduced) - 1) / 3)
        plane = TSNE(perplexity=perplexity, init="pca", random_state=layout.seed).fit_transform(
            reduced
        )
    return np.asarray(plane, np.float64)


def _embed_by_umap(reduced: NDArray[np.float64], layout: CellLayout) -> NDArray[np.float32]:
    from umap import UMAP  # loads numba, so only where it is asked for

    found: NDArray[np.float32] = UMAP(
        n_neighbors=min(layout.neighbours, len(reduced) - 1),
        init="pca",
        random_state=layout.seed,
        n_jobs=1,  # what a fixed seed needs
    ).fit_transform(reduced)
    return found


def order_genes(table: NDArray[np.float32], layout: CellLayout) -> NDArray[np.int64]:
    """Put genes in a row, like beside like: the leaves of a tree of average linkage.

    Up to 1,000 genes branches are turned so that neighbours differ least (Bar-Joseph et al. 2001,
    Bioinformatics 17:S22); above, each branch lies as the tree was built. All distances between
    genes are held: 100 MB of 5,000 genes.

    Parameters
    ----------
    table : ndarray of float32 (cells, k)
        Standardised.
    layout : CellLayout

    Returns
    -------
    ndarray of int64 (k,)
        Genes from left to right.
    """
    if table.shape[1] < 3:
        return np.arange(table.shape[1])
    apart = pdist(reduce_genes(table, layout))
    tree = linkage(apart, "average")
    if table.shape[1] <= _ORDERED:
        tree = optimal_leaf_ordering(tree, apart)
    return np.asarray(leaves_list(tree), np.int64)
