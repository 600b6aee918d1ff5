"""What a chapter of the page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bioseq_dl.report.style import Picture
from bioseq_dl.report.table import Table


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a run's chapter."""

    key: str
    title: str
    told: Sequence[str]
    """Paragraphs."""
    tables: Sequence[Table]
    pictures: Sequence[Picture]
