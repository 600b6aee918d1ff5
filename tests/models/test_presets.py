from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bioseq_dl.config import Model
from bioseq_dl.config.presets import PRESETS
from bioseq_dl.models.sequence import build_model, count_parameters
from bioseq_dl.models.shape import Shape


def _conv(before: int, after: int, kernel: int) -> int:
    return before * after * kernel + after


def _dense(before: int, after: int) -> int:
    return before * after + after


def _preset(name: str, length: int | None, targets: int) -> nn.Module:
    return build_model(Model.model_validate({"preset": name}), Shape(4, length, targets, 1))


def test_basset_has_its_published_size() -> None:
    # 600 -conv 19-> 582 -pool 3-> 194 -conv 11-> 184 -pool 4-> 46 -conv 7-> 40 -pool 4-> 10
    convolutions = _conv(4, 300, 19) + _conv(300, 200, 11) + _conv(200, 200, 7)
    dense = _dense(10 * 200, 1000) + _dense(1000, 1000) + _dense(1000, 164)
    scales = 2 * (300 + 200 + 200 + 1000 + 1000)  # batch normalisation
    assert convolutions + dense + scales == 4_135_064
    assert count_parameters(_preset("basset", 600, 164)) == 4_135_064


def test_danq_has_its_published_size() -> None:
    # 1000 -conv 26-> 975 -pool 13-> 75
    gates = 2 * 4 * (320 * 320 + 320 * 320 + 320)  # directions x gates
    published = _conv(4, 320, 26) + gates + _dense(75 * 640, 925) + _dense(925, 919)
    assert published == 46_926_479
    # torch gives each gate a bias for its input and one for its state; Keras gives one.
    assert count_parameters(_preset("danq", 1000, 919)) == published + 2 * 4 * 320


def test_deepsea_has_its_published_size() -> None:
    # 1000 -conv 8-> 993 -pool 4-> 248 -conv 8-> 241 -pool 4-> 60 -conv 8-> 53
    convolutions = _conv(4, 320, 8) + _conv(320, 480, 8) + _conv(480, 960, 8)
    published = convolutions + _dense(53 * 960, 925) + _dense(925, 919)
    assert published == 52_843_119
    assert count_parameters(_preset("deepsea", 1000, 919)) == published


@pytest.mark.parametrize("name", ["cnn", "bilstm", "bigru", "cnn_bilstm"])
def test_our_own_networks_are_small(name: str) -> None:
    assert 50_000 < count_parameters(_preset(name, 300, 1)) < 2_000_000


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_reads_sequences(name: str) -> None:
    torch.manual_seed(0)
    outputs = _preset(name, 200, 3)(torch.rand(2, 4, 200))
    assert outputs.shape == (2, 3)
    assert outputs.isfinite().all()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_config_written_out_reads_back(name: str) -> None:
    model = Model.model_validate({"preset": name, "reverse_complement": True})
    assert Model.model_validate_json(model.model_dump_json()) == model
    assert Model.model_validate_json(model.model_dump_json(exclude={"preset"})).conv == model.conv
    assert model.reverse_complement


def test_a_preset_fixes_the_sizes() -> None:
    with pytest.raises(ValidationError, match="preset basset fixes the sizes; leave out dense"):
        Model.model_validate({"preset": "basset", "dense": [10]})
    with pytest.raises(ValidationError, match="leave out activation, pooling"):
        Model.model_validate({"preset": "cnn", "pooling": "mean", "activation": "silu"})
