"""Sums of each test protein for every label, from which its metrics follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import HEADS, Evaluate, Targets
from bioseq_dl.evaluate.predictions import Part
from bioseq_dl.evaluate.scores import Scores
from bioseq_dl.metrics import Metric
from bioseq_dl.residue_metrics import (
    RESIDUE_METRICS,
    Sums,
    score_residues,
    sum_angles,
    sum_mask,
    sum_states,
    sum_values,
)
from bioseq_dl.residue_outputs import find_head, split_labels

HEADLINE = {"states": "accuracy", "mask": "auroc", "share": "pearson", "angles": "angle_mae"}
"""Metric that is named first, by what a head measures."""


def measure_of(label: str) -> str:
    """Give what the head of a label measures: states, mask, share, angles."""
    return HEADS[find_head(label)].measure


def sum_part(part: Part, targets: Targets, config: Evaluate) -> dict[str, Sums]:
    """Prepare the metrics of every label.

    Parameters
    ----------
    part : Part
        Of residues.
    targets : Targets
        Of kind residues.
    config : Evaluate
        The threshold of masks.

    Returns
    -------
    dict
        Label: sums with a row a protein, in the order of the part.
    """
    predicted = split_labels(targets, part.prediction)
    found = {}
    for place, label in enumerate(targets.labels):
        truth = split_proteins(part, part.truth[:, place])
        values = predicted[label]
        match measure_of(label):
            case "states":
                codes = [np.where(np.isnan(true), -1, true).astype(np.int8) for true in truth]
                called = split_proteins(part, values.argmax(axis=1).astype(np.int8))
                found[label] = sum_states(codes, called, HEADS[label].states)
            case "mask":
                found[label] = sum_mask(truth, split_proteins(part, values), config.threshold)
            case "angles":
                found[label] = sum_angles(truth, split_proteins(part, values))
            case _:
                found[label] = sum_values(truth, split_proteins(part, values))
    return found


def score_sums(sums: Mapping[str, Sums]) -> Scores:
    """Score every label over all proteins."""
    return {label: score_residues(found) for label, found in sums.items()}


def split_proteins(part: Part, values: NDArray[Any]) -> list[NDArray[Any]]:
    """Cut numbers of residues, shape (residues, …), into those of each protein."""
    assert part.lengths is not None
    if not len(part.lengths):
        return []
    return list(np.split(values, np.cumsum(part.lengths)[:-1]))


def find_owners(part: Part) -> NDArray[np.int64]:
    """Give the place of each residue's protein in the part."""
    assert part.lengths is not None
    return np.repeat(np.arange(len(part.ids)), part.lengths)


def count_labelled(part: Part, place: int) -> NDArray[np.int64]:
    """Count the residues of each protein that have a label, by its place."""
    known = ~np.isnan(part.truth[:, place])
    return np.bincount(find_owners(part)[known], minlength=len(part.ids))


def define_metrics(scores: Scores) -> dict[str, Metric]:
    """Give what each metric of some scores means, those of single states too."""
    found = {}
    for metrics in scores.values():
        for name in metrics:
            kind, _, state = name.partition(":")
            known = RESIDUE_METRICS[kind]
            plain = known.label if known.label.isupper() else known.label.lower()
            label = f"{state} {plain}" if state else known.label
            found[name] = Metric(label, known.higher, known.meaning)
    return found
