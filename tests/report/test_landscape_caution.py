"""What stands above designs of a model that a baseline beats."""

from __future__ import annotations

from typing import Any

import pytest

from bioseq_dl.report.landscape import _warn
from bioseq_dl.report.words import name_predictor


def make_metrics(ours: float | None, verdict: str) -> dict[str, Any]:
    values = {"prior": 0.0, "additive": 0.7}
    return {
        "kind": "regression",
        "targets": ["score"],
        "headline": "pearson",
        "baselines": list(values),
        "definitions": {"pearson": {"label": "Pearson", "higher": True}},
        "predictors": {
            name: {"score": {"pearson": {"value": value}}}
            for name, value in (values | {"model": ours}).items()
        },
        "comparisons": [
            {
                "baseline": name,
                "target": "score",
                "metric": "pearson",
                "model_value": ours,
                "baseline_value": value,
                "verdict": verdict,
            }
            for name, value in values.items()
        ],
    }


@pytest.mark.parametrize(
    ("ours", "verdict", "said"),
    [
        (0.5, "worse", "the model is worse than the additive baseline (of score: Pearson 0.500 "),
        (0.69, "not distinguishable", "the model is no better than the additive baseline"),
        (None, "undefined", "the model is no better than the additive baseline"),
    ],
)
def test_a_better_baseline_is_told(ours: float | None, verdict: str, said: str) -> None:
    assert said in (_warn("score", make_metrics(ours, verdict)) or "")


def test_a_better_model_needs_no_caution() -> None:
    assert _warn("score", make_metrics(0.8, "better")) is None
    metrics = make_metrics(0.8, "better") | {"baselines": [], "comparisons": []}
    assert _warn("score", metrics) is None


def test_the_prior_of_a_regression_is_its_mean() -> None:
    assert name_predictor("prior", make_metrics(0.5, "worse")) == "mean"
    assert name_predictor("prior", {"kind": "binary"}) == "class prior"
