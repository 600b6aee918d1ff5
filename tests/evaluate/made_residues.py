"""Made-up proteins with labels for each residue, and predictions of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.config import HEADS, Targets

AMINO = "ACDEFGHIKLMNPQRSTVWY"


def draw_segments(generator: np.random.Generator, length: int, states: int) -> np.ndarray:
    """Random runs of states, as segments of helix, strand and coil are."""
    codes: list[int] = []
    while len(codes) < length:
        codes += [int(generator.integers(states))] * int(generator.integers(1, 12))
    return np.array(codes[:length], np.float32)


def draw_truth(
    generator: np.random.Generator, targets: Targets, length: int, missing: float = 0.1
) -> np.ndarray:
    """Labels of a protein, (length, labels)."""
    columns = []
    for label in targets.labels:
        if label in ("phi", "psi"):
            column = generator.uniform(-np.pi, np.pi, length)
        elif label == "rsa":
            column = generator.uniform(0, 1, length)
        elif label == "disorder":
            column = (generator.random(length) < 0.2).astype(float)
        else:
            column = draw_segments(generator, length, len(HEADS[label].states))
        column = np.where(generator.random(length) < missing, np.nan, column)
        columns.append(column)
    return np.stack(columns, axis=1).astype(np.float32)


def draw_outputs(
    generator: np.random.Generator, targets: Targets, truth: np.ndarray, strength: float
) -> np.ndarray:
    """Raw outputs that know the truth more or less well."""
    columns = []
    for name in targets.names:
        head = HEADS[name]
        places = [targets.labels.index(label) for label in head.labels]
        known = np.nan_to_num(truth[:, places])
        if head.measure == "states":
            signal = np.eye(len(head.states))[known[:, 0].astype(int)]
        elif head.measure == "angles":
            signal = np.stack([np.sin(known), np.cos(known)], axis=2).reshape(len(known), -1)
        else:
            signal = 4 * known - 2
        columns.append(strength * signal + generator.normal(size=signal.shape))
    return np.concatenate(columns, axis=1).astype(np.float32)


def write_residues(
    path: Path,
    targets: Targets,
    ids: Sequence[str],
    roles: Sequence[str],
    truth: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    note: str | None = None,
) -> None:
    """Write predictions.parquet: a row a protein, lists of numbers."""
    columns: dict[str, pa.Array] = {"id": pa.array(list(ids)), "role": pa.array(list(roles))}
    named: Mapping[str, Sequence[np.ndarray]] = {
        f"target:{label}": [one[:, place] for one in truth]
        for place, label in enumerate(targets.labels)
    } | {
        f"output:{output}": [one[:, place] for one in outputs]
        for place, output in enumerate(targets.outputs)
    }
    for name, lists in named.items():
        columns[name] = pa.array([list(one) for one in lists], pa.large_list(pa.float32()))
    table = pa.table(columns)
    if note is not None:
        table = table.replace_schema_metadata({"note": note})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
