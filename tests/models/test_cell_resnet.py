"""ResNet-18: torchvision's names, weights from a file, and what stays as it was read."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import safetensors.torch
import torch
from small_cell_networks import build, draw
from torch import Tensor, nn

from bioseq_dl.errors import InputError
from bioseq_dl.models.cells import CellNetwork
from bioseq_dl.models.initial import load_initial
from bioseq_dl.models.resnet import ResNet18Trunk
from bioseq_dl.models.sequence import count_parameters

SOURCE = {"path": "resnet18.pth"}


def torchvision_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's resnet18, written out from its definition."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7)}

    def norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (width,)
        shapes[f"{name}.num_batches_tracked"] = ()

    norm("bn1", 64)
    before = 64
    for layer, width in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            start = f"layer{layer}.{block}"
            shapes[f"{start}.conv1.weight"] = (width, before, 3, 3)
            norm(f"{start}.bn1", width)
            shapes[f"{start}.conv2.weight"] = (width, width, 3, 3)
            norm(f"{start}.bn2", width)
            if block == 0 and layer > 1:
                shapes[f"{start}.downsample.0.weight"] = (width, before, 1, 1)
                norm(f"{start}.downsample.1", width)
            before = width
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def make_weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(8)
    return {
        name: 0.05 * torch.randn(shape, generator=generator).abs()
        if shape
        else torch.tensor(7, dtype=torch.int64)
        for name, shape in torchvision_shapes().items()
    }


def start(path: Path, freeze: str = "none") -> CellNetwork:
    model = build("resnet18", weights={"path": str(path)}, freeze=freeze)
    load_initial(model, path)
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(make_weights(), path)
    return path


def test_parameters_are_those_of_torchvision() -> None:
    trunk = ResNet18Trunk(224, 224, channels=3)
    named = {name: tuple(tensor.shape) for name, tensor in trunk.state_dict().items()}
    named |= {"fc.weight": (1000, 512), "fc.bias": (1000,)}
    assert named == torchvision_shapes()
    assert count_parameters(trunk) + count_parameters(nn.Linear(512, 1000)) == 11_689_512
    assert trunk.features == 512
    maps = trunk.eval().read_maps(torch.zeros(1, 3, 64, 96))
    assert [tuple(part.shape[1:]) for part in maps] == [
        (64, 32, 48), (64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3)
    ]  # fmt: skip


def test_weights_are_read_and_the_head_stays(saved: Path) -> None:
    before, model = build("resnet18"), start(saved)
    weights, trunk = make_weights(), model.trunk.state_dict()
    torch.testing.assert_close(trunk["conv1.weight"], weights["conv1.weight"].sum(1, keepdim=True))
    for name in set(trunk) - {"conv1.weight"}:
        assert torch.equal(trunk[name], weights[name]), name
    assert torch.equal(model.head.weight, before.head.weight)


def test_one_channel_sees_what_three_see_of_a_grey_image(saved: Path) -> None:
    three = ResNet18Trunk(32, 32, channels=3).eval()
    weights = {name: t for name, t in make_weights().items() if not name.startswith("fc.")}
    three.load_state_dict(weights)
    one = start(saved).trunk.eval()
    image = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        one.read_maps(image)[-1],
        three.read_maps(image.expand(-1, 3, -1, -1))[-1],
        rtol=1e-4,
        atol=0,
    )


def test_safetensors_and_files_without_counters_are_the_same(saved: Path, tmp_path: Path) -> None:
    weights = make_weights()
    safetensors.torch.save_file(weights, tmp_path / "w.safetensors")
    old = {name: t for name, t in weights.items() if "num_batches" not in name}
    torch.save(old, tmp_path / "old.pth")
    one = start(saved).eval()(draw())
    assert torch.equal(start(tmp_path / "w.safetensors").eval()(draw()), one)
    assert torch.equal(start(tmp_path / "old.pth").eval()(draw()), one)


@pytest.mark.parametrize("freeze", ["stem", "layer2", "layer4"])
def test_what_is_frozen_does_not_move(saved: Path, freeze: str) -> None:
    model = start(saved, freeze)
    parts = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"]
    kept = parts[: parts.index("bn1" if freeze == "stem" else freeze) + 1]
    before = copy.deepcopy(model.state_dict())
    model.train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(draw(8)).square().mean().backward()
        optimizer.step()
    for name, tensor in model.state_dict().items():
        frozen = name.startswith(tuple(f"trunk.{part}." for part in kept))
        assert torch.equal(tensor, before[name]) == frozen, name
    copied = copy.deepcopy(model).train()  # as the moving average and the trial steps do
    assert not copied.trunk.bn1.training
    assert not model.trunk.bn1.training


def change(weights: dict[str, Tensor], what: str) -> object:
    if what == "absent":
        del weights["layer3.0.conv1.weight"]
    elif what == "foreign":
        weights["layer2.2.conv1.weight"] = torch.zeros(1)
    elif what == "shape":
        weights["layer1.0.conv1.weight"] = torch.zeros(64, 64, 1, 1)
    elif what == "colours":
        weights["conv1.weight"] = torch.zeros(64, 4, 7, 7)
    elif what == "finite":
        weights["bn1.bias"][3] = float("nan")
    elif what == "nested":
        return {"state_dict": weights, "epoch": 3}
    elif what == "list":
        return [1, 2]
    return weights


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("absent", r"tensor layer3.0.conv1.weight: 1 tensors of a resnet18 are absent"),
        ("foreign", r"tensor layer2.2.conv1.weight: 1 tensors of the weights are not of a resnet"),
        ("shape", r"layer1.0.conv1.weight: .* another shape; found '\(64, 64, 1, 1\)'"),
        ("colours", r"conv1.weight: .* allowed: \(64, 1, 7, 7\) \(or of 3 channels\)"),
        ("finite", r"tensor bn1.bias: .* not finite"),
        ("nested", r"no state dict.*found 'state_dict, epoch'"),
        ("list", r"no state dict.*found 'list'"),
    ],
)
def test_other_weights_are_refused(tmp_path: Path, what: str, message: str) -> None:
    torch.save(change(make_weights(), what), tmp_path / "w.pth")
    with pytest.raises(InputError, match=message):
        start(tmp_path / "w.pth")


def test_other_files_are_refused(saved: Path, tmp_path: Path) -> None:
    weights = make_weights()
    del weights["bn1.bias"]
    safetensors.torch.save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"tensor bn1\.bias: a tensor is missing"):
        start(tmp_path / "w.safetensors")
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "cut.pth").write_bytes(saved.read_bytes()[:100_000])
    (tmp_path / "empty.pth").touch()
    for name in ("text.pth", "cut.pth", "empty.pth"):
        with pytest.raises(InputError, match=rf"{name}: cannot read the weights"):
            start(tmp_path / name)
    with pytest.raises(InputError, match=r"No such file"):
        start(tmp_path / "none.pth")


def test_other_kinds_start_from_nothing(saved: Path) -> None:
    with pytest.raises(ValueError, match="kind cnn2d starts from no weights"):
        load_initial(build("cnn2d"), saved)
