"""Metrics of residues against plain references and published examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from bioseq_dl.bootstrap import bound
from bioseq_dl.io.secondary_structure import Q3, Q8, encode_states
from bioseq_dl.residue_metrics import (
    bound_residues,
    compare_residues,
    resample_proteins,
    score_residues,
    sum_angles,
    sum_mask,
    sum_states,
    sum_values,
)
from bioseq_dl.segment_overlap import find_segments, measure_overlap


def codes(*labels, states=Q3):
    return [encode_states(text, states) for text in labels]


def slow_sov(truth: str, predicted: str, states: str) -> float:
    """Zemla et al. 1999 as it is written, over sets of residues."""

    def runs(text):
        found, here = [], []
        for place, letter in enumerate(text):
            known = truth[place] != "X"
            if here and (not known or text[here[-1]] != letter):
                found.append(here)
                here = []
            if known:
                here = [*here, place]
        return [*found, here] if here else found

    gained = weight = 0.0
    for state in states:
        ours = [set(run) for run in runs(truth) if truth[run[0]] == state]
        theirs = [set(run) for run in runs(predicted) if predicted[run[0]] == state]
        for one in ours:
            met = [two for two in theirs if one & two]
            weight += len(one) * max(1, len(met))
            for two in met:
                least, most = len(one & two), max(one | two) - min(one | two) + 1
                slack = min(most - least, least, len(one) // 2, len(two) // 2)
                gained += (least + slack) / most * len(one)
    return gained / weight if weight else float("nan")


@pytest.mark.parametrize(
    ("predicted", "published"),
    [("CHCHCHCHCHCC", 12.5), ("CCCHHHHHCCCC", 63.2), ("CHHHHHHHHHHC", 100.0)],
)
def test_sov_of_examples(predicted, published):
    # Worked by hand for CHHHHHHHHHHC; the first: (5 · 1/10 · 10 + 1 + 1/2) / (5 · 10 + 2).
    overlap = measure_overlap(*codes("CHHHHHHHHHHC", predicted), 3)
    assert 100 * overlap.gained.sum() / overlap.weight.sum() == pytest.approx(published, abs=0.05)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_sov_equals_the_plain_definition(data):
    states = data.draw(st.sampled_from([Q3, Q8]))
    n = data.draw(st.integers(1, 40))
    # Runs, rather than letters drawn one by one, make segments that overlap.
    letters = st.lists(st.tuples(st.sampled_from(states + "X"), st.integers(1, 8)), min_size=n)
    truth = "".join(a * b for a, b in data.draw(letters))[:n]
    predicted = "".join(a * b for a, b in data.draw(letters)).replace("X", states[0])[:n]
    overlap = measure_overlap(*codes(truth, predicted, states=states), len(states))
    expected = slow_sov(truth, predicted, states)
    if np.isnan(expected):
        assert overlap.weight.sum() == 0
    else:
        assert overlap.gained.sum() / overlap.weight.sum() == pytest.approx(expected)


def test_a_masked_residue_ends_segments():
    truth, predicted = codes("HHHXHHH", "HHHHHHH")
    runs = find_segments(predicted, truth >= 0)
    assert runs.tolist() == [[0, 0, 3], [0, 4, 7]]
    overlap = measure_overlap(truth, predicted, 3)
    assert overlap.gained.tolist() == overlap.weight.tolist() == [6, 0, 0]
    assert find_segments(truth[:0], truth[:0] >= 0).shape == (0, 3)


def test_states_against_scikit_learn():
    generator = np.random.default_rng(3)
    truth = [generator.integers(-1, 8, n).astype(np.int8) for n in (1, 30, 200)]
    called = [generator.integers(0, 8, len(true)).astype(np.int8) for true in truth]
    scores = score_residues(sum_states(truth, called, Q8))
    all_true, all_called = np.concatenate(truth), np.concatenate(called)
    keep = all_true >= 0
    assert scores["accuracy"].value == pytest.approx((all_true == all_called)[keep].mean())
    precision, recall, _, _ = sk.precision_recall_fscore_support(
        all_true[keep], all_called[keep], labels=range(8)
    )
    for code, state in enumerate(Q8):
        assert scores[f"recall:{state}"].value == pytest.approx(recall[code])
        assert scores[f"precision:{state}"].value == pytest.approx(precision[code])


def test_a_state_that_is_absent_has_no_value_and_says_so():
    scores = score_residues(sum_states(*[[part] for part in codes("HHC", "HHH")], Q3))
    assert scores["accuracy"].value == pytest.approx(2 / 3)
    assert np.isnan(scores["recall:E"].value)
    assert scores["recall:E"].note == "no residue is E"
    assert scores["precision:C"].note == "no residue is called C"
    assert scores["recall:C"].value == 0
    empty = score_residues(sum_states(*[[part] for part in codes("XX", "HH")], Q3))
    assert np.isnan(empty["accuracy"].value)
    assert empty["sov"].note == "no residue has a label"


def test_wrong_shapes_and_codes_are_refused():
    with pytest.raises(ValueError, match="protein 0"):
        sum_states(codes("HH"), codes("H"), Q3)
    with pytest.raises(ValueError, match="outside 0 to 2"):
        sum_states(codes("HH"), codes("HX"), Q3)


def test_values_against_scipy():
    generator = np.random.default_rng(5)
    truth = [1000 + generator.random(n) for n in (5, 50, 200)]
    called = [values + 0.3 * generator.random(len(values)) for values in truth]
    truth[1][::3] = np.nan
    scores = score_residues(sum_values(truth, called))
    x, y = np.concatenate(truth), np.concatenate(called)
    keep = ~np.isnan(x)
    assert scores["pearson"].value == pytest.approx(stats.pearsonr(x[keep], y[keep]).statistic)
    assert scores["mae"].value == pytest.approx(np.abs(x - y)[keep].mean())
    flat = score_residues(sum_values([np.array([0.1, 0.1, 0.1])], [np.array([0.1, 0.2, 0.3])]))
    assert np.isnan(flat["pearson"].value)
    assert "all equal" in flat["pearson"].note


def test_angles_go_the_shorter_way():
    truth = [np.radians([179.0, -170.0, np.nan, 10.0])]
    called = [np.radians([-179.0, 170.0, 0.0, 190.0])]
    assert score_residues(sum_angles(truth, called))["angle_mae"].value == pytest.approx(
        (2 + 20 + 180) / 3
    )


def test_proteins_are_resampled_as_a_whole():
    # One long protein all right, many short ones all wrong: residues alone would say .91.
    truth = codes("H" * 100, *["E"] * 10)
    called = codes("H" * 100, *["C"] * 10)
    other = codes("C" * 100, *["E"] * 10)
    sums = {"a": sum_states(truth, called, Q3), "b": sum_states(truth, other, Q3)}
    samples = resample_proteins(sums, resamples=400, seed=1)
    again = resample_proteins(sums, resamples=400, seed=1)
    assert np.array_equal(samples["a"]["sov"], again["a"]["sov"], equal_nan=True)
    interval = bound_residues(samples["a"], 0.95)["accuracy"]
    assert interval.low == 0  # resamples without the long protein
    assert interval.high == bound(samples["a"]["accuracy"], 0.95).high > 0.95
    # Each resample is scored from the same draw: what one gets right the other gets wrong.
    assert samples["a"]["accuracy"] + samples["b"]["accuracy"] == pytest.approx(1)
    same = compare_residues("accuracy", samples["a"]["accuracy"], samples["a"]["accuracy"], 0.95)
    assert same.verdict == "not distinguishable"
    worse = compare_residues("mae", np.array([2.0, 2.0]), np.array([1.0, 1.0]), 0.95)
    assert worse.verdict == "worse"
    with pytest.raises(ValueError, match="different numbers"):
        resample_proteins(
            {"a": sums["a"], "c": sum_states(truth[:1], called[:1], Q3)}, resamples=2, seed=1
        )


def test_long_and_short_proteins_are_one_set():
    truth, called = codes("HHHH", "C"), codes("HHHC", "E")
    scores = score_residues(sum_states(truth, called, Q3))
    assert scores["accuracy"].value == pytest.approx(3 / 5)


def test_mask_matches_scikit_learn_and_weighs_proteins():
    generator = np.random.default_rng(3)
    truth = [generator.integers(0, 2, n).astype(float) for n in (30, 80, 5)]
    truth[0][:4] = np.nan
    score = [np.round(generator.random(len(t)) * 0.6 + 0.4 * np.nan_to_num(t), 2) for t in truth]
    sums = sum_mask(truth, score, 0.5)
    found = score_residues(sums)
    x, y = np.concatenate(truth), np.concatenate(score)
    x, y = x[4:], y[4:]
    assert found["auroc"].value == pytest.approx(sk.roc_auc_score(x, y), abs=1e-12)
    assert found["recall"].value == pytest.approx(sk.recall_score(x, y >= 0.5))
    assert found["precision"].value == pytest.approx(sk.precision_score(x, y >= 0.5))
    twice = sums.score(np.array([1.0, 0, 2]) @ sums.values)
    doubled = [*truth[:1], truth[2], truth[2]], [*score[:1], score[2], score[2]]
    assert twice["auroc"] == pytest.approx(score_residues(sum_mask(*doubled))["auroc"].value)


def test_mask_with_more_scores_than_bins_is_close():
    generator = np.random.default_rng(4)
    truth = (generator.random(20_000) < 0.1).astype(float)
    score = generator.normal(size=20_000) + truth
    found = score_residues(sum_mask([truth], [score], 0.5))["auroc"].value
    assert found == pytest.approx(sk.roc_auc_score(truth, score), abs=2e-4)


def test_mask_without_a_class_says_why():
    found = score_residues(sum_mask([np.zeros(3)], [np.full(3, 0.2)]))
    assert np.isnan(found["auroc"].value)
    assert found["auroc"].note == "the labels are all equal, or there is none"
    assert found["recall"].note == "no residue is positive"
    assert found["precision"].note == "no residue is called positive"
    assert np.isnan(score_residues(sum_mask([], []))["auroc"].value)
