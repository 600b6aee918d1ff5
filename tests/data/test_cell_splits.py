"""Folds of cells: by donor, stratified, and equal cells that stand in two folds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from bioseq_dl.config import ExpressionSplit, Targets
from bioseq_dl.data.audit_result import refuse_leaks
from bioseq_dl.data.splits import split_records
from bioseq_dl.data.tables import TEST, TRAIN, VAL, read_roles
from bioseq_dl.errors import InputError

CLASSES = ("a", "b", "c", "rare")
TARGETS = Targets(kind="multiclass", names=("type",), classes=CLASSES)


def make_records(count: int = 200, repeats: int = 0) -> pa.Table:
    draw = np.random.default_rng(0)
    labels = draw.choice(3, count, p=[0.6, 0.3, 0.1]).astype(np.float32)
    labels[:4] = 3
    profiles = [f"p{number}" for number in range(count)]
    profiles[count - repeats :] = profiles[:repeats]
    return pa.table(
        {
            "id": [f"c{number}" for number in range(count)],
            "target:type": pa.array(labels, pa.float32()),
            "group": [f"donor{number % 7}" for number in range(count)],
            "split": pa.nulls(count, pa.string()),
            "profile": profiles,
        }
    )


def test_strata_reach_each_fold_in_proportion():
    records = make_records()
    roles = read_roles(split_records(records, ExpressionSplit(folds=5), TARGETS).folds)
    labels = records["target:type"].to_numpy()
    assert ((roles == TEST).sum(axis=0) == 1).all()
    for row in roles:
        for code in range(3):
            share = ((labels == code) & (row == TEST)).sum() / (labels == code).sum()
            assert abs(share - 0.2) < 0.06
        assert ((labels == 3) & (row == TRAIN)).sum() >= 2  # pooled with another, still dealt out


def test_donors_stay_whole():
    records = make_records()
    split = ExpressionSplit(method="group", folds=3)
    donors = np.array(records["group"].to_pylist())
    for row in read_roles(split_records(records, split, TARGETS).folds):
        for one, other in ((TEST, TRAIN), (TEST, VAL), (VAL, TRAIN)):
            assert not set(donors[row == one]) & set(donors[row == other])


def test_equal_cells_in_two_folds_fail_or_are_dropped():
    records = make_records(repeats=60)
    result = split_records(records, ExpressionSplit(), TARGETS)
    with pytest.raises(InputError, match="the split leaks"):
        refuse_leaks(result)
    split = ExpressionSplit.model_validate({"audit": {"policy": "drop"}})
    dropped = split_records(records, split, TARGETS)
    assert sum(item.remaining for item in dropped.leaking) == 0
    assert sum(item.records for item in dropped.dropped) > 0
    refuse_leaks(split_records(make_records(), ExpressionSplit(), TARGETS))


def test_repeated_cells_are_kept_once_where_asked():
    records = make_records(repeats=60)
    split = ExpressionSplit.model_validate({"deduplicate": True, "audit": {"policy": "drop"}})
    roles = read_roles(split_records(records, split, TARGETS).folds)[0]
    profiles = np.array(records["profile"].to_pylist())
    for role in (TRAIN, VAL, TEST):
        assert len(set(profiles[roles == role])) == (roles == role).sum()


def test_missing_donor_is_said():
    records = make_records()
    groups = [None, *records["group"].to_pylist()[1:]]
    records = records.set_column(2, "group", pa.array(groups, pa.string()))
    with pytest.raises(InputError, match=r"no group, which split\.method group needs"):
        split_records(records, ExpressionSplit(method="group"), TARGETS)
