import numpy as np
import pytest

from bioseq_dl.interpret.motif import (
    PSEUDOCOUNT,
    UNIFORM,
    Motif,
    count_background,
    count_letters,
    find_core,
    measure_information,
    reverse_complement,
    spell_consensus,
)


def test_letters_are_counted_with_a_pseudocount_and_unknown_ones_as_background():
    background = np.array([0.4, 0.1, 0.1, 0.4])
    sites = np.array([[0, 1], [0, 4], [0, 1]], np.uint8)
    pwm = count_letters(sites, background)
    np.testing.assert_allclose(pwm.sum(axis=1), 1)
    np.testing.assert_allclose(pwm[0, 0], (3 + PSEUDOCOUNT * 0.4) / (3 + PSEUDOCOUNT))
    np.testing.assert_allclose(pwm[1, 1], (2 + (1 + PSEUDOCOUNT) * 0.1) / (3 + PSEUDOCOUNT))


def test_information_goes_from_none_to_two_bits():
    pwm = np.array([[0.25] * 4, [1, 0, 0, 0], [0.5, 0, 0, 0.5]])
    np.testing.assert_allclose(measure_information(pwm), [0, 2, 1])


def test_consensus_names_one_letter_two_or_none():
    pwm = np.array(
        [[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0.25] * 4, [0.45, 0.35, 0.1, 0.1], [0, 0, 0.1, 0.9]]
    )
    assert spell_consensus(pwm) == "ARnmT"


def test_core_is_from_the_first_to_the_last_strong_place():
    assert find_core(np.array([0, 0.3, 0, 1, 0.1]), 0.3) == (1, 4)
    assert find_core(np.zeros(3), 0.3) == (0, 0)


def test_reverse_complement_of_a_word():
    pwm = np.eye(4)[[0, 1, 1]]
    assert spell_consensus(pwm) == "ACC"
    assert spell_consensus(reverse_complement(pwm)) == "GGT"


@pytest.mark.parametrize(
    ("pwm", "vague"),
    [
        (np.eye(4)[[0, 1, 2]], False),  # 6 bits in 3 places
        (np.eye(4)[[0]], True),  # 2 bits
        (np.repeat([[0.1, 0.4, 0.4, 0.1]], 20, axis=0), True),  # 5.6 bits in 20 places
    ],
)
def test_what_says_little_is_vague(pwm, vague):
    assert Motif("filter_0", "filter", pwm, 10).is_vague is vague


def test_background_has_no_zero():
    shares = count_background(np.array([[0, 0, 4]], np.uint8))
    np.testing.assert_allclose(shares, np.array([3, 1, 1, 1]) / 6)
    np.testing.assert_allclose(UNIFORM.sum(), 1)
