"""Figures of motifs: each logo of ours over that of the known motif it is like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from bioseq_dl.report.logo import draw_letters, information, shorten_paths
from bioseq_dl.report.style import INK, Picture, drawing, render_svg

MOST_MOTIFS = 12
"""Motifs a figure; the table holds all."""
_TITLES = {
    "seqlets": "Motifs in what contributes",
    "filter": "Motifs of first-layer filters",
}
_SOFT = "#4b5563"


def draw_motifs(run: str, findings: Mapping[str, Any], key: str = "motifs") -> Iterator[Picture]:
    """Draw motifs of seqlets, then those of filters that have a match.

    Parameters
    ----------
    run : str
        Whose; part of the ids.
    findings : mapping
        What ``motifs.json`` holds (`bioseq_dl.interpret.findings`).
    key : str
        Start of the pictures' file names.

    Yields
    ------
    Picture
        At most `MOST_MOTIFS` motifs each; nothing where there are none to show.
    """
    for kind, title in _TITLES.items():
        motifs = [motif for motif in findings["motifs"] if motif["kind"] == kind]
        if kind == "filter":
            motifs = [motif for motif in motifs if any(m["called"] for m in motif["matches"])]
        if motifs:
            name = f"{key}_{kind}"
            shown = motifs[:MOST_MOTIFS]
            svg = _draw(f"{run}-{name}", f"{title} of {run}", shown)
            caption = _explain(findings, kind, len(motifs), len(shown))
            yield Picture(name, title, caption, svg, _tabulate(motifs), wide=True)


def _draw(key: str, label: str, motifs: Sequence[Mapping[str, Any]]) -> str:
    columns = 2 if len(motifs) > 1 else 1
    rows = -(-len(motifs) // columns)
    with drawing(3.6 * columns, 1.55 * rows) as figure:
        blocks = figure.subfigures(rows, columns, squeeze=False)
        for block, motif in zip(blocks.ravel(), motifs, strict=False):
            _draw_pair(block, motif)
        return shorten_paths(render_svg(figure, key, label))


def _draw_pair(block: Figure | SubFigure, motif: Mapping[str, Any]) -> None:
    """Draw one motif over its best match, columns that belong together below each other."""
    ours, theirs = block.subplots(2, 1)
    pwm = np.array(motif["pwm"])
    match = motif["matches"][0] if motif["matches"] else None
    left, right = 0, len(pwm)
    draw_letters(ours, information(pwm))
    ours.set_title(_name_motif(motif), loc="left", fontsize=8.5, color=INK)
    if match is not None and match["called"]:
        # Our column i stands over their column i + offset.
        known, offset = np.array(match["pwm"]), match["offset"]
        known = known[::-1, ::-1] if match["strand"] == "-" else known
        left, right = min(left, -offset), max(right, len(known) - offset)
        draw_letters(theirs, information(known), start=-offset)
    else:
        theirs.axis("off")
    words = "no known motif to compare with" if match is None else _name_match(match)
    theirs.set_title(words, loc="left", fontsize=7.5, color=_SOFT)
    for axes in (ours, theirs):
        _strip(axes, left, right)


def _strip(axes: Axes, left: int, right: int) -> None:
    axes.set(xlim=(left - 0.5, right - 0.5), ylim=(0, 2))
    axes.set_yticks([0, 2], ["0", "2"], fontsize=6.5)
    axes.set_xticks([])
    axes.grid(visible=False)


def _name_motif(motif: Mapping[str, Any]) -> str:
    word = "site" if motif["sites"] == 1 else "sites"
    return f"{motif['name'].replace('_', ' ')} · {motif['sites']:,} {word}"


def _name_match(match: Mapping[str, Any]) -> str:
    words = f"{match['name']} · {match['id']} · q {_say(match['q'])}"
    if not match["called"]:
        return f"no match; nearest {words}"
    return words + (" · other strand" if match["strand"] == "-" else "")


def _say(q: float) -> str:
    if q >= 0.001:
        return f"{q:.2g}"
    digits, exponent = f"{q:.0e}".split("e")
    return f"{digits}e{int(exponent)}" if q > 0 else "0"


def _explain(findings: Mapping[str, Any], kind: str, motifs: int, shown: int) -> str:
    source = findings["database"]
    if kind == "seqlets":
        text = (
            "Stretches of high contribution that look alike, by the number of sites; "
            "positive ones raise the output."
        )
    else:
        text = (
            "Sequences that activate a filter of the first layer most, those filters with a "
            "match, best first."
        )
    text += (
        f" Upper logos: bits at each place; lower ones: the most similar motif of {source} at "
        f"q ≤ {findings['q_value']:g}, Benjamini-Hochberg over the database for each motif alone."
    )
    if kind == "filter":
        text += (
            f" {findings['silent_filters']} filters never activate, {findings['vague_filters']} "
            "have few sites or such with little in common. Of many filters some match by chance."
        )
    if shown < motifs:
        text += f" {shown} of {motifs} are drawn; the table has all."
    return " ".join([text, *findings["notes"]])


def _tabulate(motifs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for motif in motifs:
        start = {key: motif[key] for key in ("name", "consensus", "information", "sites")}
        for rank, match in enumerate(motif["matches"], 1):
            keys = ("id", "name", "family", "p", "q", "offset", "strand")
            rows.append(start | {"rank": rank} | {f"match_{key}": match[key] for key in keys})
        if not motif["matches"]:
            rows.append(start)
    return pd.DataFrame(rows)
