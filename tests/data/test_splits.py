from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from bioseq_dl.config import Audit, Split, Targets
from bioseq_dl.data.splits import assign_folds, deduplicate, split_records
from bioseq_dl.errors import InputError

MULTICLASS = Targets(kind="multiclass", classes=("a", "b", "c"))
REPORT = Audit(policy="report")


def draw_records(n: int = 300, seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    letters = np.array(list("ACGT"))
    return pa.table(
        {
            "id": [f"r{row}" for row in generator.permutation(n)],
            "sequence": ["".join(letters[generator.integers(0, 4, 60)]) for _ in range(n)],
            "target:label": generator.integers(0, 2, n).astype(np.float32),
            "group": [f"g{value}" for value in generator.integers(0, 40, n)],
            "chrom": [f"chr{value}" for value in generator.integers(1, 9, n)],
            "split": np.array(["train", "val", "test"])[np.arange(n) % 10 % 3],
        }
    )


def roles_of(folds: pa.Table, fold: int = 0) -> np.ndarray:
    return np.array(folds[f"fold{fold}"].to_pylist())


def share(roles: np.ndarray, role: str) -> float:
    return float((roles == role).mean())


ALL_METHODS = [
    Split(method="official"),
    Split(method="random"),
    Split(method="random", folds=5),
    Split(method="chromosome", test_chromosomes=("chr1",)),
    Split(method="chromosome", folds=4),
    Split(method="group"),
    Split(method="group", folds=3),
    Split(method="homology"),
    Split(method="homology", folds=2, val_fraction=0.2),
]


@pytest.mark.parametrize("split", ALL_METHODS, ids=lambda s: f"{s.method}-{s.folds}")
def test_roles_follow_ids_whatever_the_order_of_records(split: Split) -> None:
    records = draw_records()
    folds = assign_folds(records, split, Targets())
    assert folds["id"].to_pylist() == records["id"].to_pylist()
    assert folds.column_names == ["id", *(f"fold{fold}" for fold in range(split.folds))]
    order = np.random.default_rng(9).permutation(len(records))
    shuffled = assign_folds(records.take(pa.array(order)).to_pandas(), split, Targets())
    assert shuffled.equals(folds.take(pa.array(order)))


@pytest.mark.parametrize("split", ALL_METHODS, ids=lambda s: f"{s.method}-{s.folds}")
def test_every_record_has_a_role_and_is_tested_once(split: Split) -> None:
    folds = assign_folds(draw_records(), split, Targets())
    tested = np.zeros(300, int)
    for fold in range(split.folds):
        roles = roles_of(folds, fold)
        assert set(roles) == {"train", "val", "test"}
        tested += roles == "test"
    if split.folds > 1:
        assert (tested == 1).all()


# Contigs go by size, and official folds are given: nothing is drawn there.
DRAWN = [split for split in ALL_METHODS if split.method in ("random", "group", "homology")]


@pytest.mark.parametrize("split", DRAWN, ids=lambda s: f"{s.method}-{s.folds}")
def test_seeds_matter(split: Split) -> None:
    records = draw_records()
    other = split.model_copy(update={"seed": 1})
    first = assign_folds(records, split, Targets())
    assert not first.equals(assign_folds(records, other, Targets()))


@pytest.mark.parametrize("folds", [1, 4])
def test_random_is_stratified_and_of_the_wanted_size(folds: int) -> None:
    records = draw_records(1000)
    split = Split(method="random", folds=folds, val_fraction=0.15)
    table = assign_folds(records, split, Targets())
    labels = records["target:label"].to_numpy()
    for fold in range(folds):
        roles = roles_of(table, fold)
        assert share(roles, "val") == pytest.approx(0.15, abs=0.002)
        assert share(roles, "test") == pytest.approx(0.25 if folds == 4 else 0.2, abs=0.002)
        for role in ("train", "val", "test"):
            assert labels[roles == role].mean() == pytest.approx(labels.mean(), abs=0.006)


def test_validation_differs_between_folds() -> None:
    table = assign_folds(draw_records(), Split(method="random", folds=3), Targets())
    first, second = (set(np.flatnonzero(roles_of(table, fold) == "val")) for fold in (0, 1))
    assert first != second


@pytest.mark.parametrize(
    ("method", "column", "folds"),
    [("group", "group", 1), ("group", "group", 3), ("chromosome", "chrom", 3)],
)
def test_groups_stay_whole(method: str, column: str, folds: int) -> None:
    records = draw_records()
    table = assign_folds(records, Split(method=method, folds=folds), Targets())
    for fold in range(folds):
        pairs = set(zip(records[column].to_pylist(), roles_of(table, fold), strict=True))
        assert len(pairs) == len(set(records[column].to_pylist()))


def test_homology_keeps_relatives_together() -> None:
    records = draw_records(200)
    texts = records["sequence"].to_pylist()
    for row in range(0, 200, 2):
        texts[row + 1] = texts[row][20:] + texts[row + 1][:20]
    records = records.set_column(1, "sequence", pa.array(texts))
    for folds in (1, 4):
        split = Split(method="homology", folds=folds)
        result = split_records(records, split, Targets())
        for fold in range(folds):
            roles = roles_of(result.folds, fold)
            assert (roles[::2] == roles[1::2]).all()
        assert [leak.leaking for leak in result.leaking] == [0] * 2 * folds
    random = split_records(records, Split(audit=REPORT), Targets())
    assert sum(leak.leaking for leak in random.leaking) > 20


def test_named_chromosomes() -> None:
    records = draw_records()
    split = Split(method="chromosome", val_chromosomes=("chr2",), test_chromosomes=("chr1", "chr3"))
    roles = roles_of(assign_folds(records, split, Targets()))
    expected = {"chr2": "val", "chr1": "test", "chr3": "test"}
    assert roles.tolist() == [expected.get(c, "train") for c in records["chrom"].to_pylist()]


def test_without_val_chromosomes_whole_contigs_are_taken() -> None:
    records = draw_records()
    split = Split(method="chromosome", test_chromosomes=("chr1",))
    roles = roles_of(assign_folds(records, split, Targets()))
    chrom = np.array(records["chrom"].to_pylist())
    val = set(chrom[roles == "val"])
    assert val
    assert not val & set(chrom[roles != "val"])


def test_official_is_taken_as_it_is() -> None:
    records = draw_records()
    roles = roles_of(assign_folds(records, Split(method="official"), Targets()))
    assert roles.tolist() == records["split"].to_pylist()


def test_official_without_val_takes_it_from_train_stratified() -> None:
    records = draw_records(1000)
    official = ["test" if name == "test" else "train" for name in records["split"].to_pylist()]
    records = records.set_column(5, "split", pa.array(official))
    roles = roles_of(assign_folds(records, Split(method="official"), Targets()))
    assert set(np.flatnonzero(roles == "test")) == set(np.flatnonzero(np.array(official) == "test"))
    train = (roles != "test").sum()
    assert (roles == "val").sum() == round(0.1 * train)
    labels = records["target:label"].to_numpy()
    assert labels[roles == "val"].mean() == pytest.approx(labels[roles != "test"].mean(), abs=0.02)


def change(column: str, values) -> pa.Table:
    records = draw_records()
    place = records.column_names.index(column)
    return records.set_column(place, column, pa.array(values))


BAD = [
    (
        change("split", [None] + ["train"] * 299),
        Split(method="official"),
        "column split: no split, which split.method official needs (1 such records)",
    ),
    (
        change("split", ["dev"] + ["train"] * 299),
        Split(method="official"),
        "column split: not an official fold; found 'dev'; allowed: train, val, test",
    ),
    (
        change("split", ["train", "val", "train"] * 100),
        Split(method="official"),
        "no test records in fold 0",
    ),
    (change("group", [None] * 300), Split(method="group"), "no group, which split.method group"),
    (
        change("group", ["one"] * 300),
        Split(method="group"),
        "no val records in fold 0 (of 300 records)",
    ),
    (
        change("chrom", [None] * 300),
        Split(method="chromosome", folds=2),
        "no chrom, which split.method chromosome needs (300 such records)",
    ),
    (
        draw_records(),
        Split(method="chromosome", test_chromosomes=("chr9",)),
        "key split.test_chromosomes: no record lies on this contig; found 'chr9'; allowed: chr1, ",
    ),
    (
        draw_records(),
        Split(method="chromosome", test_chromosomes=("chr1",), val_chromosomes=("2",)),
        "found '2'; allowed: chr1, chr2, chr3, chr4, chr5, chr6, chr7, chr8; fix: write chr2",
    ),
    (
        draw_records(),
        Split(method="chromosome", folds=3, test_chromosomes=("chr1",)),
        "k-fold cross-validation by chromosome makes its own folds of contigs",
    ),
    (
        draw_records(),
        Split(method="random", folds=2, val_fraction=0.5),
        "leave nothing to train on; found '0.5'; fix: lower val_fraction or raise folds",
    ),
    (draw_records(), Split(method="random", val_fraction=0), "no val records in fold 0"),
    (draw_records(), Split(method="random", test_fraction=0), "no test records in fold 0"),
    (draw_records(2), Split(method="random"), "records in fold 0 (of 2 records)"),
    (draw_records().slice(0, 0), Split(method="random"), "there are no records to split"),
    (
        draw_records().drop_columns(["group"]),
        Split(method="group"),
        "the records have no column 'group'",
    ),
    (change("id", ["twin"] * 300), Split(method="random"), "record 'twin': an id comes twice"),
    (
        change("target:label", [1.0] * 300),
        Split(method="random"),
        "target label: the train records of fold 0 have one class only; found 'label = 1'",
    ),
    (
        change("target:label", [1.0] + [0.0] * 299),
        Split(method="random", folds=5),
        "have one class only; found 'label = 0'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("records", "split", "message"), BAD, ids=[row[2][:40] for row in BAD])
def test_bad_splits_say_what_is_wrong(records: pa.Table, split: Split, message: str) -> None:
    with pytest.raises(InputError) as caught:
        assign_folds(records, split, Targets())
    assert message in str(caught.value)


def test_a_rare_class_is_pooled_and_every_record_still_tested() -> None:
    labels = np.array([0.0] * 150 + [1.0] * 148 + [2.0] * 2)
    records = change("target:label", labels)
    table = assign_folds(records, Split(method="random", folds=5), MULTICLASS)
    tested = sum((roles_of(table, fold) == "test").astype(int) for fold in range(5))
    assert (tested == 1).all()


def test_deduplicate_keeps_one_of_each_within_a_role() -> None:
    records = pa.table(
        {
            "id": list("abcdefgh"),
            "sequence": ["AAC", "AAC", "AAC", "GGT", "GTT", "CCC", "CCC", "CCC"],
            "target:label": pa.array([1, 1, 1, 0, 0, 0, 1, 0], pa.float32()),
        }
    )
    roles = ["train", "train", "test", "train", "train", "val", "val", "train"]
    folds = pa.table({"id": records["id"], "fold0": roles})
    after, removed = deduplicate(records, folds)
    assert roles_of(after).tolist() == [
        "train", "drop", "test", "train", "train", "drop", "drop", "train",
    ]  # fmt: skip
    assert removed == {(0, "train", "repeated"): 1, (0, "val", "conflicting labels"): 2}


def test_split_records_deduplicates_and_counts() -> None:
    records = draw_records()
    texts = records["sequence"].to_pylist()
    records = records.set_column(1, "sequence", pa.array(texts[:150] + texts[:150]))
    split = Split(method="homology", deduplicate=True)
    result = split_records(records, split, Targets())
    dropped = sum(drop.records for drop in result.dropped)
    assert dropped == (roles_of(result.folds) == "drop").sum()
    assert {drop.reason for drop in result.dropped} == {"repeated", "conflicting labels"}
    assert result.conflicts.records == 2 * result.conflicts.sequences > 0
    kept = records.filter(pa.array(roles_of(result.folds) != "drop"))
    assert len(set(kept["sequence"].to_pylist())) == len(kept)


def test_a_policy_that_empties_a_role_is_an_error() -> None:
    text = "".join(np.random.default_rng(0).choice(list("ACGT"), 60))
    records = change("sequence", [text] * 300)
    with pytest.raises(InputError, match="no train records in fold 0"):
        split_records(records, Split(audit=Audit(policy="drop")), Targets())
