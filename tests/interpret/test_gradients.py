"""Contributions sum to the difference of outputs, and are those worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import DeepLift
from random_networks import make_model

from bioseq_dl.config import Targets
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.chain import read_pairs
from bioseq_dl.interpret.gradients import Attributed, integrate_gradients, lift
from bioseq_dl.interpret.outputs import list_outputs
from bioseq_dl.interpret.references import shuffle_dinucleotides
from bioseq_dl.models.sequence import SequenceModel

ONE = list_outputs(Targets())
CHAINS: dict[str, dict[str, Any]] = {
    "plain": {"conv": [{"channels": 6, "kernel": 5, "pool": 2}], "pooling": ["max", "mean"]},
    "even, repeated, residual": {
        "conv": [
            {"channels": 6, "kernel": 4, "pool": 4},
            {"channels": 6, "kernel": 3, "repeat": 2, "residual": True, "dilation": 2},
            {"channels": 4, "kernel": 3, "residual": True, "pool": 2, "pool_stride": 3},
        ],
        "dense": [7],
    },
    "valid, flatten": {
        "conv": [
            {"channels": 6, "kernel": 5, "padding": "valid", "pool": 3},
            {"channels": 5, "kernel": 3, "padding": "valid", "pool": 2},
        ],
        "pooling": ["flatten"],
        "flatten_channels": 3,
        "dense": [8, 6],
        "normalisation": "none",
    },
    "overlapping pools, other activations": {
        "conv": [
            {"channels": 6, "kernel": 7, "activation": "exp", "pool": 4, "pool_stride": 2},
            {"channels": 5, "kernel": 3, "activation": "silu", "pool": 3, "pool_stride": 2},
        ],
        "activation": "gelu",
        "dense": [5],
    },
    "both strands": {"conv": [{"channels": 6, "kernel": 5}], "reverse_complement": True},
    "shorter than its layers": {
        "conv": [{"channels": 6, "kernel": 21, "padding": "valid", "pool": 12}]
    },
}
OTHERS: dict[str, dict[str, Any]] = {
    "own": {
        "conv": [{"channels": 6, "kernel": 5, "activation": "exp", "pool": 2}],
        "activation": "gelu",
        "pooling": ["max", "attention"],
        "reverse_complement": "evaluation",
        "dense": [5],
    },
    "recurrent": {"recurrent": {"kind": "lstm", "hidden": 6}, "pooling": "mean"},
    "k-mers beside": {"conv": [{"channels": 6, "kernel": 5}], "wide": {"positional": 2}},
}


def draw(count: int = 3, length: int = 30, unknown: bool = False) -> tuple[np.ndarray, np.ndarray]:
    codes = np.random.default_rng(3).integers(0, 4, (count, length)).astype(np.uint8)
    if unknown:
        codes[0, 4:7] = codes[1, -1] = 4
    return codes, np.stack([shuffle_dinucleotides(row, 3, 0) for row in codes])


def present(found: Attributed, codes: np.ndarray) -> np.ndarray:
    """The letters' contributions: (n, length, outputs)."""
    letters = np.minimum(codes, 3)[:, :, None, None].astype(np.int64)
    return np.take_along_axis(found.hypothetical, letters, axis=2)[:, :, 0]


def check_sums(found: Attributed, codes: np.ndarray, tolerance: float) -> None:
    difference = found.outputs - found.reference_outputs
    assert np.abs(difference).max() > 0.005
    np.testing.assert_allclose(present(found, codes).sum(1), difference, atol=tolerance)


@pytest.mark.parametrize("name", CHAINS)
def test_the_chain_is_the_network(name: str) -> None:
    model = make_model(CHAINS[name], length=None if "shorter" in name else 30, targets=2)
    columns = one_hot(torch.from_numpy(draw(unknown=True)[0]))
    with torch.no_grad():
        expected = model._read(columns, None)
        found = read_pairs(model, columns)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("unknown", ["zeros", "uniform"])
