"""Homologous proteins: the built-in search against plain alignments, and MMseqs2 where it is."""

from __future__ import annotations

import csv
import gzip
import shutil

import numpy as np
import pytest

from bioseq_dl.data.protein_homology import (
    cluster_proteins,
    find_homologs,
    find_mmseqs,
    make_aligner,
)
from bioseq_dl.data.protein_prefilter import (
    AMINO_ACIDS,
    encode_proteins,
    find_candidates,
    load_blosum62,
    make_index,
)
from bioseq_dl.errors import InputError

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def draw(generator, length):
    return "".join(generator.choice(LETTERS, length))


def mutate(generator, sequence, identity):
    letters = np.array(list(sequence))
    change = generator.permutation(len(letters))[: round((1 - identity) * len(letters))]
    for place in change:
        letters[place] = generator.choice(LETTERS[letters[place] != LETTERS])
    return "".join(letters)


@pytest.fixture(scope="module")
def family():
    """A protein, others at known identities to it, and strangers."""
    generator = np.random.default_rng(7)
    one = draw(generator, 200)
    kin = [mutate(generator, one, identity) for identity in (0.9, 0.7, 0.5)]
    part = draw(generator, 150) + one[:60] + draw(generator, 150)
    strangers = [draw(generator, 200) for _ in range(30)]
    return one, [*kin, part, *strangers]


def search(queries, targets, **given):
    options = {"identity": 0.25, "coverage": 0.5, "program": "builtin"} | given
    return find_homologs(queries, targets, **options)


def test_kin_are_found_and_strangers_are_not(family):
    one, others = family
    hits = search([one], others)
    assert hits.targets.tolist() == [0, 1, 2]
    assert hits.identity == pytest.approx([0.9, 0.7, 0.5], abs=0.03)
    assert (hits.query_coverage > 0.8).all()
    assert (hits.evalue < 1e-10).all()
    assert search([one], others, identity=0.6).targets.tolist() == [0, 1]


def test_coverage_is_of_the_query_the_shorter_or_both(family):
    one, others = family
    part = [others[3]]  # 60 of the 200 stand in a protein of 360
    assert len(search([one], part, coverage=0.5)) == 0
    hits = search([one], part, coverage=0.25)
    assert hits.query_coverage == pytest.approx([0.3], abs=0.06)
    assert hits.target_coverage == pytest.approx([60 / 360], abs=0.05)
    assert len(search([one], part, coverage=0.25, coverage_of="both")) == 0
    assert len(search(part, [one], coverage=0.25)) == 1
    assert len(search(part, [one], coverage=0.25, coverage_of="query")) == 0


def test_gaps_and_case_and_unknown_residues(family):
    one, _ = family
    gapped = one[:80].lower() + one[95:] + "XBU"
    hits = search([one], [gapped])
    # 185 identical pairs over 200 columns.
    assert hits.identity == pytest.approx([185 / 200])
    assert hits.query_coverage == pytest.approx([1.0])


def test_ungapped_scores_equal_a_plain_loop(family):
    one, others = family
    matrix = load_blosum62()
    assert matrix[AMINO_ACIDS.index("W"), AMINO_ACIDS.index("W")] == 11
    index = make_index(others)
    codes, _ = encode_proteins([one])
    found, scores = find_candidates(codes, index, least=20, most=5)
    assert found[:3].tolist() == [0, 1, 2]
    assert (np.diff(scores) <= 0).all()
    for protein, score in zip(found[:3].tolist(), scores[:3].tolist(), strict=True):
        other, _ = encode_proteins([others[protein]])
        best = 0
        for shift in range(1 - len(other), len(codes)):
            run = 0
            for i in range(max(0, shift), min(len(codes), len(other) + shift)):
                run = max(0, run + int(matrix[codes[i], other[i - shift]]))
                best = max(best, run)
        assert score == best
    assert make_aligner().score("WWW", "WWW") == 33


def test_short_and_odd_sequences_have_no_hits(family):
    one, others = family
    assert len(search([], others)) == len(search([one], [])) == 0
    assert len(search(["M", "", "XXXXXXXX"], others)) == 0
    assert len(search([one], ["M", "", "MK"])) == 0


def test_processes_do_not_change_the_hits(family):
    one, others = family
    queries = [one, *others]
    single, double = search(queries, queries), search(queries, queries, workers=2)
    for name in ("queries", "targets", "identity", "evalue"):
        assert np.array_equal(getattr(single, name), getattr(double, name))


def test_clusters_are_connected_components(family):
    one, others = family
    sequences = [others[5], others[0], one, others[6], others[2]]
    found = cluster_proteins(sequences, identity=0.4, coverage=0.5, program="builtin")
    assert found.tolist() == [0, 1, 1, 2, 1]
    # The two that are far from each other are joined by the one between them.
    strict = cluster_proteins(sequences, identity=0.8, coverage=0.5, program="builtin")
    assert strict.tolist() == [0, 1, 1, 2, 3]


def test_mmseqs_asked_for_and_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="mmseqs is not installed"):
        search(["MK"], ["MK"], program="mmseqs")
    assert find_mmseqs() is None
    (tmp_path / "mmseqs").write_text("#!/bin/sh\necho out of memory >&2\nexit 1\n")
    (tmp_path / "mmseqs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InputError, match="mmseqs failed with code 1; found 'out of memory'"):
        search(["MK"], ["MK"], program="mmseqs")


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not installed")
def test_mmseqs_finds_the_same_kin(family):
    one, others = family
    hits = search([one], others, program="mmseqs")
    assert hits.targets.tolist() == [0, 1, 2]
    assert hits.identity == pytest.approx([0.9, 0.7, 0.5], abs=0.03)


def test_the_published_leaks_at_half_identity_are_found(shared_data):
    folder = shared_data / "protein_secondary_structure"
    with (folder / "leak_train_vs_tests.tsv").open() as handle:
        rows = [
            row
            for row in csv.DictReader(handle, delimiter="\t")
            if row["test_set"] == "cb513" and float(row["identity"]) >= 0.5
        ]
    assert len({row["test_id"] for row in rows}) == 22
    tests = read_sequences(folder / "cb513.tsv.gz", {row["test_id"] for row in rows})
    training = read_sequences(folder / "flip_netsurfp2.tsv.gz", {row["train_id"] for row in rows})
    queries, targets = list(tests), list(training)
    hits = find_homologs(
        list(tests.values()),
        list(training.values()),
        identity=0.45,
        coverage=0.5,
        coverage_of="query",
        program="builtin",
    )
    found = {(queries[a], targets[b]) for a, b in zip(hits.queries, hits.targets, strict=True)}
    assert {(row["test_id"], row["train_id"]) for row in rows} <= found


def read_sequences(path, ids):
    with gzip.open(path, "rt") as handle:
        rows = csv.DictReader(handle, delimiter="\t")
        return {row["id"]: row["sequence"] for row in rows if row["id"] in ids}
