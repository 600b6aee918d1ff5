"""Random changes to training examples, on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from bioseq_dl.config import Augment
from bioseq_dl.data.one_hot import LETTERS


def augment(
    codes: Tensor,
    lengths: Tensor | None,
    settings: Augment,
    generator: torch.Generator,
    letters: int = LETTERS,
) -> Tensor:
    """Draw a changed copy of each example.

    First each sequence moves by -shift .. shift bases (what leaves it is lost, the gap is
    unknown), then half of them become the other strand, then single bases are replaced
    by a drawn letter (which may be the same). Lengths stay as they are;
    unknown bases and padding stay unknown.

    Parameters
    ----------
    codes : uint8 tensor, shape (n, length)
    lengths : int64 tensor, shape (n,), optional
        Bases of each, where some are padded.
    settings : Augment
    generator : torch.Generator
        Of the device of `codes`; the only source of chance.
    letters : int
        Of the alphabet; the code of what is unknown. The other strand needs 4.

    Returns
    -------
    uint8 tensor, shape (n, length)
    """
    count, width = codes.shape
    device = codes.device
    if settings.shift or settings.reverse_complement:
        columns = torch.arange(width, device=device).unsqueeze(0)
        ends = width if lengths is None else lengths.to(device).unsqueeze(1)
        inside = columns < ends
        places = columns.expand(count, width)
        if settings.reverse_complement:
            other = torch.rand(count, 1, device=device, generator=generator) < 0.5
            places = torch.where(other, ends - 1 - columns, places)
        if settings.shift:
            span = (-settings.shift, settings.shift + 1)
            moves = torch.randint(*span, (count, 1), device=device, generator=generator)
            places = places - moves
        inside = inside & (places >= 0) & (places < ends)
        codes = torch.where(inside, codes.gather(1, places.clamp(0, width - 1)), letters)
        if settings.reverse_complement:
            codes = torch.where(other & (codes < LETTERS), LETTERS - 1 - codes, codes)
    if settings.substitution:
        # One draw decides both: below the share, where it falls chooses the letter.
        drawn = torch.rand(codes.shape, device=device, generator=generator)
        drawn = drawn.mul_(letters / settings.substitution)
        new = drawn.clamp(max=letters).to(codes.dtype)
        replaced = (new < letters) & (codes < letters)
        codes = torch.where(replaced, new, codes)
    return codes
