"""The loss of networks on cells: targets, and the decoder beside them."""

from __future__ import annotations

import pytest
import torch
from small_cell_networks import draw

from bioseq_dl.config import Targets
from bioseq_dl.models import heads
from bioseq_dl.models.cell_loss import build_loss, split_outputs

NAN = float("nan")
KINDS = [
    (Targets(kind="binary", names=("a", "b")), torch.tensor([[0, 1], [NAN, 1], [1, 0.0]])),
    (Targets(kind="regression", names=("a",)), torch.tensor([[0.5], [NAN], [-1.0]])),
    (
        Targets(kind="multiclass", names=("a", "b"), classes=("x", "y", "z")),
        torch.tensor([[0, 2], [1, NAN], [2, 0.0]]),
    ),
]


@pytest.mark.parametrize(("targets", "labels"), KINDS)
@pytest.mark.parametrize("decoded", [False, True])
def test_it_is_the_loss_of_the_targets_plus_the_mean_of_the_decoder(
    targets: Targets, labels: torch.Tensor, decoded: bool
) -> None:
    classes = len(targets.classes) if targets.kind == "multiclass" else 1
    wide = len(targets.names) * classes
    outputs = draw(3, wide + decoded)
    logits = outputs[:, :wide]
    if targets.kind == "multiclass":  # target by target, class by class
        logits = torch.stack([logits[:, :3], logits[:, 3:]], 1)
    wanted = heads.build_loss(targets)(logits, labels)
    if decoded:
        wanted = wanted + outputs[:, -1].mean()
    torch.testing.assert_close(build_loss(targets)(outputs, labels), wanted)
    parted, rest = split_outputs(outputs, targets)
    assert torch.equal(parted, logits)
    assert (rest is None) != decoded


def test_class_weights_smoothing_and_weights_of_cells_reach_the_targets() -> None:
    targets, labels = KINDS[2]
    weights = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 5.0]])
    outputs, cells = draw(3, 7), torch.tensor([1.0, 0.5, 2.0])
    found = build_loss(targets, weights, 0.1)(outputs, (labels, cells))
    wanted = heads.build_loss(targets, weights, 0.1)(
        outputs[:, :6].reshape(3, 2, 3), (labels, cells)
    )
    torch.testing.assert_close(found, wanted + outputs[:, 6].mean())


def test_cells_without_labels_train_the_decoder_alone() -> None:
    targets, labels = KINDS[0]
    outputs = draw(3, 3).requires_grad_()
    build_loss(targets)(outputs, torch.full_like(labels, NAN)).backward()
    assert outputs.grad is not None
    assert torch.equal(outputs.grad[:, :2], torch.zeros(3, 2))
    torch.testing.assert_close(outputs.grad[:, 2], torch.full((3,), 1 / 3))
