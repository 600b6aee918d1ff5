from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.sequences import (
    iterate_chunks,
    read_sequences,
    reverse_complement,
    slice_sequences,
    take_sequences,
    write_arrow,
)
from bioseq_dl.errors import InputError

SEQUENCES = st.lists(st.text("ACGTNRYKMSWBDHV", max_size=12), max_size=12)
IUPAC = dict(zip("ACGTNRYKMSWBDHV", "TGCANYRMKSWVHDB", strict=True))


def as_strings(sequences) -> list[str]:
    return write_arrow(sequences).to_pylist()


@settings(deadline=None)
@given(SEQUENCES, st.integers(0, 5), st.integers(0, 5))
def test_any_arrow_layout_is_read(texts: list[str], cut: int, skip: int) -> None:
    chunks = pa.chunked_array([texts[:cut], texts[cut:]], pa.string())
    assert as_strings(read_sequences(chunks)) == texts
    assert as_strings(read_sequences(pa.array(texts, pa.string()).slice(skip))) == texts[skip:]
    assert as_strings(read_sequences(pa.array(texts, pa.large_string()))) == texts


def test_a_missing_sequence_is_named() -> None:
    with pytest.raises(InputError, match=r"record 'row 2', sequence: a sequence is missing"):
        read_sequences(pa.array(["AC", None]))


@settings(deadline=None)
@given(SEQUENCES)
def test_reverse_complement_of_every_letter(texts: list[str]) -> None:
    sequences = read_sequences(pa.array(texts, pa.string()))
    other = reverse_complement(sequences)
    assert as_strings(other) == ["".join(IUPAC[base] for base in text[::-1]) for text in texts]
    assert as_strings(reverse_complement(other)) == texts


@settings(deadline=None)
@given(SEQUENCES, st.integers(1, 30))
def test_chunks_follow_each_other_and_keep_to_the_limit(texts: list[str], bases: int) -> None:
    sequences = read_sequences(pa.array(texts, pa.string()))
    found: list[str] = []
    for start, chunk in iterate_chunks(sequences, bases):
        assert start == len(found)
        assert len(chunk) == 1 or len(chunk.letters) <= bases
        found += as_strings(chunk)
    assert found == texts


def test_slices_and_takes() -> None:
    sequences = read_sequences(pa.array(["AC", "", "GGG", "T"]))
    assert as_strings(slice_sequences(sequences, 1, 3)) == ["", "GGG"]
    assert as_strings(take_sequences(sequences, np.array([3, 0, 3]))) == ["T", "AC", "T"]
    assert sequences.lengths.tolist() == [2, 0, 3, 1]
