from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.config import Audit
from bioseq_dl.data.audit import audit_folds
from bioseq_dl.data.audit_result import AuditResult, refuse_leaks, write_audit
from bioseq_dl.errors import InputError

REPORT = Audit(policy="report")
KINDS = ("exact", "reverse_complement", "near", "overlap")
BETWEEN = (("test", "train"), ("test", "val"), ("val", "train"))


def turn(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def random_text(generator: np.random.Generator, length: int = 80) -> str:
    return "".join(generator.choice(list("ACGT"), length))


def copy_as(text: str, kind: str) -> str:
    if kind == "exact":
        return text
    if kind == "reverse_complement":
        return turn(text)
    return text[:60] + text[60:].translate(str.maketrans("ACGT", "CATG"))


def make(rows) -> tuple[pa.Table, pa.Table]:
    """Records and folds from rows (id, sequence, role) or (id, sequence, role, interval)."""
    records = {"id": [row[0] for row in rows], "sequence": [row[1] for row in rows]}
    if len(rows[0]) > 3:
        for place, name in enumerate(("chrom", "start", "end", "strand")):
            records[name] = [row[3][place] for row in rows]
    folds = {"id": records["id"], "fold0": [row[2] for row in rows]}
    return pa.table(records), pa.table(folds)


def counts_of(result: AuditResult) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (count.role, count.other_role, count.kind): (count.pairs, count.records)
        for count in result.counts
        if count.pairs or count.records
    }


def roles_of(result: AuditResult) -> list[str]:
    return result.folds["fold0"].to_pylist()


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize(("role", "other"), BETWEEN)
def test_a_planted_leak_is_found_and_named(kind: str, role: str, other: str) -> None:
    generator = np.random.default_rng(0)
    rows = [
        (f"r{row}", random_text(generator), ["train", "val", "test"][row % 3]) for row in range(30)
    ]
    source = random_text(generator)
    rows += [("kept", source, other), ("leak", copy_as(source, kind), role)]
    result = audit_folds(*make(rows), REPORT)
    assert counts_of(result) == {(role, other, kind): (1, 1)}
    [pair] = result.pairs.to_pylist()
    assert pair["id"] == "leak"
    assert pair["other_id"] == "kept"
    assert (pair["role"], pair["other_role"], pair["kind"]) == (role, other, kind)
    assert pair["strand"] == ("-" if kind == "reverse_complement" else "+")
    assert pair["containment"] == (pytest.approx(45 / 65, abs=1e-4) if kind == "near" else 1)
    assert [(leak.role, leak.leaking) for leak in result.leaking] == [
        ("test", int(role == "test")), ("val", int(role == "val")),
    ]  # fmt: skip
    assert roles_of(result) == [row[2] for row in rows]


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize(("role", "other"), BETWEEN)
def test_drop_takes_the_less_protected_record(kind: str, role: str, other: str) -> None:
    generator = np.random.default_rng(0)
    rows = [
        (f"r{row}", random_text(generator), ["train", "val", "test"][row % 3]) for row in range(6)
    ]
    source = random_text(generator)
    rows += [("gone", source, other), ("stays", copy_as(source, kind), role)]
    result = audit_folds(*make(rows), Audit(policy="drop"))
    assert roles_of(result) == [*(row[2] for row in rows[:6]), "drop", role]
    [dropped] = result.dropped
    assert (dropped.role, dropped.reason, dropped.records) == (other, kind, 1)
    assert [leak.remaining for leak in result.leaking] == [0, 0]
    assert sum(leak.leaking for leak in result.leaking) == 1


def test_a_dropped_val_record_costs_no_train_record() -> None:
    generator = np.random.default_rng(1)
    a = random_text(generator, 100)
    b = a[50:] + random_text(generator, 50)
    c = b[50:] + random_text(generator, 50)
    audit = Audit(policy="drop", containment=0.4)
    result = audit_folds(*make([("t", a, "test"), ("v", b, "val"), ("n", c, "train")]), audit)
    assert roles_of(result) == ["test", "drop", "train"]


