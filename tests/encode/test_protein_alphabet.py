"""Codes of amino acids."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.encode.alphabet import ALPHABETS, DNA, PROTEIN, find_alphabet
from bioseq_dl.errors import InputError


def test_twenty_letters_in_alphabetical_order() -> None:
    assert PROTEIN.letters == "".join(sorted(PROTEIN.letters))
    assert PROTEIN.encode(b"ACDEFGHIKLMNPQRSTVWY").tolist() == list(range(20))
    assert PROTEIN.unknown_code == 20


def test_rare_letters_are_read_as_documented() -> None:
    assert PROTEIN.decode(PROTEIN.encode(b"UOBZJX")) == "CKXXXX"


def test_a_stop_is_no_letter() -> None:
    with pytest.raises(InputError, match=r"position 3: not a letter.*found '\*'; .*residues"):
        PROTEIN.encode(b"MK*")


def test_proteins_have_one_strand() -> None:
    with pytest.raises(ValueError, match="one strand"):
        PROTEIN.reverse_complement(np.zeros(3, np.uint8))


def test_alphabets_are_found_by_their_letters() -> None:
    assert find_alphabet("ACGT") is DNA
    assert all(find_alphabet(known.letters) is known for known in ALPHABETS.values())
    assert find_alphabet("ACGU") is None
