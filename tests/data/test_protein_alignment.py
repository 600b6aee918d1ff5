"""Scores of many lanes against those of Biopython, one pair at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.protein_alignment import (
    AMINO_ACIDS,
    LANES,
    decode_protein,
    encode_protein,
    load_blosum62,
    make_aligner,
    make_blocks,
    score_block,
)

PROTEINS = st.text(AMINO_ACIDS, min_size=1, max_size=40)


def score_all(query, targets):
    blocks = make_blocks([encode_protein(target) for target in targets])
    return np.concatenate([score_block(encode_protein(query), block) for block in blocks]).tolist()


@settings(deadline=None, max_examples=150)
@given(PROTEINS, st.lists(PROTEINS, min_size=1, max_size=6), st.integers(0, 30))
def test_scores_equal_those_of_biopython(query, targets, cut):
    # One that shares most of the query, with a gap.
    targets = [*targets, query[: cut // 2] + query[cut:] or query]
    aligner = make_aligner()
    assert score_all(query, targets) == [aligner.score(query, target) for target in targets]


def test_more_targets_than_lanes_and_of_unlike_length():
    generator = np.random.default_rng(0)
    targets = ["".join(generator.choice(list(AMINO_ACIDS), n % 90 + 1)) for n in range(LANES + 3)]
    aligner = make_aligner()
    query = targets[80] + targets[60]
    assert score_all(query, targets) == [aligner.score(query, target) for target in targets]


def test_scores_beyond_16_bits():
    assert score_all("W" * 5000, ["W" * 5000, "W" * 10]) == [55_000, 110]


def test_gaps_cost_11_and_1():
    one = "MKWVTFISLLFLFSSAYSRG"
    whole = score_all(one + one, [one + one])[0]
    assert score_all(one + one, [one + "A" + one, one + "AAA" + one]) == [whole - 11, whole - 13]


def test_letters_and_codes():
    assert decode_protein(encode_protein("acdXBU*w")) == "ACDXXXXW"
    matrix = load_blosum62()
    assert matrix[AMINO_ACIDS.index("W"), AMINO_ACIDS.index("W")] == 11
    assert (matrix == matrix.T).all()
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1


def test_nothing_to_align():
    assert score_all("", ["MK"]) == [0]
    assert score_all("MK", [""]) == [0]
    assert make_blocks([]) == []
