"""Small networks with random weights."""

from __future__ import annotations

from typing import Any

import torch

from bioseq_dl.config import Model, Targets
from bioseq_dl.models.sequence import SequenceModel, build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint

PLAIN = {"conv": [{"channels": 6, "kernel": 5, "pool": 2}, {"channels": 5, "kernel": 3}]}


def make_model(
    model: dict[str, Any] | None = None,
    length: int | None = 30,
    targets: int = 1,
    classes: int = 1,
    seed: int = 0,
) -> SequenceModel:
    """A network with random weights and random batch statistics."""
    torch.manual_seed(seed)
    shape = Shape(letters=4, length=length, targets=targets, classes=classes)
    built = build_model(Model.model_validate(model or PLAIN), shape)
    for module in built.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.3)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    with torch.no_grad():  # so that outputs differ by much more than rounding
        for weight in built.parameters():
            weight.mul_(2.0 if weight.dim() > 1 else 1.0)
        if built.wide is not None:  # begins at 0
            for table in built.wide.parameters():
                table[:-1].normal_(std=0.1)
    return built.eval()


def make_checkpoint(
    model: dict[str, Any] | None = None,
    length: int | None = 30,
    seed: int = 0,
    unknown: str = "zeros",
    **targets: Any,
) -> Checkpoint:
    """A checkpoint of such a network."""
    spec = Targets.model_validate(targets)
    classes = len(spec.classes) if spec.kind == "multiclass" else 1
    built = make_model(model, length, len(spec.names), classes, seed)
    return Checkpoint(
        "dna_sequence", built.model, built.shape, spec, unknown, built.state_dict(), {"seed": seed}
    )
