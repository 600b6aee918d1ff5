"""Which records are explained: those with the highest scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.outputs import Output, read_outputs
from bioseq_dl.predict import predict_examples
from bioseq_dl.train.checkpoint import Checkpoint


def score_records(
    checkpoints: Sequence[Checkpoint],
    examples: Examples,
    role: str,
    outputs: Sequence[Output],
    device: torch.device,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Score the records of a role in fold 0, whose models these are.

    Returns
    -------
    rows : int64 (n,)
        Records of the role, in their order.
    scores : float64 (n, outputs)
        What is explained (`read_outputs`), mean over models.

    Raises
    ------
    InputError
        Where no record has the role.
    """
    rows = examples.select(0, role)
    if not len(rows):
        raise InputError(f"no record of fold 0 has the role {role}, so none can be explained")
    total = np.zeros((len(rows), len(outputs)))
    for checkpoint in checkpoints:
        found = predict_examples(checkpoint, examples, rows, device)
        total += read_outputs(found, outputs)
    return rows, total / len(checkpoints)


def rank(scores: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Give the places of the highest scores (n,), highest first; ties in their order."""
    return np.argsort(-scores, kind="stable")[:count]
