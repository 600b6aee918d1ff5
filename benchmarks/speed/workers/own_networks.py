"""The same networks and weights as bioseq_dl's own modules, in its checkpoints."""

from pathlib import Path

import torch

from bioseq_dl.config import Model, Targets
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint

MODELS = {
    "tiny": Model(
        conv=({"channels": 8, "kernel": 11, "padding": "valid"},),
        normalisation="none",
        pooling=("max",),
    ),
    "basset": Model(preset="basset"),
    "danq": Model(preset="danq"),
}


def checkpoint_path(inputs: Path, name: str) -> Path:
    return inputs / "variants" / f"{name}.pt"


def make_checkpoint(name: str, plain: dict[str, torch.Tensor], length: int) -> Checkpoint:
    """Write a plain network's weights under the names and in the layout of ours.

    A convolution is two-dimensional with height 1, and ``flatten`` goes position by position
    where `torch.nn.Flatten` goes channel by channel.
    """
    convert = {"tiny": _convert_tiny, "basset": _convert_basset, "danq": _convert_danq}[name]
    return Checkpoint(
        task="dna_sequence",
        model=MODELS[name],
        shape=Shape(letters=4, length=length, targets=1, classes=1),
        targets=Targets(kind="regression", names=("effect",)),
        unknown="zeros",
        weights={key: value.contiguous().clone() for key, value in convert(plain).items()},
        notes={"network": name},
    )


def _convolution(plain, number, place):
    return {
        f"convolutions.{place}.convolutions.0.weight": plain[f"{number}.weight"].unsqueeze(2),
        f"convolutions.{place}.convolutions.0.bias": plain[f"{number}.bias"],
    }


def _copied(plain, before, after):
    prefix = f"{before}."
    return {
        f"{after}.{key.removeprefix(prefix)}": value
        for key, value in plain.items()
        if key.startswith(prefix)
    }


def _convert_tiny(plain):
    return _convolution(plain, "0", 0) | _copied(plain, "3", "head")


def _convert_danq(plain):
    return (
        _convolution(plain, "0", 0)
        | _copied(plain, "4.cell", "recurrent.cell")
        | _copied(plain, "6", "dense.0")
        | _copied(plain, "8", "head")
    )


def _convert_basset(plain):
    weights = {}
    for place in range(3):
        weights |= _convolution(plain, f"{4 * place}", place)
        weights |= _copied(plain, f"{4 * place + 1}", f"convolutions.{place}.normalisations.0.norm")
    for place in range(2):
        weights |= _copied(plain, f"{13 + 4 * place}", f"dense.{place}")
        weights |= _copied(plain, f"{14 + 4 * place}", f"normalisations.{place}.norm")
    first = weights["dense.0.weight"]
    channels = weights["convolutions.2.convolutions.0.bias"].numel()
    by_channel = first.reshape(len(first), channels, -1)
    weights["dense.0.weight"] = by_channel.transpose(1, 2).reshape(len(first), -1)
    return weights | _copied(plain, "21", "head")
