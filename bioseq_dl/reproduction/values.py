"""How far numbers of two results are apart: in JSON and in Parquet tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bioseq_dl.io.parquet import read_parquet


def flatten(data: Any, place: str = "") -> dict[str, Any]:
    """Give the leaves of nested lists and mappings by their place, such as ``model.auroc``."""
    if isinstance(data, dict):
        parts = data.items()
    elif isinstance(data, list):
        parts = {str(number): value for number, value in enumerate(data)}.items()
    else:
        return {place: data}
    return {
        name: leaf
        for key, value in parts
        for name, leaf in flatten(value, f"{place}.{key}" if place else str(key)).items()
    }


def gap_between(one: float, other: float) -> float:
    """Give |one - other| / (1 + |one|): absolute for small numbers, relative for large ones.

    Equal numbers, infinities and NaN are 0 apart; a number and NaN infinitely far.
    """
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    gap = abs(one - other) / (1 + abs(one))
    return gap if math.isfinite(gap) else math.inf


def compare_leaves(one: dict[str, Any], other: dict[str, Any]) -> tuple[float, str]:
    """Give the largest gap between leaves, and where; infinite where something else differs."""
    worst, place = 0.0, ""
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            return math.inf, f"{name} is in one of them only"
        a, b = one[name], other[name]
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
        if numbers:
            gap = gap_between(float(a), float(b))
            if gap > worst:
                worst, place = gap, f"{name}: {a} and {b}"
        elif a != b:
            return math.inf, f"{name}: {a!r} and {b!r}"
    return worst, place


def compare_tables(one: Path, other: Path) -> tuple[float, str]:
    """Give the largest gap between the numbers of two Parquet tables, and where.

    Infinite where columns, rows or anything that is no number differ.
    """
    first, second = read_parquet(one), read_parquet(other)
    if first.column_names != second.column_names:
        return math.inf, "the columns differ"
    if first.num_rows != second.num_rows:
        return math.inf, f"{first.num_rows} and {second.num_rows} rows"
    worst, place = 0.0, ""
    for name in first.column_names:
        a, b = (table[name].combine_chunks() for table in (first, second))
        if pa.types.is_list(a.type) or pa.types.is_large_list(a.type):
            if not a.offsets.equals(b.offsets):
                return math.inf, f"column {name}: lists of other lengths"
            a, b = a.flatten(), b.flatten()
        if not pa.types.is_floating(a.type) or not pa.types.is_floating(b.type):
            if not a.equals(b):
                return math.inf, f"column {name} differs"
            continue
        x, y = (part.to_numpy(zero_copy_only=False).astype(np.float64) for part in (a, b))
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):
            gaps = np.where(same, 0.0, np.abs(x - y) / (1 + np.abs(x)))
        gaps = np.where(np.isnan(gaps), np.inf, gaps)
        if gaps.size and gaps.max() > worst:
            row = int(gaps.argmax())
            worst, place = float(gaps[row]), f"column {name}: {x[row]:.7g} and {y[row]:.7g}"
    return worst, place
