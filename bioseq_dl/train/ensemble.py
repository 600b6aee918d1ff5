"""Models that are applied together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bioseq_dl.encode.alphabet import ALPHABETS
from bioseq_dl.errors import InputError
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint


def check_alike(
    checkpoints: Sequence[Checkpoint], files: Sequence[Path] = (), *, lengths: bool = False
) -> None:
    """Refuse models whose outputs cannot be averaged.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
    files : sequence of Path
        Where they stand, for the message.
    lengths : bool
        Whether they must read sequences of one length too.

    Raises
    ------
    InputError
        For the first that differs from the first of all in task, targets or length.
    """
    problems = (
        "the models are of different tasks",
        "the models predict different targets",
        "the models were trained on sequences of different lengths",
    )
    wanted = _describe(checkpoints[0], lengths)
    for place, other in enumerate(checkpoints):
        for problem, (found, said), (first, told) in zip(
            problems, _describe(other, lengths), wanted, strict=True
        ):
            if found != first:
                file = files[place] if files else None
                raise InputError(problem, file=file, found=said, allowed=told)


def _describe(checkpoint: Checkpoint, lengths: bool) -> list[tuple[object, str]]:
    """Give what must be alike, and in words."""
    targets = ", ".join(checkpoint.targets.names)
    length = getattr(checkpoint.shape, "length", None)  # cells have none
    unit = ALPHABETS[alphabet].unit if (alphabet := find_task(checkpoint.task).alphabet) else ""
    told = "any length" if length is None else f"{length} {unit}s"
    return [
        (checkpoint.task, checkpoint.task),
        (checkpoint.targets, targets),
        (length if lengths else None, told),
    ]