@pytest.mark.parametrize("name", CHAINS)
def test_contributions_of_deeplift_sum_to_the_difference(name: str, unknown: str) -> None:
    model = make_model(CHAINS[name], length=None if "shorter" in name else 30, targets=2)
    codes, references = draw(unknown=True)
    outputs = list_outputs(Targets(names=("a", "b")))
    found = lift(model, codes, references, outputs, unknown=unknown)
    assert found.hypothetical.shape == (3, 30, 4, 2)
    check_sums(found, codes, 1e-5)
    assert not found.hypothetical[codes == 4].any()


@pytest.mark.parametrize("name", [*CHAINS, *OTHERS])
def test_integrated_gradients_sum_to_the_difference(name: str) -> None:
    model = make_model((CHAINS | OTHERS)[name], length=None if "shorter" in name else 30)
    codes, references = draw(unknown=True)
    found = integrate_gradients(model, codes, references, ONE, steps=80)
    difference = np.abs(found.outputs - found.reference_outputs).max()
    check_sums(found, codes, max(0.004, 0.15 * difference))
    assert not found.hypothetical[codes == 4].any()


def test_more_steps_bring_the_sum_nearer() -> None:
    model, (codes, references) = make_model(CHAINS["plain"]), draw(2)
    errors = []
    for steps in (2, 100):
        found = integrate_gradients(model, codes, references, ONE, steps=steps)
        difference = found.outputs - found.reference_outputs
        errors.append(np.abs(present(found, codes).sum(1) - difference).max())
    assert errors[1] < 0.5 * errors[0]


def test_classes_are_taken_against_their_mean() -> None:
    spec = Targets(kind="multiclass", names=("cell",), classes=("T", "B", "NK"))
    model, (codes, references) = make_model(targets=1, classes=3), draw()
    outputs = list_outputs(spec)
    found = lift(model, codes, references, outputs)
    check_sums(found, codes, 1e-5)
    np.testing.assert_allclose(found.hypothetical.sum(-1), 0, atol=1e-5)
    one = lift(model, codes, references, list_outputs(spec, ("cell:B",)))
    np.testing.assert_allclose(one.hypothetical[..., 0], found.hypothetical[..., 1], atol=1e-6)


def by_hand() -> SequenceModel:
    """relu(2 A - 1), relu(3 C + 1) at each of four places, maxima of two, weights 1 and -2."""
    model = make_model(
        {
            "conv": [{"channels": 2, "kernel": 1, "pool": 2}],
            "pooling": ["flatten"],
            "normalisation": "none",
        },
        length=4,
    )
    with torch.no_grad():
        convolution = model.convolutions[0].convolutions[0]
        convolution.weight.zero_()
        convolution.weight[0, 0] = 2.0
        convolution.weight[1, 1] = 3.0
        convolution.bias.copy_(torch.tensor([-1.0, 1.0]))
        # Features: place 0 channels 0 and 1, then place 1.
        model.head.weight.copy_(torch.tensor([[1.0, -2.0, 4.0, 1.0]]))
        model.head.bias.zero_()
    return model


def test_deeplift_as_worked_out_by_hand() -> None:
    """AGTC against GGCT.

    Channel 0 (before ReLU 2 A - 1): A gives 1 for G's -1, so ReLU turns a change of 2 into
    1, ratio 1/2. It is the highest of its pair in both: the pair's maximum goes from 0 to
    1, the whole change is place 0's. Weight 1: A's multiplier there is 2 * 1/2 * 1 = 1.
    Channel 1 (3 C + 1): in the second pair TC against CT the maximum is 4 in both; it does not
    change, so neither place contributes, though the place of the maximum does.
    """
    codes = np.array([[0, 2, 3, 1]], np.uint8)
    references = np.array([[[2, 2, 1, 3]]], np.uint8)
    found = lift(by_hand(), codes, references, ONE)
    assert found.outputs[0, 0] == pytest.approx(1 - 2 * 1 + 4 * 0 + 4)
    assert found.reference_outputs[0, 0] == pytest.approx(0 - 2 * 1 + 4 * 0 + 4)
    np.testing.assert_allclose(present(found, codes)[0, :, 0], [1, 0, 0, 0], atol=1e-6)
    # The plain gradient times the difference is 2 for the A: its ReLU's slope is 1 there.
    expected = integrate_gradients(by_hand(), codes, references, ONE, steps=400)
    np.testing.assert_allclose(present(expected, codes)[0, 0, 0], 1, atol=0.01)