def test_relatives_of_val_may_stay_in_train() -> None:
    generator = np.random.default_rng(3)
    a, b = random_text(generator), random_text(generator)
    rows = [("v", a, "val"), ("n", a, "train"), ("t", b, "test"), ("m", b, "train")]
    rows += [("w", random_text(generator), "train")]
    result = audit_folds(*make(rows), Audit(policy="drop", protect="test"))
    assert roles_of(result) == ["val", "train", "test", "drop", "train"]
    assert {leak.role: leak.remaining for leak in result.leaking} == {"test": 0, "val": 1}


def test_a_record_counts_in_its_worst_kind_only() -> None:
    generator = np.random.default_rng(2)
    text = random_text(generator)
    rows = [
        ("exact", text, "train"),
        ("turned", turn(text), "train"),
        ("near", copy_as(text, "near"), "train"),
        ("leak", text, "test"),
    ]
    result = audit_folds(*make(rows), REPORT)
    assert counts_of(result) == {
        ("test", "train", "exact"): (1, 1),
        ("test", "train", "reverse_complement"): (1, 0),
        ("test", "train", "near"): (1, 0),
    }
    assert result.pairs["other_id"].to_pylist() == ["exact"]
    without = audit_folds(*make(rows[1:]), REPORT)
    assert without.pairs["other_id"].to_pylist() == ["turned"]


def test_one_strand_only() -> None:
    text = random_text(np.random.default_rng(3))
    rows = [
        ("a", text, "train"),
        ("b", turn(text), "test"),
        ("c", copy_as(turn(text), "near"), "val"),
    ]
    result = audit_folds(*make(rows), Audit(policy="report", both_strands=False))
    assert counts_of(result) == {("test", "val", "near"): (1, 1)}
    assert result.pairs["strand"].to_pylist() == ["+"]


def test_near_duplicates_on_the_other_strand_say_so() -> None:
    text = random_text(np.random.default_rng(4))
    rows = [("a", text, "train"), ("b", turn(copy_as(text, "near")), "test")]
    result = audit_folds(*make(rows), REPORT)
    assert result.pairs["strand"].to_pylist() == ["-"]


def test_palindromes_and_short_sequences_are_compared_exactly() -> None:
    rows = [
        ("a", "ACGT", "train"),
        ("b", "ACGT", "test"),
        ("c", "AACG", "test"),
        ("d", "CGTT", "val"),
    ]
    result = audit_folds(*make(rows), REPORT)
    assert counts_of(result) == {
        ("test", "train", "exact"): (1, 1),
        ("test", "val", "reverse_complement"): (1, 1),
    }


def test_unknown_bases_are_no_match() -> None:
    rows = [("a", "N" * 60, "train"), ("b", "N" * 59 + "A", "test"), ("c", "N" * 50, "val")]
    assert counts_of(audit_folds(*make(rows), REPORT)) == {}


def test_near_duplicates_may_be_left_out() -> None:
    text = random_text(np.random.default_rng(5))
    rows = [("a", text, "train"), ("b", copy_as(text, "near"), "test"), ("c", text, "val")]
    result = audit_folds(*make(rows), Audit(policy="report", near_duplicates=False))
    assert counts_of(result) == {("val", "train", "exact"): (1, 1)}
    assert result.cost.candidates == 0


