"""Blood cells: markers of a cell type stand together, and light up in its cells."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from bioseq_dl.config import CellLayout, ExpressionEncode
from bioseq_dl.encode.fit_layout import fit_layout
from bioseq_dl.encode.fit_transform import fit_transform
from bioseq_dl.encode.layout import Layout, draw_images
from bioseq_dl.io.expression_matrix import ExpressionMatrix

MARKERS = {
    "CD19+ B": ("CD79A", "CD79B", "CD37"),
    "CD14+ Monocyte": ("LYZ", "S100A9", "FCN1"),
    "CD56+ NK": ("NKG7", "GZMB", "GNLY"),
}


@pytest.fixture(scope="module")
def placed(shared_data: Path) -> tuple[Layout, np.ndarray, np.ndarray]:
    data = anndata.read_h5ad(shared_data / "expression_10x_scanpy" / "10x_pbmc68k_reduced.h5ad")
    values = csr_matrix(data.raw.X)
    values.sort_indices()
    matrix = ExpressionMatrix(
        values.indptr.astype(np.int64),
        values.indices.astype(np.int32),
        values.data.astype(np.float32),
        tuple(data.raw.var_names),
        "logged",
    )
    totals, train = np.asarray(values.sum(1)).ravel(), np.arange(0, 700, 2)
    transform = fit_transform(matrix, totals, train, ExpressionEncode(variable_genes=300))
    layout = fit_layout(matrix, totals, train, transform, CellLayout(), {})
    table = np.asarray(values.todense(), np.float32)[1::2]
    table = table[:, [matrix.genes.index(name) for name in transform.genes]]
    types = data.obs["bulk_labels"].astype(str).to_numpy()[1::2]
    return layout, draw_images(layout, transform.finish(table)), types


def find(layout: Layout, name: str) -> np.ndarray:
    return np.array(divmod(int(layout.pixels[layout.genes.index(name)]), layout.width))


def test_markers_of_a_type_stand_together(placed):
    layout = placed[0]
    centres = []
    for names in MARKERS.values():
        places = np.array([find(layout, name) for name in names])
        centres.append(places.mean(axis=0))
        assert np.linalg.norm(places - places.mean(axis=0), axis=1).max() < 4
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(centres[one] - centres[other]) > 7


def test_the_brightest_spot_of_a_type_is_that_of_its_markers(placed):
    layout, images, types = placed
    for kind, names in MARKERS.items():
        mean = images[types == kind].mean(axis=0)
        places = [find(layout, name) for name in names]
        around = [
            mean[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].mean()
            for row, column in places
        ]
        assert np.mean(around) > np.quantile(mean, 0.9)
