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
    told = [
        (c.task, ", ".join(c.targets.names), _say_length(c) if lengths else "") for c in checkpoints
    ]
    problems = (
        "the models are of different tasks",
        "the models predict different targets",
        "the models were trained on sequences of different lengths",
    )
    for place, (other, found) in enumerate(zip(checkpoints, told, strict=True)):
        first, wanted = checkpoints[0], told[0]
        same = (
            other.task == first.task,
            other.targets == first.targets,
            not lengths or other.shape.length == first.shape.length,
        )
        for number, problem in enumerate(problems):
            if not same[number]:
                raise InputError(
                    problem,
                    file=files[place] if files else None,
                    found=found[number],
                    allowed=wanted[number],
                )


def _say_length(checkpoint: Checkpoint) -> str:
    if checkpoint.shape.length is None:
        return "any length"
    unit = ALPHABETS[find_task(checkpoint.task).alphabet].unit
    return f"{checkpoint.shape.length} {unit}s"
