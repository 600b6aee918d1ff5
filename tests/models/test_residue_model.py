"""The network with an output for each position, and its loss."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from Bio.Align import substitution_matrices

from bioseq_dl.config import HEADS, Model, Targets
from bioseq_dl.config.presets import PRESETS
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.scales import SCALES, tabulate_scales
from bioseq_dl.io.secondary_structure import Q3, Q8
from bioseq_dl.models.residue_loss import build_loss
from bioseq_dl.models.residues import build_model
from bioseq_dl.models.shape import Shape

NAN = float("nan")
ALL = Targets(kind="residues", names=tuple(HEADS))
PRESET = [name for name in PRESETS if name.startswith("residue_")]


def build(model: dict[str, object], outputs: int = 5, features: int = 0) -> torch.nn.Module:
    torch.manual_seed(0)
    shape = Shape(20, None, outputs, 1, features)
    return build_model(Model.model_validate(model), shape)


def draw(lengths: list[int], rows: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(len(lengths), rows, max(lengths), generator=generator)


def test_heads_name_the_states_that_are_read() -> None:
    assert HEADS["q3"].states == Q3
    assert HEADS["q8"].states == Q8


@pytest.mark.parametrize("preset", PRESET)
@pytest.mark.parametrize("training", [False, True])
def test_a_padded_protein_is_read_as_it_is_alone(preset: str, training: bool) -> None:
    sizes = {**copy.deepcopy(PRESETS[preset]), "normalisation": "layer"}
    for layer in (*sizes.get("conv", ()), sizes.get("recurrent") or {}):
        layer["dropout"] = 0.0
    model = build({**sizes, "dropout": 0.0}).train(training)
    lengths = [9, 1, 30]
    columns = draw(lengths)
    padded = model(columns, torch.tensor(lengths))
    assert padded.shape == (3, 30, 5)
    for row, length in enumerate(lengths):
        alone = model(columns[row : row + 1, :, :length])
        torch.testing.assert_close(padded[row, :length], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", PRESET)
def test_any_length_from_one_to_thousands(preset: str) -> None:
    model = build({"preset": preset}).eval()
    with torch.inference_mode():
        for length in (1, 2, 5000):
            assert model(draw([length])).shape == (1, length, 5)


def test_an_output_sees_its_neighbourhood_and_no_further() -> None:
    conv = [{"channels": 4, "kernel": 5}, {"channels": 4, "kernel": 3, "dilation": 2}]
    model = build({"conv": conv, "normalisation": "none"}).eval()
    columns = draw([41]).requires_grad_()
    model(columns)[0, 20].sum().backward()
    seen = columns.grad[0].abs().sum(0).nonzero().flatten()
    assert (seen.min().item(), seen.max().item()) == (16, 24)


def test_features_and_scales_are_read() -> None:
    model = build({"preset": "residue_cnn", "scales": ["blosum62", "properties"]}, features=3)
    assert model.convolutions[0].convolutions[0].in_channels == 20 + 3 + 20 + 7
    columns = draw([6], 23).requires_grad_()
    model.eval()(columns).sum().backward()
    assert (columns.grad[0, 20:].abs() > 0).all()
    assert not [name for name in model.state_dict() if "scales" in name]


def test_scales_are_those_of_the_letters() -> None:
    table = tabulate_scales(["blosum62"])
    known = substitution_matrices.load("BLOSUM62")
    for place, letter in enumerate(PROTEIN.letters):
        for other, partner in enumerate(PROTEIN.letters):
            row = "ACDEFGHIKLMNPQRSTVWY".index(partner)
            assert table[row, place] * 4 == known[letter][partner], (letter, partner, other)
    assert SCALES["properties"]["I"][3] > SCALES["properties"]["K"][3]  # hydrophobicity


def test_labels_that_are_missing_add_nothing() -> None:
    loss = build_loss(ALL)
    outputs = torch.randn(2, 3, len(ALL.outputs), requires_grad=True)
    labels = torch.full((2, 3, len(ALL.labels)), NAN)
    loss(outputs, labels).backward()
    assert loss(outputs, labels).item() == 0
    assert (outputs.grad == 0).all()
    labels[0, 1, 0] = 2.0  # one residue, q3: C
    outputs.grad = None
    value = loss(outputs, labels)
    value.backward()
    logits = outputs.detach()[0, 1, :3]
    assert value.item() == pytest.approx(float(logits.logsumexp(0) - logits[2]), rel=1e-5)
    touched = outputs.grad.abs() > 0
    assert touched[0, 1, :3].all()
    assert touched.sum() == 3


def test_each_head_by_hand() -> None:
    cases = [
        ("disorder", [0.4], [1.0], math.log1p(math.exp(-0.4))),
        ("rsa", [0.0], [0.9], 0.4**2),
        ("angles", [0.5, 0.0, 0.0, 1.0], [math.pi / 2, 0.0], 0.5**2 / 2),
        ("q8", [0.0] * 8, [3.0], math.log(8)),
    ]
    for name, outputs, labels, wanted in cases:
        loss = build_loss(Targets(kind="residues", names=(name,)))
        found = loss(torch.tensor([[outputs]]), torch.tensor([[labels]]))
        assert found.item() == pytest.approx(wanted, abs=1e-6), name


def test_weights_of_heads_multiply_their_losses() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(1, 4, 4)
    labels = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [2.0, NAN], [NAN, 0.0]]])
    parts = {}
    for name, columns, label in (("q3", slice(0, 3), 0), ("disorder", slice(3, 4), 1)):
        one = build_loss(Targets(kind="residues", names=(name,)))
        parts[name] = one(outputs[..., columns], labels[..., label : label + 1]).item()
    both = Targets(kind="residues", names=("q3", "disorder"), weights={"disorder": 0.25})
    found = build_loss(both)(outputs, labels).item()
    assert found == pytest.approx(parts["q3"] + 0.25 * parts["disorder"])


def test_angles_have_no_seam() -> None:
    loss = build_loss(Targets(kind="residues", names=("angles",)))
    outputs = torch.tensor([[[0.0, -1.0, 0.0, -1.0]]])
    for angle in (np.pi - 1e-4, -np.pi + 1e-4):
        assert loss(outputs, torch.full((1, 1, 2), angle)).item() < 1e-6
