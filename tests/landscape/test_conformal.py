"""Intervals that hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bioseq_dl.landscape.conformal import fit_conformal


def test_rank_is_that_of_the_theory() -> None:
    # Ten errors 1 .. 10, spread 0: rank ceil(11 * 0.8) = 9.
    found = fit_conformal(np.arange(1.0, 11), np.zeros(10), np.zeros(10), 0.8)
    assert found.half_width(np.zeros(1)).tolist() == [9.0]
    assert found.records == 10


def test_too_few_records_promise_nothing() -> None:
    found = fit_conformal(np.arange(3.0), np.zeros(3), np.zeros(3), 0.9)
    assert math.isinf(found.half_width(np.zeros(1))[0])
    none = fit_conformal(np.array([np.nan]), np.zeros(1), np.zeros(1), 0.9)
    assert (none.records, math.isinf(none.factor)) == (0, True)


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_coverage_is_held_over_many_draws(confidence: float) -> None:
    random = np.random.default_rng(0)
    held = []
    for _ in range(300):
        spread = random.uniform(0.1, 2, 200)
        truth = random.normal(0, spread)
        found = fit_conformal(truth[:50], np.zeros(50), spread[:50], confidence)
        held.append((np.abs(truth[50:]) <= found.half_width(spread[50:])).mean())
    assert confidence - 0.01 <= np.mean(held) <= confidence + 0.04


def test_an_unsure_prediction_has_a_wider_interval() -> None:
    random = np.random.default_rng(1)
    spread = random.uniform(0.1, 2, 400)
    found = fit_conformal(random.normal(0, spread), np.zeros(400), spread, 0.9)
    low, high = found.half_width(np.array([0.1, 2.0]))
    assert low < high
