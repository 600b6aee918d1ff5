from __future__ import annotations

import pytest
import torch
from torch import nn

from bioseq_dl.config import Train
from bioseq_dl.train.optimizer import build_optimizer, learning_rate_at


def test_cosine_rises_then_falls_to_zero() -> None:
    train = Train(schedule="cosine", warmup_fraction=0.1, learning_rate=1.0)
    assert learning_rate_at(0.05, train) == pytest.approx(0.5)
    assert learning_rate_at(0.1, train) == pytest.approx(1.0)
    assert learning_rate_at(0.55, train) == pytest.approx(0.5)
    assert learning_rate_at(1.0, train) == pytest.approx(0.0, abs=1e-12)


def test_constant_and_plateau() -> None:
    flat = Train(schedule="constant", warmup_fraction=0, learning_rate=0.3)
    assert learning_rate_at(0.0, flat) == learning_rate_at(0.9, flat) == 0.3
    stalled = Train(schedule="plateau", warmup_fraction=0, learning_rate=0.3)
    assert learning_rate_at(0.5, stalled, plateau_factor=0.25) == pytest.approx(0.075)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_each_optimizer_learns_and_decay_spares_biases(name: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    train = Train.model_validate(
        {"optimizer": name, "learning_rate": 0.02, "weight_decay": 0.1, "momentum": 0.5}
    )
    optimizer = build_optimizer(model, train)
    decay = {
        id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]
    }
    assert decay == {id(model.weight): 0.1, id(model.bias): 0.0}
    x = torch.randn(64, 3)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]])
    first = last = 0.0
    for step in range(60):
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = (float(loss), 0.0) if step == 0 else (first, float(loss))
    assert last < first / 2
