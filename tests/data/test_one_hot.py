from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from bioseq_dl.data.one_hot import (
    one_hot,
    reverse_complement_codes,
    reverse_complement_one_hot,
)
from bioseq_dl.encode.alphabet import DNA


def _codes(seed: int, count: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 5, (count, length), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("unknown", ["zeros", "uniform"])
def test_it_equals_the_library_function(dtype: torch.dtype, unknown: str) -> None:
    codes = _codes(0, 5, 33)
    columns = one_hot(codes, unknown, dtype)
    wanted = functional.one_hot(codes.long(), 5)[..., :4].transpose(1, 2).float()
    if unknown == "uniform":
        wanted += 0.25 * (codes == 4).unsqueeze(1)
    assert columns.dtype == dtype
    assert columns.shape == (5, 4, 33)
    assert torch.equal(columns.float(), wanted)


def test_letters_stand_in_their_rows() -> None:
    columns = one_hot(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8))
    assert torch.equal(columns[0, :, :4], torch.eye(4))
    assert columns[0, :, 4].tolist() == [0.0] * 4


def test_another_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="zeros or uniform"):
        one_hot(_codes(0, 1, 3), "error")


@given(st.integers(0, 100), st.integers(1, 6), st.integers(1, 40))
def test_reverse_complement_of_codes_agrees_with_the_alphabet(
    seed: int, count: int, length: int
) -> None:
    codes = _codes(seed, count, length)
    other = reverse_complement_codes(codes)
    np.testing.assert_array_equal(other.numpy(), DNA.reverse_complement(codes.numpy()))
    assert torch.equal(reverse_complement_codes(other), codes)


@given(st.integers(0, 100), st.lists(st.integers(1, 12), min_size=1, max_size=6))
def test_padding_keeps_its_place(seed: int, sizes: list[int]) -> None:
    lengths = torch.tensor(sizes)
    codes = _codes(seed, len(sizes), max(sizes))
    codes[torch.arange(max(sizes)) >= lengths[:, None]] = 4
    other = reverse_complement_codes(codes, lengths)
    for row, before, size in zip(other, codes, sizes, strict=True):
        assert torch.equal(row[:size], reverse_complement_codes(before[None, :size])[0])
        assert (row[size:] == 4).all()
    for unknown in ("zeros", "uniform"):
        columns = reverse_complement_one_hot(one_hot(codes, unknown), lengths)
        assert torch.equal(columns, one_hot(other, unknown))


def test_both_strands_of_columns_and_codes_agree() -> None:
    codes = _codes(3, 4, 21)
    columns = reverse_complement_one_hot(one_hot(codes, "uniform"))
    assert torch.equal(columns, one_hot(reverse_complement_codes(codes), "uniform"))
