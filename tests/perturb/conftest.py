"""Networks as if trained, and what they score themselves in double precision."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from bioseq_dl.config import Model
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.models.sequence import SequenceModel, build_model
from bioseq_dl.models.shape import Shape


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _make_model(
    sizes: dict[str, Any], length: int, targets: int = 2, classes: int = 1, seed: int = 0
) -> SequenceModel:
    """Give a network whose weights and running statistics are of a trained network's size."""
    torch.manual_seed(seed)
    model = build_model(Model.model_validate(sizes), Shape(4, length, targets, classes)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    if model.wide is not None:
        for table in model.wide.parameters():
            torch.nn.init.normal_(table, std=0.3)
            table.data[-1] = 0.0
    return model


@torch.inference_mode()
def _read_slowly(model: SequenceModel, windows: np.ndarray, unknown: str = "zeros") -> np.ndarray:
    """Give the model's own outputs for windows, computed in double precision."""
    exact = copy.deepcopy(model).double()
    codes = torch.from_numpy(np.ascontiguousarray(windows))
    return exact(one_hot(codes, unknown, torch.float64)).numpy()


@pytest.fixture
def make_model() -> Callable[..., SequenceModel]:
    return _make_model


@pytest.fixture
def read_slowly() -> Callable[..., np.ndarray]:
    return _read_slowly
