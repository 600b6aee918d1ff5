"""Letters checked and counted, against the plain way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.config import Ingest
from bioseq_dl.io import letters as module
from bioseq_dl.io.letters import (
    bin_gc,
    check_letters,
    count_by_sequence,
    join_letters,
    take_strings,
)

TABLE = {"format": "table", "source": {"path": "x"}}


def check(sequences, **limits):
    return check_letters(*join_letters(sequences), Ingest(inputs=[TABLE], **limits))


@given(st.lists(st.text("ACGTacgtNRyU*é", max_size=12), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_counts_and_first_bad_letter(sequences):
    found = check(sequences, max_unknown_fraction=1)
    known = set("ACGTRYSWKMBDHVN")
    for index, sequence in enumerate(sequences):
        upper = "".join(c.upper() if c.isascii() else "?" for c in sequence)
        assert found.lengths[index] == len(sequence)
        assert found.gc[index] == upper.count("G") + upper.count("C")
        assert found.unknown[index] == upper.count("N") + upper.count("R") + upper.count("Y")
        bad = [place for place, letter in enumerate(upper) if letter not in known]
        if not sequence:
            assert found.problems[index] == (module.EMPTY, 0, "")
        elif bad:
            place = bad[0]
            raw = sequence[place] if sequence[place].isascii() else "?"
            assert found.problems[index] == (module.BAD_LETTER, place + 1, raw)
        else:
            assert index not in found.problems


def test_limits_are_inclusive():
    found = check(["A" * 4, "A" * 5, "A" * 8, "A" * 9], min_length=5, max_length=8)
    assert found.problems == {
        0: (module.TOO_SHORT, 0, "4 letters"),
        3: (module.TOO_LONG, 0, "9 letters"),
    }
    found = check(["ACGTNACGTA", "ACGTNACGTN", "RRACGTACGTACGTACGTAC"], max_unknown_fraction=0.1)
    assert found.problems == {1: (module.TOO_UNKNOWN, 0, "0.200")}


def test_rna_reads_u_as_t():
    found = check(["ACGUu", "ACGT"], alphabet="rna")
    assert found.problems == {}
    assert bytes(found.letters) == b"ACGTTACGT"
    assert check(["ACGU"]).problems == {0: (module.BAD_LETTER, 4, "U")}


def test_strings_come_back():
    found = check(["ac", "", "GTN", "t"], max_unknown_fraction=1)
    kept = take_strings(found.letters, found.offsets, np.array([0, 2, 3]))
    assert kept.to_pylist() == ["AC", "GTN", "T"]


@pytest.mark.parametrize("lengths", [[3, 3, 3], [0, 3, 0, 0, 5, 0], [0, 0], [1]])
def test_count_by_sequence(lengths):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    mask = np.arange(offsets[-1]) % 2 == 0
    plain = [int(mask[a:b].sum()) for a, b in pairwise(offsets)]
    assert count_by_sequence(mask, offsets).tolist() == plain


def test_gc_bins_have_no_rounding():
    strong = np.array([0, 7, 14, 20, 65, 13, 0])
    known = np.array([10, 10, 20, 20, 100, 20, 0])
    assert bin_gc(strong, known, 20).tolist() == [0, 14, 14, 19, 13, 13, 0]
