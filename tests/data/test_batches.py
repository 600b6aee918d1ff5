from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.config import Augment, Targets
from bioseq_dl.data.batches import gather, move_batch, plan_batches
from bioseq_dl.data.examples import read_examples, write_examples
from bioseq_dl.data.feed import feed_batch
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError


def make_examples(lengths: list[int]) -> Examples:
    random = np.random.default_rng(0)
    count = len(lengths)
    return Examples(
        codes=random.integers(0, 5, sum(lengths)).astype(np.uint8),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        targets=np.arange(count, dtype=np.float32)[:, None],
        roles=np.zeros((1, count), np.uint8),
        spec=Targets(),
        unknown="zeros",
        ids_sha256="",
    )


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    batch_size=st.integers(1, 20),
    budget=st.none() | st.integers(40, 200),
    shuffle=st.booleans(),
    same=st.booleans(),
)
@settings(max_examples=150)
def test_every_example_is_in_one_batch_within_the_limits(
    lengths: list[int], batch_size: int, budget: int | None, shuffle: bool, same: bool
) -> None:
    sizes = np.array([lengths[0]] * len(lengths) if same else lengths)
    indices = np.arange(len(sizes))[::2]
    batches = plan_batches(sizes, indices, batch_size, budget, 1, 2, shuffle)
    assert sorted(np.concatenate(batches).tolist()) == indices.tolist()
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        if budget is not None:
            assert len(batch) * sizes[batch].max() <= budget


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    lengths = np.random.default_rng(0).integers(50, 500, 300)
    for sizes in (lengths, np.full(300, 100)):
        plans = [
            [batch.tolist() for batch in plan_batches(sizes, np.arange(300), 32, None, *at, True)]
            for at in ((0, 0), (0, 0), (0, 1), (1, 0))
        ]
        assert plans[0] == plans[1]
        assert plans[0] != plans[2]
        assert plans[0] != plans[3]
        assert {len(batch) for batch in plans[0]} <= {30, 32, 12}


def test_without_shuffle_order_is_kept() -> None:
    batches = plan_batches(np.full(7, 5), np.array([6, 0, 2, 3, 1]), 2)
    assert [batch.tolist() for batch in batches] == [[6, 0], [2, 3], [1]]
    batches = plan_batches(np.array([9, 1, 5, 3]), np.arange(4), 2)
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 0]]


def test_no_batch_of_equal_lengths_is_a_small_leftover() -> None:
    sizes = [len(batch) for batch in plan_batches(np.full(129, 9), np.arange(129), 128)]
    assert sizes == [65, 64]


def test_little_is_padded_and_membership_changes() -> None:
    lengths = np.random.default_rng(0).integers(100, 2000, 5000)
    arguments = (lengths, np.arange(5000), 64, 100_000, 0)
    first = plan_batches(*arguments, epoch=0, shuffle=True)
    padded = sum(len(batch) * lengths[batch].max() for batch in first)
    assert padded / lengths.sum() < 1.15
    assert padded / lengths.sum() > 1.0
    second = plan_batches(*arguments, epoch=1, shuffle=True)
    together = {tuple(sorted(batch.tolist())) for batch in first}
    assert not together & {tuple(sorted(batch.tolist())) for batch in second}
    widths = [int(lengths[batch].max()) for batch in first]
    assert widths != sorted(widths)


def test_a_sequence_over_the_budget_is_named() -> None:
    message = r"record 'row 4': a sequence is longer .*found '50 bases'"
    with pytest.raises(InputError, match=message):
        plan_batches(np.array([5, 5, 5, 50]), np.array([0, 3]), 2, token_budget=49)


