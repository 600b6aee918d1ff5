"""Contributions of the letters of windows, averaged over an ensemble of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bioseq_dl.encode.alphabet import DNA, Codes
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.mutagenesis import contrast_letters, score_mutations
from bioseq_dl.interpret.outputs import Output, list_outputs
from bioseq_dl.interpret.references import shuffle_dinucleotides
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint, restore_model
from bioseq_dl.train.ensemble import check_alike

Floats = npt.NDArray[np.float32]

METHODS = ("mutagenesis", "integrated_gradients", "deeplift")
_LETTERS = len(DNA.letters)


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the letters of windows contribute, by one method, to some outputs."""

    method: str
    outputs: tuple[Output, ...]
    codes: Codes
    """uint8 (n, length): the windows."""
    present: Floats
    """float32 (n, length, outputs): of the letter that is there; mean over models. 0 at unknown
    letters."""
    sd: Floats | None
    """float32 (n, length, outputs): sample standard deviation over models; None of one model."""
    hypothetical: Floats
    """float32 (n, length, 4, outputs): of each letter, had it stood there; mean over models. That
    of the letter that is there is `present`."""
    changes: Floats | None
    """float32 (n, length, 4, outputs), of mutagenesis: output with that letter minus the output
    as it is; mean over models."""
    changes_sd: Floats | None
    """float32 (n, length, 4, outputs): sample standard deviation over models."""
    reached: Floats
    """float32 (n, outputs): the outputs of the windows; mean over models."""
    sum_error: float | None
    """Of integrated gradients and DeepLIFT: how far contributions are from summing to output
    minus reference output, root mean square, as a share of that difference's."""
    agreement: tuple[float | None, ...]
    """Of each output: Pearson correlation of `present` between two models, over all windows,
    mean over the pairs of models; None of one model, or where nothing varies."""


@dataclass(frozen=True, eq=False)
class _OfOne:
    """What one model gives."""

    hypothetical: Floats
    reached: Floats
    changes: Floats | None = None
    missed: Floats | None = None


def explain_windows(
    checkpoints: Sequence[Checkpoint],
    codes: Codes,
    method: str,
    *,
    outputs: Sequence[Output] | None = None,
    references: int = 20,
    steps: int = 50,
    seed: int = 0,
    device: torch.device | None = None,
) -> Contributions:
    """Explain windows base by base.

    Explained are logits (binary targets), logits minus the mean over the classes (multiclass)
    or values (regression), in fp32. A model that averages both strands is explained as it is,
    in the coordinates of the windows.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Models of one kind, for instance the seeds of a run.
    codes : uint8 (n, length)
        Windows; A C G T = 0 1 2 3, unknown = 4.
    method : str
        ``mutagenesis`` (`bioseq_dl.interpret.mutagenesis`), ``integrated_gradients`` or
        ``deeplift`` (`bioseq_dl.interpret.gradients`).
    outputs : sequence of Output, optional
        Of `list_outputs`; default all.
    references : int
        Dinucleotide shuffles of each window that gradients start from.
    steps : int
        Points on the path of integrated gradients.
    seed : int
        Of the shuffling.
    device : torch.device, optional
        Where the models run; default the CPU.

    Raises
    ------
    InputError
        Where the models differ in targets, the method does not know the network, or the
        network was made for windows of another length.
    """
    codes = np.ascontiguousarray(codes, np.uint8)
    if method not in METHODS:
        raise InputError("unknown method", found=method, allowed=", ".join(METHODS))
    check_models(checkpoints)
    check_window(checkpoints[0], codes.shape[1])
    device = device or torch.device("cpu")
    chosen = tuple(outputs) if outputs is not None else list_outputs(checkpoints[0].targets)
    compared = None
    if method != "mutagenesis":
        shuffled = [shuffle_dinucleotides(window, references, seed) for window in codes]
        compared = np.stack(shuffled) if shuffled else np.empty((0, references, 0), np.uint8)
    found = [
        _explain_with(checkpoint, codes, method, chosen, compared, steps, device)
        for checkpoint in checkpoints
    ]
    return _combine(found, codes, method, chosen)


