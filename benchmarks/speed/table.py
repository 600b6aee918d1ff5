"""Runs to rows: medians, ratios, whether the outputs agree, and the aims."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

from environments import Environment
from plan import BARE_OWN, BARE_OWN_BF16, GATHER, TRAIN_OWN, UNITS, Entrant
from runs import Run

PACKAGES = {
    "grelu": "gReLU",
    "crested": "crested",
    "selene": "selene-sdk",
    "bpnetlite": "bpnet-lite",
    "own": "bioseq_dl",
}
"""Environment key to the package that it is about, where the names differ."""


@dataclass(frozen=True)
class Row:
    """One entrant's line."""

    measure: str
    name: str
    kind: str
    version: str
    median: float | None
    lowest: float | None
    highest: float | None
    unit: str
    repeats: int
    of_limit: float | None
    """Share of the entrant named by `against`."""
    of_best_peer: float | None
    """Multiple of the fastest peer's median (for a peer, at most 1)."""
    precision: str
    output: str
    output_agrees: str
    """yes, no, or empty where it cannot be compared."""
    note: str


def make_rows(
    entrants: Sequence[Entrant], runs: Sequence[Run], environments: dict[str, Environment]
) -> list[Row]:
    """Summarise the runs of each entrant, in the order of `entrants`."""
    by_entrant = {entrant: [run for run in runs if run.entrant == entrant] for entrant in entrants}
    medians = {entrant: _median(found) for entrant, found in by_entrant.items()}
    rows = []
    for entrant in entrants:
        found = by_entrant[entrant]
        rates = [run.rate for run in found if run.rate is not None]
        reports = [run.report for run in found if run.rate is not None]
        group = [other for other in entrants if other.measure == entrant.measure]
        peers = [medians[other] for other in group if other.kind == "peer"]
        best = max((value for value in peers if value is not None), default=None)
        limit = next((medians[o] for o in group if o.name == entrant.against), None)
        median = medians[entrant]
        environment = environments[entrant.environment]
        errors = [run.error for run in found if run.error]
        note = errors[0] if errors else ""
        if environment.reason and environment.python is not None:
            note = f"installed with --no-deps, since {environment.reason}. {note}".strip()
        rows.append(
            Row(
                measure=entrant.measure,
                name=entrant.name,
                kind=entrant.kind,
                version=_version(entrant, environment),
                median=median,
                lowest=min(rates, default=None),
                highest=max(rates, default=None),
                unit=UNITS[entrant.measure],
                repeats=len(rates),
                of_limit=_ratio(median, limit),
                of_best_peer=None if entrant.measure == "score" else _ratio(median, best),
                precision=reports[0].get("precision", "") if reports else "",
                output=reports[0].get("output", "") if reports else "",
                output_agrees=_agreement(entrant, group, by_entrant),
                note=note,
            )
        )
    return rows


def _median(runs: Sequence[Run]) -> float | None:
    rates = [run.rate for run in runs if run.rate is not None]
    return statistics.median(rates) if rates else None


def _ratio(value: float | None, other: float | None) -> float | None:
    return None if value is None or not other else value / other


def _version(entrant: Entrant, environment: Environment) -> str:
    name = PACKAGES.get(entrant.environment, entrant.environment)
    if entrant.kind == "limit":
        name = "torch" if entrant.measure in ("train", "loader", "one_hot") else "numpy"
    return next(
        (v for package, v in environment.versions.items() if package.lower() == name.lower()), ""
    )


def _agreement(entrant: Entrant, group: Sequence[Entrant], runs: dict[Entrant, list[Run]]) -> str:
    """Compare with what most entrants of the measure gave.

    That is the checksum of the output; of a training, the number of parameters.
    """
    sums = {other: next(filter(None, map(_fingerprint, runs[other])), "") for other in group}
    if not sums[entrant]:
        return ""
    common = Counter(value for value in sums.values() if value).most_common(1)[0][0]
    return "yes" if sums[entrant] == common else "no"


def _fingerprint(run: Run) -> str:
    return str(run.report.get("checksum") or run.report.get("parameters") or "")