def test_no_examples_are_no_batches() -> None:
    assert plan_batches(np.array([5, 5]), np.array([], np.int64), 4, shuffle=True) == []


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.integers(0, 100), st.booleans())
def test_a_gathered_batch_equals_slices(lengths: list[int], seed: int, same: bool) -> None:
    examples = make_examples([lengths[0]] * len(lengths) if same else lengths)
    random = np.random.default_rng(seed)
    indices = random.integers(0, len(examples), random.integers(1, 9))
    codes, sizes, targets, _ = gather(examples, indices)
    assert codes.dtype == torch.uint8
    for place, index in enumerate(indices):
        start, end = examples.offsets[index : index + 2]
        wanted = examples.codes[start:end].tolist()
        assert codes[place].tolist() == wanted + [4] * (codes.shape[1] - len(wanted))
        assert targets[place].tolist() == [float(index)]
        if sizes is not None:
            assert int(sizes[place]) == end - start
    assert (sizes is None) == (len(set(examples.lengths[indices])) == 1)


def test_a_batch_comes_out_of_a_mapped_file_and_is_our_own(tmp_path: Path) -> None:
    examples = make_examples([6] * 10)
    write_examples(tmp_path / "e", examples)
    mapped = read_examples(tmp_path / "e")
    before = (tmp_path / "e").read_bytes()
    batch = gather(mapped, np.array([9, 0, 3]))
    np.testing.assert_array_equal(batch.codes.numpy(), examples.codes.reshape(10, 6)[[9, 0, 3]])
    batch.codes.zero_()
    batch.targets.zero_()
    assert (tmp_path / "e").read_bytes() == before


def test_a_batch_moves_to_the_device() -> None:
    batch = gather(make_examples([3, 5]), np.array([0, 1]))
    moved = move_batch(batch, torch.device("cpu"))
    assert torch.equal(moved.codes, batch.codes)
    assert moved.lengths is not None
    assert moved.lengths.tolist() == [3, 5]
    assert move_batch(gather(make_examples([3, 3]), np.array([1])), torch.device("cpu"))[1] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_batch_on_a_gpu_is_the_same() -> None:
    examples = make_examples([30, 50, 40])
    device = torch.device("cuda")
    for augment in (None, Augment(substitution=0.0)):
        generator = torch.Generator(device=device)
        (here, lengths), targets = feed_batch(examples, np.array([0, 2]), torch.device("cpu"))
        (there, there_lengths), there_targets = feed_batch(
            examples, np.array([0, 2]), device, augment, generator
        )
        assert there.is_cuda
        assert torch.equal(there.cpu(), here)
        assert lengths is not None
        assert there_lengths is not None
        assert torch.equal(there_lengths.cpu(), lengths)
        assert torch.equal(there_targets.cpu(), targets)


def test_a_fed_batch_is_one_hot_and_augmented_only_with_a_generator() -> None:
    examples = make_examples([8] * 6)
    indices = np.array([1, 4])
    device = torch.device("cpu")
    (columns, lengths), targets = feed_batch(examples, indices, device)
    assert lengths is None
    assert targets.tolist() == [[1.0], [4.0]]
    codes = torch.from_numpy(examples.codes.reshape(6, 8)[indices])
    assert torch.equal(columns.argmax(1)[codes < 4], codes[codes < 4].long())
    generator = torch.Generator().manual_seed(0)
    settings_ = Augment(shift=3, reverse_complement=True, substitution=0.5)
    (changed, _), same = feed_batch(examples, indices, device, settings_, generator)
    assert not torch.equal(changed, columns)
    assert torch.equal(same, targets)


@pytest.mark.parametrize("epoch", [0, 1])
def test_little_of_a_batch_of_proteins_is_padding(epoch: int) -> None:
    # Lengths as of NetSurfP-2.0's chains: median 214, a twentieth above 560.
    lengths = np.random.default_rng(0).lognormal(5.37, 0.6, 10_000).astype(np.int64)
    rows = np.arange(len(lengths))
    plan = plan_batches(lengths, rows, 32, seed=1, epoch=epoch, shuffle=True)
    padded = sum(lengths[batch].max() * len(batch) for batch in plan)
    assert padded / lengths.sum() - 1 < 0.1
    other = plan_batches(lengths, rows, 32, seed=1, epoch=1 - epoch, shuffle=True)
    assert {tuple(batch) for batch in plan} != {tuple(batch) for batch in other}
