"""What a network gives for each residue, as probabilities, shares and angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bioseq_dl.config import HEADS, Targets

Floats = NDArray[np.floating]


def scale_outputs(targets: Targets, outputs: Floats) -> Floats:
    """Turn raw outputs into numbers that may be averaged over models.

    Parameters
    ----------
    targets : Targets
        Of kind residues; its heads give the columns, in their order.
    outputs : ndarray of float (residues, outputs)
        Logits; sine and cosine of angles.

    Returns
    -------
    ndarray of the same shape and type
        Of states probabilities (softmax), of masks and shares the sigmoid. The sine and cosine of
        an angle are scaled to a vector of length 1, so that the mean over models is their
        circular mean (Mardia & Jupp 2000, section 2.2); (0, 0) stays.
    """
    scaled = np.empty_like(outputs)
    start = 0
    for name in targets.names:
        head = HEADS[name]
        end = start + len(head.outputs)
        part = outputs[:, start:end]
        if head.measure == "states":
            scaled[:, start:end] = special.softmax(part, axis=1)
        elif head.measure == "angles":
            pairs = part.reshape(len(part), -1, 2)
            length = np.linalg.norm(pairs, axis=2, keepdims=True)
            scaled[:, start:end] = (pairs / np.where(length > 0, length, 1)).reshape(part.shape)
        else:
            scaled[:, start:end] = special.expit(part)
        start = end
    return scaled


def split_labels(targets: Targets, scaled: Floats) -> dict[str, Floats]:
    """Give what is predicted of each label.

    Parameters
    ----------
    targets : Targets
        Of kind residues.
    scaled : ndarray of float (residues, outputs)
        What `scale_outputs` gives, or its mean over models.

    Returns
    -------
    dict
        Label: probabilities (residues, states); a probability or share (residues,); an angle in
        radians (residues,).
    """
    found: dict[str, Floats] = {}
    start = 0
    for name in targets.names:
        head = HEADS[name]
        part = scaled[:, start : start + len(head.outputs)]
        start += len(head.outputs)
        if head.measure == "states":
            found[name] = part
        elif head.measure == "angles":
            for place, label in enumerate(head.labels):
                found[label] = np.arctan2(part[:, 2 * place], part[:, 2 * place + 1])
        else:
            found[name] = part[:, 0]
    return found


def find_head(label: str) -> str:
    """Give the name of the head that a label belongs to."""
    return next(name for name, head in HEADS.items() if label in head.labels)
