"""Two results of one run side by side: predictions, metrics, models, and what may explain it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bioseq_dl.archive.contents import PROVENANCE, Result, list_files
from bioseq_dl.errors import InputError
from bioseq_dl.io.json_files import read_record
from bioseq_dl.io.manifest import hash_file
from bioseq_dl.layout import (
    baseline_folder,
    list_baselines,
    list_models,
    model_folder,
    stage_folder,
)
from bioseq_dl.reproduction.causes import Cause, find_causes
from bioseq_dl.reproduction.values import compare_leaves, compare_tables, flatten

TOLERANCE = 1e-5
"""Gap (`values.gap_between`) up to which numbers are called the same."""
_TIMED = (*PROVENANCE, "seconds", "peak_memory_bytes")
_OWN = ("train.json", "history.csv", "metrics.json", "predictions.parquet", "model.pt")


@dataclass(frozen=True)
class Finding:
    """One thing compared."""

    what: str
    """``split``, ``predictions``, ``baseline``, ``metrics``, ``model`` or ``file``."""
    file: str
    """Its path in the original results folder."""
    same: bool
    """Equal within the tolerance; of models and other files: byte by byte."""
    equal_bytes: bool | None
    """None where the files hold times."""
    gap: float | None
    """Largest gap between numbers; None where none were compared."""
    detail: str
    """Where the largest gap is, or what else differs."""


@dataclass(frozen=True)
class Comparison:
    """What two results have in common, and what not."""

    run: str
    tolerance: float
    findings: tuple[Finding, ...]
    causes: tuple[Cause, ...]
    """All that was recorded and is not alike, whether the results differ or not."""

    @property
    def same(self) -> bool:
        """Whether data, split, predictions and metrics are the same within the tolerance."""
        decided = all(finding.same for finding in self.findings if finding.what in _DECISIVE)
        return decided and not any(cause.kind == "data" for cause in self.causes)

    def to_json(self) -> dict[str, Any]:
        """Give it ready for `write_json`: an infinite gap is null."""
        findings = [asdict(finding) for finding in self.findings]
        for finding in findings:
            if finding["gap"] is not None and not math.isfinite(finding["gap"]):
                finding["gap"] = None
        return {
            "run": self.run,
            "same": self.same,
            "tolerance": self.tolerance,
            "findings": findings,
            "causes": [asdict(cause) for cause in self.causes],
        }


_DECISIVE = ("split", "predictions", "baseline", "metrics")


def compare_results(first: Result, second: Result, tolerance: float = TOLERANCE) -> Comparison:
    """Compare two finished runs; the original first.

    Raises
    ------
    InputError
        Where they are of different tasks.
    """
    if first.run.task != second.run.task:
        raise InputError(
            "runs of different tasks cannot be compared",
            found=second.run.task,
            allowed=first.run.task,
        )
    findings = list(_compare_files(first, second, tolerance))
    return Comparison(first.name, tolerance, tuple(findings), tuple(find_causes(first, second)))


def _compare_files(first: Result, second: Result, tolerance: float) -> Iterator[Finding]:
    def place(path: Path) -> str:
        return path.relative_to(first.results).as_posix()

    def compare(what: str, one: Path, two: Path) -> Finding:
        name = place(one)
        both = (("the original", one), ("the other", two))
        lacking = [whose for whose, path in both if not path.is_file()]
        if lacking:
            detail = f"missing in {' and in '.join(lacking)}"
            return Finding(what, name, False, False, None, detail)
        equal: bool | None = hash_file(one) == hash_file(two)
        if what in ("split", "model", "file"):
            return Finding(what, name, bool(equal), equal, None, "")
        if what == "metrics":
            gap, detail = compare_metrics(one, two)
            equal = None
        else:
            gap, detail = (0.0, "") if equal else compare_tables(one, two)
        return Finding(what, name, gap <= tolerance, equal, gap, detail)

    folders = [
        (
            stage_folder(result.results, result.run, "split"),
            baseline_folder(result.results, result.run),
        )
        for result in (first, second)
    ]
    yield compare("split", *(folder / "split.parquet" for folder, _ in folders))
    for fold, seed in list_models(first.run):
        one, two = (
            model_folder(result.results, result.name, fold, seed) for result in (first, second)
        )
        yield compare("model", one / "model.pt", two / "model.pt")
        yield compare("predictions", one / "predictions.parquet", two / "predictions.parquet")
    for name in list_baselines(first.run):
        for fold in range(first.run.split.folds):
            yield compare("baseline", *(base / f"{name}-fold{fold}.parquet" for _, base in folders))
    yield compare("metrics", first.metrics, second.metrics)
    for path in list_files(first).values():
        inside = path.is_relative_to(first.folder)
        if inside and path.name not in _OWN and path.suffix in (".tsv", ".parquet"):
            yield compare("file", path, second.folder / path.relative_to(first.folder))


def compare_metrics(one: Path, two: Path) -> tuple[float, str]:
    """Give the largest gap between two metrics.json, and where; not of how they were made."""
    return compare_leaves(_read_metrics(one), _read_metrics(two))


def _read_metrics(path: Path) -> dict[str, Any]:
    data = read_record(path)
    return flatten({key: value for key, value in data.items() if key not in _TIMED})


def describe(comparison: Comparison) -> str:
    """Say it in words, a line each."""
    verdict = "the same" if comparison.same else "NOT the same"
    lines = [f"run {comparison.run}: {verdict} (tolerance {comparison.tolerance:g})", ""]
    for finding in comparison.findings:
        if finding.equal_bytes:
            state = "equal bytes"
        elif finding.gap is None or not math.isfinite(finding.gap):
            state = "differs"
        elif finding.gap == 0 and finding.equal_bytes is None:
            state = "equal"
        else:
            state = f"{'within tolerance' if finding.same else 'differs'}, gap {finding.gap:.2g}"
        detail = f" ({finding.detail})" if finding.detail and not finding.equal_bytes else ""
        lines.append(f"{finding.what:12} {finding.file}: {state}{detail}")
    lines.append("")
    if comparison.causes:
        lines.append("not alike:")
        lines += [
            f"{cause.kind:12} {cause.what}: {cause.first} -> {cause.second}"
            for cause in comparison.causes
        ]
    elif comparison.same:
        lines.append("data, config, versions, code and hardware are alike")
    else:
        lines.append(
            "data, config, versions, code and hardware are alike: a result was changed after it "
            "was written, or a step does not always do the same"
        )
    return "\n".join(lines) + "\n"
