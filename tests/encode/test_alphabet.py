from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.encode.alphabet import DNA, Alphabet
from bioseq_dl.errors import InputError


def test_letters_have_their_published_codes() -> None:
    assert DNA.encode(b"ACGTNRYSWKMBDHV").tolist() == [0, 1, 2, 3] + [4] * 11


@given(st.text(alphabet="ACGTN", max_size=200))
def test_decode_gives_back_what_was_encoded(sequence: str) -> None:
    assert DNA.decode(DNA.encode(sequence.encode())) == sequence


@given(st.text(alphabet="ACGTN", max_size=200))
def test_reverse_complement_agrees_with_biopython(sequence: str) -> None:
    other = DNA.reverse_complement(DNA.encode(sequence.encode()))
    assert DNA.decode(other) == str(Seq(sequence).reverse_complement())


def test_reverse_complement_works_on_rows() -> None:
    rows = np.array([[0, 1, 4], [3, 3, 2]], np.uint8)
    assert DNA.reverse_complement(rows).tolist() == [[4, 2, 3], [1, 0, 0]]


@pytest.mark.parametrize("letter", [b"a", b"U", b"-", b"*", b" ", b"\x00", b"\xff"])
def test_any_other_byte_is_an_error_with_its_place(letter: bytes) -> None:
    with pytest.raises(InputError, match=r"record 'seq7', position 4: not a letter") as error:
        DNA.encode(b"ACG" + letter + b"ACG?", "seq7")
    assert repr(letter.decode("latin-1")) in str(error.value)
    assert "allowed: ACGT and for unknown bases N" in str(error.value)


def test_an_alphabet_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DNA.letters = "ACGU"  # type: ignore[misc]


def test_codes_too_large_cannot_be_decoded() -> None:
    with pytest.raises(ValueError, match="found 7"):
        DNA.decode(np.array([0, 7], np.uint8))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"letters": "AAC", "unknown": "N", "complement": "AAC"},
        {"letters": "ACGT", "unknown": "T", "complement": "TGCA"},
        {"letters": "ACGT", "unknown": "N", "complement": "TGC"},
    ],
)
def test_a_wrong_alphabet_is_refused(kwargs: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="letters"):
        Alphabet(**kwargs)
