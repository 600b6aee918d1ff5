from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.encode.windows import gather_windows


@given(
    size=st.integers(1, 60),
    width=st.integers(0, 70),
    seed=st.integers(0, 1000),
    count=st.integers(0, 10),
)
def test_windows_equal_a_loop_with_slices(size: int, width: int, seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, size).astype(np.uint8)
    starts = random.integers(-width, size + 1, count)
    first = np.clip(-starts, 0, width)
    last = np.clip(size - starts, first, width)
    rows = gather_windows(codes, starts, width, first, last, 4)
    assert rows.shape == (count, width)
    for row, start in zip(rows, starts, strict=True):
        wanted = [codes[p] if 0 <= p < size else 4 for p in range(start, start + width)]
        assert row.tolist() == wanted


def test_columns_outside_their_own_sequence_are_filled() -> None:
    codes = np.array([0, 1, 2, 3, 0, 1], np.uint8)
    rows = gather_windows(codes, np.array([0, 2]), 4, np.array([1, 0]), np.array([4, 2]), fill=4)
    assert rows.tolist() == [[4, 1, 2, 3], [2, 3, 4, 4]]


def test_the_source_is_not_changed() -> None:
    codes = np.arange(4, dtype=np.uint8)
    codes.setflags(write=False)
    rows = gather_windows(codes, np.array([0]), 4, np.array([0]), np.array([2]), 4)
    assert rows.tolist() == [[0, 1, 4, 4]]
    assert codes.tolist() == [0, 1, 2, 3]
