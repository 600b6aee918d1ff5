"""What the records are like, in numbers for the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.io.letters import bin_gc

_QUANTILES = {"min": 0.0, "q05": 0.05, "median": 0.5, "q95": 0.95, "max": 1.0}
_LENGTH_BINS = 30
_GC_BINS = 20


def summarise(
    records: pa.Table, letters: NDArray[np.int64], targets: Targets, *, gc: bool = True
) -> dict[str, Any]:
    """Count records, labels, folds, lengths and GC.

    Parameters
    ----------
    records : pa.Table
        Of n rows.
    letters : ndarray of int64 (n, 3)
        Length, G + C, unknown letters of each.
    targets : Targets
        What the labels are.
    gc : bool
        Tell of GC content; proteins have none.

    Returns
    -------
    dict
        Ready for JSON: ``records``; ``targets`` (by name: ``missing``, and ``classes`` or
        quantiles); ``lengths`` and ``gc`` (quantiles, ``edges``, ``counts``; GC is the share
        of known letters, also ``by_class`` of the first classification target);
        ``unknown_letters``; ``splits``; ``groups``.
    """
    lengths, strong, unknown = letters.T
    return {
        "records": records.num_rows,
        "targets": {name: _count_target(records, name, targets) for name in targets.of_records},
        "lengths": _describe_lengths(lengths),
        **({"gc": _describe_gc(records, strong, lengths - unknown, targets)} if gc else {}),
        "unknown_letters": int(unknown.sum()),
        "letters": int(lengths.sum()),
        "splits": _count_values(records.column("split")),
        "groups": len(pc.unique(records.column("group").drop_null())),
        "contigs": len(pc.unique(records.column("chrom").drop_null())),
    }


def summarise_cells(records: pa.Table, targets: Targets) -> dict[str, Any]:
    """Count cells, labels and folds, and give what was measured of each.

    Parameters
    ----------
    records : pa.Table
        As `bioseq_dl.io.expression.read_expression` gives.
    targets : Targets
        What the labels are.

    Returns
    -------
    dict
        Ready for JSON: ``records``; ``targets`` as of `summarise`; ``quality`` (quantiles of
        ``genes``, ``total``, and ``mitochondrial`` where it is known); ``splits``; ``groups``;
        ``batches``.
    """
    measured = {
        name: records.column(name).drop_null().to_numpy().astype(np.float64)
        for name in ("genes", "total", "mitochondrial")
    }
    return {
        "records": records.num_rows,
        "targets": {name: _count_target(records, name, targets) for name in targets.of_records},
        "quality": {name: _find_quantiles(found) for name, found in measured.items() if len(found)},
        "splits": _count_values(records.column("split")),
        "groups": len(pc.unique(records.column("group").drop_null())),
        "batches": len(pc.unique(records.column("batch").drop_null())),
    }


def _describe_gc(
    records: pa.Table, strong: NDArray[np.int64], known: NDArray[np.int64], targets: Targets
) -> dict[str, Any]:
    bins = bin_gc(strong, known, _GC_BINS)
    shares: dict[str, Any] = _find_quantiles(strong / np.maximum(known, 1))
    shares["edges"] = [place / _GC_BINS for place in range(_GC_BINS + 1)]
    shares["counts"] = np.bincount(bins, minlength=_GC_BINS).tolist()
    first = records.column(f"target:{targets.names[0]}").to_numpy().astype(np.float64)
    if targets.kind != "regression":
        shares["by_class"] = {
            name: np.bincount(bins[first == code], minlength=_GC_BINS).tolist()
            for code, name in enumerate(_list_classes(targets))
        }
    return shares


def _count_target(records: pa.Table, name: str, targets: Targets) -> dict[str, Any]:
    column = records.column(f"target:{name}")
    values = column.drop_null().to_numpy().astype(np.float64)
    counted: dict[str, Any] = {"kind": targets.kind, "missing": column.null_count}
    if targets.kind == "regression":
        return counted | _find_quantiles(values) | {"mean": float(values.mean())}
    codes = enumerate(_list_classes(targets))
    return counted | {"classes": {label: int((values == code).sum()) for code, label in codes}}


def _list_classes(targets: Targets) -> tuple[str, ...]:
    return targets.classes or ("0", "1")


def _find_quantiles(values: NDArray[Any]) -> dict[str, float]:
    found = np.quantile(values, list(_QUANTILES.values()))
    return dict(zip(_QUANTILES, found.tolist(), strict=True))


def _describe_lengths(lengths: NDArray[np.int64]) -> dict[str, Any]:
    """Give quantiles and a histogram of at most thirty equal bins of whole letters."""
    low, high = int(lengths.min()), int(lengths.max())
    step = max(1, -(-(high - low + 1) // _LENGTH_BINS))
    edges = np.arange(low, high + step + 1, step)
    counts = np.histogram(lengths, edges)[0].tolist()
    return _find_quantiles(lengths) | {"edges": edges.tolist(), "counts": counts}


def _count_values(column: pa.ChunkedArray) -> dict[str, int]:
    counted = column.drop_null().value_counts()
    return dict(sorted((item["values"], item["counts"]) for item in counted.to_pylist()))
