"""Networks on cells: what each kind reads and gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_cell_networks import GENES, SMALL, build, draw, draw_counts, shape_of
from torch import nn

from bioseq_dl.config import CellModel
from bioseq_dl.config.cell_presets import CELL_SIZES
from bioseq_dl.encode.layout import Layout, draw_images
from bioseq_dl.errors import InputError
from bioseq_dl.models.arrangement import Arrangement
from bioseq_dl.models.cell_shape import CellShape
from bioseq_dl.models.image_trunks import GridPooling
from bioseq_dl.models.sequence import count_parameters


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize(("targets", "classes"), [(1, 1), (3, 1), (1, 4), (2, 3)])
def test_outputs_of_each_kind(kind: str, targets: int, classes: int) -> None:
    model = build(kind, shape_of(kind, targets, classes)).eval()
    found = model(draw(2))
    assert found.shape == (2, targets * classes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(model.classify(draw(2)), found)
    assert model.embed(draw(2)).shape == (2, model.head.in_features)


@pytest.mark.parametrize("kind", SMALL)
def test_equal_seeds_build_equal_networks_that_train_alike(kind: str) -> None:
    def train_once() -> torch.Tensor:
        model = build(kind, decoder={"mask": 0.2, "noise": 0.1, "variational": True}).train()
        torch.manual_seed(3)
        model(draw(4)).square().mean().backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    one, two = train_once(), train_once()
    assert torch.equal(one, two)
    assert one.abs().sum() > 0


@pytest.mark.parametrize("kind", SMALL)
def test_a_cell_does_not_depend_on_those_beside_it(kind: str) -> None:
    model = build(kind).train()
    for _ in range(3):
        model(draw(6))
    model.eval()
    values = draw(6)
    torch.testing.assert_close(model(values)[2:3], model(values[2:3]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("decoder", [None, {"loss": "zinb", "variational": True}])
def test_the_weights_go_through_a_state_dict(kind: str, decoder: dict[str, object] | None) -> None:
    shape = shape_of(kind, counts=True)
    one = build(kind, shape, decoder=decoder).eval()
    two = build(kind, shape, seed=9, decoder=decoder).eval()
    values, counts = draw(), draw_counts()
    assert not torch.equal(one(values, counts), two(values, counts))
    two.load_state_dict(one.state_dict())
    assert torch.equal(one(values, counts), two(values, counts))
    again = type(one)(**one.arguments)
    assert again.state_dict().keys() == one.state_dict().keys()


@pytest.mark.parametrize("kind", SMALL)
def test_a_batch_of_one_cell_trains(kind: str) -> None:
    model = build(kind).train()
    model(draw(1)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", SMALL)
def test_bfloat16_agrees_with_float32(kind: str) -> None:
    shape = shape_of(kind, counts=True)
    model = build(kind, shape, decoder={"loss": "zinb"}).eval()
    values, counts = draw(), draw_counts()
    wanted = model(values, counts)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(values, counts)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", ["cnn1d", "lstm", "cnn2d", "resnet18"])
def test_genes_are_found_where_the_layout_puts_them(kind: str) -> None:
    """Another order of the genes with the layout in that order is the same network."""
    shape = shape_of(kind)
    assert shape.pixels is not None
    order = torch.randperm(GENES, generator=torch.Generator().manual_seed(5))
    moved = replace(shape, pixels=tuple(shape.pixels[place] for place in order.tolist()))
    one, two = build(kind, shape).eval(), build(kind, moved).eval()
    torch.testing.assert_close(one(draw()), two(draw()[:, order]))


@pytest.mark.parametrize("averaged", [False, True])
def test_an_image_is_what_numpy_makes(averaged: bool) -> None:
    pixels = (7, 0, 3, 3, 3, 10) if averaged else (7, 0, 3, 4, 11, 10)
    shape = CellShape(6, 1, 1, height=3, width=4, pixels=pixels, averaged=averaged)
    values = draw(3, 6)
    wanted = np.zeros((3, 12), np.float32)
    for pixel in set(pixels):
        at = [gene for gene, place in enumerate(pixels) if place == pixel]
        wanted[:, pixel] = values.numpy()[:, at].mean(1)
    found = Arrangement(shape)(values)
    np.testing.assert_allclose(found.numpy(), wanted.reshape(3, 3, 4), rtol=1e-6)


@given(st.data())
def test_an_image_is_what_the_layout_draws(data: st.DataObject) -> None:
    """The network arranges cells by itself, as pictures of a report are drawn."""
    height, width = (data.draw(st.integers(1, 6)) for _ in range(2))
    places = st.integers(0, height * width - 1)
    averaged = data.draw(st.booleans())
    pixels = data.draw(st.lists(places, min_size=1, max_size=40, unique=not averaged))
    genes = tuple(map(str, range(len(pixels))))
    assignment = "average" if averaged else "lsa"
    layout = Layout("given", height, width, assignment, genes, np.array(pixels, np.int64))
    shape = CellShape(len(pixels), 1, 1, False, height, width, tuple(pixels), averaged)
    values = draw(3, len(pixels))
    np.testing.assert_allclose(
        Arrangement(shape)(values).numpy(),
        draw_images(layout, values.numpy()),
        rtol=1e-5,
        atol=1e-6,
    )


def test_an_image_of_places_of_one_gene_each_is_the_same_either_way() -> None:
    shape = shape_of("cnn2d")
    one, two = Arrangement(shape), Arrangement(replace(shape, averaged=True))
    assert torch.equal(one(draw()), two(draw()))


def test_enlarged_images_repeat_their_pixels() -> None:
    plain, large = build("resnet18", enlarge=1), build("resnet18", enlarge=3)
    images = plain._arrange(draw(2))
    assert torch.equal(
        large._arrange(draw(2)), images.repeat_interleave(3, 2).repeat_interleave(3, 3)
    )


@pytest.mark.parametrize(("height", "width", "grid"), [(7, 5, 3), (4, 9, 4), (2, 2, 7), (8, 8, 1)])
def test_grid_pooling_is_adaptive_average_pooling(height: int, width: int, grid: int) -> None:
    maps = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    pooling = GridPooling(height, width, grid, 3)
    size = (min(grid, height), min(grid, width))
    wanted = nn.functional.adaptive_avg_pool2d(maps, size).flatten(1)
    assert pooling.features == wanted.shape[1]
    torch.testing.assert_close(pooling(maps), wanted)


@pytest.mark.parametrize("pooling", ["flatten", "mean", "last"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_recurrent_forms(pooling: str, bidirectional: bool) -> None:
    model = build(
        "lstm",
        recurrent={
            "genes_per_step": 5,
            "hidden": 6,
            "pooling": pooling,
            "bidirectional": bidirectional,
        },
        dense=(),
    ).eval()
    values = draw(3)
    steps = 5 if pooling == "flatten" else 1  # 22 places, 5 a step
    assert model.embed(values).shape == (3, steps * (12 if bidirectional else 6))
    if pooling == "last":  # the last state of each direction has read all genes
        values.requires_grad_()
        (gradient,) = torch.autograd.grad(model.embed(values)[:, 0].sum(), values)
        assert (gradient.abs() > 0).all()


@pytest.mark.parametrize("kind", CELL_SIZES)
def test_the_sizes_of_each_kind_fit_seven_hundred_genes(kind: str) -> None:
    shape = CellShape(765, 1, 10)
    if kind != "mlp":
        side = (1, 765) if kind in ("cnn1d", "lstm") else (28, 28)
        shape = replace(shape, height=side[0], width=side[1], pixels=tuple(range(765)))
    model = build(kind, shape, **CELL_SIZES[kind]) if kind != "resnet18" else build(kind, shape)
    assert model(draw(2, 765)).shape == (2, 10)
    limit = 12_000_000 if kind == "resnet18" else 400_000
    assert count_parameters(model) < limit


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("cnn2d", CellShape(3, 1, 1)),
        ("cnn2d", CellShape(3, 1, 1, height=1, width=3, pixels=(0, 1, 2))),
        ("resnet18", CellShape(3, 1, 1)),
        ("lstm", CellShape(3, 1, 1, height=2, width=2, pixels=(0, 1, 2))),
        ("cnn1d", CellShape(3, 1, 1)),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(kind: str, shape: CellShape) -> None:
    with pytest.raises(InputError, match=f"key encode.layout: a network of kind {kind} reads an"):
        build(kind, shape)


def test_an_order_too_short_is_refused() -> None:
    layer = {"channels": 2, "kernel": 9, "padding": "valid"}
    with pytest.raises(InputError, match=r"model\.conv: the order of genes is too short"):
        build("cnn1d", CellShape(3, 1, 1, height=1, width=3, pixels=(0, 1, 2)), conv=(layer,))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "mlp", "grid": 3}, "grid is of kind cnn1d and cnn2d and resnet18, not of mlp"),
        ({"kind": "cnn2d", "conv": [{"channels": 2, "kernel": 3}]}, "conv is of kind cnn1d"),
        ({"kind": "cnn1d", "conv": []}, "kind cnn1d needs conv"),
        ({"kind": "lstm", "recurrent": None}, "kind lstm needs recurrent"),
        ({"kind": "cnn2d", "weights": {"path": "a.pth"}}, "weights is of kind resnet18"),
        ({"kind": "resnet18", "freeze": "layer2"}, "freeze keeps what was read: give weights"),
        ({"kind": "cnn2d", "stem": {"kernel": 4}}, "stem.kernel must be odd"),
        ({"decoder": {"beta": 2.0}}, "beta needs decoder.variational"),
        ({"kind": "lstm", "recurrent": {"dropout": 0.1}}, "dropout is between layers"),
    ],
)
def test_senseless_configs_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CellModel.model_validate(fields)


@pytest.mark.parametrize("kind", CELL_SIZES)
def test_a_config_written_out_is_the_same_config(kind: str) -> None:
    model = CellModel.model_validate({"kind": kind})
    assert CellModel.model_validate(model.model_dump()) == model
    assert CellModel.model_validate_json(model.model_dump_json()) == model
    assert model.needs_image == (kind in ("cnn2d", "resnet18"))
    assert model.needs_order == (kind in ("cnn1d", "lstm"))
