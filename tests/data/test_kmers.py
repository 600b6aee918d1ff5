from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.kmers import (
    NONE,
    count_windows,
    find_minimizers,
    mix_bits,
    pack_kmers,
    sort_unique,
    tabulate_kmers,
)
from bioseq_dl.data.sequences import Sequences, read_sequences

TEXTS = st.lists(st.text("ACGTN", max_size=40), min_size=1, max_size=8)
K = st.integers(1, 31)


def sequences_of(texts: list[str]) -> Sequences:
    return read_sequences(pa.array(texts, pa.string()))


def turn(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def kmers_of(text: str, k: int, both_strands: bool) -> list[str | None]:
    found = [text[start : start + k] for start in range(len(text) - k + 1)]
    return [
        None if "N" in kmer else min(kmer, turn(kmer)) if both_strands else kmer for kmer in found
    ]


def unpack(value: int, k: int) -> str:
    return "".join("ACGT"[value >> 2 * (k - 1 - place) & 3] for place in range(k))


@settings(deadline=None)
@given(TEXTS, K, st.booleans())
def test_kmers_equal_those_of_plain_python(texts: list[str], k: int, both: bool) -> None:
    sequences = sequences_of(texts)
    packed = pack_kmers(sequences, k, both)
    assert len(packed) == len("".join(texts))
    for text, start in zip(texts, sequences.offsets, strict=False):
        row = packed[start : start + len(text)]
        expected = kmers_of(text, k, both)
        assert [None if v == NONE else unpack(int(v), k) for v in row] == expected + [None] * (
            len(text) - len(expected)
        )


def test_lower_case_and_uracil_are_read() -> None:
    one, two = (pack_kmers(sequences_of([text]), 4, False) for text in ("acgU", "ACGT"))
    assert one.tolist() == two.tolist()
    assert two[0] == 0b00011011


def test_hash_is_one_to_one() -> None:
    values = np.arange(200_000, dtype=np.uint64)
    assert len(np.unique(mix_bits(values))) == len(values)
    assert values[:3].tolist() == [0, 1, 2]


@settings(deadline=None)
@given(TEXTS, st.integers(3, 12), st.data(), st.booleans())
def test_minimizers_equal_those_of_plain_python(texts, k, data, both) -> None:
    window = data.draw(st.integers(1, k))
    sequences = sequences_of(texts)
    hashes, owners = find_minimizers(sequences, k, window, both)
    assert (np.diff(owners) >= 0).all()
    packed = pack_kmers(sequences, k, both)
    for index, text in enumerate(texts):
        start = sequences.offsets[index]
        row = packed[start : start + max(len(text) - k + 1, 0)]
        mixed = [None if value == NONE else int(mix_bits(np.array([value]))[0]) for value in row]
        windows = [mixed[s : s + window] for s in range(max(len(mixed) - window + 1, 1))]
        expected = {
            min(v for v in w if v is not None) for w in windows if any(x is not None for x in w)
        }
        assert set(hashes[owners == index].tolist()) == expected


def test_a_window_above_k_is_refused() -> None:
    with pytest.raises(ValueError, match="window 5 must not be above k 4"):
        find_minimizers(sequences_of(["ACGTACGT"]), 4, 5, True)


def test_sharing_window_kmers_means_sharing_a_minimizer() -> None:
    generator = np.random.default_rng(0)
    k, window = 11, 7
    for _ in range(50):
        left, shared, right = (
            "".join(generator.choice(list("ACGT"), n)) for n in (40, k + window - 1, 40)
        )
        a, b = left + shared, turn(shared + right)
        hashes, owners = find_minimizers(sequences_of([a, b]), k, window, True)
        assert set(hashes[owners == 0].tolist()) & set(hashes[owners == 1].tolist())


@settings(deadline=None)
@given(TEXTS, st.integers(1, 6), st.booleans())
def test_rows_intersect_like_multisets(texts: list[str], k: int, both: bool) -> None:
    rows, sizes = tabulate_kmers(sequences_of(texts), k, both)
    counters = [Counter(x for x in kmers_of(text, k, both) if x is not None) for text in texts]
    assert sizes.tolist() == [counter.total() for counter in counters]
    for row, counter in zip(rows, counters, strict=True):
        for other, counter2 in zip(rows, counters, strict=True):
            mine = set(row[row != NONE].tolist())
            theirs = set(other[other != NONE].tolist())
            assert len(mine & theirs) == (counter & counter2).total()


def test_small_helpers() -> None:
    assert count_windows(sequences_of(["ACGT", "AC", ""]), 3).tolist() == [2, 0, 0]
    assert sort_unique(np.array([3, 1, 3], np.uint64)).tolist() == [1, 3]
