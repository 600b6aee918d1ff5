from __future__ import annotations

import numpy as np

from bioseq_dl.config import Targets
from bioseq_dl.data.strata import build_strata

NAN = np.nan


def column(values) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def test_a_class_is_a_stratum_and_no_label_is_one_too() -> None:
    strata = build_strata(column([0, 1, 1, 0, NAN, NAN]), Targets(), least=2)
    assert len(set(strata.tolist())) == 3
    assert strata[0] == strata[3]
    assert strata[1] == strata[2]
    assert strata[4] == strata[5]


def test_small_strata_are_pooled() -> None:
    targets = Targets(kind="multiclass", classes=("a", "b", "c", "d"))
    labels = column([0] * 10 + [1] * 8 + [2] * 2 + [3] * 1)
    pooled = build_strata(labels, targets, least=3)
    assert np.bincount(pooled).tolist() == [10, 8, 3]
    joined = build_strata(labels[:-1], targets, least=3)
    assert np.bincount(joined).tolist() == [12, 8]
    assert set(build_strata(column([0, 1]), Targets(), least=3).tolist()) == {0}


def test_of_several_labels_the_rarest_counts() -> None:
    targets = Targets(names=("common", "rare", "none"))
    labels = np.array([[1, 0, 0]] * 6 + [[1, 1, 0]] * 2 + [[0, 0, 0]] * 3, np.float32)
    strata = build_strata(labels, targets, least=2)
    assert sorted(np.bincount(strata).tolist()) == [2, 3, 6]
    assert len(set(strata[6:8].tolist())) == 1


def test_of_several_class_targets_the_rarest_class_counts() -> None:
    targets = Targets(kind="multiclass", names=("x", "y"), classes=("a", "b"))
    labels = np.array([[0, 0]] * 6 + [[0, 1]] * 2 + [[NAN, NAN]] * 2, np.float32)
    strata = build_strata(labels, targets, least=2)
    assert strata[6] == strata[7]
    assert len(set(strata.tolist())) == 3


def test_regression_has_equal_bins() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    strata = build_strata(column(values), Targets(kind="regression"), least=3)
    assert np.bincount(strata).tolist() == [100] * 10
    means = [values[strata == bin_].mean() for bin_ in range(10)]
    assert means == sorted(means)


def test_regression_of_several_targets_with_gaps() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(500, 1)) * [1, 100] + [0, 5000]
    values[::7, 0] = NAN
    values[:14] = NAN
    strata = build_strata(
        values.astype(np.float32), Targets(kind="regression", names=("a", "b")), 3
    )
    assert len(set(strata[:14].tolist())) == 1
    assert strata[0] not in strata[14:]
    assert strata.max() == 10


def test_regression_with_few_records_or_one_value() -> None:
    targets = Targets(kind="regression")
    assert build_strata(column([1, 2, 3, 4]), targets, least=3).max() == 0
    assert build_strata(column([2] * 50), targets, least=3).max() == 0
