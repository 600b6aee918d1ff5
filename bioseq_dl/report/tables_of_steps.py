"""Tables of what came before: the data, the split and its audit, the training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.table import Cell, Table, make_table
from bioseq_dl.report.words import NONE, say_bytes, say_count, say_seconds, say_share

WORST_PAIRS = 10
"""Leaking pairs shown on the page; audit_pairs.tsv lists more."""
MOST_CLASSES = 6
"""Classes whose records are counted by role."""
_KINDS = {
    "exact": "equal sequence",
    "reverse_complement": "reverse complement",
    "overlap": "overlapping interval",
}
_NEAR = {"kmers": "near duplicate", "identity": "homologous protein"}
"""By how they were searched for."""
_PROTECTED = " Training records that are related to validation stay: they choose the epoch only."
_POLICIES = {
    "fail": "the run stops where more than the allowed share of test or validation records leaks",
    "drop": "leaking records are taken out of training, then validation, never out of test",
    "report": "leaks are told and left as they are",
}


def tabulate_inputs(ingest: Mapping[str, Any]) -> Table:
    """Give what was read of each input."""
    inputs = ingest["inputs"]
    negatives = any(item["negatives"] for item in inputs)
    columns = {"Input": "l", "Format": "l", "Read": "r", "Kept": "r", "Rejected": "r"}
    if negatives:
        columns["Negatives drawn"] = "r"
    rows = []
    for item in inputs:
        worst = sorted(item["rejected"].items(), key=lambda pair: -pair[1])
        reasons = ", ".join(f"{say_count(n)} {reason}" for reason, n in worst)
        row = [Cell(item["source"], item["name"] or ""), Cell(item["format"])]
        row += [Cell(say_count(item["read"])), Cell(say_count(item["kept"]))]
        row.append(Cell(say_count(sum(item["rejected"].values())), reasons))
        if negatives:
            row.append(Cell(say_count(item["negatives"])))
        rows.append(row)
    return make_table("Inputs", columns, rows)


def tabulate_hashes(ingest: Mapping[str, Any]) -> Table:
    """Give the SHA-256 of every input's file."""
    rows = [[Cell(item["source"], item["name"] or ""), item["sha256"]] for item in ingest["inputs"]]
    return make_table("Data", {"Input": "l", "SHA-256": "l"}, rows)


def tabulate_labels(run: RunResults, ingest: Mapping[str, Any]) -> Table:
    """Give class balance, or the spread of values, of each target."""
    rows = []
    for name in run.metrics["targets"]:
        found = ingest["targets"][name]
        if "classes" in found:
            total = sum(found["classes"].values())
            told = ", ".join(
                f"{label}: {say_count(n)} ({say_share(n, total)})"
                for label in run.metrics["classes"]
                if (n := found["classes"].get(label)) is not None
            )
        else:
            told = f"median {found['median']:.3g}, from {found['min']:.3g} to {found['max']:.3g}"
        rows.append([name, told, say_count(found["missing"])])
    return make_table("Labels", {"Target": "l", "Labels": "l", "Missing": "r"}, rows)


def tabulate_roles(run: RunResults, audit: Mapping[str, Any]) -> Table:
    """Give the records of each fold by role."""
    roles = ("train", "val", "test", "drop")
    heads = {"train": "Training", "val": "Validation", "test": "Test", "drop": "Left out"}
    by_fold: dict[int, dict[str, Any]] = {}
    for item in audit["roles"]:
        by_fold.setdefault(item["fold"], {})[item["role"]] = item
    target = run.metrics["targets"][0]
    rows: list[list[Cell | str]] = [
        [str(fold), *(_role(run, found.get(role), target) for role in roles)]
        for fold, found in sorted(by_fold.items())
    ]
    columns = {"Fold": "l"} | {heads[role]: "r" for role in roles}
    return make_table("Records by role", columns, rows)


