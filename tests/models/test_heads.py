from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error
from torch import Tensor

from bioseq_dl.config import Targets
from bioseq_dl.models.heads import build_loss

BINARY = Targets(names=("a", "b"))
CLASSES = Targets(kind="multiclass", names=("a", "b"), classes=("x", "y", "z"))
REGRESSION = Targets(kind="regression", names=("a", "b"))
NAN = math.nan


def _case(spec: Targets, count: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    if spec.kind == "multiclass":
        outputs = torch.randn(count, 2, 3, generator=generator)
        labels = torch.randint(0, 3, (count, 2), generator=generator).float()
    else:
        outputs = torch.randn(count, 2, generator=generator)
        labels = torch.randint(0, 2, (count, 2), generator=generator).float()
    labels[torch.rand(count, 2, generator=generator) < 0.3] = NAN
    return outputs, labels


def test_binary_loss_is_the_log_loss_of_the_labels_that_are_there() -> None:
    outputs, labels = _case(BINARY)
    there = ~labels.isnan()
    wanted = log_loss(labels[there].numpy(), outputs[there].sigmoid().double().numpy())
    assert float(build_loss(BINARY)(outputs, labels)) == pytest.approx(wanted, rel=1e-5)


def test_multiclass_loss_is_the_log_loss_of_the_labels_that_are_there() -> None:
    outputs, labels = _case(CLASSES)
    there = ~labels.isnan()
    wanted = log_loss(labels[there].numpy(), outputs[there].double().softmax(1).numpy())
    assert float(build_loss(CLASSES)(outputs, labels)) == pytest.approx(wanted, rel=1e-5)


def test_regression_loss_is_the_mean_squared_error() -> None:
    outputs, labels = _case(REGRESSION)
    there = ~labels.isnan()
    wanted = mean_squared_error(labels[there].numpy(), outputs[there].numpy())
    assert float(build_loss(REGRESSION)(outputs, labels)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("spec", [BINARY, CLASSES, REGRESSION])
def test_a_missing_label_has_no_gradient(spec: Targets) -> None:
    outputs, labels = _case(spec)
    outputs.requires_grad_()
    build_loss(spec)(outputs, labels).backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    missing = labels.isnan()
    assert (outputs.grad[missing] == 0).all()
    assert (outputs.grad[~missing] != 0).any()


@pytest.mark.parametrize("spec", [BINARY, CLASSES, REGRESSION])
def test_a_batch_without_labels_costs_nothing_and_has_a_gradient_of_zero(spec: Targets) -> None:
    outputs, labels = _case(spec)
    outputs.requires_grad_()
    loss = build_loss(spec, label_smoothing=0.1)(outputs, torch.full_like(labels, NAN))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0
    assert outputs.grad is not None
    assert (outputs.grad == 0).all()


def test_class_weights_multiply_each_label() -> None:
    weights = torch.tensor([[1.0, 3.0], [0.5, 2.0]])
    outputs = torch.tensor([[0.3, -1.0], [2.0, 0.1]])
    labels = torch.tensor([[1.0, 0.0], [0.0, NAN]])

    def cross_entropy(logit: float, label: float) -> float:
        p = 1 / (1 + math.exp(-logit))
        return -math.log(p if label else 1 - p)

    wanted = 3 * cross_entropy(0.3, 1) + 0.5 * cross_entropy(-1.0, 0) + cross_entropy(2.0, 0)
    assert float(build_loss(BINARY, weights)(outputs, labels)) == pytest.approx(wanted / 3)
    per_class = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 5.0]])
    outputs, labels = torch.zeros(1, 2, 3), torch.tensor([[0.0, 2.0]])
    found = float(build_loss(CLASSES, per_class)(outputs, labels))
    assert found == pytest.approx((math.log(3) + 5 * math.log(3)) / 2)


def test_label_smoothing_moves_labels_towards_the_uniform() -> None:
    outputs, labels = _case(BINARY)
    smooth = torch.where(labels > 0.5, 0.95, 0.05)
    there = ~labels.isnan()
    p = outputs.sigmoid()
    plain = -(smooth * p.log() + (1 - smooth) * (1 - p).log())[there].mean()
    found = build_loss(BINARY, label_smoothing=0.1)(outputs, labels)
    assert float(found) == pytest.approx(float(plain), rel=1e-5)
    outputs = torch.tensor([[[2.0, 0.0, -1.0]]])
    logs = outputs.log_softmax(2).flatten()
    wanted = -(0.9 * logs[0] + 0.1 * logs.mean())
    spec = Targets(kind="multiclass", names=("a",), classes=("x", "y", "z"))
    found = build_loss(spec, label_smoothing=0.1)(outputs, torch.zeros(1, 1))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_half_precision_outputs_give_a_full_precision_loss() -> None:
    outputs, labels = _case(BINARY)
    assert build_loss(BINARY)(outputs.bfloat16(), labels).dtype == torch.float32
