"""Sequences scored by an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from bioseq_dl.config import Targets
from bioseq_dl.encode.alphabet import ALPHABETS, Codes
from bioseq_dl.encode.examples import ROLES, Examples
from bioseq_dl.encode.sequence import fit_length
from bioseq_dl.errors import InputError
from bioseq_dl.predict import predict_examples
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint

Floats = NDArray[np.float64]


class Scores(NamedTuple):
    """What an ensemble says of some sequences.

    Parameters
    ----------
    mean, spread : ndarray of float64 (n, targets)
        Mean of the members, and their standard deviation (n - 1; 0 for one).
    """

    mean: Floats
    spread: Floats


Score = Callable[[Codes], Scores]
"""Codes (n, length) to scores."""


def make_scorer(checkpoints: Sequence[Checkpoint], device: torch.device) -> Score:
    """Give a function that scores codes with all models.

    Raises
    ------
    InputError
        Where the models predict several classes, which have no one score.
    """
    first = checkpoints[0]
    if first.targets.kind == "multiclass":
        raise InputError(
            "a landscape needs one number per variant", found="multiclass", allowed="regression"
        )

    def score(codes: Codes) -> Scores:
        examples = _wrap(codes, first)
        return score_examples(checkpoints, examples, np.arange(len(codes)), device)

    return score


def score_examples(
    checkpoints: Sequence[Checkpoint],
    examples: Examples,
    rows: NDArray[np.int64],
    device: torch.device,
) -> Scores:
    """Score records with all models: values, or probabilities of binary targets."""
    each = []
    for checkpoint in checkpoints:
        outputs = predict_examples(checkpoint, examples, rows, device).astype(np.float64)
        each.append(expit(outputs) if checkpoint.targets.kind == "binary" else outputs)
    stacked = np.stack(each)
    spread = stacked.std(axis=0, ddof=1) if len(each) > 1 else np.zeros_like(stacked[0])
    return Scores(stacked.mean(axis=0), spread)


def _wrap(codes: Codes, checkpoint: Checkpoint) -> Examples:
    alphabet = ALPHABETS[find_task(checkpoint.task).alphabet]
    count, length = codes.shape
    flat, offsets = codes.reshape(-1), np.arange(count + 1, dtype=np.int64) * length
    if checkpoint.shape.length is not None:
        flat, offsets = fit_length(flat, offsets, checkpoint.shape.length, alphabet.unknown_code)
    spec: Targets = checkpoint.targets
    return Examples(
        codes=np.ascontiguousarray(flat),
        offsets=offsets,
        targets=np.full((count, len(spec.names)), np.nan, np.float32),
        roles=np.full((1, count), ROLES.index("test"), np.uint8),
        spec=spec,
        unknown=checkpoint.unknown,
        ids_sha256="",
        alphabet=alphabet,
    )
