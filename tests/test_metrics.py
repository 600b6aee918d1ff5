"""Metrics against hand-computed values, scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from bioseq_dl.metrics import (
    METRICS,
    METRICS_OF_KIND,
    Score,
    accuracy,
    auroc,
    calibration_error,
    macro_average,
    pearson,
    score_target,
)
from bioseq_dl.residue_metrics import RESIDUE_METRICS

TRUTH = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
PROBABILITY = np.array([0.9, 0.8, 0.3, 0.6, 0.2, 0.1])


def test_binary_metrics_by_hand() -> None:
    scores = score_target("binary", TRUTH, PROBABILITY)
    # Called positive: 0.9 0.8 0.6, so TP 2, FP 1, FN 1, TN 2. Of 9 pairs one is misordered.
    assert scores["auroc"].value == pytest.approx(8 / 9)
    assert scores["auprc"].value == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert scores["mcc"].value == pytest.approx((2 * 2 - 1 * 1) / 9)
    for name in ("f1", "precision", "recall", "accuracy"):
        assert scores[name].value == pytest.approx(2 / 3), name
    squares = [0.1**2, 0.2**2, 0.7**2, 0.6**2, 0.2**2, 0.1**2]
    assert scores["brier"].value == pytest.approx(sum(squares) / 6)
    right = [0.9, 0.8, 0.3, 0.4, 0.8, 0.9]
    assert scores["log_loss"].value == pytest.approx(-np.log(right).mean())
    # Every record has a bin of its own: the mean of |probability - truth|.
    assert scores["ece"].value == pytest.approx((0.1 + 0.2 + 0.7 + 0.6 + 0.2 + 0.1) / 6)
    assert all(score.note is None for score in scores.values())


def test_threshold_moves_the_classes_and_not_the_ranking() -> None:
    strict = score_target("binary", TRUTH, PROBABILITY, threshold=0.85)
    assert strict["precision"].value == 1
    assert strict["recall"].value == pytest.approx(1 / 3)
    assert strict["auroc"].value == pytest.approx(8 / 9)


def test_calibration_error_bins_are_closed_above() -> None:
    # 0.5 belongs to (0, 0.5]: gap there |0.5 - 1|, in (0.5, 1] |0.75 - 0|.
    found = calibration_error(np.array([0.5, 0.75]), np.array([1.0, 0.0]), bins=2)
    assert found == pytest.approx((0.5 + 0.75) / 2)
    mixed = calibration_error(np.array([0.6, 0.8]), np.array([1.0, 0.0]), bins=2)
    assert mixed == pytest.approx(abs(0.7 - 0.5))
    assert calibration_error(np.array([0.0, 1.0]), np.array([0.0, 1.0]), bins=15) == 0


def test_multiclass_metrics_equal_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 200).astype(float)
    probability = generator.dirichlet(np.ones(3), 200) + 0.6 * np.eye(3)[truth.astype(int)]
    probability /= probability.sum(axis=1, keepdims=True)
    called = probability.argmax(axis=1)
    scores = score_target("multiclass", truth, probability)
    expected = {
        "auroc": sk.roc_auc_score(truth, probability, multi_class="ovr", average="macro"),
        "mcc": sk.matthews_corrcoef(truth, called),
        "f1": sk.f1_score(truth, called, average="macro"),
        "precision": sk.precision_score(truth, called, average="macro"),
        "recall": sk.recall_score(truth, called, average="macro"),
        "accuracy": sk.accuracy_score(truth, called),
        "log_loss": sk.log_loss(truth, probability),
        "auprc": np.mean(
            [sk.average_precision_score(truth == c, probability[:, c]) for c in range(3)]
        ),
        "brier": ((probability - np.eye(3)[truth.astype(int)]) ** 2).sum(axis=1).mean(),
    }
    for name, value in expected.items():
        assert scores[name].value == pytest.approx(value), name
    assert 0 < scores["ece"].value < 1


def test_regression_metrics_equal_scipy() -> None:
    generator = np.random.default_rng(2)
    truth = generator.normal(size=100)
    value = truth + generator.normal(size=100)
    scores = score_target("regression", truth, value)
    assert scores["pearson"].value == pytest.approx(np.corrcoef(truth, value)[0, 1])
    assert scores["spearman"].value == pytest.approx(stats.spearmanr(truth, value).statistic)
    assert scores["r2"].value == pytest.approx(
        1 - ((truth - value) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    )
    assert scores["rmse"].value == pytest.approx(np.sqrt(((truth - value) ** 2).mean()))


def test_one_class_has_no_ranking_and_says_so() -> None:
    scores = score_target("binary", np.ones(4), np.array([0.9, 0.8, 0.7, 0.2]))
    for name in ("auroc", "auprc", "mcc"):
        assert np.isnan(scores[name].value)
        assert scores[name].note == "records of one class only"
    assert scores["accuracy"].value == 0.75
    assert scores["recall"].value == 0.75


def test_no_predicted_positive_is_not_a_silent_zero() -> None:
    scores = score_target("binary", TRUTH, np.full(6, 0.1))
    assert np.isnan(scores["precision"].value)
    assert scores["precision"].note == "no record is predicted positive"
    assert scores["mcc"].value == 0
    assert scores["mcc"].note is not None
    assert "convention" in scores["mcc"].note
    assert scores["f1"].value == 0
    assert scores["auroc"].value == 0.5


def test_no_positives_at_all() -> None:
    scores = score_target("binary", np.zeros(3), np.full(3, 0.1))
    assert np.isnan(scores["f1"].value)
    assert np.isnan(scores["recall"].value)
    assert scores["accuracy"].value == 1


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_no_labels_leave_every_metric_undefined(kind: str) -> None:
    truth = np.full(3, np.nan)
    prediction = np.full((3, 3), 1 / 3) if kind == "multiclass" else np.full(3, 0.5)
    scores = score_target(kind, truth, prediction)
    assert tuple(scores) == METRICS_OF_KIND[kind]
    assert all(np.isnan(s.value) and s.note == "no labelled records" for s in scores.values())


def test_missing_labels_are_left_out() -> None:
    truth = np.append(TRUTH, [np.nan, np.nan])
    with_missing = score_target("binary", truth, np.append(PROBABILITY, [0.01, 0.99]))
    assert with_missing == score_target("binary", TRUTH, PROBABILITY)


def test_class_without_records_is_left_out_of_the_macro() -> None:
    truth = np.array([0.0, 1.0, 0.0, 1.0])
    probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    scores = score_target("multiclass", truth, probability)
    assert scores["auroc"].value == pytest.approx((1 + 0.75) / 2)
    assert scores["recall"].value == pytest.approx((1 + 0.5) / 2)
    assert scores["auroc"].note == "1 of 3 classes have no records and are left out"


def test_class_never_predicted_counts_as_zero_precision_and_says_so() -> None:
    truth = np.array([0.0, 1.0, 2.0])
    probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    precision = score_target("multiclass", truth, probability)["precision"]
    assert precision.value == pytest.approx((0.5 + 1 + 0) / 3)
    assert precision.note is not None
    assert "never predicted" in precision.note


@pytest.mark.parametrize(
    ("truth", "value", "undefined"),
    [
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], {"pearson", "spearman", "r2"}),
        ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], {"pearson", "spearman"}),
        ([1.0], [2.0], {"pearson", "spearman", "r2"}),
    ],
)
def test_constant_regression(truth: list[float], value: list[float], undefined: set[str]) -> None:
    scores = score_target("regression", np.array(truth), np.array(value))
    assert {name for name, score in scores.items() if np.isnan(score.value)} == undefined
    assert all(scores[name].note for name in undefined)


def test_macro_average_tells_what_it_leaves_out() -> None:
    found = macro_average(
        {
            "a": {"auroc": Score(0.8), "mcc": Score(np.nan, "why")},
            "b": {"auroc": Score(0.6), "mcc": Score(np.nan, "why")},
            "c": {"auroc": Score(np.nan, "why"), "mcc": Score(np.nan, "why")},
        }
    )
    assert found["auroc"].value == pytest.approx(0.7)
    assert found["auroc"].note == "without c, where it is undefined"
    assert np.isnan(found["mcc"].value)


def test_single_metrics_on_logits_and_bad_values() -> None:
    logits = np.log(PROBABILITY / (1 - PROBABILITY)).astype(np.float32)
    assert auroc(TRUTH.astype(np.float32), logits) == pytest.approx(8 / 9)
    assert np.isnan(auroc(np.ones(3), np.arange(3)))
    assert np.isnan(auroc(TRUTH, np.full(6, np.nan)))
    assert accuracy(np.array([0, 1]), np.array([0, 0])) == 0.5
    assert np.isnan(accuracy(np.array([]), np.array([])))
    assert pearson(np.array([1, 2, 3]), np.array([2, 4, 6])) == pytest.approx(1)
    assert np.isnan(pearson(np.array([1, 2, 3]), np.array([2, 2, 2])))


def test_every_metric_is_described() -> None:
    of_residues = set(METRICS_OF_KIND["residues"])
    assert of_residues <= set(RESIDUE_METRICS)
    others = {
        name for kind, names in METRICS_OF_KIND.items() if kind != "residues" for name in names
    }
    assert others == set(METRICS)
