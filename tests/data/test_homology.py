from __future__ import annotations

import numpy as np
import pyarrow as pa

from bioseq_dl.data.homology import cluster_sequences, join_pairs
from bioseq_dl.data.sequences import read_sequences


def test_components_are_numbered_by_first_member() -> None:
    pairs = np.array([[1, 4], [4, 2], [0, 5]])
    assert join_pairs(6, pairs).tolist() == [0, 1, 1, 2, 1, 0]
    assert join_pairs(3, np.empty((0, 2), np.int64)).tolist() == [0, 1, 2]


def test_a_chain_of_neighbours_is_one_cluster() -> None:
    generator = np.random.default_rng(0)
    genome = "".join(generator.choice(list("ACGT"), 600))
    tiles = [genome[start : start + 100] for start in range(0, 400, 40)]
    others = ["".join(generator.choice(list("ACGT"), 100)) for _ in range(5)]
    turned = tiles[3][::-1].translate(str.maketrans("ACGT", "TGCA"))
    texts = [*tiles[:3], turned, *tiles[4:], *others]
    sequences = read_sequences(pa.array(texts))
    clusters = cluster_sequences(sequences, k=16, both_strands=True, containment=0.3)
    assert clusters.tolist() == [0] * 10 + [1, 2, 3, 4, 5]
    one_strand = cluster_sequences(sequences, k=16, both_strands=False, containment=0.3)
    assert one_strand.tolist() == [0] * 3 + [1] + [2] * 6 + [3, 4, 5, 6, 7]
    strict = cluster_sequences(sequences, k=16, both_strands=True, containment=0.9)
    assert len(set(strict.tolist())) == len(texts)


def test_a_large_family_is_one_cluster() -> None:
    generator = np.random.default_rng(1)
    parent = generator.choice(list("ACGT"), 120)
    texts = set()
    while len(texts) < 800:
        child = parent.copy()
        child[generator.integers(0, 120, 3)] = generator.choice(list("ACGT"), 3)
        texts.add("".join(child))
    sequences = read_sequences(pa.array(sorted(texts)))
    clusters = cluster_sequences(sequences, k=16, both_strands=True, containment=0.3)
    assert clusters.max() == 0
