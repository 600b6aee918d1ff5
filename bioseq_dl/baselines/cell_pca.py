"""Principal components of the genes that the network reads: what its embedding stands beside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

Embedding = NDArray[np.float32]


def embed_pca(
    values_train: NDArray[np.float32], values: NDArray[np.float32], dimensions: int, seed: int
) -> Embedding:
    """Fit principal components on training cells and give those of other cells.

    Parameters
    ----------
    values_train : float32 (n, genes)
        As `bioseq_dl.encode.cells.CellExamples.gather` gives them.
    values : float32 (m, genes)
        Cells to embed; may be the same.
    dimensions : int
        As many as the embedding beside it has; fewer where there are fewer cells or genes.
    seed : int
        Of the randomised solver, which scikit-learn takes for large tables.

    Returns
    -------
    float32 (m, at most dimensions)
    """
    count = min(dimensions, *values_train.shape)
    fitted = PCA(count, random_state=seed).fit(values_train)
    return np.asarray(fitted.transform(values), np.float32)