def test_the_change_of_a_maximum_goes_to_who_has_it_or_had_it() -> None:
    """AC against AA: channel 1 of the first pair rises from 1 to 4; AA against CA: it falls.

    Its weight is -2: C contributes -6 where it is there, and +6 to the A where it was.
    """
    codes = np.array([[0, 1, 2, 2], [0, 0, 2, 2]], np.uint8)
    references = np.array([[[0, 0, 2, 2]], [[1, 0, 2, 2]]], np.uint8)
    found = present(lift(by_hand(), codes, references, ONE), codes)[..., 0]
    np.testing.assert_allclose(found, [[0, -6, 0, 0], [6, 0, 0, 0]], atol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_captum_gives_the_same_where_it_is_right() -> None:
    """Without maxima: Captum gives a ReLU before a max pooling the wrong gradient."""
    layers = {"conv": [{"channels": 6, "kernel": 5}], "pooling": "mean", "dense": [8, 6]}
    model = make_model(layers | {"normalisation": "none"})
    codes, references = draw()
    block = model.convolutions[0]
    network = torch.nn.Sequential(
        torch.nn.Unflatten(1, (4, 1)),
        block.convolutions[0],
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        model.dense[0],
        torch.nn.ReLU(),
        model.dense[1],
        torch.nn.ReLU(),
        model.head,
    )
    columns = one_hot(torch.from_numpy(codes))
    total = torch.zeros(3, 30)
    for place in range(3):
        compared = one_hot(torch.from_numpy(references[:, place]))
        total += DeepLift(network).attribute(columns, compared, target=0).sum(1).detach() / 3
    found = present(lift(model, codes, references, ONE), codes)[..., 0]
    np.testing.assert_allclose(found, total, atol=1e-6)


def test_deeplift_is_not_the_gradient() -> None:
    model, (codes, references) = make_model(CHAINS["plain"]), draw(1)
    lifted = present(lift(model, codes, references[:, :1], ONE), codes)
    columns = one_hot(torch.from_numpy(codes)).requires_grad_()
    (gradient,) = torch.autograd.grad(model(columns).sum(), columns)
    change = columns - one_hot(torch.from_numpy(references[0, :1]))
    plain = (gradient * change).sum(1).detach().numpy()
    assert np.abs(lifted[..., 0] - plain).max() > 0.02


def test_both_methods_tell_much_the_same() -> None:
    model, (codes, references) = make_model(CHAINS["plain"]), draw()
    one = present(lift(model, codes, references, ONE), codes).ravel()
    other = present(integrate_gradients(model, codes, references, ONE), codes).ravel()
    assert np.corrcoef(one, other)[0, 1] > 0.5


def test_both_strands_give_mirrored_contributions() -> None:
    model, (codes, references) = make_model(CHAINS["both strands"]), draw()
    other, compared = 3 - codes[:, ::-1], 3 - references[:, :, ::-1]
    for method in (lift, integrate_gradients):
        found = method(model, codes, references, ONE).hypothetical
        mirrored = method(model, other, compared, ONE).hypothetical[:, ::-1, ::-1]
        np.testing.assert_allclose(found, mirrored, atol=1e-5)
        assert np.abs(found).max() > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recurrent": {"hidden": 4}}, "recurrent layers; found 'recurrent: lstm'"),
        ({"wide": {"anywhere": 2}}, "a table of k-mers; found 'wide'"),
        ({"pooling": "attention"}, "attention; found 'pooling: attention'"),
        ({"normalisation": "layer"}, "this normalisation; found 'normalisation: layer'"),
    ],
    ids=["recurrent", "wide", "attention", "layer"],
)
def test_layers_without_a_rule_are_refused(change: dict[str, Any], message: str) -> None:
    model = make_model({"conv": [{"channels": 4, "kernel": 3}]} | change)
    with pytest.raises(InputError) as caught:
        lift(model, *draw(), ONE)
    assert str(caught.value) == (
        f"deeplift has no rule for {message}; allowed: convolutions, activations, pooling by "
        "max, mean or flatten, dense layers; "
        "fix: use integrated_gradients or mutagenesis"
    )
