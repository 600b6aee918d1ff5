import numpy as np
import pytest

from bioseq_dl.interpret.seqlets import CORE, find_seqlets


def _noise(rows=200, length=80, seed=0):
    return np.random.default_rng(seed).laplace(0, 0.05, (rows, length)).astype(np.float32)


@pytest.mark.parametrize("sign", [1, -1])
def test_planted_stretches_are_found_where_they_are_and_by_their_sign(sign):
    values = _noise()
    starts = np.random.default_rng(1).integers(0, 80 - CORE + 1, 150)
    for row, start in enumerate(starts):
        values[row, start : start + CORE] += sign
    raising, lowering = find_seqlets(values)
    found, other = (raising, lowering) if sign > 0 else (lowering, raising)
    strongest = {}
    for row, start in zip(found.rows.tolist(), found.starts.tolist(), strict=True):
        strongest.setdefault(row, start)
    assert [strongest[row] for row in range(150)] == starts.tolist()
    assert len(other) == 0
    assert np.all(np.diff(found.sums) <= 0)
    assert np.all(found.sums > 0)


def test_cores_of_a_sequence_do_not_overlap():
    values = _noise()
    values[:, 20:50] += 1
    raising, _ = find_seqlets(values)
    for row in range(len(values)):
        starts = np.sort(raising.starts[raising.rows == row])
        assert np.all(np.diff(starts) >= CORE)


def test_a_bounded_share_of_windows_passes():
    raising, lowering = find_seqlets(_noise())
    # Noise alone: a tenth of the windows of either sign, which overlap.
    assert 0 < len(raising) + len(lowering) <= 0.1 * 200 * (80 - CORE + 1) + 1


def test_nothing_comes_of_nothing():
    for values in (np.zeros((0, 80)), np.zeros((5, 4)), np.zeros((5, 80))):
        raising, lowering = find_seqlets(values.astype(np.float32))
        assert len(raising) == len(lowering) == 0


def test_scale_does_not_matter():
    values = _noise()
    values[:100, 30:38] += 1
    for one, two in zip(find_seqlets(values), find_seqlets(values * 64), strict=True):
        np.testing.assert_array_equal(one.rows, two.rows)
        np.testing.assert_array_equal(one.starts, two.starts)
