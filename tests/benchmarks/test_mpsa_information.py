"""The information estimates, on channels whose information is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats


@pytest.fixture(scope="module")
def information(load_script):
    return load_script("mpsa/information.py")


def channel(correlation: float, n: int = 2500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A Gaussian channel; it carries -log2(1 - correlation**2) / 2 bits."""
    x, noise = np.random.default_rng(seed).normal(size=(2, n))
    return x, correlation * x + np.sqrt(1 - correlation**2) * noise


def test_entropy_of_a_gaussian_and_of_a_wider_one(information) -> None:
    x = np.random.default_rng(0).normal(size=5000)
    exact = np.log2(2 * np.pi * np.e) / 2
    assert information.entropy_bits(x) == pytest.approx(exact, abs=0.03)
    assert information.entropy_bits(8 * x) == pytest.approx(information.entropy_bits(x) + 3)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_both_informations_of_a_gaussian_channel(information, correlation: float) -> None:
    exact = -np.log2(1 - correlation**2) / 2
    found = information.judge(channel(correlation, seed=1), channel(correlation, seed=2))
    assert found["i_var"] == pytest.approx(exact, abs=0.06)
    assert found["i_pred"] == pytest.approx(exact, abs=0.06)
    assert 0.003 < found["i_var_se"] < 0.08
    assert found["records"] == 2500


def test_a_monotone_curve_costs_no_information(information) -> None:
    fitted, judged = channel(0.8, seed=1), channel(0.8, seed=2)
    straight = information.judge(fitted, judged)
    bent = information.judge(
        (np.tanh(fitted[0] / 2), fitted[1]), (np.tanh(judged[0] / 2), judged[1])
    )
    assert bent["i_pred"] == pytest.approx(straight["i_pred"], abs=0.04)
    assert bent["i_var"] == pytest.approx(straight["i_var"], abs=0.06)
    assert abs(bent["pearson"]) < abs(straight["pearson"])


def test_the_skewed_t_is_scipys_and_finite_far_out(information) -> None:
    t = np.linspace(-30, 30, 601)
    found = information.skewed_t(t, np.full(601, 2.5), np.full(601, 0.7))
    assert found == pytest.approx(stats.jf_skew_t.logpdf(t, 2.5, 0.7), abs=1e-9)
    far = information.skewed_t(np.array([-1e9, 1e9]), np.full(2, 50.0), np.full(2, 2.0))
    assert np.isfinite(far).all()


def test_the_noise_model_learns_a_changing_width_and_a_skew(information) -> None:
    generator = np.random.default_rng(3)
    x = generator.normal(size=6000)
    truth = x + np.exp(0.5 * x) * (generator.gamma(2.0, size=6000) - 2)
    half = slice(0, 3000), slice(3000, None)
    noise = information.fit_noise(x[half[0]], truth[half[0]])
    skewed = noise.log2_density(x[half[1]], truth[half[1]]).mean()
    rest = truth[half[1]] - x[half[1]]
    gaussian = -np.log2(rest.std()) - np.log2(2 * np.pi * np.e) / 2
    assert skewed > gaussian + 0.3
    grid = np.linspace(-12, 30, 40_001)
    density = 2 ** noise.log2_density(np.zeros_like(grid), grid)
    assert np.sum(density) * (grid[1] - grid[0]) == pytest.approx(1, abs=0.01)
