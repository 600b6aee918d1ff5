"""The report's section on what a run's models look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioseq_dl.report.figures_of_explain import METHODS, MOST_PICTURES, draw_windows
from bioseq_dl.report.figures_of_motifs import draw_motifs
from bioseq_dl.report.files import read_json
from bioseq_dl.report.sections import Section
from bioseq_dl.report.style import Picture
from bioseq_dl.report.table import Cell, Table, make_table
from bioseq_dl.report.words import NONE, say_count, say_number, say_share

_MOST_MOTIFS = 15
"""Motifs of each kind in the page's table; motifs.tsv holds all."""
_KINDS = {"record": "records", "interval": "intervals", "sequence": "sequences"}


@dataclass(frozen=True, eq=False)
class Explained:
    """What the step explain wrote."""

    summary: Mapping[str, Any]
    """explain.json"""
    windows: Sequence[Mapping[str, Any]]
    """windows.json: sequences to draw."""
    motifs: Mapping[str, Mapping[str, Any]]
    """Of each output that was searched: motifs.json."""


def read_explained(folder: Path | None) -> Explained | None:
    """Read what explain wrote; None where it was not run.

    Raises
    ------
    InputError
        Where a file is missing beside explain.json, or damaged.
    """
    if folder is None or not (folder / "explain.json").exists():
        return None
    summary = read_json(folder / "explain.json", "explain")
    motifs = {
        found["target"]: read_json(folder / found["folder"] / "motifs.json", "explain")
        for found in summary["motifs"] or ()
    }
    return Explained(summary, read_json(folder / "windows.json", "explain"), motifs)


def tell_explained(run: str, explained: Explained) -> Section:
    """Write the section.

    Parameters
    ----------
    run : str
        The run's name.
    explained : Explained
        Of `read_explained`.
    """
    summary = explained.summary
    told = [_tell_what(summary), _tell_how(summary)]
    told += _tell_agreement(summary)
    told += _tell_motifs(explained)
    drawn = min(len(explained.windows), MOST_PICTURES)
    if drawn < len(explained.windows):
        told.append(
            f"{drawn} of {len(explained.windows)} sequences are drawn; windows.json and the "
            "Parquet tables hold the others."
        )
    told += [f"{note[:1].upper()}{note[1:]}." for note in summary["notes"]]
    told.append("Contributions say what moves the network's output, not what moves biology.")
    tables = [_tabulate_agreement(summary), *_tabulate_motifs(explained)]
    return Section(
        "explain",
        "What the model looks at",
        told,
        [table for table in tables if table is not None],
        [*_draw(run, explained)],
    )


def _draw(run: str, explained: Explained) -> Iterator[Picture]:
    yield from draw_windows(run, explained.windows, explained.summary["scale"])
    for number, findings in enumerate(explained.motifs.values(), 1):
        key = "motifs" if len(explained.motifs) == 1 else f"motifs_{number}"
        yield from draw_motifs(run, findings, key)


def _tell_what(summary: Mapping[str, Any]) -> str:
    models = len(summary["models"])
    text = "One model is explained" if models == 1 else f"{models} models are explained together"
    counts = summary["counts"]
    parts = [
        f"{say_count(counts[kind])} {name if counts[kind] > 1 else name[:-1]}"
        for kind, name in _KINDS.items()
        if counts[kind]
    ]
    if parts:
        text += f", base by base on {' and '.join(parts)}"
    if counts["record"]:
        role = {"val": "validation", "test": "test"}[summary["settings"]["role"]]
        text += f" (the {role} records of fold 0 with the highest output of each target)"
    scale = summary["scale"]
    return f"{text}. The output that is explained is the {scale}."


def _tell_how(summary: Mapping[str, Any]) -> str:
    settings = summary["settings"]
    means = "; mean over models" if len(summary["models"]) > 1 else ""
    words = []
    for method in METHODS:
        if method not in settings["methods"]:
            continue
        if method == "mutagenesis":
            words.append(
                "by in-silico mutagenesis a base contributes the output as it is less the mean "
                f"of the three substitutions{means}"
            )
            continue
        error = summary["sum_errors"].get(method)
        exact = ""
        if error is not None:
            exact = f", which their sum misses by {_say_error(error)} of its size"
        words.append(
            f"by {'DeepLIFT' if method == 'deeplift' else 'integrated gradients'} bases share out "
            f"the difference to {settings['references']} shuffled sequences of the same "
            f"dinucleotides{exact}"
        )
    text = "; ".join(words)
    return f"{text[:1].upper()}{text[1:]}."