def tabulate_leaks(audit: Mapping[str, Any]) -> Table | None:
    """Give the leaks between roles by kind, all folds together, as found."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for item in audit["counts"]:
        found = sums.setdefault((item["role"], item["other_role"], item["kind"]), [0, 0])
        found[0] += item["records"]
        found[1] += item["pairs"]
    rows = [
        [role, other, _name_kind(kind, audit), say_count(records), say_count(pairs)]
        for (role, other, kind), (records, pairs) in sums.items()
        if pairs
    ]
    if not rows:
        return None
    columns = {"Records of": "l", "Also in": "l", "Kind": "l", "Records": "r", "Pairs": "r"}
    return make_table("Leaks, as found before the policy", columns, rows)


def tabulate_pairs(run: RunResults, audit: Mapping[str, Any]) -> Table | None:
    """Give the worst leaking pairs."""
    if not len(run.pairs):
        return None
    shown = {"containment": "Shared k-mers"}
    if run.cells:
        shown = {}
    elif "identity" in run.pairs:
        shown = {"identity": "Identity", "coverage": "Coverage", "evalue": "E-value"}
    rows = [
        [
            str(item["id"]),
            str(item["role"]),
            str(item["other_id"]),
            str(item["other_role"]),
            _name_kind(str(item["kind"]), audit),
            *(_say_degree(name, item[name]) for name in shown),
        ]
        for _, item in run.pairs.head(WORST_PAIRS).iterrows()
    ]
    columns = {"Record": "l", "of": "l", "Other record": "l", "in": "l", "Kind": "l"}
    columns |= dict.fromkeys(shown.values(), "r")
    return make_table("Worst pairs", columns, rows, f"Of {say_count(len(run.pairs))} listed pairs.")


def _name_kind(kind: str, audit: Mapping[str, Any]) -> str:
    """Give the words for a kind of leak; an unknown one is a reason to leave out."""
    if kind == "exact" and audit["compared"] == "profile":
        return "equal cell"
    if kind == "near":
        return _NEAR[audit["near_search"]]
    return _KINDS.get(kind, kind.replace("_", " "))


def _say_degree(column: str, value: float) -> str:
    if math.isnan(value):
        return NONE
    return f"{value:.1e}" if column == "evalue" else f"{value:.2f}"


def tell_audit(audit: Mapping[str, Any]) -> Iterator[str]:
    """Say what was looked for, what the policy did, and what it cost."""
    settings, cost = audit["audit"], audit["cost"]
    cells = audit["compared"] == "profile"
    looked = ["cells that are equal, number by number" if cells else "equal sequences"]
    if settings["both_strands"]:
        looked.append("reverse complements")
    if settings["near_duplicates"]:
        looked.append(_say_near(audit))
    if settings["overlaps"]:
        looked.append("overlapping intervals")
    yield (
        f"Looked for: {', '.join(looked)}. Policy {settings['policy']}: "
        + _POLICIES[settings["policy"]]
        + "."
        + (_PROTECTED if (settings["policy"], settings["protect"]) == ("drop", "test") else "")
    )
    dropped: dict[str, int] = {}
    for item in audit["dropped"]:
        key = f"{item['role']} ({_name_kind(item['reason'], audit)})"
        dropped[key] = dropped.get(key, 0) + item["records"]
    if dropped:
        told = ", ".join(f"{say_count(n)} of {key}" for key, n in dropped.items())
        yield f"Left out: {told}."
    conflicts = audit["label_conflicts"]
    if conflicts["records"]:
        shared = "profiles" if cells else "sequences"
        yield (
            f"{say_count(conflicts['records'])} records share {say_count(conflicts['sequences'])} "
            f"{shared} but not their labels: no model can have all of them right."
        )
    repeated = sum(item["exact"] + item["reverse_complement"] for item in audit["repeated"])
    if repeated:
        yield f"{say_count(repeated)} records repeat another one of their own role."
    letters = "bases" if settings["both_strands"] else "letters"
    amount = "" if cells else f" ({say_count(cost['bases'])} {letters})"
    yield (
        f"The audit of {say_count(cost['records'])} {'cells' if cells else 'records'}{amount} "
        f"took {say_seconds(cost['seconds'])} and {say_bytes(cost['peak_memory_bytes'])}; "
        f"{say_count(cost['candidates'])} pairs were compared{_say_program(cost)}."
    )


def _say_program(cost: Mapping[str, Any]) -> str:
    program = str(cost.get("program") or "")
    if program.startswith("mmseqs"):
        return f" (hits of {program.replace('mmseqs', 'MMseqs2', 1)})"
    return " (all of them aligned)" if program else ""


def _say_near(audit: Mapping[str, Any]) -> str:
    settings = audit["audit"]
    if audit["near_search"] == "identity":
        whose = {"shorter": "the shorter", "both": "each of them"}[settings["coverage_of"]]
        return (
            f"homologous proteins (an alignment with {settings['identity']:.0%} identical residues "
            f"that spans {settings['coverage']:.0%} of {whose}, E-value at most "
            f"{settings['evalue']:g})"
        )
    return f"near duplicates ({settings['containment']:.0%} of {settings['kmer']}-mers shared)"


def tabulate_training(run: RunResults) -> Table | None:
    """Give every training of the run."""
    if not run.training:
        return None
    folds = len(run.metrics["folds"]) > 1
    columns = ({"Fold": "l"} if folds else {}) | {
        "Seed": "l", "Parameters": "r", "Epochs": "r", "Kept": "r", "Wall time": "r",
        "Samples/s": "r", "Peak memory": "r",
    }  # fmt: skip
    rows: list[list[Cell | str]] = []
    for item in run.training:
        found = item.summary
        row: list[Cell | str] = [str(item.fold)] if folds else []
        gpu = found.get("gpu_peak_memory_bytes")
        memory = Cell(
            say_bytes(found.get("peak_memory_bytes")), f"GPU {say_bytes(gpu)}" if gpu else ""
        )
        rows.append(
            [
                *row,
                Cell(str(item.seed), "resumed" if found.get("resumed") else ""),
                say_count(found.get("parameters")),
                _text(found.get("epochs_run")),
                _text(kept_epoch(found)),
                say_seconds(found.get("seconds")),
                say_count(found.get("samples_per_second")),
                memory,
            ]
        )
    return make_table("Trainings", columns, rows)


def kept_epoch(summary: Mapping[str, Any]) -> int | None:
    """Give the epoch whose weights were kept."""
    found: int | None = summary.get("kept_epoch", summary.get("best_epoch"))
    return found


def tell_device(run: RunResults) -> Iterator[str]:
    """Say on what and in which precision was trained, and why; once where all agree."""
    for what in ("device", "precision"):
        reasons: dict[str, dict[str, int]] = {}
        for item in run.training:
            if what in item.summary:
                why = str(item.summary.get(f"{what}_reason") or "")
                reasons.setdefault(str(item.summary[what]), {}).setdefault(why, item.seed)
        for value, found in reasons.items():
            why, seed = next(iter(found.items()))
            which = f"seed {seed}: " if len(found) > 1 else ""
            yield f"{what.capitalize()}: {value}" + (f" ({which}{why})." if why else ".")


def tabulate_provenance(run: RunResults) -> Table:
    """Give code, hardware, seeds and time."""
    found = next((item.summary for item in run.training if item.summary), None)
    found = found or (run.ingest or {}).get("provenance") or {}
    hardware = found.get("hardware") or {}
    versions = ", ".join(f"{name} {version}" for name, version in found.get("versions", {}).items())
    machine = [
        str(hardware.get("cpu") or "processor not recorded"),
        f"{hardware.get('cores')} cores" if hardware.get("cores") else "",
        f"{say_bytes(hardware['memory_bytes'])} memory" if "memory_bytes" in hardware else "",
        str(hardware.get("gpu") or ""),
        str(hardware.get("system") or ""),
    ]
    rows: list[list[Cell | str]] = [
        ["Git commit", _text(found.get("git_commit"))],
        ["Versions", versions or "not recorded"],
        ["Hardware", ", ".join(filter(None, machine)) if hardware else "not recorded"],
        ["Seeds", ", ".join(map(str, run.metrics["seeds"]))],
        ["Folds", str(len(run.metrics["folds"]))],
        ["Wall time", _tell_times(run)],
        ["Peak memory", _tell_memory(run)],
    ]
    for name in run.metrics["baselines"]:
        notes = run.metrics["notes"][name].values()
        told = list(dict.fromkeys(note for note in notes if note))
        if told:
            rows.append([f"Baseline {name}", " | ".join(told)])
    return make_table("Code, machine and time", {"": "l", " ": "l"}, rows)


def _steps(run: RunResults) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if run.ingest and "provenance" in run.ingest:
        yield "ingest", run.ingest["provenance"]
    if run.audit:
        yield "audit", run.audit["cost"]
    for item in run.training:
        fold = f"fold {item.fold}, " if len(run.metrics["folds"]) > 1 else ""
        yield f"train ({fold}seed {item.seed})", item.summary


def _tell_times(run: RunResults) -> str:
    times = [(name, f["seconds"]) for name, f in _steps(run) if f.get("seconds") is not None]
    if not times:
        return "not recorded"
    return ", ".join(f"{name} {say_seconds(value)}" for name, value in times)


def _tell_memory(run: RunResults) -> str:
    peaks = [(f["peak_memory_bytes"], name) for name, f in _steps(run) if "peak_memory_bytes" in f]
    if not peaks:
        return "not recorded"
    peak, name = max(peaks)
    return f"{say_bytes(peak)} ({name})"


def _role(run: RunResults, found: Mapping[str, Any] | None, target: str) -> Cell:
    if found is None:
        return Cell("0")
    held = found["targets"].get(target, {})
    classes = run.metrics["classes"]
    small = ""
    if "counts" in held and classes:
        # Of many classes the numbers would be a page of their own.
        named = {classes[int(code)]: n for code, n in held["counts"].items()}
        small = (
            ""
            if len(named) > MOST_CLASSES
            else ", ".join(f"{name}: {say_count(n)}" for name, n in named.items())
        )
    elif "mean" in held:
        small = f"{held['mean']:.3g} ± {held['sd']:.3g}"
    return Cell(say_count(found["records"]), small)


def _text(value: Any) -> str:
    return NONE if value is None else str(value)
