"""Runs to rows: medians, ratios, and whether the outputs agree."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from environments import Environment
from plan import EFFECTS, UNITS, Entrant
from runs import Run

PACKAGES = {
    "grelu": "gReLU",
    "crested": "crested",
    "selene": "selene-sdk",
    "bpnetlite": "bpnet-lite",
    "own": "bioseq_dl",
}
"""Environment key to the package that it is about, where the names differ."""

TORCH = ("train", "loader", "one_hot", *EFFECTS)
"""Measures whose limits are torch; those of the others are numpy."""

EXACT = 1e-5
"""Largest difference between effects and those of the full pass in float64 that is rounding."""


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
        name = "torch" if entrant.measure in TORCH else "numpy"
    return next(
        (v for package, v in environment.versions.items() if package.lower() == name.lower()), ""
    )


def _agreement(entrant: Entrant, group: Sequence[Entrant], runs: dict[Entrant, list[Run]]) -> str:
    """Compare with what most entrants of the measure gave.

    That is the checksum of the output; of a training, the number of parameters. Effects
    are compared with the exact ones that the plain loop of the measure gives.
    """
    if entrant.measure in EFFECTS:
        found = [run.report["difference"] for run in runs[entrant] if "difference" in run.report]
        return ("yes" if max(found) <= EXACT else "no") if found else ""
    sums = {other: next(filter(None, map(_fingerprint, runs[other])), "") for other in group}
    if not sums[entrant]:
        return ""
    common = Counter(value for value in sums.values() if value).most_common(1)[0][0]
    return "yes" if sums[entrant] == common else "no"


def _fingerprint(run: Run) -> str:
    return str(run.report.get("checksum") or run.report.get("parameters") or "")


def compare_effects(runs: Sequence[Run]) -> list[Run]:
    """Put the largest difference from the exact effects into the reports that hold effects.

    The lists themselves are left out: ``effects``, by the convention each tool follows, and
    ``reference``, by the plain loop, under the same names.
    """
    exact: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        exact.setdefault(run.entrant.measure, {}).update(run.report.get("reference", {}))
    return [_compare(run, exact[run.entrant.measure]) for run in runs]


def _compare(run: Run, exact: dict[str, list[float]]) -> Run:
    report = {k: v for k, v in run.report.items() if k not in ("effects", "reference")}
    gaps, sizes = [], []
    for name, values in run.report.get("effects", {}).items():
        pairs = list(zip(values, exact.get(name, []), strict=name in exact))
        gaps += [abs(one - other) for one, other in pairs]
        sizes += [abs(other) for _, other in pairs]
        report["convention"] = name
    if gaps:
        # A NaN anywhere is no agreement, and max may pass over it.
        bad = any(gap != gap for gap in gaps)
        report["difference"] = float("inf") if bad else max(gaps)
        report["compared"] = len(gaps)
        report["median_effect"] = statistics.median(sizes)
    return replace(run, report=report)


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
