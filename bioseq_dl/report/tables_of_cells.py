"""Tables of a run on cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.table import Cell, Table, difference_cells, make_table, value_cell
from bioseq_dl.report.words import (
    NONE,
    say_count,
    say_number,
    say_share,
    say_spread,
)

QUANTITIES = {
    "genes": "Genes with a value other than 0",
    "total": "Sum of the values",
    "mitochondrial": "Share of mitochondrial genes",
}


_KINDS = {
    "doublet": "two cells in one",
    "shuffled": "values at other genes",
}


def name_outliers(kind: str) -> str:
    """Give a kind of outlier in words."""
    return _KINDS.get(kind, kind)


def tabulate_quality(ingest: Mapping[str, Any]) -> Table:
    """Give what was measured of the cells that stayed."""
    rows = [
        [label, *(_say_quantity(found[key]) for key in ("min", "q05", "median", "q95", "max"))]
        for name, label in QUANTITIES.items()
        if (found := ingest["quality"].get(name)) is not None
    ]
    heads = ("Least", "5%", "Median", "95%", "Most")
    return make_table("Cells that stayed", {"": "l"} | dict.fromkeys(heads, "r"), rows)


def tabulate_removed(ingest: Mapping[str, Any]) -> Table | None:
    """Give how many cells were left out, by reason."""
    rejected = ingest["rejected"]
    rows = [
        [reason, Cell(say_count(count), say_share(count, rejected["read"]))]
        for reason, count in rejected["reasons"].items()
    ]
    if not rows:
        return None
    note = "A cell is counted by the first reason that applies; rejected.tsv lists every one."
    return make_table("Cells that were left out", {"Reason": "l", "Cells": "r"}, rows, note)


def tabulate_labels(run: RunResults, ingest: Mapping[str, Any]) -> Table:
    """Give the cells of each class, a row a class; of a regression the spread of values."""
    several = len(run.metrics["targets"]) > 1
    rows: list[list[Cell | str]] = []
    for name in run.metrics["targets"]:
        found = ingest["targets"][name]
        start = [name] if several else []
        if "classes" not in found:
            told = f"median {found['median']:.3g}, from {found['min']:.3g} to {found['max']:.3g}"
            rows.append([*start, told, say_count(ingest["records"] - found["missing"]), NONE])
            continue
        total = sum(found["classes"].values())
        for label in run.metrics["classes"]:
            count = found["classes"].get(label, 0)
            rows.append([*start, label, say_count(count), say_share(count, total)])
        if found["missing"]:
            rows.append([*start, "no label", say_count(found["missing"]), NONE])
    columns = ({"Target": "l"} if several else {}) | {"Label": "l", "Cells": "r", "Share": "r"}
    return make_table("Labels", columns, rows)


def tabulate_classes(run: RunResults) -> list[Table]:
    """Give recall, precision and F1 of every class, a table a target."""
    found = run.tables["classes"]
    tables = []
    for target, classes in found.groupby("target", sort=False) if len(found) else ():
        rows = []
        for _, item in classes.iterrows():
            taken = Cell(NONE)
            if item["taken"]:
                taken = Cell(item["taken_for"], say_count(item["taken"]))
            rows.append(
                [
                    Cell(item["class"]),
                    Cell(say_count(item["records"])),
                    value_cell(
                        {key: item[key] for key in ("low", "high")} | {"value": item["recall"]}, ""
                    ),
                    Cell(say_number(item["precision"])),
                    Cell(say_number(item["f1"])),
                    taken,
                ]
            )
        columns = {
            "Class": "l", "Test cells": "r", "Recall": "r", "Precision": "r", "F1": "r",
            "Most often taken for": "l",
        }  # fmt: skip
        several = f" of {target}" if len(run.metrics["targets"]) > 1 else ""
        note = "Intervals: Wilson's. That of a class with few cells is wide."
        tables.append(make_table(f"Each class{several}", columns, rows, note))
    return tables


def tabulate_unknown(run: RunResults) -> list[Table]:
    """Give what the class unknown does to the figures, and to each class."""
    tables = []
    for target in run.metrics["targets"]:
        found = run.metrics["unknown"][target]
        several = f" of {target}" if len(run.metrics["targets"]) > 1 else ""
        rows: list[list[Cell | str]] = [
            [label, _value(found[first]) if first else NONE, _value(found[second])]
            for label, first, second in (
                ("Called unknown", "", "unknown"),
                ("Accuracy", "accuracy", "accuracy_rest"),
                ("Macro-F1", "f1", "f1_rest"),
                ("Right calls that are kept", "", "right_kept"),
                ("Wrong calls that become unknown", "", "wrong_caught"),
            )
        ]
        columns = {"": "l", "All cells": "r", "With the class unknown": "r"}
        thresholds = ", ".join(f"{item['threshold']:.3f}" for item in found["folds"])
        many = "Thresholds of the folds" if len(found["folds"]) > 1 else "Threshold"
        notes = "; ".join(dict.fromkeys(i["note"] for i in found["folds"] if i["note"]))
        note = f"{many}: {thresholds}. {notes}".strip()
        note += " Accuracy and macro-F1 on the right are of the cells that are not unknown."
        tables.append(make_table(f"The class unknown{several}", columns, rows, note))
        rows = []
        for name in run.metrics["classes"]:
            item = found["classes"][name]
            rest = item["test"] - item["unknown"]
            rows.append(
                [
                    name,
                    say_count(item["test"]),
                    Cell(say_count(item["unknown"]), say_share(item["unknown"], item["test"])),
                    say_share(item["right"], item["test"]),
                    say_share(item["right_rest"], rest),
                ]
            )
        columns = {
            "Class": "l", "Test cells": "r", "Unknown": "r", "Right, of all": "r",
            "Right, of the rest": "r",
        }  # fmt: skip
        tables.append(make_table(f"Unknown cells by true class{several}", columns, rows))
    return tables


def tabulate_embedding(run: RunResults) -> Table:
    """Give the measures of the embedding beside those of PCA."""
    found = run.metrics["embedding"]
    names = [name for name in ("model", "pca") if name in found["predictors"]]
    spreads = {
        key: f"Single {key}"
        for key in ("seeds", "folds")
        if any(found["predictors"]["model"][m][key] for m in found["definitions"])
    }
    columns = {"Measure": "l", "Embedding": "r"} | dict.fromkeys(spreads.values(), "r")
    if "pca" in names:
        columns |= {"PCA": "r", "Difference": "r", "p": "r"}
    compared = {row["metric"]: row for row in found["comparisons"]}
    rows = []
    for metric in ("knn_accuracy", "knn_f1", "silhouette", "ari", "nmi"):
        ours = found["predictors"]["model"][metric]
        definition = found["definitions"][metric]
        row = [Cell(definition["label"], definition["meaning"]), _value(ours)]
        row += [Cell(say_spread(ours[key])) for key in spreads]
        if "pca" in names:
            row.append(_value(found["predictors"]["pca"][metric]))
            row += difference_cells(compared.get(metric), metric)
        rows.append(row)
    counts = ", ".join(
        f"{found['clusters'][name]:.3g} of {'the embedding' if name == 'model' else 'PCA'}"
        for name in names
    )
    note = (
        f"The {found['neighbours']} nearest training cells vote. Clusters: Leiden's, of the graph "
        f"of {found['neighbours']} nearest test cells of a fold ({counts} on average); they have "
        "no interval, since a cell that is drawn twice agrees with itself."
    )
    return make_table("The embedding beside principal components", columns, rows, note)


def tabulate_anomaly(run: RunResults) -> Table:
    """Give the area under the ROC curve of each kind of outlier."""
    kinds = run.metrics["anomaly"]["kinds"]
    spreads = {
        key: f"Single {key}"
        for key in ("seeds", "folds")
        if any(item["auroc"][key] for item in kinds.values())
    }
    # JSON objects are sorted by key: all kinds together come last.
    rows = [
        [
            Cell("all kinds" if kind == "all" else name_outliers(kind)),
            Cell(say_count(kinds[kind]["outliers"])),
            _value(kinds[kind]["auroc"]),
            *(Cell(say_spread(kinds[kind]["auroc"][key])) for key in spreads),
        ]
        for kind in sorted(kinds, key=lambda kind: (kind == "all", kind))
    ]
    columns = {"Outliers": "l", "Number": "r", "AUROC": "r"} | dict.fromkeys(spreads.values(), "r")
    return make_table("Outliers found by the reconstruction error", columns, rows)


def _value(found: Mapping[str, Any]) -> Cell:
    return value_cell(found, "")


def _say_quantity(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else say_count(value)
