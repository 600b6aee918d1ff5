from __future__ import annotations

from bioseq_dl.io.contigs import match_names


def test_a_name_is_found_with_or_without_chr_but_only_when_it_is_not_used_itself():
    found = match_names(["20", "chrX", "chr7", "7", "un"], ["chr20", "X", "7"])
    assert found.places == {"20": 0, "chrX": 1, "chr7": -1, "7": 2, "un": -1}
    assert found.renamed == {"20": "chr20", "chrX": "X"}
    assert found.clashes == {"chr7": "7"}
    assert found.notes == ["contigs read under the genome's names: 20 as chr20, chrX as X"]


def test_equal_names_need_no_note():
    found = match_names(["1", "chr1"], ["1", "chr1"])
    assert found.places == {"1": 0, "chr1": 1}
    assert not found.notes
    assert not found.clashes