def _say_error(share: float) -> str:
    return "less than 0.1%" if share < 0.001 else say_share(share, 1)


def _tell_agreement(summary: Mapping[str, Any]) -> list[str]:
    found = [row["correlation"] for row in summary["agreement"]["models"]]
    if not found:
        return []
    low, high = min(found), max(found)
    text = say_number(low) if low == high else f"{say_number(low)} to {say_number(high)}"
    return [f"Contributions by two of the models correlate by {text} (Pearson, over all bases)."]


def _tell_motifs(explained: Explained) -> list[str]:
    told = []
    for search in explained.summary["motifs"] or ():
        findings = explained.motifs[search["target"]]
        seqlets = [motif for motif in findings["motifs"] if motif["kind"] == "seqlets"]
        filters = [motif for motif in findings["motifs"] if motif["kind"] == "filter"]
        of = f" for {search['target']}" if len(explained.motifs) > 1 else ""
        text = (
            f"Motifs{of} in the contributions ({METHODS[search['method']]}) of "
            f"{say_count(search['sequences'])} sequences: {len(seqlets)}, of which "
            f"{_count_called(seqlets)} match {findings['database']} "
            f"(q up to {findings['q_value']:g})."
        )
        if filters:
            text += (
                f" Motifs of first-layer filters: {len(filters)}, of which "
                f"{_count_called(filters)} match."
            )
        told.append(text)
        told += [f"{note[:1].upper()}{note[1:]}." for note in findings["notes"]]
    return told


def _count_called(motifs: Sequence[Mapping[str, Any]]) -> int:
    return sum(any(match["called"] for match in motif["matches"]) for motif in motifs)


def _tabulate_agreement(summary: Mapping[str, Any]) -> Table | None:
    """Give the correlations of methods; of models where there are several."""
    found = summary["agreement"]
    rows = [
        [
            Cell(row["target"]),
            Cell(_KINDS[row["kind"]]),
            Cell(f"{METHODS[row['method']]}: two models"),
            Cell(say_number(row["correlation"])),
        ]
        for row in found["models"]
    ]
    rows += [
        [
            Cell(row["target"]),
            Cell(_KINDS[row["kind"]]),
            Cell(" and ".join(METHODS[name] for name in row["methods"])),
            Cell(say_number(row["correlation"])),
        ]
        for row in found["methods"]
    ]
    if not rows:
        return None
    columns = {"Target": "l", "Explained": "l", "Compared": "l", "Correlation": "r"}
    note = "Pearson correlation of the bases' contributions; of models, the mean over pairs."
    return make_table("How far contributions agree", columns, rows, note)


def _tabulate_motifs(explained: Explained) -> Iterator[Table | None]:
    for target, findings in explained.motifs.items():
        of = f" of {target}" if len(explained.motifs) > 1 else ""
        rows: list[list[Cell | str]] = []
        for kind in ("seqlets", "filter"):
            motifs = [motif for motif in findings["motifs"] if motif["kind"] == kind]
            rows += [_row_of_motif(motif) for motif in motifs[:_MOST_MOTIFS]]
        if not rows:
            yield None
            continue
        columns = {
            "Motif": "l", "Consensus": "l", "Sites": "r", "Bits": "r",
            "Nearest known": "l", "q": "r",
        }  # fmt: skip
        note = (
            "Set in green where q makes it a match. Seqlets by sites, filters by their match; "
            "motifs.tsv holds all, with further matches."
        )
        yield make_table(f"Motifs{of}", columns, rows, note)


def _row_of_motif(motif: Mapping[str, Any]) -> list[Cell | str]:
    match = motif["matches"][0] if motif["matches"] else None
    name, q = Cell(NONE), Cell(NONE)
    if match is not None:
        tone = "good" if match["called"] else ""
        name = Cell(match["name"], " · ".join(filter(None, (match["id"], match["family"]))))
        q = Cell(f"{match['q']:.2g}", "", tone)
    return [
        motif["name"].replace("_", " "),
        motif["consensus"],
        say_count(motif["sites"]),
        f"{motif['information']:.1f}",
        name,
        q,
    ]
