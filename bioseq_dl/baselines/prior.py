"""The prediction that has seen labels but no sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.baselines.rows import Predicted, find_rows, labelled
from bioseq_dl.config import Baselines
from bioseq_dl.encode.examples import Encoded

Floats = NDArray[np.float64]


def predict_prior(examples: Encoded, fold: int, config: Baselines) -> Predicted:
    """Predict each class by its share in train, or the mean for regression.

    Parameters
    ----------
    examples : Encoded
        The encoded records.
    fold : int
        Whose roles.
    config : Baselines
        Not used; every baseline takes it.
    """
    del config
    rows = find_rows(examples, fold)
    constants, notes = [], []
    for place, name in enumerate(examples.spec.names):
        _, truth = labelled(examples, rows.train, place)
        constant = prior_output(examples.spec.kind, truth, len(examples.spec.classes))
        constants.append(constant)
        if not len(truth):
            notes.append(f"{name}: no labelled training records")
    outputs = np.repeat(np.stack(constants)[None], len(rows.judged), axis=0)
    note = "; ".join(["class shares (or the mean) in train", *notes])
    return Predicted(rows.judged, outputs.astype(np.float32), note)


def prior_output(kind: str, truth: Floats, classes: int) -> Floats:
    """Give the constant output of one target.

    Parameters
    ----------
    kind : str
        ``binary``, ``multiclass`` or ``regression``.
    truth : float64, shape (n,)
        Known training labels, perhaps none.
    classes : int
        Of a multiclass target.

    Returns
    -------
    float64, shape () or (classes,)
        Logit, log-shares, or the mean; 0 without labels. A class that is not in train gets
        half a record, as its logit would be infinite.
    """
    if kind == "regression":
        return np.asarray(truth.mean() if len(truth) else 0.0)
    counts = np.bincount(truth.astype(np.int64), minlength=2 if kind == "binary" else classes)
    logs = np.log(np.maximum(counts, 0.5) / max(1, len(truth)))
    return np.asarray(logs[1] - logs[0]) if kind == "binary" else logs
