"""The weighted metrics equal scikit-learn's and scipy's on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bioseq_dl.metrics import METRICS_OF_KIND, score_target
from bioseq_dl.weighted import score_weighted, weigh_ranking


def _fake(kind: str, generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    if kind == "regression":
        truth = generator.normal(size=n).round(1)  # ties
        return truth, (truth + generator.normal(size=n)).round(1)
    if kind == "binary":
        truth = (generator.random(n) < 0.3).astype(float)
        return truth, np.clip(0.3 * truth + 0.7 * generator.random(n), 0, 1).round(2)
    truth = generator.integers(0, 4, n).astype(float)
    return truth, generator.dirichlet(np.ones(4), n)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["binary", "multiclass", "regression"]),
    n=st.integers(1, 40),
    seed=st.integers(0, 10_000),
)
def test_equal_to_the_plain_metrics_on_repeated_records(kind: str, n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, prediction = _fake(kind, generator, n)
    weights = np.array(
        [np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(5)], float
    )
    found = score_weighted(kind, truth, prediction, weights)
    for row, counts in enumerate(weights.astype(int)):
        expected = score_target(kind, np.repeat(truth, counts), np.repeat(prediction, counts, 0))
        for name in METRICS_OF_KIND[kind]:
            assert found[name][row] == pytest.approx(
                expected[name].value, rel=1e-9, abs=1e-9, nan_ok=True
            ), name


def test_equal_to_scikit_learn_with_any_sample_weight() -> None:
    generator = np.random.default_rng(3)
    truth, score = _fake("binary", generator, 300)
    weights = generator.random((4, 300)) * (generator.random((4, 300)) < 0.8)
    auroc, auprc = weigh_ranking(truth, score, weights)
    found = score_weighted("binary", truth, score, weights)
    called = score >= 0.5
    for row, weight in enumerate(weights):
        extra = {"sample_weight": weight}
        assert auroc[row] == pytest.approx(sk.roc_auc_score(truth, score, **extra), rel=1e-12)
        assert auprc[row] == pytest.approx(
            sk.average_precision_score(truth, score, **extra), rel=1e-12
        )
        assert found["mcc"][row] == pytest.approx(sk.matthews_corrcoef(truth, called, **extra))
        assert found["f1"][row] == pytest.approx(sk.f1_score(truth, called, **extra))
        assert found["log_loss"][row] == pytest.approx(sk.log_loss(truth, score, **extra))
        assert found["brier"][row] == pytest.approx(sk.brier_score_loss(truth, score, **extra))


def test_missing_labels_weigh_nothing() -> None:
    truth = np.array([1.0, np.nan, 0.0, 1.0])
    score = np.array([0.7, 0.1, 0.4, 0.2])
    found = score_weighted("binary", truth, score, np.array([[1.0, 5.0, 1.0, 1.0]]))
    assert found["auroc"][0] == pytest.approx(0.5)
    assert found["accuracy"][0] == pytest.approx(2 / 3)
    nothing = score_weighted("binary", np.full(2, np.nan), score[:2], np.ones((3, 2)))
    assert np.isnan(nothing["accuracy"]).all()
    assert nothing["accuracy"].shape == (3,)
