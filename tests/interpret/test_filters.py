"""Filters set by hand, so that their motif is known."""

import numpy as np
import pytest
import torch
from planted_sites import encode, plant

from bioseq_dl.config import ConvLayer, Model
from bioseq_dl.interpret.filters import find_filter_motifs
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape

WORD = "AGATAAG"


def _model(kernel=7, activation="relu", padding="same", normalisation="none", dilation=1):
    layer = ConvLayer(
        channels=4, kernel=kernel, activation=activation, padding=padding, dilation=dilation
    )
    config = Model(conv=(layer,), normalisation=normalisation, pooling=("max",), dense=())
    torch.manual_seed(0)
    model = build_model(config, Shape(letters=4, length=60, targets=1, classes=1)).eval()
    convolution = model.convolutions[0].convolutions[0]
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        word = torch.from_numpy(np.eye(4)[encode(WORD)].T.astype(np.float32))
        convolution.weight[0, :, 0, : len(WORD)] = word  # filter 0 counts the word's letters
        convolution.bias[0] = -3.0
        convolution.bias[1] = -1.0  # filter 1 is never above 0
        convolution.weight[2, :, 0, : len(WORD)] = -word  # filter 2 is turned round
        convolution.bias[2] = 3.0
        convolution.bias[3] = 1.0  # filter 3 is always alike
    return model


@pytest.mark.parametrize("kernel", [7, 8, 11])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_filter_finds_its_word_and_silent_ones_are_named(kernel, padding):
    found = find_filter_motifs(_model(kernel, padding=padding), plant(WORD).codes)
    (motif,) = [motif for motif in found.motifs if motif.name == "filter_0"]
    assert motif.consensus == WORD
    assert motif.kind == "filter"
    assert 1 in found.silent
    assert 3 in found.silent


def test_only_sites_above_half_of_the_maximum_count_one_a_sequence():
    planted = plant(WORD, share=0.0)
    codes = planted.codes.copy()
    codes[:30, 5:12] = encode(WORD)  # 4 above 0
    codes[:30, 25:32] = encode(WORD)
    found = find_filter_motifs(_model(), codes)
    motif = found.motifs[0]
    one_hot = np.eye(4)[codes]
    windows = np.stack([one_hot[:, i : i + 7] for i in range(54)], axis=1)
    scores = (windows * np.eye(4)[encode(WORD)]).sum(axis=(2, 3)) - 3
    expected = int((scores.max(axis=1) > 2).sum())
    assert abs(motif.sites - expected) <= 5  # sites partly beyond the end count too
    assert motif.sites >= 30


def test_normalisation_that_turns_a_filter_round_is_followed():
    model = _model(normalisation="batch")
    norm = model.convolutions[0].normalisations[0].norm
    with torch.no_grad():
        norm.weight[2] = -1.0
    found = find_filter_motifs(model, plant(WORD).codes)
    (turned,) = [motif for motif in found.motifs if motif.name == "filter_2"]
    assert turned.consensus == WORD


def test_exponential_filters_take_the_steep_top():
    found = find_filter_motifs(_model(activation="exp"), plant(WORD).codes)
    assert found.motifs[0].consensus == WORD
    assert found.silent == (1, 3)


def test_a_dilated_filter_reads_every_other_base():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (200, 60)).astype(np.uint8)
    for row in range(150):
        codes[row, 20:34:2] = encode(WORD)
    found = find_filter_motifs(_model(dilation=2), codes)
    assert found.motifs[0].consensus == WORD


def test_no_sequences_no_motifs():
    found = find_filter_motifs(_model(), np.zeros((0, 60), np.uint8))
    assert found.motifs == found.silent == found.vague == ()