def test_overlapping_intervals_are_counted_beside_sequences() -> None:
    generator = np.random.default_rng(6)
    text = random_text(generator)
    rows = [
        ("a", text, "train", ("chr1", 100, 180, "+")),
        ("b", random_text(generator), "test", ("chr1", 179, 259, "+")),
        ("c", random_text(generator), "test", ("chr1", 20, 100, "+")),
        ("d", text, "test", ("chr1", 110, 190, "-")),
        ("e", random_text(generator), "val", (None, None, None, None)),
    ]
    result = audit_folds(*make(rows), REPORT)
    assert counts_of(result) == {
        ("test", "train", "exact"): (1, 1),
        ("test", "train", "overlap"): (2, 2),
    }
    assert result.leaking[0].leaking == 2
    overlaps = [pair for pair in result.pairs.to_pylist() if pair["kind"] == "overlap"]
    assert [(p["id"], p["containment"], p["strand"]) for p in overlaps] == [
        ("d", 0.875, "."), ("b", 0.0125, "."),
    ]  # fmt: skip
    stranded = audit_folds(*make(rows), Audit(policy="report", both_strands=False))
    assert counts_of(stranded)["test", "train", "overlap"] == (1, 1)
    off = audit_folds(*make(rows), Audit(policy="report", overlaps=False))
    assert ("test", "train", "overlap") not in counts_of(off)
    rows[0] = ("f", rows[2][1], "train", ("chr1", 0, 21, "+"))
    dropped = audit_folds(*make(rows), Audit(policy="drop"))
    assert [(d.role, d.reason) for d in dropped.dropped] == [("train", "exact")]


LETTERS = st.text("ACGT", min_size=10, max_size=24)


def plain_counts(rows) -> dict[tuple[str, str, str], tuple[int, int]]:
    """The counts in plain Python, near duplicates of 8-mers at 0.5."""

    def kind_of(one: str, two: str) -> str | None:
        if one == two:
            return "exact"
        if one == turn(two):
            return "reverse_complement"
        sets = [
            Counter(min(t[i : i + 8], turn(t[i : i + 8])) for i in range(len(t) - 7))
            for t in (one, two)
        ]
        shared = (sets[0] & sets[1]).total() / min(sets[0].total(), sets[1].total())
        return "near" if shared >= 0.5 else None

    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for role, other in BETWEEN:
        pairs: Counter[str] = Counter()
        records: Counter[str] = Counter()
        for row in rows:
            kinds = [kind_of(row[1], o[1]) for o in rows if row[2] == role and o[2] == other]
            pairs.update(kind for kind in kinds if kind)
            if any(kinds):
                records[min((k for k in kinds if k), key=KINDS.index)] += 1
        found |= {(role, other, k): (pairs[k], records[k]) for k in KINDS if pairs[k]}
    return found


@settings(deadline=None, max_examples=60)
@given(
    st.lists(LETTERS, min_size=1, max_size=5),
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 6), st.booleans(), st.integers(0, 2)),
        min_size=1,
        max_size=14,
    ),
)
def test_counts_equal_those_of_plain_python(parents, drawn) -> None:
    rows = []
    for place, (parent, shift, turned, role) in enumerate(drawn):
        text = parents[parent % len(parents)]
        text = text[min(shift, len(text) - 8) :]
        rows.append((f"r{place}", turn(text) if turned else text, ("train", "val", "test")[role]))
    audit = Audit(policy="report", kmer=8)
    assert counts_of(audit_folds(*make(rows), audit)) == plain_counts(rows)


def draw_family_records(seed: int = 0) -> tuple[pa.Table, pa.Table]:
    generator = np.random.default_rng(seed)
    rows = []
    for family in range(20):
        parent = random_text(generator, 100)
        for copy in range(10):
            kind = generator.choice(["exact", "reverse_complement", "near", "own"])
            text = random_text(generator, 100) if kind == "own" else copy_as(parent, kind)
            role = generator.choice(["train", "val", "test"])
            rows.append((f"f{family}.{copy}", text, role, ("chr1", *_interval(generator), "+")))
    return make(rows)


def _interval(generator: np.random.Generator) -> tuple[int, int]:
    start = 50 * int(generator.integers(0, 60))  # so that many are equal
    return start, start + 100


