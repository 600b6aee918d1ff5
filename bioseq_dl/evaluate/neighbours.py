"""The graph of nearest cells, its clusters, and a map of it."""

from __future__ import annotations

import numpy as np
from graspologic_native import leiden_csr
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
FEWEST = 4
"""With fewer cells there is neither a graph nor a map."""
ITERATIONS = 2
"""Of Leiden: as many as scanpy advises."""
MIN_DISTANCE = 0.5
"""Of the map: scanpy's."""
_HALVINGS = 64
_LEAST_SCALE = 1e-3


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
    count = min(neighbours, len(embedding))
    search = NearestNeighbors(n_neighbors=count).fit(embedding)
    distances, places = search.kneighbors(embedding)
    weights = _weigh(distances)
    owners = np.repeat(np.arange(len(embedding)), count)
    weights[places == np.arange(len(embedding))[:, None]] = 0
    shape = (len(embedding), len(embedding))
    one = sparse.coo_array((weights.ravel(), (owners, places.ravel())), shape).tocsr()
    one.eliminate_zeros()
    other = one.T.tocsr()
    return sparse.csr_array(one + other - one.multiply(other))


def _weigh(distances: Floats) -> Floats:
    """Scale each cell's distances (n, k), the first its own, to weights between 0 and 1.

    As umap-learn's ``smooth_knn_dist``, all cells at once and without its seconds of compilation:
    exp(-(d - rho) / sigma), rho the least distance above 0, and sigma such that the weights of the
    others sum to the logarithm of k to base 2 (McInnes et al. 2018, algorithm 3).
    """
    positive = np.where(distances > 0, distances, np.inf)
    rho = positive.min(axis=1, keepdims=True)
    rho[np.isinf(rho)] = 0
    beyond = np.maximum(distances - rho, 0)
    wanted = np.log2(distances.shape[1])
    low, high = np.zeros_like(rho), np.full_like(rho, np.inf)
    sigma = np.ones_like(rho)
    for _ in range(_HALVINGS):
        large = np.exp(-beyond[:, 1:] / sigma).sum(axis=1, keepdims=True) > wanted
        high, low = np.where(large, sigma, high), np.where(large, low, sigma)
        with np.errstate(invalid="ignore"):
            sigma = np.where(np.isinf(high), 2 * sigma, (low + high) / 2)
    # Where a cell has none beyond its nearest, a thousandth of the mean distance.
    least = np.where(rho > 0, distances.mean(axis=1, keepdims=True), distances.mean())
    sigma = np.maximum(sigma, _LEAST_SCALE * least)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights: Floats = np.where(beyond > 0, np.exp(-beyond / sigma), 1.0)
    return weights


def cluster_graph(graph: sparse.csr_array, seed: int) -> Codes:
    """Cluster a graph by modularity at resolution 1: the cluster of each node, int64 (n,).

    Leiden's method (Traag, Waltman & van Eck 2019) by graspologic-native; the common packages
    (leidenalg, igraph) are GPL. A node without a neighbour is a cluster of its own.
    """
    if not graph.nnz:
        return np.arange(graph.shape[0])
    _, found = leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        graph.shape[0],
        iterations=ITERATIONS,
        seed=seed,
    )
    # Clusters are numbered in the order of their first nodes.
    names: dict[int, int] = {}
    alone = np.diff(graph.indptr) == 0
    return np.array(
        [
            names.setdefault(-1 - node if alone[node] else found[node], len(names))
            for node in range(graph.shape[0])
        ],
        np.int64,
    )


def place_cells(embedding: NDArray[np.float32], neighbours: int, seed: int) -> NDArray[np.float32]:
    """Lay cells out in the plane by UMAP, from the graph of `link_cells`; float32 (n, 2)."""
    # Imported where it is needed: what it compiles on import takes seconds.
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    a, b = find_ab_params(1.0, MIN_DISTANCE)
    places, _ = simplicial_set_embedding(
        embedding,
        link_cells(embedding, neighbours).tocoo(),
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=None,  # by the number of cells; 0 is none: the map would stay where it starts
        init="spectral",
        random_state=np.random.RandomState(seed),
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
    )
    return np.asarray(places, np.float32)
