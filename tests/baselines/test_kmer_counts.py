"""K-mer counts against counting by hand."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.baselines.counts import count_frequencies, fold_strands
from bioseq_dl.config import Targets
from bioseq_dl.encode.examples import Examples

CODES = {"A": 0, "C": 1, "G": 2, "T": 3}
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def _encode(sequences: list[str]) -> Examples:
    codes = [np.array([CODES.get(x, 4) for x in s], np.uint8) for s in sequences]
    return Examples(
        codes=np.concatenate([*codes, np.empty(0, np.uint8)]),
        offsets=np.append(0, np.cumsum([len(s) for s in sequences])).astype(np.int64),
        targets=np.zeros((len(sequences), 1), np.float32),
        roles=np.zeros((1, len(sequences)), np.uint8),
        spec=Targets(),
        unknown="zeros",
        ids_sha256="",
    )


def _by_hand(sequence: str, k: int) -> dict[str, float]:
    words = [sequence[i : i + k] for i in range(len(sequence) - k + 1)]
    counted = Counter(word for word in words if "N" not in word)
    return {word: count / sum(counted.values()) for word, count in counted.items()}


@settings(max_examples=60, deadline=None)
@given(
    sequences=st.lists(st.text("ACGTN", max_size=12), min_size=1, max_size=6),
    k=st.integers(1, 4),
    bases=st.sampled_from([1, 7, 1000]),
)
def test_counts_equal_counting_by_hand(sequences: list[str], k: int, bases: int) -> None:
    rows = np.arange(len(sequences))
    found = count_frequencies(_encode(sequences), rows, k, bases=bases).toarray()
    words = ["".join(letters) for letters in product("ACGT", repeat=k)]
    assert found.shape == (len(sequences), 4**k)
    for sequence, row in zip(sequences, found, strict=True):
        shares = {word: value for word, value in zip(words, row, strict=True) if value}
        assert shares == pytest.approx(_by_hand(sequence, k))


def test_rows_are_taken_in_the_order_asked_for() -> None:
    examples = _encode(["AA", "CC", "GG"])
    found = count_frequencies(examples, np.array([2, 0]), 1).toarray()
    assert found.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]


def test_both_strands_count_as_one() -> None:
    sequence = "ACGTTGCAACCATGG"
    examples = _encode([sequence, sequence.translate(COMPLEMENT)[::-1]])
    found = count_frequencies(examples, np.arange(2), 3, both_strands=True).toarray()
    assert (found[0] == found[1]).all()
    assert found.sum(axis=1) == pytest.approx(1)
    assert found.shape[1] == 32  # 4^3 / 2: no palindromes of odd length


@pytest.mark.parametrize(("k", "features"), [(1, 2), (2, 10), (4, 136), (5, 512), (6, 2080)])
def test_number_of_strand_folded_features(k: int, features: int) -> None:
    assert fold_strands(k).max() + 1 == features
