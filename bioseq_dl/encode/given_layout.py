"""Genes where a file puts them: on pixels, or with their pathway."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bioseq_dl.config import CellLayout
from bioseq_dl.encode.assignment import find_side, refuse_size
from bioseq_dl.encode.curve import draw_curve
from bioseq_dl.encode.layout import Layout
from bioseq_dl.errors import InputError
from bioseq_dl.io.gene_layouts import LARGEST, read_gene_sets, read_places
from bioseq_dl.io.manifest import Fetched, find_file


def place_by_name(
    genes: tuple[str, ...], layout: CellLayout, files: Mapping[str, Fetched]
) -> Layout:
    """Place genes by what is known of them, without any cell.

    Parameters
    ----------
    genes : tuple of str
        Of a fold, by name.
    layout : CellLayout
        Of kind file, pathways or plain.
    files : mapping
        Source key to file.

    Raises
    ------
    InputError
        Where the file is malformed or holds none of the genes (of places, without ``unlisted:
        append``: not all), two of them share a pixel that may hold one, or the grid is too small.
    """
    count = len(genes)
    if layout.source is None:
        side = find_side(count, layout.size, shared=False)
        return Layout("plain", side, side, "lsa", genes, np.arange(count))
    path = find_file(layout.source, files).path
    if layout.kind == "file":
        return _place_as_given(genes, layout, path)
    member = {
        gene: number
        for number, of in reversed(list(enumerate(read_gene_sets(path).values())))
        for gene in of
    }
    known = [gene for gene in genes if gene in member]
    if not known:
        raise _unknown("no gene of the fold is in a pathway", path, member, genes)
    side = find_side(count, layout.size, shared=False)
    curve = draw_curve(side, side)[:count]
    order = sorted(range(count), key=lambda number: member.get(genes[number], len(member)))
    pixels = np.empty(count, np.int64)
    pixels[order] = curve[:, 0] * side + curve[:, 1]
    return Layout("pathways", side, side, "lsa", genes, pixels)


def _place_as_given(genes: tuple[str, ...], layout: CellLayout, path: str) -> Layout:
    places = read_places(path)
    absent = [gene for gene in genes if gene not in places]
    if len(absent) == len(genes):
        raise _unknown("no gene of the fold has a place", path, places, genes)
    if absent and layout.unlisted == "error":
        raise InputError(
            f"{len(absent)} of the {len(genes)} genes of the fold have no place",
            file=path,
            found=", ".join(absent[:3]),
            fix="list them, or set encode.layout.unlisted: append",
        )
    side = layout.size or 1 + max(max(place) for place in places.values())
    outside = next((gene for gene, place in places.items() if max(place) >= side), None)
    if outside is not None:
        raise InputError(
            "a place lies outside the picture",
            file=path,
            record=outside,
            found="row {}, column {}".format(*places[outside]),
            allowed=f"0 to {side - 1}",
            fix="raise encode.layout.size, or leave it out",
        )
    if layout.assignment == "lsa":
        _check_apart(genes, places, path)
    taken = {row * side + column for row, column in places.values()}
    if layout.size is None and len(absent) > side * side - len(taken):
        # Rows below the last, as many as it takes; the picture stays a square.
        side = min(LARGEST, math.isqrt(len(taken) + len(absent) - 1) + 1)
        taken = {row * side + column for row, column in places.values()}
    free = (pixel for pixel in range(side * side) if pixel not in taken)
    appended = dict(zip(absent, free, strict=False))
    if len(appended) < len(absent):
        raise refuse_size(len(taken) + len(absent), side)
    pixels = [
        appended[gene] if gene in appended else places[gene][0] * side + places[gene][1]
        for gene in genes
    ]
    return Layout("file", side, side, layout.assignment, genes, np.array(pixels, np.int64))


def _check_apart(genes: tuple[str, ...], places: Mapping[str, tuple[int, int]], path: str) -> None:
    """See that no two of the genes share a pixel."""
    holders: dict[tuple[int, int], str] = {}
    for gene in genes:
        if gene in places and holders.setdefault(places[gene], gene) != gene:
            raise InputError(
                "two genes on one pixel",
                file=path,
                record=gene,
                found=f"{holders[places[gene]]} at row {places[gene][0]}, column {places[gene][1]}",
                fix="give each its own, or set encode.layout.assignment: average",
            )


def _unknown(
    problem: str, path: str, listed: Mapping[str, object], genes: tuple[str, ...]
) -> InputError:
    return InputError(
        problem,
        file=path,
        found=", ".join(list(listed)[:3]),
        allowed=", ".join(genes[:3]) + ", …",
        fix="name genes as the matrix does: symbols or ids",
    )