def check_models(checkpoints: Sequence[Checkpoint]) -> None:
    """Refuse models that predict different things, read them otherwise, or cannot be explained.

    Raises
    ------
    InputError
    """
    if not checkpoints:
        raise InputError("no model to explain")
    first = checkpoints[0]
    if find_task(first.task).perturb is None:
        raise InputError(
            "models of this task cannot be explained: it cannot score changed sequences",
            found=first.task,
        )
    check_alike(checkpoints, lengths=True)


def check_window(checkpoint: Checkpoint, length: int, record: str | None = None) -> None:
    """Refuse windows of a length the network is not made for.

    Raises
    ------
    InputError
    """
    if checkpoint.model.needs_length and length != checkpoint.shape.length:
        raise InputError(
            "this network was made for windows of one length",
            record=record,
            found=f"{length} bases",
            allowed=f"{checkpoint.shape.length} bases",
        )


def take_present(hypothetical: Floats, codes: Codes) -> Floats:
    """Give the contributions of the letters that are there, 0 at unknown letters.

    (n, length, 4, …) and (n, length) to (n, length, …).
    """
    letters = np.minimum(codes, _LETTERS - 1).astype(np.int64)
    letters = letters.reshape(*codes.shape, *[1] * (hypothetical.ndim - 2))
    present: Floats = np.take_along_axis(hypothetical, letters, axis=2)[:, :, 0]
    present[codes >= _LETTERS] = 0
    return present


def correlate(one: npt.ArrayLike, other: npt.ArrayLike) -> float | None:
    """Pearson correlation of two arrays of one shape; None where one does not vary."""
    first, second = (np.asarray(each, np.float64).ravel() for each in (one, other))
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else None


def _explain_with(
    checkpoint: Checkpoint,
    codes: Codes,
    method: str,
    outputs: tuple[Output, ...],
    references: Codes | None,
    steps: int,
    device: torch.device,
) -> _OfOne:
    model = restore_model(checkpoint)
    if references is None:
        prepare = find_task(checkpoint.task).load("perturb")
        changes, reached = score_mutations(
            prepare(model, device, checkpoint.unknown), codes, outputs
        )
        return _OfOne(contrast_letters(changes, codes), reached, changes)
    assert isinstance(model, SequenceModel)
    # Captum takes seconds to import, and mutagenesis does without.
    from bioseq_dl.interpret.gradients import integrate_gradients, lift

    shared: dict[str, Any] = {"unknown": checkpoint.unknown, "device": device}
    if method == "deeplift":
        found = lift(model, codes, references, outputs, **shared)
    else:
        found = integrate_gradients(model, codes, references, outputs, steps=steps, **shared)
    difference = found.outputs - found.reference_outputs
    missed = take_present(found.hypothetical, codes).sum(axis=1) - difference
    return _OfOne(found.hypothetical, found.outputs, missed=np.stack([missed, difference]))


def _combine(
    found: Sequence[_OfOne], codes: Codes, method: str, outputs: tuple[Output, ...]
) -> Contributions:
    several = len(found) > 1
    present = np.stack([take_present(one.hypothetical, codes) for one in found])
    changed = [one.changes for one in found if one.changes is not None]
    changes = np.stack(changed) if changed else None
    sum_error = None
    errors = [one.missed for one in found if one.missed is not None]
    if errors and len(codes):
        squares = np.stack(errors).astype(np.float64) ** 2
        missed, difference = np.sqrt(squares.mean(axis=(0, 2, 3)))
        sum_error = float(missed / difference) if difference > 0 else 0.0
    agreement = []
    for place in range(len(outputs)):
        pairs = [correlate(a[..., place], b[..., place]) for a, b in combinations(present, 2)]
        known = [value for value in pairs if value is not None]
        agreement.append(float(np.mean(known)) if known else None)
    return Contributions(
        method=method,
        outputs=outputs,
        codes=codes,
        present=_mean(present),
        sd=_spread(present) if several else None,
        hypothetical=_mean(np.stack([one.hypothetical for one in found])),
        changes=None if changes is None else _mean(changes),
        changes_sd=_spread(changes) if several and changes is not None else None,
        reached=_mean(np.stack([one.reached for one in found])),
        sum_error=sum_error,
        agreement=tuple(agreement),
    )


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=0, dtype=np.float64), np.float32)


def _spread(values: Floats) -> Floats:
    return np.asarray(values.std(axis=0, ddof=1, dtype=np.float64), np.float32)
