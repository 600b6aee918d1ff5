from __future__ import annotations

import pytest
import torch

from bioseq_dl.config import Augment
from bioseq_dl.data.augmentation import augment
from bioseq_dl.data.one_hot import reverse_complement_codes


def _codes(count: int, length: int, letters: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, letters, (count, length), dtype=torch.uint8, generator=generator)


def _draw(
    codes: torch.Tensor, settings: Augment, seed: int = 0, lengths: torch.Tensor | None = None
) -> torch.Tensor:
    return augment(codes, lengths, settings, torch.Generator().manual_seed(seed))


def test_nothing_asked_for_changes_nothing_and_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(3)
    state = generator.get_state()
    codes = _codes(5, 20)
    assert torch.equal(augment(codes, None, Augment(), generator), codes)
    assert torch.equal(generator.get_state(), state)


def test_half_of_the_examples_become_the_other_strand() -> None:
    codes = _codes(2000, 15, letters=5)
    drawn = _draw(codes, Augment(reverse_complement=True))
    other = reverse_complement_codes(codes)
    kept = (drawn == codes).all(1)
    turned = (drawn == other).all(1)
    assert (kept | turned).all()
    assert 850 < int((turned & ~kept).sum()) < 1150


def test_shifts_are_uniform_and_leave_a_gap_of_unknown() -> None:
    codes = _codes(3000, 40)
    drawn = _draw(codes, Augment(shift=2))
    found = torch.zeros(5)
    for row, before in zip(drawn, codes, strict=True):
        moves = []
        for move in range(-2, 3):
            wanted = torch.full_like(before, 4)
            if move >= 0:
                wanted[move:] = before[: 40 - move]
            else:
                wanted[:move] = before[-move:]
            if torch.equal(row, wanted):
                moves.append(move)
        assert len(moves) == 1
        found[moves[0] + 2] += 1
    assert (found > 500).all()


def test_a_shift_longer_than_the_sequence_leaves_unknown_bases() -> None:
    drawn = _draw(_codes(200, 3), Augment(shift=50))
    assert (drawn == 4).all(1).sum() > 150
    assert drawn.shape == (200, 3)


def test_substitution_hits_its_share_and_draws_every_letter() -> None:
    codes = torch.zeros(400, 100, dtype=torch.uint8)
    drawn = _draw(codes, Augment(substitution=0.2))
    assert drawn.dtype == torch.uint8
    # A quarter of the replaced bases draw the letter they had.
    assert abs(float((drawn != 0).float().mean()) - 0.15) < 0.01
    assert set(drawn.unique().tolist()) == {0, 1, 2, 3}


def test_unknown_bases_are_not_substituted() -> None:
    codes = torch.full((20, 50), 4, dtype=torch.uint8)
    assert torch.equal(_draw(codes, Augment(substitution=0.9)), codes)


@pytest.mark.parametrize("rc", [True, False])
def test_padding_stays_at_the_end(rc: bool) -> None:
    lengths = torch.tensor([5, 12, 1, 9] * 50)
    codes = _codes(200, 12)
    beyond = torch.arange(12) >= lengths[:, None]
    codes[beyond] = 4
    settings = Augment(reverse_complement=rc, shift=3, substitution=0.5)
    drawn = _draw(codes, settings, lengths=lengths)
    assert (drawn[beyond] == 4).all()
    # Without a shift every base has its place.
    drawn = _draw(codes, Augment(reverse_complement=rc, substitution=0.5), lengths=lengths)
    assert (drawn[~beyond] < 4).all()


def test_both_changes_together_are_one_after_the_other() -> None:
    codes = _codes(300, 30)
    drawn = _draw(codes, Augment(reverse_complement=True, shift=4))
    for row, before in zip(drawn, codes, strict=True):
        found = False
        for strand in (before, reverse_complement_codes(before[None])[0]):
            padded = torch.cat([torch.full((4,), 4), strand, torch.full((4,), 4)])
            found |= any(torch.equal(row, padded[at : at + 30].to(row)) for at in range(9))
        assert found


def test_the_seed_decides() -> None:
    codes = _codes(50, 30)
    settings = Augment(reverse_complement=True, shift=4, substitution=0.1)
    assert torch.equal(_draw(codes, settings, 7), _draw(codes, settings, 7))
    assert not torch.equal(_draw(codes, settings, 7), _draw(codes, settings, 8))
    torch.manual_seed(0)  # the global generator plays no part
    one = _draw(codes, settings, 7)
    torch.manual_seed(1)
    assert torch.equal(one, _draw(codes, settings, 7))


def test_the_input_is_not_changed() -> None:
    codes = _codes(10, 10)
    before = codes.clone()
    _draw(codes, Augment(reverse_complement=True, shift=2, substitution=0.5))
    assert torch.equal(codes, before)
