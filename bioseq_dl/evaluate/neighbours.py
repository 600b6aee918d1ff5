"""The graph of nearest cells, its clusters, and a map of it."""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
FEWEST = 4
"""With fewer cells there is neither a graph nor a map."""
MIN_DISTANCE = 0.5
"""Of the map: scanpy's."""


def link_cells(embedding: NDArray[np.float32], neighbours: int) -> sparse.csr_array:
    """Give the weighted graph of nearest cells, as scanpy builds it.

    The weights are UMAP's (McInnes, Healy & Melville 2018): the fuzzy union of each cell's
    distances to its neighbours, itself among them, scaled to its nearest.

    Parameters
    ----------
    embedding : float32 (n, dimensions)
    neighbours : int
        Each cell counts as its own first.

    Returns
    -------
    csr_array (n, n)
        Symmetric, between 0 and 1.
    """
    # Imported where it is needed: what it compiles on import takes seconds.
    from umap.umap_ import fuzzy_simplicial_set

    count = min(neighbours, len(embedding))
    search = NearestNeighbors(n_neighbors=count).fit(embedding)
    distances, places = search.kneighbors(embedding)
    graph, *_ = fuzzy_simplicial_set(
        sparse.coo_matrix((len(embedding), 1)),
        count,
        random_state=None,
        metric="precomputed",
        knn_indices=places,
        knn_dists=distances.astype(np.float32),
    )
    return sparse.csr_array(graph)


def cluster_graph(graph: sparse.csr_array, seed: int) -> Codes:
    """Cluster a graph by modularity at resolution 1: the cluster of each node, int64 (n,).

    Louvain's method (Blondel et al. 2008) by networkx. Of Leiden, which refines it, the common
    packages (leidenalg, igraph) are GPL.
    """
    found = nx.community.louvain_communities(nx.from_scipy_sparse_array(graph), seed=seed)
    clusters = np.empty(graph.shape[0], np.int64)
    for code, nodes in enumerate(found):
        clusters[list(nodes)] = code
    return clusters


def map_cells(embedding: NDArray[np.float32], neighbours: int, seed: int) -> NDArray[np.float32]:
    """Lay cells out in the plane by UMAP; float32 (n, 2)."""
    from umap import UMAP

    count = min(neighbours, len(embedding) - 1)
    found = UMAP(n_neighbors=count, min_dist=MIN_DISTANCE, random_state=seed, n_jobs=1)
    places: NDArray[np.float32] = found.fit_transform(embedding)
    return places
