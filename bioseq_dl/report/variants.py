"""The report's section on a file of scored variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bioseq_dl.report.sections import Section
from bioseq_dl.report.style import BLUE, CYCLE, Picture, drawing, render_svg
from bioseq_dl.report.table import Cell, Table, make_table
from bioseq_dl.report.words import say_count, say_seconds, say_share

SHOWN = 15
"""Largest effects on the page; the Parquet table holds all."""
_MOST_TARGETS = 6
_SMALLEST = 1e-3
"""Differences smaller than this stand in one bar of the histogram."""
_WHY = {
    "scored": "scored",
    "flipped": "scored; the genome holds ALT",
    "ref_mismatch": "REF is not what the genome holds",
    "symbolic": "symbolic allele",
    "breakend": "breakend",
    "star": "overlapping deletion (*)",
    "no_alt": "no alternative allele (.)",
    "no_contig": "contig not in the genome",
    "beyond_contig": "beyond the contig's end",
    "longer_than_window": "allele longer than the window",
    "unknown_bases": "too many unknown bases in the window",
}


def tell_variants(run: str, name: str, summary: Mapping[str, Any]) -> Section:
    """Write the section on one VCF, or on one table of mutations.

    Parameters
    ----------
    run : str
        The run's name.
    name : str
        The variants' name in the config.
    summary : mapping
        vcf.json or mutations.json.
    """
    if "wild_type" in summary:
        return _tell_mutations(run, name, summary)
    statuses = summary["statuses"]
    scored = statuses["scored"] + statuses["flipped"]
    settings = summary["settings"]
    told = [
        f"{say_count(summary['records'])} records with {say_count(summary['alleles'])} alleles; "
        f"{say_count(scored)} alleles ({say_share(scored, summary['alleles'])}) scored by "
        f"{_say_models(summary)} in windows of {say_count(settings['window'])} bases, in "
        f"{say_seconds(summary['provenance']['seconds'])}. All records stand in the output, in "
        "their order; those without a score carry the reason.",
        f"Scores are {_SCALES[settings['scale']]}; the difference is the alternative's less the "
        "reference's. Indels are scored with the window's length held, as the mean of left- and "
        "right-anchored placement.",
    ]
    if statuses["ref_mismatch"] + statuses["flipped"]:
        told.append(
            f"REF differs from the genome in "
            f"{say_count(statuses['ref_mismatch'] + statuses['flipped'])} alleles "
            f"(policy {settings['mismatch']}): is it the VCF's assembly?"
        )
    told += [f"{note[:1].upper()}{note[1:]}." for note in summary["notes"]]
    tables = [_tabulate_counts(summary), _tabulate_top(summary)]
    return _make_section(run, name, "Variants", told, tables, summary)


def _tell_mutations(run: str, name: str, summary: Mapping[str, Any]) -> Section:
    statuses, wild_type = summary["statuses"], summary["wild_type"]
    told = [
        f"{say_count(summary['records'])} rows of mutations of {wild_type['id']} "
        f"({say_count(wild_type['length'])} letters); {say_count(statuses['scored'])} "
        f"({say_share(statuses['scored'], summary['records'])}) scored by {_say_models(summary)}. "
        f"Scores are {_SCALES[summary['settings']['scale']]}; the difference is the mutant's less "
        "the wild type's.",
        *(f"{note[:1].upper()}{note[1:]}." for note in summary["notes"]),
    ]
    total = summary["records"]
    rows = [
        [Cell(status), Cell(say_count(count)), Cell(say_share(count, total))]
        for status, count in statuses.items()
        if count
    ]
    columns = {"Rows": "l", "Count": "r", "Share": "r"}
    tables = [make_table("What became of the rows", columns, rows), _tabulate_top(summary)]
    return _make_section(run, name, "Mutations", told, tables, summary)


def _make_section(
    run: str,
    name: str,
    what: str,
    told: list[str],
    tables: list[Table | None],
    summary: Mapping[str, Any],
) -> Section:
    picture = _draw_differences(run, name, summary)
    return Section(
        f"variants-{name}",
        f"{what}: {name}",
        told,
        [table for table in tables if table is not None],
        [picture] if picture is not None else [],
    )


_SCALES = {
    "raw": "what the network gives (logits, or values of a regression)",
    "probability": "probabilities",
}


def _say_models(summary: Mapping[str, Any]) -> str:
    count = len(summary["inputs"]["models"])
    return "one model" if count == 1 else f"{count} models (the mean of them)"


def _tabulate_counts(summary: Mapping[str, Any]) -> Table:
    total = summary["alleles"]
    rows = [
        [Cell(kind), Cell(say_count(count)), Cell(say_share(count, total))]
        for kind, count in summary["classes"].items()
        if count
    ]
    rows += [
        [Cell(_WHY[status]), Cell(say_count(count)), Cell(say_share(count, total))]
        for status, count in summary["statuses"].items()
        if count
    ]
    columns = {"Alleles": "l", "Count": "r", "Share": "r"}
    return make_table("Alleles by class, and what became of them", columns, rows)


def _tabulate_top(summary: Mapping[str, Any]) -> Table | None:
    if not summary["top"]:
        return None
    several = len(summary["differences"]["targets"]) > 1
    spread = any("sd" in item for item in summary["top"])
    mutations = "wild_type" in summary
    columns = {"Variant": "l"} | ({} if mutations else {"Class": "l"})
    columns |= {"Target": "l"} if several else {}
    columns |= {"Reference": "r", "Alternative": "r", "Difference": "r"}
    columns |= {"SD over models": "r"} if spread else {}
    rows = []
    for item in summary["top"][:SHOWN]:
        row = [Cell(item["variant"], item["id"])] if mutations else _name_allele(item)
        row += [Cell(item["target"])] if several else []
        values = [item["ref_score"], item["alt_score"], item["diff"]]
        row += [Cell(_say_value(value)) for value in values]
        row += [Cell(_say_value(item.get("sd")))] if spread else []
        rows.append(row)
    note = "Positions count from 1, as in the VCF. variants.parquet holds all alleles."
    note = "mutations.parquet holds all rows." if mutations else note
    return make_table("Largest differences", columns, rows, note)


def _name_allele(item: Mapping[str, Any]) -> list[Cell]:
    place = f"{item['chrom']}:{item['start'] + 1:,}"
    change = f"{_shorten(item['ref'])}>{_shorten(item['alt'])}"
    name = "" if item["id"] == "." else item["id"]
    return [Cell(f"{place} {change}", name), Cell(item["class"])]


def _shorten(allele: str) -> str:
    return allele if len(allele) <= 12 else f"{allele[:9]}… ({len(allele)})"


def _say_value(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _draw_differences(run: str, name: str, summary: Mapping[str, Any]) -> Picture | None:
    edges = np.array(summary["differences"]["edges"])
    targets = {
        target: found
        for target, found in list(summary["differences"]["targets"].items())[:_MOST_TARGETS]
        if found["count"]
    }
    if not targets:
        return None
    largest = max(max(-found["min"], found["max"], _SMALLEST) for found in targets.values())
    kept = _choose_edges(edges, largest)
    numbers = []
    with drawing(7.2, 2.6) as figure:
        axis = figure.subplots()
        for colour, (target, found) in zip(CYCLE, targets.items(), strict=False):
            upto = np.concatenate([[0], np.cumsum(found["counts"])])
            counts = np.diff(upto[np.searchsorted(edges, kept)])
            one = len(targets) == 1
            axis.stairs(
                counts, kept, color=BLUE if one else colour, fill=one, alpha=0.9, label=target
            )
            table = pd.DataFrame({"from": kept[:-1], "to": kept[1:], "alleles": counts})
            numbers.append(table.assign(target=target))
        axis.set_xscale("symlog", linthresh=_SMALLEST, linscale=0.4)
        axis.set(xlabel="Alternative less reference", ylabel="Alleles")
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(bottom=0)
        if len(targets) > 1:
            axis.legend(loc="upper left")
        key = f"variants-{name}"
        svg = render_svg(figure, f"{run}-{key}", f"Histogram of the differences of {name}")
    tails = [
        f"{target}: 1 % below {_say_value(found['quantiles']['0.01'])}, "
        f"1 % above {_say_value(found['quantiles']['0.99'])}"
        for target, found in targets.items()
    ]
    caption = f"Of all scored alleles; both axes logarithmic away from 0. {'; '.join(tails)}."
    return Picture(key, "Effects", caption, svg, pd.concat(numbers), wide=True)


def _choose_edges(edges: np.ndarray[Any, Any], largest: float) -> np.ndarray[Any, Any]:
    """Five bins a decade outside the smallest, up to the largest effect, both sides alike."""
    positive = edges[edges > 0][:: len(edges[(edges >= 1) & (edges < 9.99)]) // 5]
    positive = positive[positive >= _SMALLEST * 0.999]
    upto = int(np.searchsorted(positive, largest)) + 1
    positive = positive[: max(upto, 2)]
    return np.concatenate([-positive[::-1], positive])