@dataclass(frozen=True)
class Aim:
    """Something the design promises, and what was measured."""

    text: str
    found: float | None
    wanted: float

    @property
    def met(self) -> bool:
        return self.found is not None and self.found >= self.wanted

    def __str__(self) -> str:
        found = "not measured" if self.found is None else f"{self.found:.3g}"
        verdict = "" if self.found is None else (" (met)" if self.met else " (NOT met)")
        return f"{self.text}: {found}, aim {self.wanted:g}{verdict}"


def judge_aims(rows: Sequence[Row]) -> list[Aim]:
    """Hold the rows against the aims of the design."""
    medians = {(row.measure, row.name): row.median for row in rows}

    def ratio(measure: str, name: str, other_measure: str, other: str) -> float | None:
        return _ratio(medians.get((measure, name)), medians.get((other_measure, other)))

    def best_peer(measure: str, word: str, without: str = "\0") -> float | None:
        values = [
            row.median
            for row in rows
            if row.measure == measure
            and row.kind == "peer"
            and word in row.name
            and without not in row.name
            and row.median is not None
        ]
        return max(values, default=None)

    own_extract = medians.get(("extract", "bioseq_dl"))
    own_train = medians.get(("train", TRAIN_OWN))
    return [
        Aim(
            "extraction, share of the flat gather",
            _ratio(own_extract, medians.get(("extract", GATHER))),
            0.5,
        ),
        Aim("extraction, intervals/s", own_extract, 2e6),
        Aim(
            "extraction, times the best of tangermeme",
            _ratio(own_extract, best_peer("extract", "tangermeme")),
            1.0,
        ),
        Aim(
            "loader, times the model's rate", ratio("loader", "bioseq_dl", "train", TRAIN_OWN), 10.0
        ),
        Aim(
            "training (auto), share of the bare bf16 loop on our module",
            ratio("train", TRAIN_OWN, "train", BARE_OWN_BF16),
            0.95,
        ),
        Aim(
            "training fp32, share of the bare loop on our module",
            ratio("train", "bioseq_dl, precision fp32", "train", BARE_OWN),
            0.95,
        ),
        Aim(
            "training (auto), times the best peer as it trains by default",
            _ratio(own_train, best_peer("train", "", "bfloat16")),
            1.8,
        ),
        Aim(
            "training (auto), times the best peer in any precision it offers",
            _ratio(own_train, best_peer("train", "")),
            1.0,
        ),
        _score_aim(rows),
    ]


SCORE_MARGIN = 0.01
"""AUROC; seeds of one precision differ by about as much."""


def _score_aim(rows: Sequence[Row]) -> Aim:
    """Paired difference of the scores by seed, bf16 less fp32."""
    scores: dict[str, dict[str, float]] = {"fp32": {}, "bf16": {}}
    for row in rows:
        if row.measure == "score" and row.median is not None and row.precision in scores:
            scores[row.precision][row.name.rpartition(" ")[2]] = row.median
    seeds = sorted(set(scores["fp32"]) & set(scores["bf16"]))
    gaps = [scores["bf16"][seed] - scores["fp32"][seed] for seed in seeds]
    text = "validation AUROC, bf16 less fp32"
    if len(gaps) < 2:
        return Aim(text, None, -SCORE_MARGIN)
    mean = statistics.mean(scores["fp32"][seed] for seed in seeds)
    text += f" (mean of {len(gaps)} seeds, sd {statistics.stdev(gaps):.4f}; fp32 {mean:.4f})"
    return Aim(text, statistics.mean(gaps), -SCORE_MARGIN)


def format_table(rows: Sequence[Row], comments: Sequence[str]) -> str:
    """Tab-separated, with the comments above as lines that start with #."""
    names = [field.name for field in fields(Row)]
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    lines.append("\t".join(names))
    lines += ["\t".join(_cell(name, getattr(row, name)) for name in names) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        if name in ("of_limit", "of_best_peer"):
            return f"{value:.3f}"
        return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"
    return " ".join(str(value).split())
