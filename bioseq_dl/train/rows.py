"""The records of a fold that a training reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.encode.examples import Encoded
from bioseq_dl.errors import InputError


def select_rows(
    path: Path, fold: int, targets: Targets, examples: Encoded
) -> dict[str, NDArray[np.int64]]:
    """Give the rows of a fold to train on and to validate with, by role.

    Raises
    ------
    InputError
        Where there is no such fold, nothing to train on, or the targets are others; `path` names
        the file.
    """
    if fold >= examples.roles.shape[0]:
        raise InputError(
            "no such fold", file=path, found=fold, allowed=f"0 to {len(examples.roles) - 1}"
        )
    if examples.spec != targets:
        raise InputError(
            "the examples were encoded for other targets",
            file=path,
            found=", ".join(examples.spec.names),
            allowed=", ".join(targets.names),
            fix="run encode again",
        )
    rows = {role: examples.select(fold, role) for role in ("train", "val")}
    if not len(rows["train"]):
        raise InputError("the training fold is empty", file=path)
    return rows
