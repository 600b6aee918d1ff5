"""What an audit found, as records, as files, and as an error."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bioseq_dl.config import Audit
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_json, write_text


@dataclass(frozen=True)
class LeakCount:
    """Leaks of one kind between two roles of one fold, before the policy."""

    fold: int
    role: str
    """The more protected role."""
    other_role: str
    kind: str
    pairs: int
    """Pairs of records; of ``near`` those that were found."""
    records: int
    """Different records of `role`; each counts in the worst of exact, reverse_complement and
    near only."""


@dataclass(frozen=True)
class Leaking:
    """Records of one role that leak in any way into a less protected one."""

    fold: int
    role: str
    records: int
    leaking: int
    """Found."""
    remaining: int
    """Still there after the policy."""

    @property
    def fraction(self) -> float:
        """Share of `records` that leak, as found."""
        return self.leaking / max(self.records, 1)


@dataclass(frozen=True)
class Repeated:
    """Records whose sequence an earlier one of the same role holds."""

    fold: int
    role: str
    exact: int
    reverse_complement: int


@dataclass(frozen=True)
class Dropped:
    """Records that got the role ``drop``."""

    fold: int
    role: str
    """Before."""
    reason: str
    records: int


@dataclass(frozen=True)
class Conflicts:
    """Equal sequences with different labels, over all records."""

    sequences: int
    records: int


@dataclass(frozen=True)
class Cost:
    """What the audit took."""

    seconds: float
    peak_memory_bytes: int
    """Of the process since its start."""
    records: int
    bases: int
    candidates: int
    """Pairs compared k-mer by k-mer, or aligned."""
    similar_pairs: int
    rounds: int
    """Searches for near duplicates."""
    program: str = ""
    """What aligned proteins, with its version."""


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Folds after the policy, and what was found before."""

    folds: pa.Table
    audit: Audit
    counts: tuple[LeakCount, ...]
    leaking: tuple[Leaking, ...]
    repeated: tuple[Repeated, ...]
    conflicts: Conflicts
    dropped: tuple[Dropped, ...]
    roles: list[dict[str, Any]]
    """Records and labels of every role, after the policy."""
    pairs: pa.Table
    """The worst pairs, one per leaking record and other role: `fold`, `role`, `id`,
    `other_role`, `other_id`, `kind`, then `containment`, `strand`, or of aligned proteins
    `identity`, `coverage`, `evalue`."""
    cost: Cost


def refuse_leaks(result: AuditResult) -> None:
    """Stop on a leak above the limit where the policy is ``fail``.

    Raises
    ------
    InputError
        Names the counts, the worst pair and the ways out.
    """
    limit = result.audit.max_leaking_fraction
    over = [leak for leak in result.leaking if leak.fraction > limit]
    if result.audit.policy != "fail" or not over:
        return
    worst = max(over, key=lambda leak: (leak.role == "test", leak.fraction))
    kinds = [
        f"{count.records} {count.kind} in {count.other_role}"
        for count in result.counts
        if (count.fold, count.role) == (worst.fold, worst.role) and count.records
    ]
    places = "train or val" if worst.role == "test" else "train"
    text = (
        f"the split leaks: {worst.leaking} of {worst.records} {worst.role} records of fold "
        f"{worst.fold} also stand in {places} ({', '.join(kinds)}), a fraction of "
        f"{worst.fraction:.3g} where split.audit.max_leaking_fraction allows {limit:g}"
    )
    row = next(
        row
        for row in result.pairs.to_pylist()
        if (row["fold"], row["role"]) == (worst.fold, worst.role)
    )
    text += (
        f"; worst pair: {row['id']} ({row['role']}) and {row['other_id']} ({row['other_role']}), "
        f"{row['kind']}, {_say_degree(row)}"
    )
    raise InputError(
        text,
        fix="split.audit.policy: drop takes them out of train and val; split.method: homology "
        "keeps similar sequences together; split.audit.policy: report goes on all the same",
    )


def _say_degree(row: dict[str, Any]) -> str:
    """Say how much the two of a pair share."""
    if "containment" in row:
        return f"containment {row['containment']:.2f}"
    text = f"identity {row['identity']:.2f}, coverage {row['coverage']:.2f}"
    return text if row["evalue"] is None else f"{text}, E-value {row['evalue']:.1e}"


def write_audit(audit_path: str | Path, pairs_path: str | Path, result: AuditResult) -> None:
    """Write audit.json and audit_pairs.tsv, each whole or not at all."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
    writer.writerow(result.pairs.column_names)
    writer.writerows(row.values() for row in result.pairs.to_pylist())
    write_text(pairs_path, lines.getvalue())
    write_json(audit_path, summarise_audit(result))


def summarise_audit(result: AuditResult) -> dict[str, Any]:
    """Give what audit.json holds: everything but the folds and the pairs."""
    return {
        "audit": result.audit.model_dump(mode="json"),
        "near_search": result.audit.near_search,
        "compared": result.audit.column,
        "counts": [asdict(count) for count in result.counts],
        "leaking": [asdict(leak) | {"fraction": leak.fraction} for leak in result.leaking],
        "repeated": [asdict(repeat) for repeat in result.repeated],
        "label_conflicts": asdict(result.conflicts),
        "dropped": [asdict(drop) for drop in result.dropped],
        "roles": result.roles,
        "cost": asdict(result.cost),
    }
