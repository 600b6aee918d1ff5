"""Predictions of residues as a folder: a table of all, and files and a picture of each protein."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from bioseq_dl.io.atomic import atomic_folder, write_text
from bioseq_dl.io.psipred import (
    PredictedProtein,
    call_states,
    get_three,
    write_horiz,
    write_residues,
    write_ss2,
)
from bioseq_dl.io.secondary_structure import Q3
from bioseq_dl.io.tsv import write_tsv
from bioseq_dl.report.residues import draw_protein

LONGEST_NAME = 100
"""Characters of a file's name before its ending."""
COLUMNS = ("id", "length", "file", "helix", "strand", "coil", "picture", "note")


@dataclass(frozen=True)
class Written:
    """What was written.

    Parameters
    ----------
    proteins, pictures : int
    undrawn : int
        Proteins that could be drawn and were not, because of the limit.
    """

    proteins: int
    pictures: int
    undrawn: int


def write_proteins(
    folder: Path,
    proteins: Sequence[PredictedProtein],
    skipped: Mapping[str, str] | None = None,
    pictures: int = 100,
) -> Written:
    """Write ``residues.tsv``, ``proteins.tsv`` and three files of each protein.

    ``residues.tsv`` has a row a residue (`bioseq_dl.io.psipred.write_residues`), ``proteins.tsv``
    a row a protein: its id, its files' name, shares of the three states, and why it was not
    predicted. Of each protein with states there are ``<file>.ss2`` and ``<file>.horiz`` in
    PSIPRED's formats, and of the first `pictures` of them ``<file>.svg``. The folder is there
    when all of them are.

    Parameters
    ----------
    folder : Path
        Must not be there, or be empty.
    proteins : sequence of PredictedProtein
    skipped : mapping, optional
        Id of a protein that was not predicted: why.
    pictures : int
        Draw so many at most.

    Raises
    ------
    InputError
        Where the folder is a file, holds something, or cannot be written.
    """
    with atomic_folder(folder) as fresh:
        return _write_files(fresh, proteins, skipped or {}, pictures)


def _write_files(
    folder: Path,
    proteins: Sequence[PredictedProtein],
    skipped: Mapping[str, str],
    pictures: int,
) -> Written:
    names = name_files([protein.id for protein in proteins])
    write_residues(folder / "residues.tsv", proteins)
    rows: list[tuple[str | float | int | None, ...]] = []
    drawn = undrawn = 0
    for protein, name in zip(proteins, names, strict=True):
        length = len(protein.sequence)
        if protein.q3 is None and protein.q8 is None:
            rows.append((protein.id, length, *(None,) * 6))
            continue
        write_ss2(folder / f"{name}.ss2", protein)
        write_horiz(folder / f"{name}.horiz", protein)
        picture = drawn < pictures
        if picture:
            svg = draw_protein(protein, key=f"protein_{drawn}").svg
            write_text(folder / f"{name}.svg", f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}')
        drawn += picture
        undrawn += not picture
        called = call_states(get_three(protein), Q3)
        shares = [called.count(state) / length for state in Q3]
        rows.append((protein.id, length, name, *shares, "yes" if picture else "no", None))
    rows += [(name, *(None,) * 6, why) for name, why in skipped.items()]
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    table = {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}
    write_tsv(folder / "proteins.tsv", pa.table(table))
    return Written(len(proteins), drawn, undrawn)


def name_files(ids: Iterable[str]) -> list[str]:
    """Give a file name without ending for each id, all different, whatever the ids hold.

    Letters, digits, ``.``, ``_`` and ``-`` stay, anything else becomes ``_``; a leading dot is
    none. Names that would be equal, in any case of letters (some disks do not tell them apart),
    get ``-2``, ``-3`` …
    """
    taken: set[str] = set()
    names = []
    for text in ids:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".-")[:LONGEST_NAME] or "protein"
        name, count = plain, 1
        while name.lower() in taken:
            count += 1
            name = f"{plain}-{count}"
        taken.add(name.lower())
        names.append(name)
    return names