def test_the_order_of_records_does_not_matter() -> None:
    records, folds = draw_family_records()
    order = pa.array(np.random.default_rng(1).permutation(len(records)))
    for policy in ("report", "drop"):
        audit = Audit(policy=policy)
        one = audit_folds(records, folds, audit)
        two = audit_folds(records.take(order), folds.take(order), audit)
        assert one.counts == two.counts
        assert one.pairs.equals(two.pairs)
        assert one.dropped == two.dropped
        assert one.leaking == two.leaking
        assert two.folds.equals(one.folds.take(order))
        assert len(one.pairs) > 50


def test_after_drop_nothing_leaks_and_test_is_whole() -> None:
    records, folds = draw_family_records(3)
    result = audit_folds(records, folds, Audit(policy="drop"))
    before, after = folds["fold0"].to_pylist(), roles_of(result)
    assert all(new in (old, "drop") for old, new in zip(before, after, strict=True))
    assert before.count("test") == after.count("test")
    assert sum(d.records for d in result.dropped) == after.count("drop") > 0
    again = audit_folds(records, result.folds, Audit(policy="fail"))
    assert counts_of(again) == {}
    refuse_leaks(again)


def test_drop_in_a_crowd_searches_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from bioseq_dl.data import candidates

    monkeypatch.setattr(candidates, "_LEAST_LINKS", 10)
    monkeypatch.setattr(candidates, "_LINKS_PER_SEQUENCE", 2)
    generator = np.random.default_rng(5)
    parent = generator.choice(list("ACGT"), 100)
    rows = []
    for row in range(400):
        child = parent.copy()
        child[generator.integers(0, 100, 2)] = generator.choice(list("ACGT"), 2)
        rows.append((f"r{row}", "".join(child), "test" if row % 10 == 0 else "train"))
    rows += [(f"own{row}", random_text(generator, 100), "val") for row in range(10)]
    result = audit_folds(*make(rows), Audit(policy="drop"))
    assert result.cost.rounds > 1
    assert roles_of(result).count("train") <= 8


def test_each_fold_is_audited_by_itself() -> None:
    text = random_text(np.random.default_rng(7))
    records = pa.table({"id": ["a", "b", "c"], "sequence": [text, text, turn(text)]})
    folds = pa.table(
        {
            "id": ["a", "b", "c"],
            "fold0": ["test", "train", "drop"],
            "fold1": ["train", "train", "test"],
        }
    )
    result = audit_folds(records, folds, Audit(policy="drop"))
    found = {(c.fold, c.kind): (c.pairs, c.records) for c in result.counts if c.pairs}
    assert found == {(0, "exact"): (1, 1), (1, "reverse_complement"): (2, 1)}
    assert result.folds["fold0"].to_pylist() == ["test", "drop", "drop"]
    assert result.folds["fold1"].to_pylist() == ["drop", "drop", "test"]


def test_repeats_and_conflicts_are_counted() -> None:
    records = pa.table(
        {
            "id": list("abcdef"),
            "sequence": ["AACC", "AACC", "GGTT", "ACCC", "GGGT", "TTTT"],
            "target:label": pa.array([1, 1, 1, 0, 1, None], pa.float32()),
        }
    )
    folds = pa.table({"id": records["id"], "fold0": ["train"] * 5 + ["test"]})
    result = audit_folds(records, folds, REPORT)
    train = next(row for row in result.repeated if row.role == "train")
    assert (train.exact, train.reverse_complement) == (1, 2)
    assert (result.conflicts.sequences, result.conflicts.records) == (1, 2)


def leak_one_of(n: int) -> tuple[pa.Table, pa.Table]:
    generator = np.random.default_rng(8)
    texts = [random_text(generator) for _ in range(n)]
    rows = [(f"t{row}", text, "test") for row, text in enumerate(texts)]
    rows += [("seen", texts[3], "train"), ("other", random_text(generator), "val")]
    return make(rows)


