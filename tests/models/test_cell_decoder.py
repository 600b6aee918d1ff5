"""Autoencoders of cells: likelihoods, noise, and who shapes the embedding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import nbinom
from small_cell_networks import GENES, SMALL, build, draw, draw_counts, shape_of

from bioseq_dl.errors import InputError
from bioseq_dl.models.cells import CellNetwork
from bioseq_dl.models.count_likelihood import negative_binomial, zero_inflated
from bioseq_dl.models.noise import Draw, Noise, divergence

FORMS: list[dict[str, object]] = [
    {"loss": loss, "variational": variational}
    for loss in ("gaussian", "nb", "zinb")
    for variational in (False, True)
]


def draw_parameters() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    counts = draw_counts().double()
    counts[0, 0] = 5000.0
    mean = torch.exp(2 * draw(seed=3).double())
    return counts, mean, draw(1, seed=4)[0].double(), draw(seed=5).double()


def test_negative_binomial_is_that_of_scipy() -> None:
    counts, mean, log_dispersion, _ = draw_parameters()
    size = log_dispersion.exp().numpy()
    wanted = nbinom.logpmf(counts.numpy(), size, size / (size + mean.numpy()))
    found = negative_binomial(counts, mean, log_dispersion)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6, atol=1e-7)
    in_float32 = negative_binomial(counts.float(), mean.float(), log_dispersion.float())
    np.testing.assert_allclose(in_float32.numpy(), wanted, rtol=2e-3, atol=1e-3)


def test_zero_inflation_is_a_mixture_with_zero() -> None:
    counts, mean, log_dispersion, logits = draw_parameters()
    size, share = log_dispersion.exp().numpy(), torch.sigmoid(logits).numpy()
    plain = nbinom.pmf(counts.numpy(), size, size / (size + mean.numpy()))
    at_zero = (counts.numpy() == 0) * share
    assert (at_zero > 0).any()
    with np.errstate(divide="ignore"):
        wanted = np.log(at_zero + (1 - share) * plain)
    found = zero_inflated(counts, mean, log_dispersion, logits).numpy()
    known = np.isfinite(wanted)  # scipy's probability of 5000 is 0
    np.testing.assert_allclose(found[known], wanted[known], rtol=1e-6, atol=1e-7)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dispersion", [-12.0, 13.0])
def test_gradients_of_extreme_counts_are_finite(dispersion: float) -> None:
    counts = torch.tensor([[0.0, 1.0, 30_000.0]])
    mean = torch.tensor([[1e-9, 1e4, 1e-3]], requires_grad=True)
    spread = torch.full((3,), dispersion, requires_grad=True)
    logits = torch.tensor([[-40.0, 0.0, 40.0]], requires_grad=True)
    zero_inflated(counts, mean, spread, logits).sum().backward()
    for tensor in (mean, spread, logits):
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_last_output_is_the_loss_of_the_decoder(kind: str, form: dict[str, object]) -> None:
    model = build(
        kind, shape_of(kind, counts=True), decoder=form | {"weight": 2.0, "bottleneck": 3}
    ).eval()
    values, counts = draw(), draw_counts()
    found = model(values, counts, counts.sum(1))
    assert found.shape == (5, 4)
    torch.testing.assert_close(model.classify(values), found[:, :3])
    embedding, error = model.embed(values), model.reconstruction_error(values, counts)
    assert embedding.shape == (5, 3)
    extra = 0.0
    if form["variational"]:
        _, mean, log_variance = model._encode(values)
        extra = divergence(mean, log_variance) / GENES
        assert torch.equal(mean, embedding)
        assert (extra > 0).all()
    torch.testing.assert_close(found[:, 3], 2 * (error + extra))


def test_gaussian_error_is_the_mean_square() -> None:
    model = build("mlp", decoder={"hidden": (), "bottleneck": 4}).eval()
    told = model.decoder.values(model.embed(draw()))
    wanted = (told - draw()).square().mean(1)
    torch.testing.assert_close(model.reconstruction_error(draw()), wanted)


def test_counts_are_spread_over_genes_and_those_that_are_not_read() -> None:
    model = build("mlp", shape_of("mlp", counts=True), decoder={"loss": "nb"}).eval()
    values, counts = draw(), draw_counts()
    totals = counts.sum(1) * 3
    hidden = model.decoder.layers(model.embed(values))
    shares = torch.softmax(model.decoder.values(hidden), 1)
    assert shares.shape == (5, GENES + 1)
    mean = (shares[:, :-1] * totals.unsqueeze(1)).detach().numpy()
    wanted = -nbinom.logpmf(counts.numpy(), 1.0, 1 / (1 + mean)).mean(1)  # dispersion starts at 1
    found = model.reconstruction_error(values, counts, totals).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    unsaid = model.reconstruction_error(values, counts)
    torch.testing.assert_close(unsaid, model.reconstruction_error(values, counts, counts.sum(1)))


def gradient_of_the_encoder(supervised: bool) -> torch.Tensor:
    model = build("mlp", decoder={"supervised": supervised}).train()
    model.classify(draw()).square().sum().backward()
    assert model.head.weight.grad.abs().sum() > 0
    gradient = model.dense.linear[0].weight.grad
    return torch.zeros(1) if gradient is None else gradient


def test_a_linear_probe_leaves_the_encoder_alone() -> None:
    assert gradient_of_the_encoder(supervised=True).abs().sum() > 0
    assert gradient_of_the_encoder(supervised=False).abs().sum() == 0


def test_attributions_reach_the_genes_through_a_linear_probe() -> None:
    model = build("mlp", decoder={"supervised": False}).eval()
    values = draw().requires_grad_()
    model.classify(values)[:, 0].sum().backward()
    assert values.grad is not None
    assert values.grad.abs().sum() > 0


def test_labels_do_not_move_an_unsupervised_embedding() -> None:
    def train(sign: float) -> CellNetwork:
        model = build("mlp", decoder={"supervised": False}).train()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            found = model(draw(8))
            (sign * found[:, 0].mean() + found[:, -1].mean()).backward()
            optimizer.step()
        return model.eval()

    one, two = train(1.0), train(-1.0)
    assert torch.equal(one.embed(draw()), two.embed(draw()))
    assert not torch.equal(one.classify(draw()), two.classify(draw()))


def test_noise_is_of_training_alone() -> None:
    torch.manual_seed(0)
    values = torch.ones(200, 100)
    noise = Noise(0.3, 0.5).train()
    spoilt = noise(values)
    zeros = spoilt == 0
    assert abs(float(zeros.float().mean()) - 0.3) < 0.02
    assert abs(float(spoilt[~zeros].std()) - 0.5) < 0.02
    assert abs(float(spoilt[~zeros].mean()) - 1) < 0.02
    assert torch.equal(noise.eval()(values), values)


def test_draws_are_of_the_distribution_and_of_training_alone() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.full((5000, 1), 2.0), torch.full((5000, 1), np.log(0.25))
    drawn = Draw().train()(mean, log_variance)
    assert abs(float(drawn.mean()) - 2) < 0.03
    assert abs(float(drawn.std()) - 0.5) < 0.03
    assert torch.equal(Draw().eval()(mean, log_variance), mean)


def test_divergence_is_that_of_torch() -> None:
    mean, log_variance = draw(), draw(seed=7)
    normal = torch.distributions.Normal
    wanted = torch.distributions.kl_divergence(
        normal(mean, torch.exp(0.5 * log_variance)), normal(0.0, 1.0)
    ).sum(1)
    torch.testing.assert_close(divergence(mean, log_variance), wanted)


@pytest.mark.parametrize("loss", ["nb", "zinb"])
def test_a_decoder_of_counts_needs_counts(loss: str) -> None:
    with pytest.raises(InputError, match=rf"decoder.loss {loss} tells counts.*gaussian"):
        build("mlp", decoder={"loss": loss})
    model = build("mlp", shape_of("mlp", counts=True), decoder={"loss": loss})
    with pytest.raises(ValueError, match="needs counts"):
        model(draw())


def test_without_a_decoder_nothing_is_reconstructed() -> None:
    with pytest.raises(ValueError, match="without a decoder"):
        build("mlp").reconstruction_error(draw())


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_autoencoder_learns(form: dict[str, object]) -> None:
    """Counts of two kinds of cells: training tells them better, and apart."""
    torch.manual_seed(0)
    rates = torch.exp(2 * torch.randn(2, GENES)).repeat_interleave(40, 0)
    counts = torch.poisson(rates)
    values = torch.log1p(counts)
    values = (values - values.mean(0)) / (values.std(0) + 0.1)
    shape = shape_of("mlp", classes=1, counts=True)
    decoder = (
        form | {"bottleneck": 2, "hidden": (16,), "beta": 0.1} if form["variational"] else form
    )
    model = build("mlp", shape, decoder=decoder).train()
    before = float(model.eval().reconstruction_error(values, counts).mean().detach())
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    model.train()
    for _ in range(60):
        optimizer.zero_grad()
        model(values, counts)[:, -1].mean().backward()
        optimizer.step()
    model.eval()
    after = model.reconstruction_error(values, counts).mean().detach()
    assert float(after) < 0.7 * before
    one, two = model.embed(values).chunk(2)
    assert (one.mean(0) - two.mean(0)).norm() > 2 * torch.stack([one.std(0), two.std(0)]).max()
