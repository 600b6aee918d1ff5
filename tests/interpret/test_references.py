"""Dinucleotide shuffles: what stays, and that every arrangement is as probable."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.interpret.references import shuffle_dinucleotides


def pairs(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


def shuffles(text: str, count: int, seed: int = 0) -> list[str]:
    found = shuffle_dinucleotides(DNA.encode(text.encode()), count, seed)
    assert found.dtype == np.uint8
    assert found.shape == (count, len(text))
    return [DNA.decode(row) for row in found]


@settings(max_examples=60, deadline=None)
@given(text=st.text("ACGTN", min_size=1, max_size=60), seed=st.integers(0, 5))
def test_pairs_ends_and_unknown_letters_stay(text: str, seed: int) -> None:
    for shuffled in shuffles(text, 4, seed):
        assert pairs(shuffled) == pairs(text)
        assert [i for i, letter in enumerate(shuffled) if letter == "N"] == [
            i for i, letter in enumerate(text) if letter == "N"
        ]
        assert (shuffled[0], shuffled[-1]) == (text[0], text[-1])


@pytest.mark.parametrize("text", ["ACGTACAGT", "AACGACTA", "AAAACAAGA", "ACCAGACGA"])
def test_every_arrangement_is_as_probable(text: str) -> None:
    arranged = {"".join(p) for p in permutations(text) if pairs("".join(p)) == pairs(text)}
    count = 400 * len(arranged)
    found = Counter(shuffles(text, count))
    assert set(found) == arranged
    chi2 = sum((found[each] - 400) ** 2 / 400 for each in arranged)
    # Mean k - 1, variance 2 (k - 1): four standard deviations above.
    freedom = len(arranged) - 1
    assert chi2 < freedom + 4 * np.sqrt(2 * freedom)


def test_a_letter_that_is_left_once_is_left_last() -> None:
    text = "A" * 300 + "C" + "A" * 300 + "G"
    assert {found.count("AC") for found in shuffles(text, 20)} == {1}


def test_the_draw_depends_on_seed_and_sequence_alone() -> None:
    text = "ACGGTCATCAGGCATCAACGTTGCA" * 4
    assert shuffles(text, 5) == shuffles(text, 5)
    assert shuffles(text, 5) != shuffles(text, 5, seed=1)
    assert text not in shuffles(text, 5)


@pytest.mark.parametrize("text", ["A", "AC", "ACG", "AAAAAA", "NNN", "ANCNG"])
def test_what_cannot_be_shuffled_stays(text: str) -> None:
    assert shuffles(text, 3) == [text] * 3
