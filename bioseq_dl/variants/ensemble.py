"""Trained models that score together, and what their outputs are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.encode.alphabet import ALPHABETS, Alphabet
from bioseq_dl.errors import InputError
from bioseq_dl.io.manifest import hash_file
from bioseq_dl.perturb.batches import measure_batch
from bioseq_dl.perturb.engine import Engine
from bioseq_dl.perturb.strand import Batches
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint, read_checkpoint, restore_model
from bioseq_dl.train.ensemble import check_alike
from bioseq_dl.variants.plain import PlainEngine, prepare_plain

Scale = Literal["raw", "probability"]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Models of one kind, ready to score.

    Parameters
    ----------
    engines : tuple of Engine or PlainEngine
        One a model, in the order given.
    checks : tuple of Engine or PlainEngine
        The same in fp32 where the engines are bf16, else empty.
    hashes : tuple of str
        sha256 of each model's file.
    names : tuple of str
        Of the outputs that are written: ``<target>``, or ``<target>:<class>``.
    columns : ndarray of int64 (names,)
        Their places among all outputs of a model.
    spec : Targets
    scale : str
        ``raw`` or ``probability``.
    length : int
        Bases of a window.
    reads : int, optional
        Bases of every sequence in training; None where lengths differed.
    alphabet : Alphabet
        Of the models' task.
    wild_type : tuple of int, optional
        Codes of the sequence whose variants the models were trained on.
    """

    engines: tuple[Engine | PlainEngine, ...]
    checks: tuple[Engine | PlainEngine, ...]
    hashes: tuple[str, ...]
    names: tuple[str, ...]
    columns: NDArray[np.int64]
    spec: Targets
    scale: Scale
    length: int
    reads: int | None
    alphabet: Alphabet
    wild_type: tuple[int, ...] | None = None


def load_ensemble(
    paths: Sequence[Path],
    *,
    device: torch.device,
    cache: Path,
    targets: Sequence[str] = (),
    scale: Scale = "raw",
    precision: Literal["fp32", "bf16"] = "fp32",
    length: int | None = None,
    batch: int | None = None,
) -> Ensemble:
    """Read the checkpoints of models that predict the same.

    Parameters
    ----------
    paths : sequence of path
        model.pt files.
    device : torch.device
    cache : path
        Folder where the measured batch is kept.
    targets : sequence of str
        Which to write; all by default.
    scale : str
        ``probability`` applies each model's sigmoid or softmax.
    precision : str
        Of the convolutions.
    length : int, optional
        Bases of a window; by default what the models were trained on.
    batch : int, optional
        Windows, and mutants, at once; by default measured.

    Raises
    ------
    InputError
        Where the models differ in task, targets or length; have no one length and none is
        given; or cannot read the one that is.
    """
    checkpoints = [read_checkpoint(path) for path in paths]
    first = checkpoints[0]
    check_alike(checkpoints, paths, lengths=True)
    task = find_task(first.task)
    if task.perturb is None and precision == "bf16":
        raise InputError("models of this task are scored in fp32 alone", found=first.task)
    length = _choose_length(first, length)
    names, columns = _choose_outputs(first.targets, targets)
    if scale == "probability" and first.targets.kind == "regression":
        raise InputError("a regression has no probabilities", fix="use scale raw")
    engines: list[Engine | PlainEngine] = []
    checks: list[Engine | PlainEngine] = []
    for checkpoint in checkpoints:
        if task.perturb is None:
            engines.append(prepare_plain(checkpoint, device, batch))
            continue
        prepare = task.load("perturb")
        model = restore_model(checkpoint)
        unknown = "uniform" if checkpoint.unknown == "uniform" else "zeros"
        engine = prepare(model, device, unknown, precision)
        found = Batches(batch, batch) if batch else measure_batch(engine, length, cache)
        engines.append(engine.with_batches(found))
        if precision == "bf16":
            checks.append(prepare(model, device, unknown, "fp32").with_batches(found))
    return Ensemble(
        engines=tuple(engines),
        checks=tuple(checks),
        hashes=tuple(hash_file(path) for path in paths),
        names=names,
        columns=columns,
        spec=first.targets,
        scale=scale,
        length=length,
        reads=first.shape.length,
        alphabet=ALPHABETS[task.alphabet],
        wild_type=first.shape.wild_type,
    )


def scale_outputs(ensemble: Ensemble, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a model's raw outputs to the scale that is written, and choose the columns.

    Parameters
    ----------
    ensemble : Ensemble
    outputs : float32 (n, targets) or (n, targets, classes)

    Returns
    -------
    float32 (n, names)
    """
    if ensemble.scale == "probability":
        tensor = torch.from_numpy(outputs)
        if ensemble.spec.kind == "multiclass":
            tensor = torch.softmax(tensor, dim=-1)
        else:
            tensor = torch.sigmoid(tensor)
        outputs = tensor.numpy()
    return outputs.reshape(len(outputs), -1)[:, ensemble.columns]


def _choose_length(checkpoint: Checkpoint, asked: int | None) -> int:
    trained: int | None = checkpoint.shape.length
    if asked is None:
        if trained is None:
            raise InputError(
                "the models were trained on sequences of different lengths, and no window is given",
                fix="set window to the bases that the models shall read around a variant",
            )
        return trained
    part = checkpoint.model.needs_length
    if part is not None and asked != trained:
        raise InputError(
            f"the models have weights for each place ({part})",
            position="key window",
            found=asked,
            allowed=f"{trained}, the length they were trained with",
        )
    return asked


def _choose_outputs(
    spec: Targets, asked: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    for name in asked:
        if name not in spec.names:
            raise InputError(
                "the models predict no such target", found=name, allowed=", ".join(spec.names)
            )
    classes = [f":{label}" for label in spec.classes] if spec.kind == "multiclass" else [""]
    every = [f"{target}{label}" for target in spec.names for label in classes]
    chosen = [
        place
        for place in range(len(every))
        if not asked or spec.names[place // len(classes)] in asked
    ]
    return tuple(every[place] for place in chosen), np.array(chosen, np.int64)
