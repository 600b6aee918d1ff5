"""The prediction for each residue that has seen labels but no sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.baselines.prior import prior_output
from bioseq_dl.baselines.rows import Predicted, find_rows
from bioseq_dl.config import HEADS, ResidueBaselines
from bioseq_dl.encode.examples import Examples

Floats = NDArray[np.float64]
EDGE = 1e-4
"""Shares are kept this far from 0 and 1, so that their logits are finite."""


def predict_residue_prior(examples: Examples, fold: int, config: ResidueBaselines) -> Predicted:
    """Predict for every residue what train has: shares of states, means, the mean direction.

    Parameters
    ----------
    examples : Examples
        Of labelled residues.
    fold : int
        Whose roles.
    config : ResidueBaselines
        Not used; every baseline takes it.
    """
    del config
    rows = find_rows(examples, fold)
    truth = np.asarray(examples.targets[examples.target_rows(rows.train)], np.float64)
    parts, notes = [], []
    for name in examples.spec.names:
        places = [examples.spec.labels.index(label) for label in HEADS[name].labels]
        parts.append(constant_outputs(name, truth[:, places]))
        if np.isnan(truth[:, places]).all():
            notes.append(f"{name}: no labelled residue in train")
    count = int(examples.lengths[rows.judged].sum())
    outputs = np.repeat(np.concatenate(parts)[None].astype(np.float32), count, axis=0)
    note = "; ".join(["shares of states, means and mean directions in train", *notes])
    return Predicted(rows.judged, outputs, note)


def constant_outputs(name: str, truth: Floats) -> Floats:
    """Give the constant outputs of a head.

    Parameters
    ----------
    name : str
        Of the head.
    truth : float64, shape (residues, labels)
        Of train; NaN has no label.

    Returns
    -------
    float64, shape (outputs,)
        Log-shares of states (half a residue for a state that train does not hold), the logit
        of a mask's or share's mean, sine and cosine of the mean direction; 0 without labels.
    """
    head = HEADS[name]
    columns = [column[~np.isnan(column)] for column in truth.T]
    match head.measure:
        case "states":
            return prior_output("multiclass", columns[0], len(head.states))
        case "mask":
            return prior_output("binary", columns[0], 2)[None]
        case "angles":
            pairs = [
                (np.sin(column).mean(), np.cos(column).mean()) if len(column) else (0.0, 0.0)
                for column in columns
            ]
            return np.array(pairs).ravel()
        case _:
            return logit(columns[0].mean(keepdims=True)) if len(columns[0]) else np.zeros(1)


def logit(shares: Floats) -> Floats:
    """Give logits of shares, those beyond `EDGE` of 0 and 1 as at it."""
    kept = np.clip(shares, EDGE, 1 - EDGE)
    found: Floats = np.log(kept / (1 - kept))
    return found
