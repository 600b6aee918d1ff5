"""Malformed files of places and pathways, each with the exact message a user reads.

A row is a name, a function that writes files into a folder and gives a call that reads them, and
the message, in which ``{tmp}`` stands for the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from malformed_cases import Case, enter_into

from bioseq_dl.config import CellLayout, Source
from bioseq_dl.encode.given_layout import place_by_name
from bioseq_dl.io.fetch import fetch_all

Call = Callable[[], object]
GENES = ("CD19", "CD3D", "LYZ")

MALFORMED: list[Case] = []
malformed = enter_into(MALFORMED)


def read(folder: Path, text: str | None, kind: str, name: str, **options: Any) -> Call:
    if text is not None:
        (folder / name).write_text(text)
    layout = CellLayout(kind=kind, source=Source(path=str(folder / name)), **options)
    return lambda: place_by_name(GENES, layout, fetch_all([layout.source], folder / "cache"))


def places(folder: Path, text: str, **options: Any) -> Call:
    return read(folder, text, "file", "l.csv", **options)


def pathways(folder: Path, text: str, name: str = "p.gmt", **options: Any) -> Call:
    return read(folder, text, "pathways", name, **options)


# Places


@malformed(
    "{tmp}/l.csv: the table has no column row; allowed: gene, rows, column; fix: did you mean rows?"
)
def column_of_rows_is_missing(folder):
    return places(folder, "gene,rows,column\nCD3D,0,0\n")


@malformed("{tmp}/l.csv: the table has a header but no rows")
def places_have_no_rows(folder):
    return places(folder, "gene,row,column\n")


@malformed(
    "{tmp}/l.csv, record 'CD3D', column row: a place is no pixel of a picture; found '0.5'; "
    "allowed: whole numbers from 0 to 1023"
)
def place_is_a_coordinate(folder):
    return places(folder, "gene,row,column\nCD3D,0.5,0\n")


@malformed(
    "{tmp}/l.csv, record 'CD3D', column column: a place is no pixel of a picture; found '-1'; "
    "allowed: whole numbers from 0 to 1023"
)
def place_is_negative(folder):
    return places(folder, "gene,row,column\nCD3D,0,-1\n")


@malformed(
    "{tmp}/l.csv, record 'LYZ', column row: a place is no pixel of a picture; found 'top'; "
    "allowed: whole numbers from 0 to 1023"
)
def place_is_a_word(folder):
    return places(folder, "gene,row,column\nCD3D,0,1\nLYZ,top,1\n")


@malformed(
    "{tmp}/l.csv, record 'LYZ', column column: a place is no pixel of a picture; found '100000'; "
    "allowed: whole numbers from 0 to 1023"
)
def picture_would_be_huge(folder):
    return places(folder, "gene,row,column\nCD3D,0,1\nLYZ,0,100000\n")


@malformed("{tmp}/l.csv, row 2, column gene: an empty field")
def gene_has_no_name(folder):
    return places(folder, "gene,row,column\nCD3D,0,1\n ,0,2\n")


@malformed("{tmp}/l.csv, row 1, column column: an empty field")
def place_is_empty(folder):
    return places(folder, "gene,row,column\nCD3D,0,\n")


@malformed(
    "{tmp}/l.csv, record 'CD3D', rows 1 and 3: a gene has two places; fix: keep one row a gene"
)
def gene_has_two_places(folder):
    return places(folder, "gene,row,column\nCD3D,0,1\nLYZ,0,2\nCD3D,1,1\n")


@malformed(
    "{tmp}/l.csv, record 'LYZ': two genes on one pixel; found 'CD19 at row 0, column 1'; "
    "fix: give each its own, or set encode.layout.assignment: average"
)
def two_genes_stand_on_one_pixel(folder):
    return places(folder, "gene,row,column\nCD3D,0,0\nLYZ,0,1\nCD19,0,1\n")


@malformed(
    "{tmp}/l.csv: 2 of the 3 genes of the fold have no place; found 'CD19, LYZ'; "
    "fix: list them, or set encode.layout.unlisted: append"
)
def genes_are_not_listed(folder):
    return places(folder, "gene,row,column\nCD3D,0,0\n")


@malformed(
    "{tmp}/l.csv: no gene of the fold has a place; found 'ENSG00000167286'; "
    "allowed: CD19, CD3D, LYZ, …; fix: name genes as the matrix does: symbols or ids"
)
def places_are_of_ids(folder):
    return places(folder, "gene,row,column\nENSG00000167286,0,0\n", unlisted="append")


@malformed(
    "{tmp}/l.csv, record 'LYZ': a place lies outside the picture; found 'row 2, column 9'; "
    "allowed: 0 to 7; fix: raise encode.layout.size, or leave it out"
)
def place_is_outside_the_size(folder):
    text = "gene,row,column\nCD3D,0,0\nLYZ,2,9\nCD19,1,1\n"
    return places(folder, text, size=8)


@malformed(
    "key encode.layout.size: 5 genes do not fit on a picture of 2 x 2 pixels; found '2'; "
    "allowed: 3 and more, or null; fix: raise the size, keep fewer genes (encode.variable_genes), "
    "or let them share pixels (assignment: average)"
)
def appended_genes_do_not_fit(folder):
    text = "gene,row,column\nCD3D,0,0\na,0,1\nb,1,0\n"
    return places(folder, text, size=2, unlisted="append")


@malformed(
    "{tmp}/l.csv, row 2: the row has 4 fields, the header 3; found 'LYZ,0,2,7'; "
    "fix: quote fields that hold the delimiter"
)
def places_are_ragged(folder):
    return places(folder, "gene,row,column\nCD3D,0,1\nLYZ,0,2,7\n")


@malformed("{tmp}/l.parquet: column gene is no text; found 'int64'; allowed: a column of strings")
def genes_are_numbers(folder):
    columns = {"gene": [1], "row": [0], "column": [0]}
    pq.write_table(pa.table(columns), folder / "l.parquet")
    return read(folder, None, "file", "l.parquet")


# Pathways


@malformed(
    "{tmp}/p.gmt, line 2: neither a gene set (GMT) nor a table of genes and pathways; "
    "found 'B_CELLS\\tabout'; "
    "allowed: name, description, genes, parted by tabs; or columns gene, pathway"
)
def gene_set_is_empty(folder):
    return pathways(folder, "T_CELLS\tabout\tCD3D\nB_CELLS\tabout\n")


@malformed(
    "{tmp}/p.csv, line 1: neither a gene set (GMT) nor a table of genes and pathways; "
    "found 'symbol,set'; "
    "allowed: name, description, genes, parted by tabs; or columns gene, pathway"
)
def table_of_pathways_has_other_columns(folder):
    return pathways(folder, "symbol,set\nCD3D,T_CELLS\n", "p.csv")


@malformed(
    "{tmp}/p.gmt, record 'T_CELLS', lines 1 and 3: a pathway comes twice; "
    "fix: give each its own name"
)
def pathway_comes_twice(folder):
    return pathways(folder, "T_CELLS\tabout\tCD3D\n\nT_CELLS\tabout\tLYZ\n")


@malformed(
    "{tmp}/p.gmt: no gene of the fold is in a pathway; found 'Cd3d'; "
    "allowed: CD19, CD3D, LYZ, …; fix: name genes as the matrix does: symbols or ids"
)
def pathways_are_of_another_species(folder):
    return pathways(folder, "T_CELLS\tabout\tCd3d\n")


@malformed("{tmp}/p.csv, row 2, column pathway: an empty field")
def gene_has_no_pathway(folder):
    return pathways(folder, "gene,pathway\nCD3D,T_CELLS\nLYZ,\n", "p.csv")


@malformed(
    "{tmp}/p.csv: this is a zip archive (or a spreadsheet); "
    "allowed: plain text, gzip, bgzip, xz or bzip2; fix: unpack it, or save it as CSV"
)
def pathways_are_a_spreadsheet(folder):
    (folder / "p.csv").write_bytes(b"PK\x03\x04" + bytes(np.zeros(20, np.uint8)))
    return read(folder, None, "pathways", "p.csv")


@malformed("{tmp}/p.gmt: the file holds no gene set")
def pathways_are_empty_lines(folder):
    return pathways(folder, "\n\n")
