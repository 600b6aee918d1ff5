"""Device and precision: what is chosen, what is refused, what is said."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bioseq_dl.config import Train
from bioseq_dl.errors import InputError
from bioseq_dl.train import precision as precision_module
from bioseq_dl.train.device import Device, choose_device
from bioseq_dl.train.precision import choose_precision, compare_with_fp32

CPU = Device("cpu", 1, "CPU", "asked for")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some GPU")


@pytest.mark.usefixtures("no_gpu")
def test_cuda_without_a_gpu_is_an_error() -> None:
    with pytest.raises(InputError, match=r"train\.device is cuda, but no GPU is visible"):
        choose_device(Train(device="cuda"))


@pytest.mark.usefixtures("no_gpu")
def test_auto_says_what_it_chose() -> None:
    device = choose_device(Train())
    assert (device.accelerator, device.reason) == ("cpu", "auto: no GPU visible")


@pytest.mark.usefixtures("two_gpus")
def test_auto_takes_a_gpu_and_too_many_are_refused() -> None:
    assert choose_device(Train()).accelerator == "cuda"
    assert choose_device(Train(device="cpu")).accelerator == "cpu"
    with pytest.raises(InputError, match="more GPUs than are visible; found '3'"):
        choose_device(Train(devices=3))


def test_fp16_needs_a_gpu() -> None:
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        choose_precision(
            Train(precision="fp16"), CPU, nn.Linear(1, 1), lambda model, number: torch.zeros(())
        )


def make_step(scale: float) -> tuple[nn.Module, object]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 1))
    batches = torch.randn(2, 64, 16)

    def step(candidate: nn.Module, number: int) -> Tensor:
        return (candidate(batches[number]) * scale).square().mean()

    return model, step


def test_bf16_agrees_on_a_tame_model_and_the_model_is_untouched() -> None:
    model, step = make_step(1.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gap, error = compare_with_fp32(model, step, "cpu")  # type: ignore[arg-type]
    assert gap < 0.02
    assert 0 < error < 0.5
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("fast", "agrees", "chosen"),
    [(True, True, "bf16"), (True, False, "fp32"), (False, True, "fp32")],
)
def test_auto_takes_bf16_only_where_fast_and_right(
    monkeypatch: pytest.MonkeyPatch, fast: bool, agrees: bool, chosen: str
) -> None:
    found = (0.001, 0.1) if agrees else (0.001, 0.9)
    monkeypatch.setattr(precision_module, "_has_fast_bf16", lambda device: fast)
    monkeypatch.setattr(precision_module, "compare_with_fp32", lambda *_: found)
    model, step = make_step(1.0)
    result = choose_precision(Train(), CPU, model, step)  # type: ignore[arg-type]
    assert result.name == chosen
    assert result.reason.startswith("auto: ")
