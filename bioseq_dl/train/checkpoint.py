"""Models and unfinished trainings on disk."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import atomic_path
from bioseq_dl.tasks.registry import find_task

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that is needed to build and apply it."""

    task: str
    """Name of the task."""
    model: Any
    """Constructor arguments: the layers; of the task's kind, such as `Model`."""
    shape: Any
    """Constructor arguments: letters, length, targets, classes; such as `Shape`."""
    targets: Targets
    """What the outputs mean."""
    unknown: str
    """How unknown letters are encoded: ``zeros`` or ``uniform``."""
    weights: dict[str, Tensor]
    """The state dict."""
    notes: dict[str, Any]
    """Run, fold, seed, best epoch, hash of the examples."""
    fitted: str | None = None
    """What was fitted on train and other data are mapped through, as JSON."""


def write_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a model atomically; it loads with ``torch.load(weights_only=True)``."""
    data = {
        "format": FORMAT,
        "task": checkpoint.task,
        # The sizes alone: a preset may change later, a checkpoint must not.
        "model": checkpoint.model.model_dump_json(exclude={"preset"}),
        "shape": json.dumps(asdict(checkpoint.shape)),
        "targets": checkpoint.targets.model_dump_json(),
        "unknown": checkpoint.unknown,
        "weights": {name: tensor.cpu() for name, tensor in checkpoint.weights.items()},
        "notes": json.dumps(checkpoint.notes, sort_keys=True),
    }
    if checkpoint.fitted is not None:
        data["fitted"] = checkpoint.fitted
    _save(path, data)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a model.

    Raises
    ------
    InputError
        Where the file is not a checkpoint of this project, or is damaged.
    """
    data = _load(Path(path))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(
            "not a bioseq_dl checkpoint of this format", file=path, fix="train the model again"
        )
    try:
        task = find_task(data["task"])
        model: Any = task.load("model")
        return Checkpoint(
            task=data["task"],
            model=model.model_validate_json(data["model"]),
            shape=task.load("read_shape")(json.loads(data["shape"])),
            targets=Targets.model_validate_json(data["targets"]),
            unknown=data["unknown"],
            weights=data["weights"],
            notes=json.loads(data["notes"]),
            fitted=data.get("fitted"),
        )
    except (KeyError, TypeError, ValueError) as error:  # a ValidationError is a ValueError
        raise InputError(
            "the checkpoint was made by another version of bioseq_dl",
            file=path,
            found=str(error).splitlines()[0],
            fix="train the model again, or use that version",
        ) from None


def restore_model(checkpoint: Checkpoint) -> nn.Module:
    """Build the checkpoint's network with its weights, on the CPU, in evaluation mode.

    Raises
    ------
    InputError
        Where the weights are of other layers.
    """
    build = find_task(checkpoint.task).load("build_model")
    model: nn.Module = build(checkpoint.model, checkpoint.shape)
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError:
        raise InputError(
            "the weights of the checkpoint do not fit its layers",
            found=str(checkpoint.notes),
            fix="train the model again",
        ) from None
    return model.eval()


def write_state(path: Path, key: str, state: dict[str, Any]) -> None:
    """Write the state of an unfinished training atomically."""
    _save(path, {"key": key, "state": state})


def read_state(path: Path, key: str) -> dict[str, Any] | None:
    """Read the state of an unfinished training; None where there is none of this key.

    A state of another config or other data has another key and is not used.
    """
    for left_over in path.parent.glob(f".{path.name}.*.part*"):
        left_over.unlink(missing_ok=True)
    if not path.exists():
        return None
    data = _load(path)
    if not isinstance(data, dict) or data.get("key") != key:
        return None
    state: dict[str, Any] = data["state"]
    return state


def state_key(*parts: str) -> str:
    """Digest of all that must be equal for a training to be continued."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _save(path: str | Path, data: Any) -> None:
    # Through a buffer: torch.save writes the file's name into the file, and the
    # temporary name is random, so equal weights would not be equal bytes.
    buffer = io.BytesIO()
    torch.save(data, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _load(path: Path) -> Any:
    if path.exists() and not zipfile.is_zipfile(path):
        raise InputError(
            "cannot read the checkpoint: not a file that torch.save wrote, or cut short",
            file=path,
            fix="delete it and train again",
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            "cannot read the checkpoint", file=path, found=reason, fix="delete it and train again"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read the checkpoint: {error.strerror}", file=path) from None
