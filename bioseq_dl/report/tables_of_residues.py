"""Tables of a run with labels for each residue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioseq_dl.config import HEADS
from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.table import Cell, Table, difference_cells, make_table, value_cell
from bioseq_dl.report.words import (
    best_baseline,
    file_name,
    find_comparison,
    name_predictor,
    say_count,
    say_number,
    say_share,
    say_spread,
)

WORST = 12
"""Proteins shown on the page; errors.tsv lists all."""
_STATES = {
    "G": "3-10 helix", "H": "alpha helix", "I": "pi helix", "B": "isolated bridge", "E": "strand",
    "S": "bend", "T": "turn", "C": "coil",
}  # fmt: skip
_THREE = {"H": "helix", "E": "strand", "C": "coil"}


def tabulate_heads(run: RunResults) -> Table:
    """Give the overall metrics of each target beside the baselines; those of states are apart."""
    metrics = run.metrics
    baseline = best_baseline(metrics)
    names = ["model", *metrics["baselines"]]
    columns = {"Target": "l", "Metric": "l", "Model": "r"}
    several = [key for key in ("seeds", "folds") if len(metrics[key]) > 1]
    columns |= {f"Single {key}": "r" for key in several}
    columns |= {name_predictor(name).capitalize(): "r" for name in names[1:]}
    if baseline:
        columns |= {f"Model less {name_predictor(baseline)}": "r", "p": "r"}
    rows: list[list[Cell | str]] = []
    notes: dict[str, None] = {}
    for target in metrics["targets"]:
        # JSON objects are sorted by key: the list has the order to show.
        held = metrics["predictors"]["model"][target]
        shown = [name for name in metrics["metrics"] if name in held]
        for place, metric in enumerate(shown):
            definition = metrics["definitions"][metric]
            found = {name: metrics["predictors"][name][target][metric] for name in names}
            label = Cell(definition["label"], "" if definition["higher"] else "lower is better")
            row: list[Cell | str] = [target if place == 0 else "", label]
            row.append(value_cell(found["model"], metric))
            row += [say_spread(found["model"][key], metric) for key in several]
            row += [value_cell(found[name], metric) for name in names[1:]]
            if baseline:
                row += difference_cells(find_comparison(metrics, baseline, target, metric), metric)
            rows.append(row)
            for name, item in found.items():
                if item["note"]:
                    told = f"{definition['label']} of {target}, {name_predictor(name)}"
                    notes[f"{told}: {item['note']}."] = None
    return make_table("All metrics on the test proteins", columns, rows, " ".join(notes))


def tabulate_states(run: RunResults) -> list[Table]:
    """Give recall, precision and SOV of every state, a table for each target that has states."""
    metrics = run.metrics
    baseline = best_baseline(metrics)
    tables = []
    for target, states in metrics["states"].items():
        counts = metrics["records"][target]["classes"]
        total = sum(counts.values())
        words = _THREE if len(states) == 3 else _STATES
        columns = {"State": "l", "Test residues": "r", "Recall": "r", "Precision": "r"}
        columns["SOV'99"] = "r"
        if baseline:
            columns |= {f"Recall of {name_predictor(baseline)}": "r", "Difference": "r", "p": "r"}
        rows = []
        for state in states:
            ours = metrics["predictors"]["model"][target]
            row = [
                Cell(state, words[state]),
                Cell(say_count(counts[state]), say_share(counts[state], total)),
                *(
                    value_cell(ours[f"{kind}:{state}"], kind)
                    for kind in ("recall", "precision", "sov")
                ),
            ]
            if baseline:
                metric = f"recall:{state}"
                row.append(value_cell(metrics["predictors"][baseline][target][metric], metric))
                row += difference_cells(find_comparison(metrics, baseline, target, metric), metric)
            rows.append(row)
        tables.append(make_table(f"Each state of {target}", columns, rows))
    return tables


def tabulate_residues(run: RunResults, ingest: Mapping[str, Any]) -> Table | None:
    """Give how many residues are labelled, and as what."""
    rows = []
    for label in run.metrics["targets"]:
        found = ingest.get("residues", {}).get(label)
        if found is None:
            continue
        counts = found.get("states", {})
        order = run.metrics["states"].get(label, sorted(counts))
        told = ", ".join(
            f"{_name_code(label, state)}: {say_count(counts.get(state, 0))} "
            f"({say_share(counts.get(state, 0), found['labelled'])})"
            for state in order
        )
        if not told and found.get("mean") is not None:
            angle = label in HEADS["angles"].labels
            told = f"mean {found['mean']:.0f}°" if angle else f"mean {found['mean']:.3g}"
        rows.append([label, say_count(found["labelled"]), told, say_count(found["unlabelled"])])
    if not rows:
        return None
    columns = {"Target": "l", "Labelled residues": "r", "Labels": "l", "Without": "r"}
    note = "Without: residues of proteins that have such labels, unresolved or not counted, say. "
    note += "They are neither learnt from nor judged."
    return make_table("Labels", columns, rows, note)


def tabulate_worst(run: RunResults) -> Table | None:
    """Give the proteins that are predicted worst."""
    listed = run.tables["errors"]
    if not len(listed):
        return None
    metric = str(listed["metric"].iloc[0])
    label = run.metrics["definitions"][metric]["label"]
    named = listed["baseline"].iloc[0]
    baseline = named if isinstance(named, str) else ""
    columns = {"Protein": "l", "Length (aa)": "r", "Labelled": "r", f"{label} of model": "r"}
    if baseline:
        columns[f"same, {name_predictor(baseline)}"] = "r"
    rows = []
    for _, item in listed.head(WORST).iterrows():
        source = file_name(item["source"]) if isinstance(item["source"], str) else ""
        row = [Cell(item["id"], source), Cell(say_count(item["length"]))]
        row += [Cell(say_count(item["residues"])), Cell(say_number(item["value"], metric))]
        if baseline:
            row.append(Cell(say_number(item["baseline_value"], metric)))
        rows.append(row)
    note = (
        f"Of {say_count(len(listed))} test proteins; all stand in errors.tsv beside metrics.json."
    )
    return make_table("Proteins predicted worst", columns, rows, note)


def _name_code(label: str, code: str) -> str:
    return {"0": "resolved", "1": "disordered"}.get(code, code) if label == "disorder" else code
