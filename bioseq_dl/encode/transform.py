"""What was fitted on the training cells of a fold, and other cells are mapped through."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.layout import Layout, describe_layout, parse_layout
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_text
from bioseq_dl.io.expression_matrix import Rows

VERSION = 1
"""Of the file's layout."""
_FIX = "run the encode step again"


@dataclass(frozen=True, eq=False)
class Steps:
    """What is done with each cell by itself; nothing of it is fitted.

    Parameters
    ----------
    target_sum : float, optional
        Sum that a cell is scaled to; None leaves values as they are.
    log : bool
        Natural logarithm of 1 + value.
    """

    target_sum: float | None
    log: bool

    def apply(
        self,
        data: NDArray[np.float32],
        owners: NDArray[np.int64],
        totals: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Change stored values; zeros stay zeros.

        Parameters
        ----------
        data : ndarray of float32 (stored,)
        owners : ndarray of int64 (stored,)
            Cell of each.
        totals : ndarray of float64 (cells,)
            Sum of each cell over all genes, before any were left out.
        """
        changed = data.astype(np.float64)
        if self.target_sum is not None:
            factors = self.target_sum / np.where(totals > 0, totals, 1.0)
            changed *= factors[owners]
        if self.log:
            changed = np.log1p(changed)
        return changed.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Transform:
    """How the cells of a fold become rows of numbers.

    Parameters
    ----------
    genes : tuple of str
        Names of the k genes that are kept, in the order of the columns.
    mean, sd : ndarray of float64 (k,)
        Of train, after `steps`; missing values left out. `sd` is 1 where a gene does not vary.
    steps : Steps
        What comes before.
    scale : bool
        Take `mean` away and divide by `sd`.
    clip : float, optional
        Largest absolute value after scaling.
    values : str
        Kind of the values that it was fitted on: others cannot be mapped.
    cells : int
        Of train.
    layout : Layout, optional
        Where the genes stand in a picture or an order.
    """

    genes: tuple[str, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    steps: Steps
    scale: bool
    clip: float | None
    values: str
    cells: int
    layout: Layout | None = None

    def fill(self, rows: Rows, columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give cells as a dense table of the kept genes.

        Parameters
        ----------
        rows : Rows
            Values after `steps`.
        columns : ndarray of int64 (all genes,)
            For each gene of `rows` its column here, or -1.

        Returns
        -------
        ndarray of float32 (cells, k)
            Missing values, and genes that `rows` do not have, are the mean of train.
        """
        table = self.spread(rows, columns)
        absent = np.ones(len(self.genes), bool)
        absent[columns[columns >= 0]] = False
        table[:, absent] = np.nan
        return self.finish(table)

    def spread(self, rows: Rows, columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Lay stored values out as they are, float32 (cells, k); 0 where none is stored.

        `rows` and `columns` are those of `fill`.
        """
        table = np.zeros((len(rows.lengths), len(self.genes)), np.float32)
        places = columns[rows.indices]
        kept = places >= 0
        table[rows.owners[kept], places[kept]] = rows.data[kept]
        return table

    def finish(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fill missing values of a dense table (cells, k), scale and clip it."""
        mean, sd = self.mean.astype(np.float32), self.sd.astype(np.float32)
        filled = np.where(np.isnan(table), mean, table)
        if not self.scale:
            return filled
        scaled: NDArray[np.float32] = ((filled - mean) / sd).astype(np.float32)
        if self.clip is not None:
            np.clip(scaled, -self.clip, self.clip, out=scaled)
        return scaled

    def match(self, genes: Sequence[str], max_missing: float = 0.0) -> tuple[str, ...]:
        """See which genes other data lack.

        Parameters
        ----------
        genes : sequence of str
            Of the other data.
        max_missing : float
            Largest share of the kept genes that may be absent; they count as missing values.

        Returns
        -------
        tuple of str
            The absent ones.

        Raises
        ------
        InputError
            Where more are absent.
        """
        known = set(genes)
        absent = tuple(name for name in self.genes if name not in known)
        if len(absent) > max_missing * len(self.genes):
            raise InputError(
                f"{len(absent)} of the {len(self.genes)} genes of the model are not in these data",
                found=", ".join(genes[:3]),
                allowed=f"up to {max_missing:.0%} absent; wanted {', '.join(absent[:3])}, …",
                fix="name genes as in training: symbols or ids",
            )
        return absent

    def find_columns(self, genes: Sequence[str]) -> NDArray[np.int64]:
        """Give for each gene its column here, or -1; int64 (genes,)."""
        place = {name: number for number, name in enumerate(self.genes)}
        return np.array([place.get(name, -1) for name in genes], np.int64)


def dump_transform(transform: Transform) -> str:
    """Give a transform as JSON; equal transforms are equal texts."""
    data: dict[str, Any] = {
        "version": VERSION,
        "genes": list(transform.genes),
        "mean": transform.mean.tolist(),
        "sd": transform.sd.tolist(),
        "steps": asdict(transform.steps),
        "scale": transform.scale,
        "clip": transform.clip,
        "values": transform.values,
        "cells": transform.cells,
    }
    if transform.layout is not None:
        data["layout"] = describe_layout(transform.layout)
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"


def write_transform(path: str | Path, transform: Transform) -> None:
    """Write a transform as JSON; equal transforms are equal bytes."""
    write_text(path, dump_transform(transform))


def read_transform(path: str | Path) -> Transform:
    """Read what `write_transform` wrote.

    Raises
    ------
    InputError
        Where the file is missing, damaged, or of a later version.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", file=path, fix=_FIX) from None
    except ValueError:
        raise InputError("not a transform of expression", file=path, fix=_FIX) from None
    return parse_transform(text, path)


def parse_transform(text: str, path: str | Path) -> Transform:
    """Read what `dump_transform` gave.

    Parameters
    ----------
    text : str
    path : path
        Where it stood, for errors.

    Raises
    ------
    InputError
        Where it is damaged, or of a later version.
    """
    fix = _FIX
    try:
        data = json.loads(text)
        if data.pop("version") != VERSION:
            raise InputError("a transform of another version", file=path, fix=fix)
        mean, sd = (np.array(data.pop(name), np.float64) for name in ("mean", "sd"))
        genes, steps = tuple(data.pop("genes")), Steps(**data.pop("steps"))
        placed = data.pop("layout", None)
        layout = None if placed is None else parse_layout(placed, genes, path)
        found = Transform(genes=genes, mean=mean, sd=sd, steps=steps, layout=layout, **data)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError("not a transform of expression", file=path, fix=fix) from None
    whole = mean.shape == sd.shape == (len(genes),) and all(map(math.isfinite, mean.tolist()))
    if not whole or not (sd > 0).all():
        raise InputError("a damaged transform of expression", file=path, fix=fix)
    return found
