"""The bootstrap: its draws, its coverage, its pairs."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.bootstrap import (
    bound,
    compare_paired,
    draw_counts,
    remove_bias,
    resample_scores,
)
from bioseq_dl.metrics import score_target

SETTINGS = {"resamples": 400, "seed": 0, "threshold": 0.5, "ece_bins": 15}


def test_draws_are_multinomial_counts_that_do_not_depend_on_the_chunk() -> None:
    whole = np.concatenate(list(draw_counts(50, 30, seed=1)))
    parts = np.concatenate(list(draw_counts(50, 30, seed=1, cells=120)))
    assert whole.shape == (30, 50)
    assert (whole.sum(axis=1) == 50).all()
    assert (whole == parts).all()
    assert (whole != np.concatenate(list(draw_counts(50, 30, seed=2)))).any()
    # Each count is binomial(n, 1/n): variance 1 - 1/n.
    many = np.concatenate(list(draw_counts(40, 4000, seed=3)))
    assert many.mean() == 1
    assert many.var() == pytest.approx(1 - 1 / 40, rel=0.02)


def test_interval_of_an_accuracy_has_the_binomial_width() -> None:
    truth = np.ones(400)
    probability = np.where(np.arange(400) < 320, 0.9, 0.1)
    found = resample_scores(
        "binary", ["a"], truth[:, None], {"model": probability[:, None]}, **SETTINGS
    )
    interval = bound(found["model"]["a"]["accuracy"], 0.95)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert interval.low == pytest.approx(0.8 - half, abs=0.01)
    assert interval.high == pytest.approx(0.8 + half, abs=0.01)
    assert bound(found["model"]["a"]["auroc"], 0.95).undefined == 400


def test_interval_covers_the_true_auroc_about_as_often_as_it_says() -> None:
    # Scores N(1, 1) against N(0, 1): AUROC is Phi(1 / sqrt 2) = 0.7602.
    generator = np.random.default_rng(7)
    covered = 0
    for repeat in range(200):
        truth = (np.arange(150) < 75).astype(float)
        score = generator.normal(size=150) + truth
        prediction = 1 / (1 + np.exp(-score))
        found = resample_scores(
            "binary",
            ["a"],
            truth[:, None],
            {"model": prediction[:, None]},
            **(SETTINGS | {"resamples": 200, "seed": repeat}),
        )
        interval = bound(found["model"]["a"]["auroc"], 0.9)
        covered += interval.low <= 0.7602 <= interval.high
    assert 0.83 <= covered / 200 <= 0.96


def test_pairs_are_symmetric_and_narrower_than_the_single_intervals() -> None:
    generator = np.random.default_rng(5)
    truth = (generator.random(300) < 0.5).astype(float)
    first = 1 / (1 + np.exp(-(2 * truth - 1 + generator.normal(size=300))))
    second = np.clip(first + 0.05 * generator.normal(size=300), 0, 1)
    found = resample_scores(
        "binary",
        ["a"],
        truth[:, None],
        {"model": first[:, None], "kmer": second[:, None]},
        **SETTINGS,
    )
    one, two = found["model"]["a"]["auroc"], found["kmer"]["a"]["auroc"]
    forth = compare_paired("auroc", one, two, 0.95)
    back = compare_paired("auroc", two, one, 0.95)
    assert forth.interval.low == pytest.approx(-back.interval.high)
    assert forth.interval.high == pytest.approx(-back.interval.low)
    assert forth.p == back.p
    assert forth.verdict == {"better": "worse", "worse": "better"}.get(back.verdict, back.verdict)
    single = bound(one, 0.95)
    assert forth.interval.high - forth.interval.low < (single.high - single.low) / 2


def test_verdict_knows_which_way_is_better() -> None:
    low, high = np.linspace(0.1, 0.2, 99), np.linspace(0.3, 0.4, 99)
    assert compare_paired("auroc", high, low, 0.95).verdict == "better"
    assert compare_paired("brier", high, low, 0.95).verdict == "worse"
    better = compare_paired("brier", low, high, 0.95)
    assert better.verdict == "better"
    assert better.share_not_better == 0
    assert better.p == pytest.approx(2 / 100)
    same = compare_paired("auroc", low, low, 0.95)
    assert same.verdict == "not distinguishable"
    assert same.p == 1
    nothing = compare_paired("auroc", np.full(5, np.nan), low[:5], 0.95)
    assert nothing.verdict == "undefined"
    assert np.isnan(nothing.p)


def test_macro_averages_the_targets_that_have_a_value() -> None:
    generator = np.random.default_rng(2)
    truth = (generator.random((60, 2)) < 0.5).astype(float)
    truth[:, 1] = np.nan
    truth[0, 1] = 1.0  # one class only: never an AUROC
    prediction = generator.random((60, 2))
    found = resample_scores("binary", ["a", "b"], truth, {"model": prediction}, **SETTINGS)
    scores = found["model"]
    assert np.isnan(scores["b"]["auroc"]).all()
    assert (scores["macro"]["auroc"] == scores["a"]["auroc"]).all()
    assert bound(scores["b"]["accuracy"], 0.95).undefined > 0  # the record is not drawn


def test_interval_of_the_calibration_error_holds_its_own_value() -> None:
    generator = np.random.default_rng(1)
    stated = generator.random(200)
    truth = (generator.random(200) < stated).astype(float)  # calibrated: all ECE is noise
    found = resample_scores("binary", ["a"], truth[:, None], {"model": stated[:, None]}, **SETTINGS)
    value = score_target("binary", truth, stated)["ece"].value
    plain = found["model"]["a"]["ece"]
    assert plain.mean() > value + 0.01
    shifted = remove_bias("ece", plain, value)
    interval = bound(shifted, 0.95)
    assert interval.low < value < interval.high
    assert interval.low >= 0
    auroc = found["model"]["a"]["auroc"]
    assert remove_bias("auroc", auroc, 0.1) is auroc
    assert remove_bias("ece", plain, np.nan) is plain
