"""Designs: the best there are, apart, new."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

from bioseq_dl.config import Designs
from bioseq_dl.encode.alphabet import Codes
from bioseq_dl.landscape.designs import acquire, find_designs, list_singles
from bioseq_dl.landscape.score import Scores

LETTERS = 4
WILD_TYPE = np.zeros(3, np.uint8)
EFFECTS = np.random.default_rng(0).normal(size=(3, LETTERS))
EVERY = np.ones((3, LETTERS), np.bool_)
NONE = np.empty((0, 3), np.uint8)


def score(codes: Codes) -> Scores:
    mean = EFFECTS[np.arange(3), codes].sum(axis=1)
    return Scores(mean[:, None], codes.astype(float).sum(axis=1)[:, None])


def test_singles_are_all_and_each_once() -> None:
    singles = list_singles(WILD_TYPE, LETTERS)
    assert len(np.unique(singles, axis=0)) == len(singles) == 9
    assert ((singles != WILD_TYPE).sum(axis=1) == 1).all()


def test_a_wide_beam_finds_the_best_of_all() -> None:
    settings = Designs(count=5, max_mutations=3, min_distance=1, beam=1000)
    found = find_designs(WILD_TYPE, EVERY, NONE, score, 0, settings)
    every = np.array(list(product(range(LETTERS), repeat=3)), np.uint8)
    every = every[(every != 0).any(axis=1)]
    best = np.sort(score(every).mean[:, 0])[::-1][:5]
    assert np.allclose(found.mean, best)
    assert found.scored == 9 + 27 + 27


def test_designs_differ_and_none_is_measured() -> None:
    settings = Designs(count=10, max_mutations=3, min_distance=2, beam=1000)
    best = find_designs(WILD_TYPE, EVERY, NONE, score, 0, settings).codes
    found = find_designs(WILD_TYPE, EVERY, best[:1], score, 0, settings).codes
    assert best[0].tobytes() not in {row.tobytes() for row in found}
    assert all((one != other).sum() >= 2 for one, other in combinations(found, 2))


def test_only_allowed_letters_are_used() -> None:
    allowed = np.zeros((3, LETTERS), np.bool_)
    allowed[1, 2] = allowed[2, 3] = True
    settings = Designs(count=10, max_mutations=3, min_distance=1)
    found = find_designs(WILD_TYPE, allowed, NONE, score, 0, settings)
    assert {tuple(row) for row in found.codes.tolist()} == {(0, 2, 0), (0, 0, 3), (0, 2, 3)}


def test_nothing_allowed_gives_no_design() -> None:
    allowed = np.zeros((3, LETTERS), np.bool_)
    found = find_designs(WILD_TYPE, allowed, NONE, score, 0, Designs())
    assert (len(found.codes), found.scored) == (0, 0)


def test_acquisition_by_hand() -> None:
    mean, spread = np.array([1.0, 2.0]), np.array([3.0, 0.5])
    asked = {
        ("mean", "high"): [1.0, 2.0],
        ("mean", "low"): [-1.0, -2.0],
        ("upper", "high"): [7.0, 3.0],
        ("lower", "low"): [-7.0, -3.0],
    }
    for (kind, goal), wanted in asked.items():
        settings = Designs(acquisition=kind, goal=goal, exploration=2)
        assert acquire(mean, spread, settings).tolist() == wanted


def test_a_usual_beam_is_scored_whole() -> None:
    length = 47
    effects = np.random.default_rng(1).normal(size=(length, 20))

    def add(codes: Codes) -> Scores:
        mean = effects[np.arange(length), codes].sum(axis=1)
        return Scores(mean[:, None], np.zeros((len(codes), 1)))

    lines: list[str] = []
    wild_type, every = np.zeros(length, np.uint8), np.ones((length, 20), np.bool_)
    known = np.empty((0, length), np.uint8)
    settings = Designs(count=1, max_mutations=2, beam=100)
    found = find_designs(wild_type, every, known, add, 0, settings, lines.append)
    # 893 single mutants; of each of the 100 best 46 * 19 others, less those found twice.
    assert found.scored > 893 + 80_000
    assert found.left_out == 0
    assert lines[0] == "designs of 1 mutations: 893 of 893 variants scored"
    assert "20,000 of 8" in lines[1]


def test_a_limit_keeps_all_singles_and_shares_the_rest_among_the_beam() -> None:
    length, looked = 30, []
    # The best single mutants stand at the end, which a cut would leave out.
    effects = np.arange(length * 4, dtype=float).reshape(length, 4)
    effects[:, 0] = 0

    def add(codes: Codes) -> Scores:
        looked.append(codes)
        return Scores(effects[np.arange(length), codes].sum(axis=1)[:, None],
                      np.zeros((len(codes), 1)))  # fmt: skip

    wild_type, every = np.zeros(length, np.uint8), np.ones((length, 4), np.bool_)
    known = np.empty((0, length), np.uint8)
    settings = Designs(count=1, max_mutations=3, beam=10, max_scored=50)
    found = find_designs(wild_type, every, known, add, 0, settings)
    assert len(looked[0]) == length * 3 > settings.max_scored
    assert [len(codes) <= 50 for codes in looked[1:]] == [True, True]
    assert found.left_out == 10 * (29 * 3 - 5) + 10 * (28 * 3 - 5)
    beam = looked[0][np.argsort(-add(looked[0]).mean[:, 0], kind="stable")[:10]]
    for row in beam:  # each has offspring
        assert ((looked[1] != row).sum(axis=1) == 1).any()
    assert sorted(np.flatnonzero(found.codes[0])) == [27, 28, 29]
