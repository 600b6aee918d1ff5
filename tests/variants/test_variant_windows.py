"""Alleles trimmed and put into windows: the pictures of the docstrings, letter by letter."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.io.genome import Genome
from bioseq_dl.io.vcf.chunks import Chunk
from bioseq_dl.variants.alleles import CLASSES, STATUSES, list_alleles, trim
from bioseq_dl.variants.reference import place_alleles
from bioseq_dl.variants.windows import cut_windows


def make_chunk(records):
    return Chunk(
        number=0,
        first_record=0,
        first_line=3,
        lines=[b""] * len(records),
        chrom=np.zeros(len(records), np.int32),
        start=np.array([pos - 1 for pos, _, _ in records], np.int64),
        ref=[ref.encode() for _, ref, _ in records],
        alts=[alt.encode() for _, _, alt in records],
    )


def cut(genome_text, records, length):
    """Give each scored allele's reference window and those of its placements, as text."""
    genome = Genome({"1": (0, len(genome_text))}, np.frombuffer(genome_text.encode(), np.uint8))
    chunk = make_chunk(records)
    alleles = list_alleles(chunk)
    placed = place_alleles(chunk, alleles, np.zeros(1, np.int64), genome, "skip", "a.vcf")
    windows = cut_windows(alleles, placed, np.arange(len(alleles)), genome, length, 1.0)
    mutants = windows.mutants
    edges = np.concatenate([[0], np.cumsum(mutants.ends - mutants.starts)])
    found = []
    for window, left, right in zip(windows.window, windows.left, windows.right, strict=True):
        texts = [DNA.decode(windows.codes[window])]
        for mutant in (left, right):
            codes = windows.codes[window].copy()
            if mutant >= 0:
                assert mutants.rows[mutant] == window
                place = slice(mutants.starts[mutant], mutants.ends[mutant])
                codes[place] = mutants.letters[edges[mutant] : edges[mutant + 1]]
            texts.append(DNA.decode(codes))
        found.append(tuple(texts))
    return found, SimpleNamespace(windows=windows, status=placed.status)


def test_the_docstrings_pictures():
    found, _ = cut("GCTACGTCAGGA", [(7, "T", "TAA"), (5, "CGT", "C")], 8)
    assert found == [
        ("ACGTCAGG", "ACGTAACA", "GTAACAGG"),
        ("TACGTCAG", "TACCAGGA", "GCTACCAG"),
    ]


@pytest.mark.parametrize(("length", "window"), [(6, "CGTCAG"), (7, "CGTCAGG"), (1, "C"), (2, "TC")])
def test_an_snv_is_letter_half_the_length(length, window):
    found, rest = cut("GCTACGTCAGGA", [(8, "C", "A")], length)
    mutant = window[: length // 2] + "A" + window[length // 2 + 1 :]
    assert found == [(window, mutant, mutant)]
    assert rest.windows.mutants.starts.tolist() == [length // 2]


def test_the_contigs_ends_are_n():
    found, _ = cut("GCTACGTC", [(1, "G", "GA"), (1, "G", "T"), (8, "C", "A"), (7, "TC", "T")], 6)
    assert found == [
        ("NNGCTA", "NNGACT", "NGACTA"),
        ("NNNGCT", "NNNTCT", "NNNTCT"),
        ("CGTCNN", "CGTANN", "CGTANN"),
        ("CGTCNN", "CGTNNN", "ACGTNN"),
    ]


def test_equal_windows_and_equal_mutants_are_there_once():
    records = [(8, "C", "A"), (8, "C", "A,G"), (8, "CA", "AA"), (7, "TC", "TA"), (8, "C", "CA,CA")]
    _, rest = cut("GCTACGTCAGGA", records, 6)
    assert len(rest.windows.allele) == 7
    assert len(rest.windows.codes) == 2
    assert len(rest.windows.mutants.rows) == 4


def test_an_allele_as_long_as_the_window_is_scored_a_longer_one_is_not():
    text = "GCTACGTCAGGATTACAGAT"
    records = [
        (5, "C", "CTTTTTT"),
        (5, "C", "CTTTTTTT"),
        (5, text[4:11], "C"),
        (5, text[4:12], "C"),
    ]
    found, rest = cut(text, records, 6)
    assert [STATUSES[code] for code in rest.status] == ["scored", "longer_than_window"] * 2
    # The flank that stays leaves room for half of the insertion.
    assert found == [("TACGTC", "TACTTT", "TTTGTC"), (text[5:11], text[11:17], "NGCTAC")]


@pytest.mark.parametrize(
    ("ref", "alt", "kind"),
    [
        ("A", "G", "SNV"),
        ("CA", "CG", "SNV"),
        ("CAT", "GAT", "SNV"),
        ("CA", "TG", "MNV"),
        ("CAT", "GAA", "MNV"),
        ("C", "CAT", "insertion"),
        ("CC", "CAC", "insertion"),
        ("CAT", "C", "deletion"),
        ("CAT", "CGGT", "complex"),
        ("CAT", "GG", "complex"),
        ("A", "A", "identical"),
        ("CAT", "CAT", "identical"),
    ],
)
def test_classes_are_those_of_the_trimmed_allele(ref, alt, kind):
    alleles = list_alleles(make_chunk([(1, ref, alt)]))
    assert CLASSES[alleles.kind[0]] == kind


@given(st.text("AC", min_size=1, max_size=6), st.text("AC", min_size=1, max_size=6))
def test_trimming_takes_the_right_first_and_leaves_nothing_shared(ref, alt):
    left, right = trim(ref.encode(), alt.encode())
    a, b = ref[left : len(ref) - right], alt[left : len(alt) - right]
    assert ref[:left] == alt[:left]
    assert ref[len(ref) - right :] == alt[len(alt) - right :]
    assert not a or not b or (a[0] != b[0] and a[-1] != b[-1])
    # No other way of trimming takes more from the right.
    more = right + 1
    assert min(len(ref), len(alt)) < more or ref[-more:] != alt[-more:]
