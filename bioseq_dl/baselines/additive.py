"""Logistic or ridge regression on the letter at each place.

The additive model: each letter adds its own amount wherever the others are, as a position
weight matrix does. It is the honest comparison for measured variants of one sequence, and
for sites cut around a fixed point: what a network adds above it is interaction.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bioseq_dl.baselines.linear import fit_linear
from bioseq_dl.baselines.rows import Predicted, find_rows
from bioseq_dl.config import Baselines
from bioseq_dl.encode.alphabet import Codes
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError


def predict_additive(examples: Examples, fold: int, config: Baselines) -> Predicted:
    """Fit letters by place on train, choose the strength on val, predict val and test.

    Parameters
    ----------
    examples : Examples
        The encoded records, all of one length.
    fold : int
        Whose roles.
    config : Baselines
        Strengths.

    Raises
    ------
    InputError
        Where there is no such fold, the training fold is empty, or lengths differ.
    """
    rows = find_rows(examples, fold)
    features = one_hot_places(examples)
    outputs, chosen = fit_linear(examples, rows, features, config.strengths)
    places = features.shape[1] // len(examples.alphabet.letters)
    note = f"letters at {places} places, {features.shape[1]} features; {chosen}"
    return Predicted(rows.judged, outputs, note)


def one_hot_places(examples: Examples, without: Codes | None = None) -> sparse.csr_array:
    """Give a feature per place and letter, 1 where it stands there.

    Parameters
    ----------
    examples : Examples
    without : array of uint8, shape (length,), optional
        A wild type whose letters count for nothing: what is left are mutations.

    Returns
    -------
    csr_array of float32, shape (n, letters * length)
        Feature ``letters * place + code``; an unknown letter counts for nothing.

    Raises
    ------
    InputError
        Where lengths differ.
    """
    lengths = examples.lengths
    if len(np.unique(lengths)) > 1:
        raise InputError(
            "baselines.additive needs sequences of one length",
            found=f"{lengths.min()} to {lengths.max()}",
            fix="give encode.length, or leave the additive baseline out",
        )
    length = int(lengths[0]) if len(lengths) else 0
    codes = np.asarray(examples.codes).reshape(len(examples), length)
    letters = len(examples.alphabet.letters)
    known = codes < letters
    if without is not None:
        known &= codes != without
    columns = (letters * np.arange(length, dtype=np.int32) + codes)[known]
    ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))]).astype(np.int32)
    return sparse.csr_array(
        (np.ones(len(columns), np.float32), columns, ends),
        shape=(len(examples), letters * length),
    )
