"""What a baseline gives back, and which rows it learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.examples import Encoded
from bioseq_dl.errors import InputError
from bioseq_dl.predictions import judged_rows

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predicted:
    """A baseline's predictions for the val and test records of a fold."""

    rows: Rows
    """int64 (n,): places in the examples, ascending."""
    outputs: NDArray[np.float32]
    """float32 (n, targets) or (n, targets, classes): logits, or values for regression; of residues
    (positions, outputs), those of the rows end to end."""
    note: str
    """What was fitted and chosen, in words, for the log and the report."""
    embedding: NDArray[np.float32] | None = None
    """float32 (n, dimensions): of baselines that embed cells; `rows` then hold train too."""


@dataclass(frozen=True, eq=False)
class FoldRows:
    """Rows of one fold by use."""

    train: Rows
    val: Rows
    judged: Rows
    """val and test, ascending."""


def find_rows(examples: Encoded, fold: int) -> FoldRows:
    """Give a fold's rows.

    Raises
    ------
    InputError
        Where there is no such fold, or its training records are none.
    """
    judged = judged_rows(examples, fold)
    train = examples.select(fold, "train")
    if not len(train):
        raise InputError("the training fold is empty")
    return FoldRows(train, examples.select(fold, "val"), judged)


def labelled(examples: Encoded, rows: Rows, target: int) -> tuple[Rows, Floats]:
    """Give the rows whose label is known, and the labels, float64."""
    truth = np.asarray(examples.targets[rows, target], np.float64)
    known = ~np.isnan(truth)
    return rows[known], truth[known]
