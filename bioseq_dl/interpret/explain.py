"""Trained models explained: records, intervals or sequences base by base, and motifs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bioseq_dl.config import Explain
from bioseq_dl.encode.examples import Examples, hash_ids
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.chain import check_rules
from bioseq_dl.interpret.choice import rank, score_records
from bioseq_dl.interpret.kept import (
    Kept,
    Part,
    average,
    compare_methods,
    compare_models,
    keep,
    round_off,
    write_tracks,
)
from bioseq_dl.interpret.outputs import Output, list_outputs, tell_scale
from bioseq_dl.interpret.subjects import Subject, take_records
from bioseq_dl.interpret.tables import (
    ATTRIBUTIONS,
    MUTATIONS,
    open_table,
    tabulate_contributions,
    tabulate_mutations,
)
from bioseq_dl.interpret.windows import Contributions, check_models, check_window, explain_windows
from bioseq_dl.io.atomic import write_json
from bioseq_dl.train.checkpoint import Checkpoint

Log = Callable[[str], None]

_BASES = 1 << 16
"""Bases explained at a time, which bounds the memory of their tables."""
_MOST_SHOWN = 3
"""Intervals or sequences drawn where no number of records says how many."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The records of a run, among which those with the highest scores are explained."""

    examples: Examples
    ids: Sequence[str]


def explain_models(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    out: Path,
    *,
    subjects: Sequence[Subject] = (),
    pool: Pool | None = None,
    device: torch.device | None = None,
    log: Log | None = None,
) -> dict[str, Any]:
    """Explain an ensemble of models, and write what is found.

    Of a pool of records, those of ``settings.role`` with the highest score of an output are
    explained for that output (ties in the records' order); other sequences are explained for
    every output.

    Files: ``attributions.parquet``, ``mutations.parquet`` (columns: `bioseq_dl.interpret.tables`),
    ``windows.json`` (what the report draws), and of intervals a bedGraph of each output and
    method.

    Parameters
    ----------
    settings : Explain
        Methods, targets, numbers. Its ``intervals`` and ``motifs`` are the caller's affair.
    checkpoints : sequence of Checkpoint
        Models of one kind: the seeds of one fold.
    out : Path
        Folder.
    subjects : sequence of Subject
        Intervals, or sequences of a FASTA.
    pool : Pool, optional
        Records of a run; `checkpoints` must be of its fold 0.
    device : torch.device, optional
        Default the CPU.
    log : callable
        Takes lines of progress.

    Returns
    -------
    dict
        For ``explain.json``: settings, scale, outputs, explained records with their scores,
        agreement between models and between methods, notes.

    Raises
    ------
    InputError
        Where models, method and sequences do not fit together.
    """
    device = device or torch.device("cpu")
    outputs, notes = _check(settings, checkpoints, subjects, pool)
    chosen: list[dict[str, Any]] = []
    parts = list(divide(subjects, outputs))
    if pool is not None and settings.records:
        for output, records, rows in choose_records(settings, checkpoints, outputs, pool, device):
            parts += divide(records, (output,))
            chosen += rows
    kept = Kept()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(open_table(out / f"{name}.parquet", schema))
            for name, schema in (("attributions", ATTRIBUTIONS), ("mutations", MUTATIONS))
        ]
        for number, part in enumerate(parts, 1):
            for method in settings.methods:
                found = explain_part(settings, checkpoints, part, method, device)
                writers[0].write_table(tabulate_contributions(found, part.subjects))
                if found.changes is not None:
                    writers[1].write_table(tabulate_mutations(found, part.subjects))
                keep(kept, found, part, settings.records or _MOST_SHOWN)
                if log is not None:
                    log(f"{method}: {_tell_part(part)} ({number} of {len(parts)})")
    notes += write_tracks(out, kept)
    write_json(out / "windows.json", list(kept.shown.values()))
    return {
        "settings": settings.model_dump(mode="json"),
        "scale": tell_scale(checkpoints[0].targets),
        "models": [checkpoint.notes for checkpoint in checkpoints],
        "outputs": [output.name for output in outputs],
        "records": chosen,
        "counts": {kind: _count(parts, kind) for kind in ("record", "interval", "sequence")},
        "agreement": {
            "models": compare_models(kept),
            "methods": compare_methods(kept, settings.methods),
        },
        "sum_errors": {name: average(values) for name, values in sorted(kept.sum_errors.items())},
        "notes": notes,
    }


