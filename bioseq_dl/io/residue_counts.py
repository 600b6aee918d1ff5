"""How many residues are labelled: of each label, and of each head in each fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import HEADS, Targets
from bioseq_dl.io.secondary_structure import NO_LABEL

FOLDS = ("train", "val", "test")


def is_text(label: str) -> bool:
    """Tell whether a label is a string of letters, and no list of numbers."""
    return any(
        label in head.labels and head.measure in ("states", "mask") for head in HEADS.values()
    )


def describe_label(records: pa.Table, name: str) -> dict[str, Any]:
    """Count what residues are labelled, and as what.

    Returns
    -------
    dict
        ``labelled`` and ``unlabelled`` residues of the proteins that have such labels, and their
        ``states`` or ``mean``; of angles the direction of the mean, in degrees.
    """
    column = records.column(f"residues:{name}").drop_null()
    if is_text(name):
        counts = Counter("".join(column.to_pylist()))
        unlabelled = counts.pop(NO_LABEL, 0)
        states = dict(sorted(counts.items()))
        return {"labelled": sum(states.values()), "unlabelled": unlabelled, "states": states}
    values = column.combine_chunks().flatten().to_numpy() if len(column) else np.empty(0)
    known = values[~np.isnan(values)]
    mean = None
    if len(known):
        mean = _average_angles(known) if name in HEADS["angles"].labels else float(known.mean())
    return {"labelled": len(known), "unlabelled": len(values) - len(known), "mean": mean}


def count_by_fold(
    records: pa.Table, folds: Sequence[str | None], targets: Targets
) -> dict[str, dict[str, int]]:
    """Count the residues of each fold that have a label, head by head.

    Parameters
    ----------
    records : Table
        Of `bioseq_dl.io.residue_records.read_residues`.
    folds : sequence of str or None
        Of each record.
    targets : Targets

    Returns
    -------
    dict
        Head: fold (train, val, test): residues. Folds without a record are left out.
    """
    present = [fold for fold in FOLDS if fold in folds]
    found = {}
    for name in targets.names:
        # Both angles of a residue are known as a rule; one will do.
        label = HEADS[name].labels[-1]
        totals = dict.fromkeys(present, 0)
        for fold, count in zip(folds, _count_each(records, label), strict=True):
            if fold in totals:
                totals[fold] += count
        found[name] = totals
    return found


def note_missing(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Say in words which heads have no label in which fold.

    Parameters
    ----------
    counts : mapping
        As `count_by_fold` gives.
    """
    meaning = {
        "train": "it cannot be learnt",
        "val": "training cannot be judged by it",
        "test": "it will have no figures",
    }
    return [
        f"the head {name} has no label in {fold}: {meaning[fold]}"
        for name, folds in counts.items()
        for fold, count in folds.items()
        if count == 0
    ]


def _count_each(records: pa.Table, label: str) -> Iterator[int]:
    for value in records.column(f"residues:{label}").to_pylist():
        if value is None:
            yield 0
        elif isinstance(value, str):
            yield len(value) - value.count(NO_LABEL)
        else:
            yield int(np.count_nonzero(~np.isnan(np.asarray(value, np.float32))))


def _average_angles(radians: NDArray[Any]) -> float:
    """Give the direction of the mean point on the circle, in degrees."""
    angles = radians.astype(np.float64)
    return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())))
