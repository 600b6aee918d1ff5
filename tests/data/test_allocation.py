from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.data.allocation import deal_groups, deal_records

SHARES = st.sampled_from([[0.7, 0.1, 0.2], [0.2] * 5, [0.5, 0.5], [1.0], [0.9, 0.1], [0.8, 0, 0.2]])


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), SHARES, st.integers(0, 5))
def test_every_stratum_is_divided_as_the_shares_say(strata, shares, seed) -> None:
    codes = np.array(strata)
    parts = deal_records(codes, shares, np.random.default_rng(seed))
    for part, share in enumerate(shares):
        taken = parts == part
        assert abs(taken.sum() - share * len(codes)) <= len(shares)
        if share == 0:
            assert not taken.any()
        for stratum in range(4):
            mine = codes == stratum
            assert abs((taken & mine).sum() - share * mine.sum()) <= len(shares)


def test_dealing_follows_the_seed() -> None:
    strata = np.zeros(100, np.int64)
    one, two, three = (
        deal_records(strata, [0.8, 0.2], np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)
    )
    assert one == two
    assert one != three
    assert sum(one) == 20


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=150), SHARES, st.integers(0, 5))
def test_groups_stay_whole(drawn, shares, seed) -> None:
    _, groups = np.unique(drawn, return_inverse=True)
    strata = np.random.default_rng(seed).integers(0, 3, len(groups))
    _, strata = np.unique(strata, return_inverse=True)
    parts = deal_groups(groups, strata, shares, np.random.default_rng(seed))
    for group in range(groups.max() + 1):
        assert len(set(parts[groups == group].tolist())) == 1
    assert all(shares[part] > 0 for part in parts)
    if groups.max() + 1 >= len(shares):
        filled = {part for part, share in enumerate(shares) if share > 0}
        assert set(parts.tolist()) == filled


def test_groups_are_balanced_in_size_and_class() -> None:
    generator = np.random.default_rng(0)
    groups = np.concatenate([np.repeat(np.arange(300), 10), np.arange(300, 1300)])
    rare = np.repeat(generator.random(1300) < 0.2, np.bincount(groups))
    parts = deal_groups(groups, rare.astype(np.int64), [0.7, 0.1, 0.2], generator)
    for part, share in enumerate([0.7, 0.1, 0.2]):
        mine = parts == part
        assert mine.mean() == pytest.approx(share, abs=0.005)
        assert rare[mine].mean() == pytest.approx(rare.mean(), abs=0.005)


def test_records_alone_make_up_for_one_sided_groups() -> None:
    groups = np.concatenate([np.zeros(200, np.int64), np.arange(1, 801)])
    strata = np.concatenate([np.ones(200, np.int64), np.arange(800) % 2])
    parts = deal_groups(groups, strata, [0.8, 0.2], np.random.default_rng(0))
    for part in (0, 1):
        assert strata[parts == part].mean() == pytest.approx(0.6, abs=0.005)


def test_few_groups_fill_every_part() -> None:
    groups = np.repeat(np.arange(3), 100)
    parts = deal_groups(groups, np.zeros(300, np.int64), [0.7, 0.1, 0.2], np.random.default_rng(0))
    assert sorted(set(parts.tolist())) == [0, 1, 2]
