"""Graphs of nearest cells and what is measured on them."""

from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse
from sklearn.metrics import silhouette_score

from bioseq_dl.config import CellEvaluate
from bioseq_dl.evaluate.anomaly import judge_anomalies
from bioseq_dl.evaluate.neighbours import cluster_graph, link_cells, place_cells
from bioseq_dl.evaluate.unknown import choose_threshold


def blobs(cells: int = 90) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    codes = np.arange(cells) % 3
    centres = 8 * generator.normal(size=(3, 5))
    return (centres[codes] + generator.normal(size=(cells, 5))).astype(np.float32), codes


def test_the_graph_is_that_of_scanpy() -> None:
    import scanpy

    embedding, _ = blobs()
    ours = link_cells(embedding, 15)
    table = AnnData(embedding)
    scanpy.pp.neighbors(table, n_neighbors=15, use_rep="X")
    theirs = table.obsp["connectivities"]
    assert ours.toarray() == pytest.approx(theirs.toarray(), abs=1e-5)


def test_a_map_is_laid_out_and_not_left_where_it_starts() -> None:
    """Two axes of the spectral start cannot keep eight groups apart; the layout can."""
    generator = np.random.default_rng(0)
    codes = np.arange(160) % 8
    centres = 4 * generator.normal(size=(8, 10))
    embedding = (centres[codes] + generator.normal(size=(160, 10))).astype(np.float32)
    places = place_cells(embedding, 15, 0)
    assert silhouette_score(places, codes) > 0.5
    assert np.array_equal(places, place_cells(embedding, 15, 0))


def test_clusters_are_the_blobs_and_the_same_every_time() -> None:
    embedding, codes = blobs()
    graph = link_cells(embedding, 15)
    found = cluster_graph(graph, 0)
    assert len(set(zip(found.tolist(), codes.tolist(), strict=True))) == 3
    assert np.array_equal(found, cluster_graph(graph, 0))


def test_cells_without_neighbours_are_clusters_of_their_own() -> None:
    assert cluster_graph(sparse.csr_array((3, 3)), 0).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("keep", "expected"), [(1.0, 0.2), (0.75, 0.4), (0.5, 0.6), (0.1, 0.8)])
def test_the_largest_threshold_that_keeps_enough(keep: float, expected: float) -> None:
    confidence = np.array([0.8, 0.2, 0.6, 0.4, 0.99])
    right = np.array([True, True, True, True, False])
    found = choose_threshold(confidence, right, keep)
    assert found.value == expected
    assert found.kept >= keep
    nothing = choose_threshold(confidence, ~right & False, keep)
    assert nothing.value == 0
    assert nothing.note is not None


def test_the_area_of_anomalies_by_hand() -> None:
    cells = {(0, 0): np.array([1.0, 2.0, 3.0, 4.0]), (0, 1): np.array([10.0, 20.0, 30.0, 40.0])}
    odd = {(0, 0): {"doublet": np.array([5.0, 2.5])}, (0, 1): {"doublet": np.array([50.0, 35.0])}}
    found, curve = judge_anomalies(cells, odd, CellEvaluate(bootstrap=50))
    assert list(found["kinds"]) == ["doublet"]
    area = found["kinds"]["doublet"]["auroc"]
    assert area["value"] == pytest.approx((6 / 8 + 7 / 8) / 2)
    assert area["seeds"]["values"] == {"0": pytest.approx(6 / 8), "1": pytest.approx(7 / 8)}
    assert area["folds"] is None
    assert found["test"] == 4
    assert curve["y"].iloc[0] == 0
    assert curve["y"].iloc[-1] == 1
