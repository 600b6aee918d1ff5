"""What may be predicted of each residue: the labels of a head, and the outputs of its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Measure = Literal["states", "mask", "share", "angles"]


@dataclass(frozen=True)
class Head:
    """One thing that a network says of each residue.

    Parameters
    ----------
    measure : str
        ``states``: one of several, by softmax; ``mask``: yes or no, by sigmoid; ``share``: a
        number from 0 to 1, by sigmoid; ``angles``: each as its sine and cosine.
    labels : tuple of str
        Columns of labels: codes of the states in their order, 0 or 1, a share, radians.
    outputs : tuple of str
        What the network gives for it, before softmax or sigmoid.
    states : str
        Letters of the states, in the order of their codes.
    meaning : str
        In words, for the report.
    """

    measure: Measure
    labels: tuple[str, ...]
    outputs: tuple[str, ...]
    states: str = ""
    meaning: str = ""


def _states(name: str, states: str, meaning: str) -> Head:
    return Head("states", (name,), tuple(f"{name}:{state}" for state in states), states, meaning)


METRICS_OF_MEASURE: Mapping[str, tuple[str, ...]] = {
    "states": ("accuracy", "sov"),
    "mask": ("auroc", "recall", "precision"),
    "share": ("mae", "pearson"),
    "angles": ("angle_mae",),
}
"""What a head measures: names of its metrics, as `bioseq_dl.residue_metrics` computes them."""
METRICS_OF_STATE = ("recall", "precision", "sov")
"""Metrics of each state of a head, named as ``recall:H``."""

HEADS: Mapping[str, Head] = {
    # Letters and their order as in bioseq_dl.io.secondary_structure, which a test compares.
    "q3": _states("q3", "HEC", "secondary structure, three states"),
    "q8": _states("q8", "GHIBESTC", "secondary structure, eight states of DSSP"),
    "disorder": Head(
        "mask", ("disorder",), ("disorder",), meaning="the experiment did not resolve the residue"
    ),
    "rsa": Head("share", ("rsa",), ("rsa",), meaning="relative solvent accessibility"),
    "angles": Head(
        "angles",
        ("phi", "psi"),
        ("phi:sin", "phi:cos", "psi:sin", "psi:cos"),
        meaning="backbone torsions phi and psi",
    ),
}
"""Name, as ``targets.names`` has it: the head."""


def list_metrics(label: str) -> tuple[str, ...]:
    """Give the names of all metrics of a label, those of single states last."""
    head = next(head for head in HEADS.values() if label in head.labels)
    of_states = (f"{name}:{state}" for name in METRICS_OF_STATE for state in head.states)
    return (*METRICS_OF_MEASURE[head.measure], *of_states)
