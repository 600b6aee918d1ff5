"""The audit on real data whose overlaps are known (README of the data set)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bioseq_dl.config import Audit, Split, Targets
from bioseq_dl.data.audit_result import AuditResult
from bioseq_dl.data.splits import split_records

PARTS = {"train": "train", "dev": "val", "test": "test"}


def audit_task(shared_data: Path, task: str, split: Split) -> tuple[pd.DataFrame, AuditResult]:
    frames = [
        pd.read_csv(shared_data / "dna_gue" / f"{task}.{part}.csv.gz").assign(split=role)
        for part, role in PARTS.items()
    ]
    records = pd.concat(frames, ignore_index=True).rename(columns={"label": "target:label"})
    records["id"] = [f"row{row}" for row in range(len(records))]
    return records, split_records(records, split, Targets())


# Test records also in train by kind, repeated train rows, sequences with two labels.
KNOWN = {
    "tf_0": (0, 0, 41, 8, 0),
    "tf_1": (1, 1, 34, 0, 0),
    "tf_2": (0, 0, 29, 185, 0),
    "mouse_0": (0, 0, 0, 0, 0),
    "mouse_2": (0, 0, 20, 0, 0),
    "prom_core_all": (43, 0, 314, 148, 64),
    "prom_300_tata": (6, 0, 16, 56, 15),
}


@pytest.mark.parametrize("task", KNOWN)
def test_known_overlaps_are_found(shared_data: Path, task: str) -> None:
    split = Split(method="official", audit=Audit(policy="report"))
    records, result = audit_task(shared_data, task, split)
    by_kind = {
        count.kind: count.records
        for count in result.counts
        if (count.role, count.other_role) == ("test", "train")
    }
    repeated = {row.role: row.exact for row in result.repeated}
    exact, turned, near, repeats, conflicts = KNOWN[task]
    assert by_kind == {"exact": exact, "reverse_complement": turned, "near": near, "overlap": 0}
    assert repeated["train"] == repeats
    assert result.conflicts.sequences == conflicts
    train = set(records.loc[records["split"] == "train", "sequence"])
    test = records.loc[records["split"] == "test", "sequence"]
    assert test.isin(train).sum() == exact


def test_deduplicating_and_dropping_leaves_a_clean_split(shared_data: Path) -> None:
    split = Split(method="official", deduplicate=True, audit=Audit(policy="drop"))
    records, result = audit_task(shared_data, "tf_2", split)
    roles = result.folds["fold0"].to_numpy(zero_copy_only=False)
    left = records[roles != "drop"]
    assert not left["sequence"].duplicated().any()
    assert (roles == "test").sum() == 1000
    dropped = {(row.role, row.reason): row.records for row in result.dropped}
    assert dropped["train", "repeated"] == 185
    assert [leak.remaining for leak in result.leaking] == [0, 0]
    assert sum(dropped.values()) == (roles == "drop").sum()


def test_homology_leaves_no_leak(shared_data: Path) -> None:
    split = Split(method="homology", folds=3)
    _, result = audit_task(shared_data, "mouse_2", split)
    assert [leak.leaking for leak in result.leaking] == [0] * 6
