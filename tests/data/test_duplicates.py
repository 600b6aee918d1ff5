from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.duplicates import find_conflicts, mark_repeats, number_equal
from bioseq_dl.data.sequences import read_sequences, write_arrow

TEXTS = st.lists(st.text("ACGTN", max_size=4), min_size=1, max_size=30)


def turn(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


@settings(deadline=None)
@given(TEXTS, st.booleans())
def test_equal_numbers_mean_equal_sequences(texts: list[str], both: bool) -> None:
    equal = number_equal(read_sequences(pa.array(texts, pa.string())), both)
    canonical = [min(text, turn(text)) if both else text for text in texts]
    unique = write_arrow(equal.unique).to_pylist()
    assert unique == sorted(set(canonical))
    assert [unique[member] for member in equal.member] == canonical
    assert equal.flipped.tolist() == [
        text != form for text, form in zip(texts, canonical, strict=True)
    ]
    for one, text in zip(equal.exact, texts, strict=True):
        assert [n == one for n in equal.exact] == [text == other for other in texts]


def test_a_palindrome_is_its_own_exact_duplicate() -> None:
    equal = number_equal(read_sequences(pa.array(["ACGT", "ACGT", "AACG", "CGTT"])), True)
    assert equal.exact[0] == equal.exact[1]
    assert equal.member[2] == equal.member[3]
    assert equal.exact[2] != equal.exact[3]


def test_strands_are_told_apart_where_asked() -> None:
    equal = number_equal(read_sequences(pa.array(["AACG", "CGTT"])), False)
    assert equal.member[0] != equal.member[1]


NAN = np.nan


def test_conflicts_need_two_known_labels_that_differ() -> None:
    groups = np.array([0, 0, 1, 1, 2, 2, 3])
    labels = np.array([[1, 0], [1, NAN], [0, 1], [0, 0], [NAN, 1], [1, NAN], [0, 0]], np.float32)
    assert find_conflicts(groups, labels).tolist() == [False] * 2 + [True] * 2 + [False] * 3


def test_of_repeats_the_one_with_most_labels_stays() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2])
    labels = np.array([[1, NAN], [1, 0], [1, 0], [0, 0], [1, 1], [0, 1]], np.float32)
    repeats, conflicts = mark_repeats(groups, labels)
    assert repeats.tolist() == [True, False, True, False, False, False]
    assert conflicts.tolist() == [False] * 4 + [True] * 2


def test_without_labels_nothing_conflicts() -> None:
    repeats, conflicts = mark_repeats(np.array([4, 4, 1]), np.empty((3, 0), np.float32))
    assert repeats.tolist() == [False, True, False]
    assert not conflicts.any()


def test_no_records() -> None:
    repeats, conflicts = mark_repeats(np.empty(0, np.int64), np.empty((0, 1), np.float32))
    assert len(repeats) == len(conflicts) == 0
