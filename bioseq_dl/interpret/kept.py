"""What is kept of explained windows: for agreement, for tracks, for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.interpret.outputs import Output
from bioseq_dl.interpret.subjects import Subject
from bioseq_dl.interpret.tables import name_track, write_track
from bioseq_dl.interpret.windows import Contributions, correlate

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Part:
    """Sequences of one length, explained together for the same outputs."""

    subjects: tuple[Subject, ...]
    outputs: tuple[Output, ...]


@dataclass(eq=False)
class Kept:
    """What outlives a part: contributions for tracks and agreement, a few windows to draw."""

    present: dict[tuple[str, str, str], list[tuple[Subject, Floats]]] = field(default_factory=dict)
    """Kind, output, method: contributions (length,) of each sequence."""
    agreement: dict[tuple[str, str, str], list[tuple[int, float]]] = field(default_factory=dict)
    """Kind, output, method: sequences, and correlation between models."""
    sum_errors: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    shown: dict[tuple[str, int, str], dict[str, Any]] = field(default_factory=dict)
    """Kind, place among the sequences, output."""


def keep(kept: Kept, found: Contributions, part: Part, most: int) -> None:
    """Take what is kept of a part; of each kind and output, the first `most` are drawn."""
    for place, output in enumerate(found.outputs):
        kind = part.subjects[0].kind
        key = (kind, output.name, found.method)
        before = kept.present.setdefault(key, [])
        if (value := found.agreement[place]) is not None:
            kept.agreement.setdefault(key, []).append((len(part.subjects), value))
        for row, subject in enumerate(part.subjects):
            number = len(before)
            before.append((subject, found.present[row, :, place]))
            if number < most:
                entry = kept.shown.setdefault(
                    (kind, number, output.name), _describe(subject, found, row, place)
                )
                sd = None if found.sd is None else found.sd[row, :, place]
                entry["methods"][found.method] = {
                    "contribution": _listed(found.present[row, :, place]),
                    "sd": None if sd is None else _listed(sd),
                }
                if found.changes is not None:
                    entry["changes"] = _listed(found.changes[row, :, :, place])
    if found.sum_error is not None:
        kept.sum_errors.setdefault(found.method, []).append((len(part.subjects), found.sum_error))


def _describe(subject: Subject, found: Contributions, row: int, place: int) -> dict[str, Any]:
    where = subject.place
    return {
        "kind": subject.kind,
        "id": subject.id,
        "target": found.outputs[place].name,
        "sequence": DNA.decode(subject.codes),
        "score": round_off(float(found.reached[row, place])),
        "place": None if where is None else vars(where).copy(),
        "methods": {},
        "changes": None,
    }


def write_tracks(out: Path, kept: Kept) -> list[str]:
    """Write the intervals' contributions as bedGraph; give notes."""
    shared = 0
    for (kind, output, method), found in kept.present.items():
        if kind == "interval":
            subjects, values = [one[0] for one in found], [one[1] for one in found]
            path = out / name_track(output, method)
            shared = write_track(path, f"{output} {method}", subjects, values)
    note = f"bases in several windows, of which the tracks have the mean contribution: {shared}"
    return [note] if shared else []


def compare_models(kept: Kept) -> list[dict[str, Any]]:
    """Give the mean correlation of contributions between two models; nothing of one model."""
    return [
        {"kind": kind, "target": output, "method": method, "correlation": average(values)}
        for (kind, output, method), values in kept.agreement.items()
    ]


def compare_methods(kept: Kept, methods: Sequence[str]) -> list[dict[str, Any]]:
    """Give the correlation of contributions between each two methods, over all bases."""
    rows = []
    for kind, output in dict.fromkeys((key[0], key[1]) for key in kept.present):
        for one, other in combinations(methods, 2):
            first, second = (
                np.concatenate([values for _, values in kept.present[kind, output, method]])
                for method in (one, other)
            )
            value = correlate(first, second)
            rows.append(
                {
                    "kind": kind,
                    "target": output,
                    "methods": [one, other],
                    "correlation": None if value is None else round_off(value),
                }
            )
    return rows


def average(values: Sequence[tuple[int, float]]) -> float:
    """Give the mean of (weight, value) pairs."""
    weights, found = zip(*values, strict=True)
    return round_off(float(np.average(found, weights=weights)))


def round_off(value: float) -> float:
    """Round to six digits."""
    return float(f"{value:.6g}")


def _listed(values: Floats) -> Any:
    """Give numbers of six digits, nested as the array is."""
    if values.ndim > 1:
        return [_listed(row) for row in values]
    return [round_off(value) for value in values.tolist()]
