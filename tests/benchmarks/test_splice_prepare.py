"""Sites and decoys on a chromosome small enough to read."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.io.intervals import read_intervals


@pytest.fixture(scope="module")
def prepare(load_script):
    return load_script("splice/prepare.py")


def read(tmp_path, name, rows):
    path = tmp_path / name
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return read_intervals(path, columns=["name"])


#                  0123456789012345678901234567890123456789
BASES = np.frombuffer(b"AAGTAAAGTACACCGTGGACAACTTTAGAAAGTCGTAAAC", np.uint8)


def test_dinucleotides_of_both_strands(prepare) -> None:
    assert prepare.find_dinucleotides(BASES, b"GT", "+").tolist() == [2, 7, 14, 31, 34]
    # GT of the minus strand is AC of the plus strand: 9 A C, 11?, …
    minus = prepare.find_dinucleotides(BASES, b"GT", "-").tolist()
    assert [BASES[p : p + 2].tobytes() for p in minus] == [b"AC"] * len(minus)
    assert minus == [9, 11, 18, 21, 38]
    assert prepare.find_dinucleotides(BASES, b"AG", "-").tolist() == [22]  # CT


def test_sites_once_and_decoys_of_the_gene_and_strand(prepare, tmp_path) -> None:
    genes = read(tmp_path, "g.bed", [(20, 0, 30, "A", 0, "+"), (20, 0, 40, "B", 0, "-")])
    sites = read(
        tmp_path,
        "s.bed",
        [
            (20, 2, 4, "donor|A", 0, "+"),
            (20, 2, 4, "donor|A2", 0, "+"),  # the same site of another gene
            (20, 26, 28, "acceptor|A", 0, "+"),
            (20, 4, 6, "donor|A", 0, "+"),  # AA: not canonical
            (20, 9, 11, "donor|B", 0, "-"),
        ],
    )
    chosen, counts = prepare.choose_sites("donor", sites, genes, BASES, 3, 2, 0)
    assert counts == {
        "listed": 4, "repeated": 1, "not_canonical": 1, "sites": 2, "decoys": 5, "background": 4
    }  # fmt: skip
    found = {(site.start, site.strand): site for site in chosen}
    assert len(found) == len(chosen)
    real = {place for place, site in found.items() if site.what == "site"}
    assert real == {(2, "+"), (9, "-")}
    # Gene A ends at 30, so 31 and 34 are out of it: two decoys are left for three wanted.
    decoys = {place for place, site in found.items() if site.what == "decoy"}
    assert {place for place in decoys if place[1] == "+"} == {(7, "+"), (14, "+")}
    assert {place for place in decoys if place[1] == "-"} < {
        (11, "-"), (18, "-"), (21, "-"), (38, "-")
    }  # fmt: skip
    other = {place for place, site in found.items() if site.what == "background"}
    for start, strand in other:
        letters = BASES[start : start + 2].tobytes()
        assert letters != (b"GT" if strand == "+" else b"AC")
        assert (start, strand) != (4, "+")  # an annotated site that is not canonical
    assert chosen == sorted(chosen, key=lambda site: (site.start, site.strand))
    again, _ = prepare.choose_sites("donor", sites, genes, BASES, 3, 2, 0)
    assert again == chosen


def test_a_dinucleotide_lies_wholly_in_its_gene(prepare, tmp_path) -> None:
    genes = read(tmp_path, "g.bed", [(20, 2, 8, "A", 0, "+")])  # 7 to 9 crosses the end
    sites = read(tmp_path, "s.bed", [(20, 2, 4, "donor|A", 0, "+")])
    chosen, counts = prepare.choose_sites("donor", sites, genes, BASES, 5, 0, 0)
    assert counts["decoys"] == 0
    assert [site.start for site in chosen] == [2]


def test_background_is_for_training_alone(prepare, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(prepare, "TEST", (0, 10))
    genes = read(tmp_path, "g.bed", [(20, 0, 30, "A", 0, "+")])
    sites = read(tmp_path, "s.bed", [(20, 2, 4, "donor|A", 0, "+")])
    _, counts = prepare.choose_sites("donor", sites, genes, BASES, 1, 2, 0)
    assert (counts["decoys"], counts["background"]) == (1, 0)


def test_bed_holds_label_strand_and_the_fold_of_the_gene(prepare, tmp_path) -> None:
    low, high = prepare.TEST
    genes = read(
        tmp_path,
        "g.bed",
        [
            (20, low - 50, low + 50, "before", 0, "+"),
            (20, low, low + 90, "inside", 0, "-"),
            (20, high, high + 90, "after", 0, "-"),
        ],
    )
    sites = [
        prepare.Site(low + 10, "+", "before", "site"),
        prepare.Site(low + 20, "-", "inside", "decoy"),
        prepare.Site(high, "-", "after", "site"),
    ]
    assert prepare.format_bed(sites, genes).splitlines() == [
        f"20\t{low + 10}\t{low + 12}\tsite|before\t1\t+\ttrain",
        f"20\t{low + 20}\t{low + 22}\tdecoy|inside\t0\t-\ttest",
        f"20\t{high}\t{high + 2}\tsite|after\t1\t-\ttrain",
    ]
    assert prepare.name_fold(prepare.VAL[0]) == "val"
    assert prepare.name_fold(prepare.VAL[1]) == "train"
