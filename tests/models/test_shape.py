from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.config import ConvLayer, Model, Targets
from bioseq_dl.models.blocks import ConvBlock
from bioseq_dl.models.shape import (
    Shape,
    count_positions,
    layer_positions,
    shape_of,
    shortest_length,
)

LAYERS = st.builds(
    ConvLayer,
    channels=st.just(2),
    kernel=st.integers(1, 6),
    dilation=st.integers(1, 3),
    repeat=st.integers(1, 2),
    padding=st.sampled_from(["same", "valid"]),
    pool=st.integers(1, 5),
    pool_stride=st.none() | st.integers(1, 6),
)


@given(LAYERS, st.integers(1, 60))
def test_positions_agree_with_the_layer(layer: ConvLayer, length: int) -> None:
    wanted = layer_positions(layer, length)
    if wanted < 1:
        assert length < shortest_length(Model(conv=(layer,)))
        return
    block = ConvBlock(layer, 4, "batch", "relu")
    columns, none = block(torch.zeros(2, 4, 1, length), None)
    assert columns.shape == (2, 2, 1, wanted)
    assert none is None
    lengths = layer_positions(layer, torch.tensor([length, length + 1]))
    assert lengths.tolist() == [wanted, layer_positions(layer, length + 1)]


@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_the_shortest_length_is_the_first_that_leaves_a_position(layers: list[ConvLayer]) -> None:
    model = Model(conv=tuple(layers))
    shortest = shortest_length(model)
    assert count_positions(model, shortest) == 1
    lengths = torch.arange(1, shortest)
    for layer in layers:  # too short once is too short for good
        lengths = layer_positions(layer, lengths)
        lengths = lengths[lengths > 0]
    assert len(lengths) == 0


def test_the_shape_is_taken_from_targets_and_lengths() -> None:
    spec = Targets(kind="multiclass", names=("x", "y"), classes=("a", "b", "c"))
    assert shape_of(spec, np.array([9, 9])) == Shape(4, 9, 2, 3)
    assert shape_of(Targets(classes=("no", "yes")), np.array([9, 8])) == Shape(4, None, 1, 1)
    assert shape_of(Targets(), np.array([], np.int64)).length is None


@pytest.mark.parametrize(
    ("preset", "length", "positions"),
    [("basset", 600, 10), ("danq", 1000, 75), ("deepsea", 1000, 53)],
)
def test_published_networks_have_their_published_positions(
    preset: str, length: int, positions: int
) -> None:
    model = Model.model_validate({"preset": preset})
    assert count_positions(model, length) == positions
