"""The report's section on the genes that speak for a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bioseq_dl.report.figures_of_saliency import MOST_PICTURES, draw_layout, draw_saliency
from bioseq_dl.report.files import read_json, read_table
from bioseq_dl.report.sections import Section
from bioseq_dl.report.table import Cell, Table, make_table
from bioseq_dl.report.words import NONE, say_count

_MOST_GENES = 20
"""Genes of a list on the page; genes.tsv holds all."""
_TESTS = {
    "wilcoxon": "Wilcoxon's rank-sum test",
    "t-test": "Welch's t-test",
    "t-test_overestim_var": "a t-test that overestimates the variance",
}
_METHODS = {
    "Grad-CAM": (
        "A class activation map (Grad-CAM, Selvaraju et al. 2017) shows which places of a cell's "
        "picture raise the output of a class above that of the others: what the network's last "
        "convolution sees there, times how the output changes with it. A gene's score is the map "
        "at its pixel times how far the cell's value is above the mean of the training cells, so "
        "that genes a class lacks score nothing."
    ),
    "integrated gradients": (
        "Integrated gradients (Sundararajan et al. 2017) share out among the genes how far a "
        "cell's output for its class, less the mean of all classes, is above that of a cell with "
        "the mean of the training cells in every gene. A gene that a class lacks may score as "
        "well as one that it has."
    ),
}


@dataclass(frozen=True, eq=False)
class Scored:
    """What the step saliency wrote."""

    summary: Mapping[str, Any]
    """saliency.json"""
    genes: pd.DataFrame
    """genes.tsv"""


def read_saliency(folder: Path | None) -> Scored | None:
    """Read what saliency wrote; None where it was not run.

    Raises
    ------
    InputError
        Where a file is missing beside saliency.json, or damaged.
    """
    if folder is None or not (folder / "saliency.json").exists():
        return None
    summary = read_json(folder / "saliency.json", "saliency")
    return Scored(summary, read_table(folder / "genes.tsv", "saliency"))


def tell_saliency(run: str, scored: Scored, metrics: Mapping[str, Any]) -> Section:
    """Write the section: a table of genes per target; of networks that read pictures, the maps.

    Parameters
    ----------
    run : str
        The run's name.
    scored : Scored
        Of `read_saliency`.
    metrics : mapping
        metrics.json: the classes.
    """
    summary = scored.summary
    told = [_METHODS[summary["method"]], _tell_cells(summary), *_tell_shared(summary)]
    told += _tell_absent(summary, metrics)
    pictures = []
    if summary["images"] is not None:
        drawn = len(summary["images"]["classes"])
        if drawn > MOST_PICTURES:
            told.append(
                f"{MOST_PICTURES} of {drawn} classes are drawn; saliency.json holds the others."
            )
        pictures = [draw(run, summary, scored.genes) for draw in (draw_saliency, draw_layout)]
    told.append(
        "That network and test agree is no proof that a gene makes the class. Both learnt from "
        "the same labels; genes that rise and fall together stand in for one another, and a "
        "network needs only some of those that differ."
    )
    several = len(summary["targets"]) > 1
    tables = [
        _tabulate(target, found, scored, several)
        for target, found in summary["targets"].items()
        if found
    ]
    return Section("saliency", "Genes that speak for a class", told, tables, pictures)


def _tell_cells(summary: Mapping[str, Any]) -> str:
    networks = summary["networks"]
    mean = f", the mean of {networks} networks" if networks > 1 else ""
    each = " (each in units of its highest)" if networks > 1 else ""
    return (
        f"Scores are the mean over test cells of the class, by their true label, in fold "
        f"{summary['fold']}{mean}{each}. Beside them, scanpy ranks the same "
        f"{say_count(summary['genes'])} genes by {_TESTS[summary['test']]} between the class and "
        "all other cells, on the training cells, from which the network learnt too."
    )


def _tell_shared(summary: Mapping[str, Any]) -> list[str]:
    found = [item for classes in summary["targets"].values() for item in classes.values()]
    if not found:
        return ["No class has the cells that are needed: nothing is told."]
    length = min(summary["top"], summary["genes"])
    shared = [item["shared"] for item in found]
    span = _say_span(map(str, (min(shared), max(shared))))
    text = (
        f"Of the top {length} genes of a class {span} are in both lists; by chance it would be "
        f"{found[0]['expected']:.2g}."
    )
    agreed = [item["agreement"] for item in found if item["agreement"] is not None]
    if agreed:
        span = _say_span(f"{share:.0%}" for share in (min(agreed), max(agreed)))
        text += f" Two networks that differ in their seed share {span} of their top genes."
    return [text]


def _say_span(ends: Iterable[str]) -> str:
    return " to ".join(dict.fromkeys(ends))


def _tell_absent(summary: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    """Say which classes have too few cells."""
    if metrics["kind"] != "multiclass":
        return []
    told = []
    for target, found in summary["targets"].items():
        absent = [name for name in metrics["classes"] if name not in found]
        if absent and found:
            of = f" of {target}" if len(summary["targets"]) > 1 else ""
            told.append(
                f"Left out{of}, without a test cell or with fewer than two training cells: "
                f"{', '.join(absent)}."
            )
    return told


def _tabulate(
    target: str, found: Mapping[str, Mapping[str, Any]], scored: Scored, several: bool
) -> Table:
    """Give the genes of each class of a target, a row a class."""
    length = min(scored.summary["top"], scored.summary["genes"])
    of_target = scored.genes[scored.genes["target"] == target]
    seeds = scored.summary["networks"] > 1
    rows = []
    for name, item in found.items():
        genes = of_target[of_target["class"] == name]
        counts = f"{say_count(item['cells'])} test, {say_count(item['train'])} training cells"
        row = [
            Cell(name, counts),
            _list_genes(genes, "rank", "scanpy_rank", length),
            _list_genes(genes, "scanpy_rank", "rank", length),
            Cell(str(item["shared"]), f"by chance {item['expected']:.2g}"),
            Cell(f"{item['p']:.1g}"),
        ]
        agreement = item["agreement"]
        rows.append(row + [Cell(NONE if agreement is None else f"{agreement:.0%}")] * seeds)
    columns = {
        "Class": "l", f"Top {length} of the network": "l", f"Top {length} of scanpy": "l",
        "In both": "r", "p": "r",
    }  # fmt: skip
    columns |= {"Seeds agree": "r"} if seeds else {}
    note = (
        "Best first; bold: in both lists. p: of so many or more in both, were the lists drawn at "
        "random (hypergeometric). Genes that go together are drawn together, so the true p is "
        "larger."
    )
    if seeds:
        note += " Seeds agree: share of their top genes that two networks have in common, on mean."
    if length > _MOST_GENES:
        note += f" The first {_MOST_GENES} of each list; genes.tsv holds all."
    title = "Genes of each class" + (f" of {target}" if several else "")
    return make_table(title, columns, rows, note)


def _list_genes(genes: pd.DataFrame, by: str, other: str, length: int) -> Cell:
    listed = genes[genes[by] <= length].sort_values(by).head(_MOST_GENES)
    names = [
        (gene, bool(rank <= length))
        for gene, rank in zip(listed["gene"], listed[other], strict=True)
    ]
    return Cell(", ".join(gene for gene, _ in names), names=names)
