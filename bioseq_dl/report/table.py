"""What a table of the page is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bioseq_dl.report.words import NONE, say_count, say_interval, say_number

MOST_ROWS = 60
"""Rows of a table on the page; the TSV files beside metrics.json hold all."""
TONES = {"better": "good", "worse": "bad", "interval contains it": "even"}


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Parameters
    ----------
    text : str
        What it says.
    small : str
        Said smaller, under the text.
    tone : str
        ``good``, ``bad``, ``even`` or none.
    names : sequence of (str, bool)
        What `text` lists, where it lists names: each, and whether it is set bold.
    """

    text: str
    small: str = ""
    tone: str = ""
    names: Sequence[tuple[str, bool]] = ()


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Parameters
    ----------
    title : str
        Its caption.
    columns : sequence of str
        Heads.
    align : str
        A letter per column: ``l`` text, ``r`` numbers.
    rows : sequence of sequences of Cell
    note : str
        Said under it.
    """

    title: str
    columns: Sequence[str]
    align: str
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def make_table(
    title: str, columns: Mapping[str, str], rows: Sequence[Sequence[Cell | str]], note: str = ""
) -> Table:
    """Put a table together.

    Parameters
    ----------
    columns : mapping
        Head: ``l`` or ``r``.
    rows : sequence of sequences
        Cells, or plain strings.
    """
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"table {title!r}: a row does not have {len(columns)} cells")
    if len(rows) > MOST_ROWS:
        note = f"The first {MOST_ROWS} of {say_count(len(rows))} rows. {note}".strip()
        rows = rows[:MOST_ROWS]
    cells = [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows]
    return Table(title, list(columns), "".join(columns.values()), cells, note)


def value_cell(found: Mapping[str, Any], metric: str) -> Cell:
    """Write a value and its interval."""
    value = say_number(found["value"], metric)
    interval = say_interval(found["low"], found["high"], metric)
    return Cell(value, interval if NONE not in (value, interval) else "")


def difference_cells(row: Mapping[str, Any] | None, metric: str) -> list[Cell]:
    """Write a difference with its interval, and p."""
    if row is None or row["difference"] is None:
        return [Cell(NONE), Cell(NONE)]
    sign = "+" if row["difference"] > 0 else ""
    interval = say_interval(row["low"], row["high"], metric)
    value = Cell(
        f"{sign}{say_number(row['difference'], metric)}",
        "" if interval == NONE else interval,
        TONES.get(row["verdict"], ""),
    )
    return [value, Cell(say_number(row["p"]))]