def choose_records(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    outputs: Sequence[Output],
    pool: Pool,
    device: torch.device,
    count: int | None = None,
) -> Iterator[tuple[Output, tuple[Subject, ...], list[dict[str, Any]]]]:
    """Give for each output the records with its highest scores, and what is known of them."""
    rows, scores = score_records(checkpoints, pool.examples, settings.role, outputs, device)
    for place, output in enumerate(outputs):
        best = rank(scores[:, place], settings.records if count is None else count)
        ids = [pool.ids[row] for row in rows[best].tolist()]
        labels = pool.examples.targets[rows[best], output.target]
        told = [
            {
                "id": name,
                "target": output.name,
                "rank": number,
                "score": round_off(score),
                "label": None if np.isnan(label) else float(label),
            }
            for number, (name, score, label) in enumerate(
                zip(ids, scores[best, place].tolist(), labels, strict=True), 1
            )
        ]
        yield output, take_records(pool.examples, ids, rows[best].tolist()), told


def explain_part(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    part: Part,
    method: str,
    device: torch.device,
) -> Contributions:
    """Explain sequences of one length by one method."""
    return explain_windows(
        checkpoints,
        np.stack([subject.codes for subject in part.subjects]),
        method,
        outputs=part.outputs,
        references=settings.references,
        steps=settings.steps,
        seed=settings.seed,
        device=device,
    )


def _check(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    subjects: Sequence[Subject],
    pool: Pool | None,
) -> tuple[tuple[Output, ...], list[str]]:
    """Find out before the work what stands against it; give outputs and notes."""
    check_models(checkpoints)
    if "deeplift" in settings.methods:
        for checkpoint in checkpoints:
            check_rules(checkpoint.model)
    first = checkpoints[0]
    notes = []
    others = dict.fromkeys(len(subject.codes) for subject in subjects)
    for subject in subjects:
        check_window(first, len(subject.codes), subject.id)
    if first.shape.length is not None and any(n != first.shape.length for n in others):
        told = ", ".join(str(length) for length in sorted(others)[:5])
        notes.append(
            f"sequences of {told} bases are explained; the models were trained on "
            f"{first.shape.length}"
        )
    if pool is not None:
        if hash_ids(pool.ids) != pool.examples.ids_sha256:
            raise InputError(
                "records.parquet and examples.safetensors hold different records",
                fix="run encode again on these records",
            )
        if pool.examples.spec != first.targets:
            raise InputError(
                "the models predict other targets than the records have",
                found=", ".join(first.targets.names),
                allowed=", ".join(pool.examples.spec.names),
            )
    if pool is None and not subjects:
        raise InputError("nothing to explain", fix="give records, intervals or sequences")
    outputs = list_outputs(first.targets, settings.targets)
    if len(outputs) > settings.max_targets:
        notes.append(
            f"{settings.max_targets} of {len(outputs)} outputs are explained (max_targets)"
        )
    return outputs[: settings.max_targets], notes


def divide(subjects: Sequence[Subject], outputs: tuple[Output, ...]) -> Iterator[Part]:
    """Put sequences of one length together, in parts of bounded size."""
    for length in dict.fromkeys(len(subject.codes) for subject in subjects):
        alike = [subject for subject in subjects if len(subject.codes) == length]
        step = max(1, _BASES // max(length * len(outputs), 1))
        for first in range(0, len(alike), step):
            yield Part(tuple(alike[first : first + step]), outputs)


def _count(parts: Sequence[Part], kind: str) -> int:
    subjects = [subject for part in parts for subject in part.subjects if subject.kind == kind]
    return (
        len({id(subject) for subject in subjects})
        if kind != "record"
        else len({subject.id for subject in subjects})
    )


def _tell_part(part: Part) -> str:
    count = len(part.subjects)
    what = part.subjects[0].kind + ("s" if count > 1 else "")
    names = ", ".join(output.name for output in part.outputs)
    return f"{count} {what} of {len(part.subjects[0].codes)} bases for {names}"