def test_fail_names_counts_worst_pair_and_fix() -> None:
    result = audit_folds(*leak_one_of(20), Audit())
    with pytest.raises(InputError) as caught:
        refuse_leaks(result)
    assert str(caught.value) == (
        "the split leaks: 1 of 20 test records of fold 0 also stand in train or val (1 exact in "
        "train), a fraction of 0.05 where split.audit.max_leaking_fraction allows 0; worst pair: "
        "t3 (test) and seen (train), exact, containment 1.00; fix: split.audit.policy: drop takes "
        "them out of train and val; split.method: homology keeps similar sequences together; "
        "split.audit.policy: report goes on all the same"
    )


@pytest.mark.parametrize(
    "audit",
    [Audit(max_leaking_fraction=0.05), Audit(policy="report"), Audit(policy="drop")],
    ids=["limit", "report", "drop"],
)
def test_what_does_not_fail(audit: Audit) -> None:
    refuse_leaks(audit_folds(*leak_one_of(20), audit))


def test_val_can_fail_too() -> None:
    text = random_text(np.random.default_rng(9))
    rows = [("a", text, "train"), ("b", turn(text), "val"), ("c", "ACGT" * 20, "test")]
    with pytest.raises(
        InputError, match=r"1 of 1 val records of fold 0 also stand in train \(1 rev"
    ):
        refuse_leaks(audit_folds(*make(rows), Audit()))


def test_the_worst_come_first_and_are_limited() -> None:
    records, folds = draw_family_records()
    whole = audit_folds(records, folds, REPORT).pairs.to_pandas()
    rank = whole["kind"].map(KINDS.index)
    assert rank.is_monotonic_increasing
    near = whole[whole["kind"] == "near"]
    assert near["containment"].is_monotonic_decreasing
    some = audit_folds(records, folds, Audit(policy="report", max_pairs=7)).pairs.to_pandas()
    assert some.equals(whole.head(7))


def test_files_hold_what_was_found(tmp_path: Path) -> None:
    result = audit_folds(*leak_one_of(20), REPORT)
    write_audit(tmp_path / "audit.json", tmp_path / "audit_pairs.tsv", result)
    found = json.loads((tmp_path / "audit.json").read_text())
    assert {
        "fold": 0, "role": "test", "other_role": "train", "kind": "exact", "pairs": 1, "records": 1,
    } in found["counts"]  # fmt: skip
    assert found["leaking"][0] == {
        "fold": 0, "role": "test", "records": 20, "leaking": 1, "remaining": 1, "fraction": 0.05,
    }  # fmt: skip
    assert found["cost"]["records"] == 22
    assert found["cost"]["peak_memory_bytes"] > 1_000_000
    assert found["audit"]["policy"] == "report"
    assert (tmp_path / "audit_pairs.tsv").read_text() == (
        "fold\trole\tid\tother_role\tother_id\tkind\tcontainment\tstrand\n"
        "0\ttest\tt3\ttrain\tseen\texact\t1.0\t+\n"
    )


def test_tables_that_do_not_belong_together() -> None:
    records, folds = leak_one_of(20)
    with pytest.raises(InputError, match="same ids in the same order; fix: run split again"):
        audit_folds(records, folds.slice(1), REPORT)
    wrong = folds.set_column(1, "fold0", pa.array(["dev"] * len(folds)))
    with pytest.raises(
        InputError, match="column fold0: not a role; found 'dev'; allowed: train, val"
    ):
        audit_folds(records, wrong, REPORT)


def test_no_leaks_give_an_empty_table() -> None:
    generator = np.random.default_rng(10)
    rows = [(role, random_text(generator), role) for role in ("train", "val", "test")]
    result = audit_folds(*make(rows), Audit())
    assert len(result.pairs) == 0
    assert result.pairs.column_names[0] == "fold"
    refuse_leaks(result)
