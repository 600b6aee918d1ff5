"""Homologous proteins along the shared road: the audit's pairs and policies, and the split."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bioseq_dl.config import ProteinAudit, ProteinSplit, Targets, VariantSplit
from bioseq_dl.data.audit import audit_folds
from bioseq_dl.data.audit_result import refuse_leaks, write_audit
from bioseq_dl.data.searches import SEARCHES
from bioseq_dl.data.splits import assign_folds, split_records
from bioseq_dl.errors import InputError

BUILTIN = {"program": "builtin"}
REPORT = ProteinAudit(policy="report", **BUILTIN)
LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def draw(generator, length=300):
    return "".join(generator.choice(LETTERS, length))


def mutate(generator, sequence, identity):
    """Substitute exactly a share of the residues."""
    letters = np.array(list(sequence))
    for place in generator.permutation(len(letters))[: round((1 - identity) * len(letters))]:
        letters[place] = generator.choice(LETTERS[letters[place] != LETTERS])
    return "".join(letters)


def make(rows):
    records = {"id": [row[0] for row in rows], "sequence": [row[1] for row in rows]}
    return pa.table(records), pa.table({"id": records["id"], "fold0": [row[2] for row in rows]})


@pytest.fixture
def planted():
    """Records: one test protein, its kin at known identities in train, strangers everywhere."""
    generator = np.random.default_rng(2)
    one = draw(generator, 600)
    rows = [("test", one, "test")]
    for share in (100, 60, 35, 20):
        kin = mutate(generator, one, share / 100)
        rows.append((f"kin{share}", kin, "train"))
    roles = ("train", "val", "test")
    rows += [(f"own{n}", draw(generator), roles[n % 3]) for n in range(12)]
    return rows


def counts_of(result):
    return {
        (count.role, count.other_role, count.kind): (count.pairs, count.records)
        for count in result.counts
        if count.pairs
    }


def test_planted_homologs_are_counted_and_listed(planted):
    found = audit_folds(*make(planted), REPORT)
    assert counts_of(found) == {
        ("test", "train", "exact"): (1, 1),
        ("test", "train", "near"): (2, 0),  # the record counts in its worst kind
    }
    [pair] = found.pairs.to_pylist()
    assert list(pair)[-3:] == ["identity", "coverage", "evalue"]
    assert (pair["kind"], pair["identity"], pair["coverage"]) == ("exact", 1.0, 1.0)
    assert pair["evalue"] is None
    without = audit_folds(*make([row for row in planted if row[0] != "kin100"]), REPORT)
    [pair] = without.pairs.to_pylist()
    assert (pair["id"], pair["other_id"], pair["kind"]) == ("test", "kin60", "near")
    assert pair["identity"] == pytest.approx(0.6, abs=0.02)
    assert pair["coverage"] > 0.95
    assert pair["evalue"] < 1e-50
    assert without.cost.candidates == 9 * 7 + 9 * 8 // 2  # 9 of 16 in test and val
    assert without.cost.rounds == 1
    assert without.cost.program == "builtin"


@pytest.mark.parametrize(("identity", "kin"), [(0.25, 3), (0.5, 2), (0.9, 1)])
def test_the_threshold_is_held(planted, identity, kin):
    audit = ProteinAudit(policy="drop", identity=identity, **BUILTIN)
    found = audit_folds(*make(planted), audit)
    roles = dict(zip(found.folds["id"].to_pylist(), found.folds["fold0"].to_pylist(), strict=True))
    due = [f"kin{share}" for share in (100, 60, 35)][:kin]
    assert [name for name, role in roles.items() if role == "drop"] == due
    assert roles["test"] == "test"


def test_drop_takes_from_train_then_val_and_a_second_audit_is_clean(planted):
    generator = np.random.default_rng(4)
    source = planted[-1][1]  # of test
    rows = [*planted, ("kin of it", mutate(generator, source, 0.5), "val")]
    rows.append(("kin of kin", mutate(generator, rows[-1][1], 0.5), "train"))
    records, folds = make(rows)
    found = audit_folds(records, folds, ProteinAudit(policy="drop", **BUILTIN))
    assert [(drop.role, drop.reason, drop.records) for drop in found.dropped] == [
        ("train", "exact", 1), ("train", "near", 3), ("val", "near", 1),
    ]  # fmt: skip
    assert [leak.remaining for leak in found.leaking] == [0, 0]
    again = audit_folds(records, found.folds, ProteinAudit(policy="fail", **BUILTIN))
    assert counts_of(again) == {}
    refuse_leaks(again)


def test_fail_names_the_worst_pair(planted):
    rows = [row for row in planted if row[0] != "kin100"]
    found = audit_folds(*make(rows), ProteinAudit(**BUILTIN))
    with pytest.raises(InputError) as caught:
        refuse_leaks(found)
    text = str(caught.value)
    assert "1 of 5 test records of fold 0 also stand in train or val (1 near in train)" in text
    assert "worst pair: test (test) and kin60 (train), near, identity 0.60, coverage " in text
    assert "E-value" in text
    assert "split.audit.policy: drop" in text


def test_equal_proteins_need_no_evalue(tmp_path):
    rows = [("a", "MKVLA", "test"), ("b", "MKVLA", "train"), ("c", "MKVL", "val")]
    found = audit_folds(*make(rows), REPORT)
    assert counts_of(found) == {("test", "train", "exact"): (1, 1)}
    write_audit(tmp_path / "audit.json", tmp_path / "pairs.tsv", found)
    assert (tmp_path / "pairs.tsv").read_text().splitlines() == [
        "fold\trole\tid\tother_role\tother_id\tkind\tidentity\tcoverage\tevalue",
        "0\ttest\ta\ttrain\tb\texact\t1.0\t1.0\t",
    ]
    written = json.loads((tmp_path / "audit.json").read_text())
    assert written["near_search"] == "identity"
    assert written["audit"]["identity"] == 0.25


def test_each_fold_is_audited_by_itself(planted):
    records, folds = make(planted[:4])
    folds = folds.append_column("fold1", [["train", "train", "test", "val"]])
    found = audit_folds(records, folds, REPORT)
    counted = {
        (count.fold, count.role, count.other_role): count.records
        for count in found.counts
        if count.records and count.kind == "near"
    }
    assert counted[1, "test", "train"] == 1
    assert counted[1, "val", "train"] == 1
    assert (0, "val", "train") not in counted


def test_the_order_of_records_and_threads_do_not_matter(planted):
    records, folds = make(planted)
    order = pa.array(np.random.default_rng(1).permutation(len(records)))
    audit = ProteinAudit(policy="drop", **BUILTIN)
    one = audit_folds(records, folds, audit)
    two = audit_folds(records.take(order), folds.take(order), audit, threads=3)
    assert (one.counts, one.dropped, one.leaking) == (two.counts, two.dropped, two.leaking)
    assert one.pairs.equals(two.pairs)
    assert two.folds.equals(one.folds.take(order))


def test_shared_kmers_may_be_asked_for_instead(planted):
    audit = ProteinAudit(policy="report", search="kmers", containment=0.05)
    found = audit_folds(*make(planted), audit)
    assert counts_of(found)["test", "train", "near"] == (1, 0)  # of 60 % alone
    assert found.pairs.column_names[-2:] == ["containment", "strand"]
    assert VariantSplit().audit.near_search == "kmers"
    assert not VariantSplit().audit.near_duplicates
    assert set(SEARCHES) == {"kmers", "identity"}


@pytest.mark.parametrize(
    "wrong", [{"identity": 0}, {"coverage": 1.1}, {"program": "blast"}, {"coverage_of": "query"}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ProteinAudit(**wrong)


def test_options_that_would_do_nothing_are_refused():
    with pytest.raises(ValidationError, match=r"kmer needs audit\.search: kmers; it is identity"):
        ProteinAudit(kmer=6)
    with pytest.raises(ValidationError, match=r"identity needs audit\.search: identity"):
        ProteinAudit(search="kmers", identity=0.4)
    with pytest.raises(ValidationError, match=r"homology_containment needs audit\.search: kmers"):
        ProteinSplit(method="homology", homology_containment=0.4)
    for split in (ProteinSplit(), ProteinSplit(audit=ProteinAudit(search="kmers", kmer=6))):
        assert ProteinSplit.model_validate(split.model_dump()) == split


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([0.35, 0.6, 1.0]))
def test_clusters_never_straddle_folds(seed, folds, identity):
    generator = np.random.default_rng(seed)
    ids, texts, families = [], [], []
    for family in range(int(generator.integers(8, 16))):
        parent = draw(generator, 200)
        for member in range(int(generator.integers(1, 5))):
            ids.append(f"f{family}.{member}")
            # A chain of relatives: the first and the last need not be found alike.
            parent = mutate(generator, parent, identity)
            texts.append(parent)
            families.append(family)
    labels = pa.array(generator.normal(size=len(ids)), pa.float32())
    records = pa.table({"id": ids, "sequence": texts, "target:label": labels})
    split = ProteinSplit(
        method="homology", folds=folds, val_fraction=0.2, test_fraction=0.25, seed=seed,
        homology_identity=0.25, audit=ProteinAudit(**BUILTIN),
    )  # fmt: skip
    targets = Targets(kind="regression", names=("label",))
    assigned = assign_folds(records, split, targets)
    for fold in range(folds):
        roles = np.array(assigned[f"fold{fold}"].to_pylist())
        for family in set(families):
            mine = roles[np.array(families) == family]
            assert len(set(mine.tolist())) == 1
    refuse_leaks(split_records(records, split, targets))


def read_chains(path):
    with gzip.open(path, "rt") as handle:
        return {row["id"]: row["sequence"] for row in csv.DictReader(handle, delimiter="\t")}


def test_leaks_of_cb513_are_found_and_dropped(shared_data):
    """All training chains that the README lists at 30 % identity or more, among others.

    Of those listed at 25 to 28 %, a few are missed: our alignments reach further than those of
    MMseqs2, at an identity just below a quarter.
    """
    folder = shared_data / "protein_secondary_structure"
    with (folder / "leak_train_vs_tests.tsv").open() as handle:
        listed = [r for r in csv.DictReader(handle, delimiter="\t") if r["test_set"] == "cb513"]
    tests = read_chains(folder / "cb513.tsv.gz")
    training = read_chains(folder / "flip_netsurfp2.tsv.gz")
    generator = np.random.default_rng(0)
    others = sorted(set(training) - {row["train_id"] for row in listed})
    chosen = {others[place] for place in generator.choice(len(others), 200, replace=False)}
    chosen |= {row["train_id"] for row in listed}
    asked = sorted({row["test_id"] for row in listed if float(row["identity"]) >= 0.3})
    rows = [(name, tests[name], "test") for name in asked]
    rows += [(name, training[name], "train") for name in sorted(chosen)]
    rows += [("val", others[0] * 5, "val")]
    records, folds = make(rows)
    found = audit_folds(records, folds, ProteinAudit(policy="drop", **BUILTIN))
    roles = dict(zip(found.folds["id"].to_pylist(), found.folds["fold0"].to_pylist(), strict=True))
    due = {row["train_id"] for row in listed if float(row["identity"]) >= 0.3}
    assert len(due) == 72
    assert {roles[name] for name in due} == {"drop"}
    assert {roles[name] for name in asked} == {"test"}
    assert sum(role == "drop" for role in roles.values()) < 200
    again = audit_folds(records, found.folds, ProteinAudit(policy="fail", **BUILTIN))
    refuse_leaks(again)
    assert counts_of(again) == {}
