"""What a landscape says against itself."""

from __future__ import annotations

import math

import numpy as np

from bioseq_dl.landscape.cautions import list_cautions
from bioseq_dl.landscape.conformal import Conformal

WILD_TYPE = np.zeros(4, np.uint8)
PAIRS = np.array([[1, 1, 0, 0], [0, 0, 2, 0]], np.uint8)
TRIPLES = np.array([[1, 1, 2, 0], [1, 1, 0, 3], [0, 1, 1, 0]], np.uint8)
SET, UNSET = Conformal(1.5, 0.1, 50), Conformal(math.inf, 0.1, 3)


def test_designs_beyond_what_was_learnt_are_counted() -> None:
    (told,) = list_cautions(UNSET, PAIRS, WILD_TYPE, TRIPLES)
    assert told.startswith("2 of 3 designs have more mutations than any variant of train (2 at")
    assert list_cautions(UNSET, PAIRS, WILD_TYPE, PAIRS) == []
    assert list_cautions(UNSET, PAIRS[:0], WILD_TYPE, TRIPLES) == []
    assert list_cautions(UNSET, PAIRS, WILD_TYPE, TRIPLES[:0]) == []


def test_intervals_promise_nothing_of_designs() -> None:
    (alone,) = list_cautions(SET, PAIRS, WILD_TYPE, None)
    assert "design" not in alone
    (told,) = list_cautions(SET, PAIRS, WILD_TYPE, PAIRS)
    assert told.endswith("; a design is chosen for being extreme, and is not.")
    assert len(list_cautions(SET, PAIRS, WILD_TYPE, TRIPLES)) == 2
