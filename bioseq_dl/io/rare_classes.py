"""Classes with few records: refused, left out, or pooled."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import RareClasses, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.records import Reject

RARE = "of a rare class"


def apply_rule(
    records: pa.Table, targets: Targets, rare: RareClasses
) -> tuple[pa.Table, NDArray[np.int64], list[Reject], list[str]]:
    """Apply the rule for rare classes to the only target.

    Parameters
    ----------
    records : pa.Table
        Of n records, with `id`, `source` and the target.
    targets : Targets
        Of kind multiclass.
    rare : RareClasses
        How few is rare, and what follows. The class that others are pooled into is never rare.

    Returns
    -------
    records : pa.Table
        Those that stay, pooled ones with their new class.
    kept : ndarray of int64
        Their rows.
    rejects : list of Reject
    notes : list of str
        What was done, for the report.

    Raises
    ------
    InputError
        With rule ``error`` where a class is rare, naming the rarest.
    """
    column = f"target:{targets.names[0]}"
    labels = records[column].to_numpy(zero_copy_only=False).astype(np.float32)
    known = ~np.isnan(labels)
    counts = np.bincount(labels[known].astype(np.int64), minlength=len(targets.classes))
    few = [
        code
        for code, count in enumerate(counts.tolist())
        if 0 < count < rare.least and targets.classes[code] != rare.pool
    ]
    rows = np.arange(len(labels))
    if not few:
        return records, rows, [], []
    told = ", ".join(f"{targets.classes[code]} ({counts[code]})" for code in few)
    if rare.rule == "error":
        raise InputError(
            f"{len(few)} classes have fewer than {rare.least} records",
            position=f"target {targets.names[0]}",
            found=told,
            fix="set ingest.rare_classes.rule: drop or pool, or lower its least",
        )
    chosen = known & np.isin(np.nan_to_num(labels, nan=-1), few)
    if rare.rule == "pool" and rare.pool is not None:
        labels = np.where(chosen, np.float32(targets.classes.index(rare.pool)), labels)
        place = records.schema.get_field_index(column)
        records = records.set_column(
            place, column, pa.array(labels, pa.float32(), mask=np.isnan(labels))
        )
        return records, rows, [], [f"pooled into {rare.pool}: {told}"]
    ids, sources = records["id"].to_pylist(), records["source"].to_pylist()
    rejects = [
        Reject(sources[row], ids[row], "", RARE, targets.classes[int(labels[row])])
        for row in np.flatnonzero(chosen).tolist()
    ]
    kept = np.flatnonzero(~chosen)
    return records.take(pa.array(kept)), kept, rejects, [f"rare classes left out: {told}"]
