"""Temperature scaling recovers what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from bioseq_dl.calibration import fit_temperature, scale_probability
from bioseq_dl.metrics import score_target


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_planted_temperature_is_found_binary(temperature: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2, size=20_000)
    truth = (generator.random(20_000) < special.expit(logits)).astype(float)
    stated = special.expit(logits * temperature)
    found = fit_temperature(stated, truth)
    assert found.value == pytest.approx(temperature, rel=0.05)
    assert found.note is None
    assert scale_probability(stated, temperature) == pytest.approx(special.expit(logits))


def test_planted_temperature_is_found_multiclass() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(scale=2, size=(20_000, 4))
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1).astype(float)
    stated = special.softmax(2.5 * logits, axis=1)
    found = fit_temperature(stated, truth)
    assert found.value == pytest.approx(2.5, rel=0.05)
    scaled = scale_probability(stated, found.value)
    assert scaled.sum(axis=1) == pytest.approx(1)
    before, after = (score_target("multiclass", truth, p) for p in (stated, scaled))
    assert after["ece"].value < 0.3 * before["ece"].value
    assert after["log_loss"].value < before["log_loss"].value
    assert after["accuracy"].value == before["accuracy"].value


def test_what_cannot_be_fitted_stays_as_it_is() -> None:
    alone = fit_temperature(np.array([0.7, 0.8]), np.array([1.0, 1.0]))
    assert alone.value == 1
    assert alone.note == "validation holds one class only"
    none = fit_temperature(np.array([0.7]), np.array([np.nan]))
    assert (none.value, none.records) == (1, 0)
    separated = fit_temperature(np.array([0.6, 0.4, 0.7]), np.array([1.0, 0.0, 1.0]))
    assert separated.value < 0.06
    assert separated.note is not None
    assert "edge" in separated.note


def test_missing_labels_do_not_count() -> None:
    probability, truth = np.array([0.9, 0.9, 0.2, 0.1]), np.array([1.0, 0.0, 0.0, np.nan])
    with_missing = fit_temperature(probability, truth)
    assert with_missing == fit_temperature(probability[:3], truth[:3])
    assert with_missing.records == 3
