"""Weights that a ResNet-18 starts from: a state dict with torchvision's names."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bioseq_dl.errors import InputError
from bioseq_dl.io.tensors import map_tensors
from bioseq_dl.models.cells import CellNetwork
from bioseq_dl.models.resnet import ResNet18Trunk

_FIX = "save a torchvision resnet18 with torch.save(model.state_dict(), FILE)"
_HEAD = ("fc.weight", "fc.bias")
_COUNTER = "num_batches_tracked"
"""Of batch normalisation, of no effect here; old files lack it."""


def load_initial(model: CellNetwork, path: str | Path) -> None:
    """Put the weights of a file into the trunk of a ``resnet18``; the head stays as drawn.

    To be called where a training begins anew, before the first step. A first convolution of
    three colours becomes one of one: the sum over the colours, which is what it gives for a
    grey image (each colour the same).

    Parameters
    ----------
    model : CellNetwork
        Of kind ``resnet18``; changed in place.
    path : path
        A state dict: ``.safetensors``, or what ``torch.save`` wrote (read with
        ``weights_only=True``).

    Raises
    ------
    InputError
        Where the file cannot be read, lacks a tensor, has others, or one of another shape.
    ValueError
        Where the model is of another kind.
    """
    trunk = model.trunk
    if not isinstance(trunk, ResNet18Trunk):
        raise ValueError(f"a network of kind {model.model.kind} starts from no weights")
    wanted = trunk.state_dict()
    path = Path(path)
    read = _read_safetensors if path.suffix == ".safetensors" else _read_saved
    found = {name: tensor for name, tensor in read(path, wanted).items() if name not in _HEAD}
    if "conv1.weight" in found and found["conv1.weight"].ndim == 4:
        colours = found["conv1.weight"]
        if colours.shape[1] == 3:
            found["conv1.weight"] = colours.sum(1, keepdim=True)
    _compare(path, wanted, found)
    for name, tensor in found.items():
        wanted[name].copy_(tensor)


def _read_saved(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG001
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"cannot read the weights: {error.strerror}", file=path) from None
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            "cannot read the weights: not what torch.save wrote of a state dict, or cut short",
            file=path,
            found=reason,
            fix=_FIX,
        ) from None
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise InputError(
            "no state dict: not a name and a tensor each",
            file=path,
            found=", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__,
            fix=_FIX,
        )
    return found


def _read_safetensors(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    kinds = {name: ("F32", tensor.ndim) for name, tensor in wanted.items() if _COUNTER not in name}
    arrays, _ = map_tensors(path, kinds, (), (), what="the weights", fix=_FIX)
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _compare(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    absent = [name for name in wanted if name not in found and _COUNTER not in name]
    if absent:
        raise InputError(
            f"{len(absent)} tensors of a resnet18 are absent from the weights",
            file=path,
            position=f"tensor {absent[0]}",
            found=", ".join(list(found)[:3]),
            fix=_FIX,
        )
    if foreign := [name for name in found if name not in wanted]:
        raise InputError(
            f"{len(foreign)} tensors of the weights are not of a resnet18",
            file=path,
            position=f"tensor {foreign[0]}",
            fix=_FIX,
        )
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            allowed = tuple(wanted[name].shape)
            colours = " (or of 3 channels)" if name == "conv1.weight" else ""
            raise InputError(
                "a tensor of the weights has another shape",
                file=path,
                position=f"tensor {name}",
                found=tuple(tensor.shape),
                allowed=f"{allowed}{colours}",
                fix="give the weights of a resnet18, not of another network",
            )
        if not torch.isfinite(tensor).all():
            raise InputError(
                "a tensor of the weights holds numbers that are not finite",
                file=path,
                position=f"tensor {name}",
            )
