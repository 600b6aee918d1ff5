"""The convolutional stages over whole sequences, and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bioseq_dl.perturb.local import KeptStage, Part
from bioseq_dl.perturb.places import Step
from bioseq_dl.perturb.plan import Plan, Stage
from bioseq_dl.perturb.rows import convolve, encode_rows, finish, normalise, project


@dataclass(frozen=True)
class Spans:
    """Which positions of a stage's maps the tiles of some mutants read: half-open."""

    convolved: tuple[int, int]
    written: tuple[int, int]


def count_map(plan: Plan, length: int) -> list[tuple[int, int]]:
    """Count the positions of each stage: after its convolution, and after its pooling."""
    positions, counts = max(length, plan.shortest), []
    for stage in plan.stages:
        convolved = stage.convolved(positions)
        positions = stage.pooled(convolved) if stage.pools else convolved
        counts.append((convolved, positions))
    return counts


def find_spans(steps: Sequence[Sequence[Step]]) -> list[Spans]:
    """Find what several buckets of mutants read of each stage."""
    spans = []
    for bucket in zip(*steps, strict=True):
        low = min(int(step.convolved.starts.min()) for step in bucket)
        high = max(int(step.convolved.starts.max()) + step.convolved.width for step in bucket)
        first = min(int(step.written.starts.min()) for step in bucket)
        last = max(int(step.written.starts.max()) + step.written.width for step in bucket)
        spans.append(Spans((low, min(high, bucket[0].convolved_positions)), (first, last)))
    return spans


def make_kept(plan: Plan, spans: Sequence[Spans], references: int) -> list[KeptStage]:
    """Make empty memory for what is kept of a group of references."""
    kept = []
    for stage, span in zip(plan.stages, spans, strict=True):

        def empty(at: tuple[int, int], channels: int = stage.channels) -> Part:
            size = (references, at[1] - at[0], channels)
            return Part(torch.empty(size, device=plan.device), at[0])

        added = stage.norm is not None and stage.added is not None
        kept.append(
            KeptStage(
                empty(span.convolved), empty(span.convolved) if added else None, empty(span.written)
            )
        )
    return kept


def count_kept(plan: Plan, spans: Sequence[Spans], length: int) -> int:
    """Bytes that a reference of so many letters takes of what is kept, its last map included."""
    total = 4 * count_map(plan, length)[-1][1] * plan.stages[-1].channels
    for stage, span in zip(plan.stages, spans, strict=True):
        maps = 2 if stage.norm is not None and stage.added is not None else 1
        total += 4 * stage.channels * maps * (span.convolved[1] - span.convolved[0])
        total += 4 * stage.channels * (span.written[1] - span.written[0])
    return total


def read_trunk(plan: Plan, codes: Tensor, kept: Sequence[KeptStage] = (), first: int = 0) -> Tensor:
    """Run sequences through the convolutional stages.

    Parameters
    ----------
    plan : Plan
    codes : uint8 tensor, shape (n, length)
        On the plan's device.
    kept : sequence of KeptStage, optional
        Filled in place, from row `first` on.
    first : int

    Returns
    -------
    float32 tensor, shape (n, positions, channels)
    """
    if len(codes) == 1:
        # A single window would go through another convolution, slower and rounded otherwise.
        return read_trunk(plan, codes.expand(2, -1), kept, first)[:1]
    rows = encode_rows(codes, plan)
    if codes.shape[1] < plan.shortest:
        rows = functional.pad(rows, (0, 0, 0, plan.shortest - codes.shape[1]))
    wanted = {stage.added for stage in plan.stages}
    inputs: dict[int, Tensor] = {}
    for number, stage in enumerate(plan.stages):
        if number in wanted:
            inputs[number] = rows
        before = None if stage.added is None else project(inputs.pop(stage.added), stage, bias=True)
        saved = kept[number] if kept else None
        rows = _run(stage, rows, before, saved, first)
        if saved is not None:
            _keep(saved.output, rows, first)
    return rows


def _run(
    stage: Stage, rows: Tensor, before: Tensor | None, saved: KeptStage | None, first: int
) -> Tensor:
    sums = convolve(rows, stage.weight, stage.bias, stage.dilation, stage.left, stage.right)
    if saved is not None and stage.norm is not None:
        _keep(saved.sums, sums, first)
    sums = normalise(sums, stage.norm)
    if before is not None:
        if saved is not None and saved.added is not None:
            _keep(saved.added, before, first)
        sums += before
    if saved is not None and stage.norm is None:
        _keep(saved.sums, sums, first)
    count = stage.pooled(sums.shape[1]) if stage.pools else sums.shape[1]
    return finish(sums, stage, count)


def _keep(part: Part, rows: Tensor, first: int) -> None:
    span = part.rows.shape[1]
    kept = part.rows[first : first + len(rows)]
    kept.copy_(rows[: len(kept), part.first : part.first + span])
