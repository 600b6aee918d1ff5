"""States, masks, and the check of labels against sequences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io.labelled_proteins import (
    BAD_LABEL,
    BAD_MASK,
    BAD_RESIDUE,
    DISAGREE,
    EMPTY,
    NO_LABELS,
    OTHER_LENGTH,
    TOO_LONG,
    Fault,
    LabelledProtein,
    check_protein,
    gather_proteins,
    make_protein,
)
from bioseq_dl.io.secondary_structure import (
    Q3,
    Q8,
    REDUCTIONS,
    decode_states,
    encode_states,
    reduce_states,
)


def make(**given):
    return make_protein(**({"name": "p", "sequence": "MKVL"} | given))


def test_eight_states_become_three():
    assert reduce_states("GHIBESTCX") == "HHHEECCCX"
    assert reduce_states("GHIBESTC", "no_pi") == "HHCEECCC"
    assert reduce_states("GHIBESTC", "strict") == "CHCCECCC"
    assert all(
        set(table) == set(Q8) and set(table.values()) <= set(Q3) for table in REDUCTIONS.values()
    )


@given(st.text(alphabet=Q8 + "X", max_size=40))
def test_codes_and_labels_are_each_others_inverse(labels):
    codes = encode_states(labels, Q8)
    assert codes.dtype == np.int8
    assert (codes == -1).sum() == labels.count("X")
    assert decode_states(codes, Q8) == labels


def test_spellings_of_coil_and_of_no_label():
    protein = make(sequence="MKVLAGHX", q8="-L PxH?.")
    assert protein.q8 == "CCCCXHXX"
    assert protein.q3 == "CCCCXHXX"
    assert make(q3="h-Le").q3 == "HCCE"
    assert make(q3="h-Le").q8 is None


def test_unresolved_residues_are_masked_and_never_coil():
    protein = make(q8="CHHC", resolved="0110")
    assert protein.q8 == protein.q3 == "XHHX"
    assert protein.resolved.tolist() == [False, True, True, False]
    assert encode_states(protein.q3, Q3).tolist() == [-1, 0, 0, -1]
    assert make(q8="CHHC").resolved is None


def test_rare_residues_follow_the_table():
    assert make(sequence="mUOb zJ*", q8="CCCCCC").sequence == "MCKXXX"


def test_labels_of_both_kinds_may_differ_a_little():
    protein = make(sequence="A" * 20, q8="H" * 20, q3="H" * 18 + "CC")
    assert protein.q3 == "H" * 18 + "CC"
    assert protein.q8 == "H" * 20
    fault = make(sequence="A" * 20, q8="H" * 20, q3="H" * 17 + "CCC")
    assert fault == Fault(
        DISAGREE, 18, "q8 H, q3 C; 3 of 20 residues differ", "HGI as H, EB as E, others as C"
    )


@pytest.mark.parametrize(
    ("given", "reason", "position", "found"),
    [
        ({"sequence": " ", "q8": ""}, EMPTY, 0, ""),
        ({"sequence": "MK1L", "q8": "CCCC"}, BAD_RESIDUE, 3, "1"),
        ({"sequence": "MK-L", "q8": "CCCC"}, BAD_RESIDUE, 3, "-"),
        ({"q8": "CCC"}, OTHER_LENGTH, 0, "4 residues, 3 of q8"),
        ({"q3": "CCCCC"}, OTHER_LENGTH, 0, "4 residues, 5 of q3"),
        ({"q8": "CCDC"}, BAD_LABEL, 3, "D"),
        ({"q3": "CCCG"}, BAD_LABEL, 4, "G"),
        ({"q8": "CCCC", "resolved": "111"}, OTHER_LENGTH, 0, "4 residues, 3 of resolved"),
        ({"q8": "CCCC", "resolved": "1121"}, BAD_MASK, 3, "2"),
        ({"q8": "CCCC", "scored": "11T1"}, BAD_MASK, 3, "T"),
        ({}, NO_LABELS, 0, ""),
        ({"q8": "XXXX"}, NO_LABELS, 0, ""),
        ({"q8": "CCCC", "max_length": 3}, TOO_LONG, 0, "4 residues"),
    ],
)
def test_faults_say_where_and_what(given, reason, position, found):
    fault = make(**given)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.position, fault.found) == (reason, position, found)


def test_lengths_from_one_to_five_thousand():
    assert isinstance(make(sequence="M", q8="C"), LabelledProtein)
    assert isinstance(make(sequence="M" * 5000, q8="C" * 5000), LabelledProtein)
    assert make(sequence="M" * 5001, q8="C" * 5001).reason == TOO_LONG


def test_an_error_names_file_record_residue():
    with pytest.raises(InputError) as caught:
        check_protein(make(q8="CCDC"), file="x.tsv", record="p")
    assert str(caught.value) == (
        "x.tsv, record 'p', residue 3: letter that is no state; found 'D'; allowed: G, H, I, B, "
        "E, S, T, C (also -, L, a space or P for C), X, ? or . for no label"
    )


def test_a_mask_alone_is_a_label():
    protein = make(resolved="0111")
    assert (protein.q8, protein.q3) == (None, None)
    assert protein.resolved.tolist() == [False, True, True, True]
    # Hidden as a whole, the states are no labels; that all is disordered is one.
    assert make(q8="CCCC", resolved="0000").q3 == "XXXX"


def test_faults_are_counted():
    found = gather_proteins([("a", make(q8="CCCC")), ("b", make(q8="CC"))], "x.tsv")
    assert [protein.q8 for protein in found.proteins] == ["CCCC"]
    assert found.reasons == {OTHER_LENGTH: 1}
    assert found.rejects[0] == ("x.tsv", "b", "", OTHER_LENGTH, "4 residues, 2 of q8")
    with pytest.raises(InputError, match="record 'b': labels and sequence differ"):
        gather_proteins([("a", make(q8="CCCC")), ("b", make(q8="CC"))], "x.tsv", strict=True)
    with pytest.raises(InputError, match="no protein"):
        gather_proteins([], "x.tsv")
