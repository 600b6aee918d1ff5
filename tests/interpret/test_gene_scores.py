"""Class activation maps and attributions of genes, on networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bioseq_dl.config import CellModel
from bioseq_dl.interpret.gene_attributions import integrate_genes, score_genes
from bioseq_dl.interpret.grad_cam import class_activation, gene_scores
from bioseq_dl.models.cell_shape import CellShape
from bioseq_dl.models.cells import CellNetwork, build_model

SIDE = 10
GENES = SIDE * SIDE
PIXELS = tuple(torch.randperm(GENES, generator=torch.Generator().manual_seed(0)).tolist())
MARKERS = [PIXELS.index(row * SIDE + column) for row in (2, 3) for column in (6, 7)]
"""Genes that decide the class; a block of the image."""

KINDS: dict[str, dict[str, object]] = {
    "mlp": {"kind": "mlp", "dense": (16,)},
    "cnn1d": {"kind": "cnn1d", "conv": ({"channels": 8, "kernel": 3},), "grid": 25},
    "lstm": {"kind": "lstm", "recurrent": {"genes_per_step": 10, "hidden": 8}},
    "flat": {
        "kind": "cnn2d",
        "stem": {"channels": 8, "kernel": 3},
        "stages": (),
        "grid": 5,
    },
    "deep": {
        "kind": "cnn2d",
        "stem": {"channels": 8, "kernel": 3},
        "stages": ({"channels": 8},),
        "grid": 1,
        "normalisation": "none",
    },
}


def build(name: str, classes: int = 2, **changes: object) -> CellNetwork:
    torch.manual_seed(0)
    height, width = (1, GENES) if name in ("cnn1d", "lstm") else (SIDE, SIDE)
    shape = CellShape(GENES, 1, classes, height=height, width=width, pixels=PIXELS)
    given = {"dense": (), "dropout": 0.0} | KINDS[name] | changes
    return build_model(CellModel.model_validate(given), shape)


def draw_cells() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(300, GENES, generator=generator)
    labels = (torch.rand(300, generator=generator) > 0.5).long()
    values[:, MARKERS] += 1.5 * labels.unsqueeze(1)
    return values.numpy(), labels.numpy()


def train(model: CellNetwork) -> CellNetwork:
    values, labels = (torch.from_numpy(part) for part in draw_cells())
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    model.train()
    for _ in range(10):
        for start in range(0, 300, 50):
            part = slice(start, start + 50)
            optimizer.zero_grad()
            functional.cross_entropy(model(values[part]), labels[part]).backward()
            optimizer.step()
    return model.eval()


def rank(scores: NDArray[np.float32]) -> list[int]:
    """Places of the deciding genes among all, best first."""
    return sorted(np.flatnonzero(np.isin(scores.argsort()[::-1], MARKERS)).tolist())


@pytest.mark.parametrize("name", KINDS)
def test_genes_that_decide_come_out_on_top(name: str) -> None:
    model = train(build(name))
    values, labels = draw_cells()
    cells = values[labels == 1]
    assert rank(integrate_genes(model, cells, 1).mean(0)) == [0, 1, 2, 3]
    scores = score_genes(model, cells, 1)
    assert scores.shape == cells.shape
    # A map is as coarse as what a unit sees: pixels beside the block share its light.
    limit = 8 if model.model.needs_image else 4
    assert max(rank(scores.mean(0))) < limit


def test_a_mean_gradient_mixes_places_that_the_network_tells_apart() -> None:
    """Why maps of a network that keeps places are taken element by element."""
    model = build("flat", classes=1).eval()
    with torch.no_grad():  # one part of 5 x 5 speaks for the class, the others against it
        weight = -torch.ones(1, 8, 5, 5)
        weight[:, :, 1, 3] = 1.0
        model.head.weight.copy_(weight.reshape(1, -1))
    cells = draw_cells()[0][:5]
    own = class_activation(model, cells, 0)
    assert (own[:, 2:4, 6:8] > 0).any((1, 2)).all()
    own[:, 2:4, 6:8] = 0
    assert not own.any()
    assert not class_activation(model, cells, 0, elementwise=False).any()


def test_maps_are_those_of_the_formula() -> None:
    model = build("deep", stages=({"channels": 8, "stride": 2},)).eval()
    values, _ = draw_cells()
    maps = model.read_maps(torch.from_numpy(values[:3]))[-1].detach().requires_grad_()
    outputs = model.classify_maps(maps)
    (gradient,) = torch.autograd.grad((outputs[:, 1] - outputs.mean(1)).sum(), maps)
    wanted = torch.relu((gradient.mean((2, 3))[:, :, None, None] * maps).sum(1))
    large = functional.interpolate(wanted[:, None], (SIDE, SIDE), mode="bilinear")[:, 0]
    found = class_activation(model, values[:3], 1)
    assert found.shape == (3, SIDE, SIDE)
    np.testing.assert_allclose(found, large.detach().numpy(), rtol=1e-4, atol=1e-7)
    assert not np.allclose(found, class_activation(model, values[:3], 1, stage=0))


def test_without_hidden_layers_a_map_sums_to_the_output() -> None:
    """HiResCAM of a linear head: the sum over places is the logit without its bias."""
    model = build("flat", classes=1).eval()
    with torch.no_grad():
        model.head.weight.abs_()  # so that the ReLU takes nothing away
    values, _ = draw_cells()
    maps = class_activation(model, values[:4], 0)
    with torch.no_grad():
        logits = model(torch.from_numpy(values[:4]))[:, 0] - model.head.bias
    np.testing.assert_allclose(maps.sum((1, 2)), logits.numpy(), rtol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_attributions_sum_to_the_difference_of_the_outputs(name: str) -> None:
    model = train(build(name))
    cells = draw_cells()[0][:8]
    baseline = np.full(GENES, 0.25, np.float32)
    found = integrate_genes(model, cells, 0, baseline=baseline, steps=200)
    with torch.no_grad():
        one = model(torch.from_numpy(cells))
        two = model(torch.from_numpy(baseline).unsqueeze(0))
    wanted = (one[:, 0] - one.mean(1)) - (two[:, 0] - two.mean(1))
    np.testing.assert_allclose(found.sum(1), wanted.numpy(), rtol=0.03, atol=0.03)


def test_each_cell_may_be_asked_about_another_class() -> None:
    model = build("deep", classes=3)
    values, _ = draw_cells()
    values, asked = values[:70], np.arange(70) % 3
    for function in (class_activation, integrate_genes):
        found = function(model, values, asked)
        for label in range(3):
            of = asked == label
            np.testing.assert_allclose(
                found[of], function(model, values[of], label), rtol=1e-3, atol=1e-5
            )


def test_genes_read_the_map_at_their_place() -> None:
    maps = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    found = gene_scores(maps, (5, 0, 0, 2))
    np.testing.assert_array_equal(found, [[5, 0, 0, 2], [11, 6, 6, 8]])
    values = np.array([[2, 1, 1, -1], [-1, 0, 3, 0.5]], np.float32)
    found = gene_scores(maps, (5, 0, 0, 2), values)
    np.testing.assert_array_equal(found, [[10, 0, 0, 0], [0, 0, 18, 4]])


def test_a_network_without_images_has_no_map() -> None:
    with pytest.raises(ValueError, match="kind mlp has no maps"):
        class_activation(build("mlp"), draw_cells()[0][:2], 0)


def test_a_decoder_is_not_asked() -> None:
    model = build("deep", decoder={"variational": True, "noise": 0.5})
    values = draw_cells()[0][:2]
    assert score_genes(model, values, 1).shape == (2, GENES)
    np.testing.assert_array_equal(score_genes(model, values, 1), score_genes(model, values, 1))
