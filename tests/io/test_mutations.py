"""Mutations as text: read, held against the wild type, applied; against a plain reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io.mutations import (
    BAD_LETTER,
    OUT_OF_RANGE,
    SAME_PLACE,
    UNREADABLE,
    WRONG_LETTER,
    Fault,
    apply_mutations,
    find_mutations,
    name_mutations,
    parse_mutations,
    suggest_first,
)
from bioseq_dl.io.residues import check_sequence

WILD = "ACGTTGCAAC"
PROTEIN = "MKTAYWQ"
THREE = {"M": "Met", "K": "Lys", "T": "Thr", "A": "Ala", "Y": "Tyr", "W": "Trp", "Q": "Gln"}


def mutate(text: str, wild: str = WILD, first: int = 1, alphabet: str = "dna") -> str:
    return apply_mutations(wild, parse_mutations(text, wild, first, alphabet))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C2G", "AGGTTGCAAC"),
        ("c2g", "AGGTTGCAAC"),
        (" C2G ", "AGGTTGCAAC"),
        ("2C>G", "AGGTTGCAAC"),
        ("c.2C>G", "AGGTTGCAAC"),
        ("NM_0001.2:c.2C>G", "AGGTTGCAAC"),
        ("n.[2C>G;10C>A]", "AGGTTGCAAA"),
        ("C2G,C10A", "AGGTTGCAAA"),
        ("C10A, C2G", "AGGTTGCAAA"),
        ("C2G;C10A", "AGGTTGCAAA"),
        ("C2G+C10A", "AGGTTGCAAA"),
        ("C2G:C10A", "AGGTTGCAAA"),
        ("C2G/C10A", "AGGTTGCAAA"),
        ("C2G C10A", "AGGTTGCAAA"),
        ("c.2C>G,c.10C>A", "AGGTTGCAAA"),
        ("C2del", "AGTTGCAAC"),
        ("C2-", "AGTTGCAAC"),
        ("2del", "AGTTGCAAC"),
        ("2delC", "AGTTGCAAC"),
        ("C2_T4del", "ATGCAAC"),
        ("2_4delCGT", "ATGCAAC"),
        ("C2_G3insTT", "ACTTGTTGCAAC"),
        ("2_3insTT", "ACTTGTTGCAAC"),
        ("C2dup", "ACCGTTGCAAC"),
        ("9_10dup", "ACGTTGCAACAC"),
        ("C2delinsTTT", "ATTTGTTGCAAC"),
        ("2_4delinsA", "AATGCAAC"),
        ("2_3insTT,C2G,G3del", "AGTTTTGCAAC"),
        ("C2=", WILD),
        ("2=", WILD),
        ("C2C", WILD),
        ("C2C,C10A", "ACGTTGCAAA"),
        ("", WILD),
        ("  ", WILD),
        ("=", WILD),
        ("c.=", WILD),
        ("WT", WILD),
        ("_wt", WILD),
        ("C2N", "ANGTTGCAAC"),
    ],
)
def test_ways_of_writing(text, expected):
    assert mutate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K2R", "MRTAYWQ"),
        ("Lys2Arg", "MRTAYWQ"),
        ("p.Lys2Arg", "MRTAYWQ"),
        ("p.(Lys2Arg)", "MRTAYWQ"),
        ("p.[Lys2Arg;Gln7Trp]", "MRTAYWW"),
        ("LYS2ARG", "MRTAYWQ"),
        ("lys2arg", "MRTAYWQ"),
        ("NP_1.1:p.Lys2Arg", "MRTAYWQ"),
        ("W6*", "MKTAY*Q"),
        ("Trp6Ter", "MKTAY*Q"),
        ("Trp6*", "MKTAY*Q"),
        ("Ala4del", "MKTYWQ"),
        ("A4del", "MKTYWQ"),
        ("Lys2_Ala4del", "MYWQ"),
        ("K2_T3insGlnSer", "MKQSTAYWQ"),
        ("K2_T3insQS", "MKQSTAYWQ"),
        ("Lys2_Thr3insGln", "MKQTAYWQ"),
        ("Lys2delinsTrpVal", "MWVTAYWQ"),
        ("Lys2=", PROTEIN),
        ("p.=", PROTEIN),
        ("K2X", "MXTAYWQ"),
        ("K2U,T3O", "MCKAYWQ"),
        ("Lys2Sec,Thr3Pyl", "MCKAYWQ"),
        ("K2B,T3J,A4Z", "MBJZYWQ"),
        ("Lys2Asx", "MBTAYWQ"),
    ],
)
def test_proteins(text, expected):
    assert mutate(text, PROTEIN, alphabet="protein") == expected


def test_rna_reads_t_as_u():
    assert mutate("U4A,r.5u>g,C2T", "ACGUUGC", alphabet="rna") == "AUGAGGC"


@pytest.mark.parametrize(
    ("text", "reason", "found"),
    [
        ("A2G", WRONG_LETTER, "A2G"),
        ("C2G,A10T", WRONG_LETTER, "A10T"),
        ("C2_A4del", WRONG_LETTER, "C2_A4del"),
        ("2delA", WRONG_LETTER, "2delA"),
        ("C0G", OUT_OF_RANGE, "C0G"),
        ("C11G", OUT_OF_RANGE, "C11G"),
        ("C-2G", OUT_OF_RANGE, "C-2G"),
        ("10_11insA", OUT_OF_RANGE, "10_11insA"),
        ("4_2del", OUT_OF_RANGE, "4_2del"),
        ("C2E", BAD_LETTER, "E in C2E"),
        ("C2U", BAD_LETTER, "U in C2U"),
        ("X2G", BAD_LETTER, "X in X2G"),
        ("2_3insTZ", BAD_LETTER, "TZ in 2_3insTZ"),
        ("C2G,C2T", SAME_PLACE, "C2G,C2T (place 2)"),
        ("C2G,C2G", SAME_PLACE, "C2G,C2G (place 2)"),
        ("C2=,C2G", SAME_PLACE, "C2=,C2G (place 2)"),
        ("2_4del,G3A", SAME_PLACE, "2_4del,G3A (place 3)"),
        ("2_4del,2_3insA", SAME_PLACE, "2_4del,2_3insA (place 3)"),
        ("2_3insA,2_3insA", SAME_PLACE, "2_3insA,2_3insA (place 3)"),
        ("hello", UNREADABLE, "hello"),
        ("C2", UNREADABLE, "C2"),
        ("2G", UNREADABLE, "2G"),
        ("C2G,", UNREADABLE, "C2G,"),
        ("C2GG", UNREADABLE, "C2GG"),
        ("CGT2AAA", UNREADABLE, "CGT2AAA"),
        ("C2ins", UNREADABLE, "C2ins"),
        ("2_4insA", UNREADABLE, "2_4insA"),
        ("2insA", UNREADABLE, "2insA"),
        ("C2.5G", UNREADABLE, "C2.5G"),
        ("C99999999999999999999G", UNREADABLE, "C99999999999999999999G"),
        ("ACGTTGCAAC", UNREADABLE, "ACGTTGCAAC"),
    ],
)
def test_faults(text, reason, found):
    fault = find_mutations(text, WILD)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.found) == (reason, found)
    with pytest.raises(InputError, match=reason):
        parse_mutations(text, WILD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p.Arg97ProfsTer23", UNREADABLE),
        ("Lys2Foo", BAD_LETTER),
        ("A2G", WRONG_LETTER),
        ("Ala2Gly", WRONG_LETTER),
    ],
)
def test_protein_faults(text, reason):
    fault = find_mutations(text, PROTEIN, 1, "protein")
    assert isinstance(fault, Fault)
    assert fault.reason == reason


def test_wrong_letter_says_what_the_wild_type_has():
    with pytest.raises(InputError) as caught:
        parse_mutations("A2G", WILD)
    assert str(caught.value) == (
        "record 'A2G': not the wild type's letter; found 'A2G'; allowed: C at 2; "
        "fix: check the number of the first letter"
    )


@pytest.mark.parametrize("first", [-5, 0, 1, 40])
def test_numbers_start_at_first(first):
    assert mutate(f"A{first}G", first=first) == "G" + WILD[1:]
    assert mutate(f"C{first + 9}G", first=first) == WILD[:-1] + "G"
    assert isinstance(find_mutations(f"A{first - 1}G", WILD, first), Fault)
    assert isinstance(find_mutations(f"A{first + 10}G", WILD, first), Fault)


def test_suggests_the_number_of_the_first_letter():
    texts = ["C42G", "G43A,T44A", "C50T", "nonsense"]
    assert suggest_first(texts, WILD) == 41
    assert suggest_first(["A1G"], "AAAA") is None
    assert suggest_first(["nonsense"], WILD) is None
    assert suggest_first(["Lys12Ala", "Gln17Ala"], PROTEIN, "protein") == 11


def edit_plainly(wild: str, changes: list[tuple[str, int, int, str]]) -> str:
    """Edit a list of letters: each place holds what stands there, and what is put before it."""
    letters = list(wild)
    before = [""] * (len(wild) + 1)
    for kind, start, last, new in changes:
        if kind == "ins":
            before[last] = new
        elif kind == "dup":
            before[last + 1] = wild[start : last + 1]
        else:
            letters[start : last + 1] = [""] * (last + 1 - start)
            letters[start] = new
    return "".join(b + letter for b, letter in zip(before, [*letters, ""], strict=True))


@st.composite
def written_changes(draw):
    wild = draw(st.text("ACGT", min_size=2, max_size=30))
    first = draw(st.integers(-40, 60))
    place, changes, texts = 0, [], []
    while place < len(wild) and draw(st.booleans()):
        start = draw(st.integers(place, len(wild) - 1))
        last = draw(st.integers(start, min(start + 3, len(wild) - 1)))
        kind = draw(st.sampled_from(["sub", "del", "delins", "ins", "dup"]))
        new = draw(st.text("ACGT", min_size=1, max_size=4))
        if kind == "ins":
            last = start + 1
            if last >= len(wild):
                break
        if kind == "sub":
            last, new = start, new[0]
        if kind == "del":
            new = ""
        ref, number = draw(st.sampled_from([wild[start], ""])), start + first
        span = f"{ref}{number}"
        if last > start:
            span += f"_{draw(st.sampled_from([wild[last], '']))}{last + first}"
        if kind == "sub":
            plain, arrow = f"{wild[start]}{number}{new}", f"{number}{wild[start]}>{new}"
            texts.append(draw(st.sampled_from([plain, arrow])))
        else:
            texts.append(span + kind + (new if kind in ("ins", "delins") else ""))
        changes.append((kind, start, last, new))
        place = last + 2  # an insertion behind a doubling would stand where it does
    draw(st.randoms()).shuffle(texts)
    return wild, first, changes, draw(st.sampled_from(",;+ ")).join(texts)


@given(written_changes())
def test_applied_as_a_plain_edit_does(case):
    wild, first, changes, text = case
    mutations = parse_mutations(text, wild, first)
    mutated = apply_mutations(wild, mutations)
    assert mutated == edit_plainly(wild, changes)
    # The one way of writing reads as the same.
    again = parse_mutations(name_mutations(mutations, wild, first), wild, first)
    assert apply_mutations(wild, again) == mutated


@given(st.text("ACGT0123456789-_=>*,;delinsup. ", max_size=20))
def test_any_text_is_mutations_or_a_fault(text):
    found = find_mutations(text, WILD)
    if isinstance(found, Fault):
        assert found.reason in (WRONG_LETTER, OUT_OF_RANGE, BAD_LETTER, SAME_PLACE, UNREADABLE)
    else:
        assert set(apply_mutations(WILD, found)) <= set("ACGTN")


@given(st.lists(st.tuples(st.sampled_from(range(7)), st.sampled_from(PROTEIN)), max_size=5))
def test_three_letters_mean_the_same_as_one(changes):
    changes = list(dict(changes).items())
    one = ",".join(f"{PROTEIN[place]}{place + 1}{new}" for place, new in changes)
    three = ";".join(f"{THREE[PROTEIN[p]]}{p + 1}{THREE[new]}" for p, new in changes)
    expected = list(PROTEIN)
    for place, new in changes:
        expected[place] = new
    assert mutate(one, PROTEIN, 1, "protein") == "".join(expected)
    assert mutate("p." + three if three else "", PROTEIN, 1, "protein") == "".join(expected)


def test_wild_type_letters():
    assert check_sequence("acgu", "rna") == "ACGU"
    assert check_sequence("acgt", "rna") == "ACGU"
    assert check_sequence("acgu", "dna") == "ACGT"
    assert check_sequence("mkt*", "protein") == "MKT*"
    assert check_sequence("muoxb", "protein") == "MCKXB"
    assert check_sequence("ACGTNACGTNACGTNAC", "protein")  # so few may be chance
    with pytest.raises(InputError, match=r"these look like nucleotides; .*fix: translate them"):
        check_sequence("acgtnacgtnacgtnacu", "protein")
    with pytest.raises(InputError, match=r"position 3: not a letter of the alphabet; found 'r'"):
        check_sequence("acrt", "dna")
    with pytest.raises(InputError, match="empty"):
        check_sequence("", "dna")
