"""The loss of orders, and records that count more than others."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from bioseq_dl.config import Targets
from bioseq_dl.models.heads import build_loss, rank_loss

SCORE = Targets(kind="regression", names=("score",))


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values).unsqueeze(1)


def test_two_records_give_the_logistic_loss_of_their_difference() -> None:
    found = rank_loss(column(1.0, 3.0), column(0.0, 9.0))
    assert found.item() == pytest.approx(torch.log1p(torch.exp(torch.tensor(-2.0))).item())


def test_only_the_order_of_the_labels_counts() -> None:
    outputs = torch.randn(30, 1, generator=torch.Generator().manual_seed(0))
    labels = torch.randn(30, 1, generator=torch.Generator().manual_seed(1))
    assert rank_loss(outputs, labels).item() == pytest.approx(
        rank_loss(outputs, labels.exp()).item()
    )


def test_missing_labels_and_ties_have_no_order() -> None:
    outputs = column(1.0, 2.0, 3.0).requires_grad_()
    found = rank_loss(outputs, column(0.0, float("nan"), 0.0))
    found.backward()
    assert found.item() == 0
    assert outputs.grad is not None
    assert not outputs.grad.any()


def test_descending_it_sorts() -> None:
    labels = torch.randn(200, 1, generator=torch.Generator().manual_seed(2))
    outputs = torch.randn(200, 1, generator=torch.Generator().manual_seed(3)).requires_grad_()
    optimizer = torch.optim.Adam([outputs], 0.1)
    before = spearmanr(outputs.detach(), labels).statistic
    for _ in range(100):
        optimizer.zero_grad()
        rank_loss(outputs, labels).backward()
        optimizer.step()
    assert before < 0.3 < 0.98 < spearmanr(outputs.detach(), labels).statistic


def test_many_records_are_compared_in_parts() -> None:
    outputs = torch.randn(5000, 1, generator=torch.Generator().manual_seed(0))
    found = build_loss(SCORE, kind="rank")(outputs, -outputs)
    parts = [rank_loss(outputs[start::3], -outputs[start::3]) for start in range(3)]
    assert found.item() == pytest.approx(torch.stack(parts).mean().item())


def test_both_is_the_sum() -> None:
    outputs, labels = column(1.0, 2.0, 0.5), column(0.0, 1.0, 2.0)
    both, rank, squares = (build_loss(SCORE, kind=kind) for kind in ("both", "rank", "default"))
    unit = labels.std(correction=0)
    expected = rank(outputs / unit, labels / unit) + squares(outputs / unit, labels / unit)
    assert both(outputs, labels).item() == pytest.approx(expected.item())
    assert both(outputs * 1e-3, labels * 1e-3).item() == pytest.approx(expected.item())


def test_both_of_equal_or_missing_labels_is_the_squared_error() -> None:
    found = build_loss(SCORE, kind="both")(column(1.0, 3.0), column(2.0, 2.0))
    assert found.item() == pytest.approx(1.0)
    missing = column(float("nan"), float("nan"))
    assert build_loss(SCORE, kind="both")(column(1.0, 3.0), missing).item() == 0.0


def test_weights_make_a_weighted_mean() -> None:
    outputs, labels = column(0.0, 0.0, 0.0), column(1.0, 2.0, float("nan"))
    loss = build_loss(SCORE)
    assert loss(outputs, (labels, torch.tensor([3.0, 1.0, 5.0]))).item() == pytest.approx(7 / 4)
    assert loss(outputs, (labels, torch.ones(3))).item() == loss(outputs, labels).item()


def test_weights_of_records_weigh_their_pairs() -> None:
    outputs, labels = column(0.0, 1.0, 5.0), column(2.0, 1.0, 0.0)
    alone = rank_loss(outputs, labels, torch.tensor([1.0, 1.0, 0.0]))
    assert alone.item() == pytest.approx(rank_loss(outputs[:2], labels[:2]).item())
