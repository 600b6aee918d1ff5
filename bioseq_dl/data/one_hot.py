"""Codes to one-hot columns, on the device, and both strands of either."""

from __future__ import annotations

import torch
from torch import Tensor

LETTERS = 4
"""Rows of the one-hot matrix of DNA: A, C, G, T. Code 4 is an unknown base."""


def one_hot(
    codes: Tensor,
    unknown: str = "zeros",
    dtype: torch.dtype = torch.float32,
    letters: int = LETTERS,
) -> Tensor:
    """Compare every code with each letter.

    One comparison written straight into the result: no integer matrix, no table look-up.

    Parameters
    ----------
    codes : uint8 tensor, shape (n, length)
        The unknown letter's code is `letters`; DNA: A C G T = 0 1 2 3, unknown = 4.
    unknown : str
        ``zeros`` leaves the column of an unknown letter empty; ``uniform`` sets it to
        1 / letters.
    dtype : torch.dtype
        Floating point.
    letters : int
        Of the alphabet.

    Returns
    -------
    tensor of `dtype`, shape (n, letters, length), contiguous, on the device of `codes`
    """
    known = torch.arange(letters, dtype=codes.dtype, device=codes.device)
    columns = torch.empty(
        (codes.shape[0], letters, codes.shape[1]), dtype=dtype, device=codes.device
    )
    torch.eq(codes.unsqueeze(1), known.view(letters, 1), out=columns)
    if unknown == "uniform":
        columns += (codes == letters).to(dtype).div_(letters).unsqueeze(1)
    elif unknown != "zeros":
        raise ValueError(f"unknown must be zeros or uniform, found {unknown}")
    return columns


def reverse_places(lengths: Tensor | None, width: int, device: torch.device) -> Tensor:
    """Where each base of the other strand stands: int64 (n or 1, width).

    Padding keeps its place on the right.
    """
    columns = torch.arange(width, device=device)
    if lengths is None:
        return (width - 1 - columns).unsqueeze(0)
    mirrored = lengths.to(device).unsqueeze(1) - 1 - columns
    return torch.where(mirrored >= 0, mirrored, columns)


def reverse_complement_codes(codes: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Give the other strand of codes (n, length); code 4 stays 4, padding stays right."""
    if lengths is None:
        flipped = codes.flip(1)
    else:
        flipped = codes.gather(1, reverse_places(lengths, codes.shape[1], codes.device))
    return torch.where(flipped < LETTERS, LETTERS - 1 - flipped, flipped)


def reverse_complement_one_hot(columns: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Give the other strand of one-hot columns (n, 4, length).

    In the order A C G T, a letter's complement is its mirror image.
    """
    if lengths is None:
        return columns.flip(1, 2)
    places = reverse_places(lengths, columns.shape[2], columns.device)
    return columns.flip(1).gather(2, places.unsqueeze(1).expand(columns.shape))
