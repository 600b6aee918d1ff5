"""Raw outputs per record: the table that predict and baseline write."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.encode.examples import ROLES, Encoded, hash_ids
from bioseq_dl.errors import InputError


def judged_rows(examples: Encoded, fold: int) -> NDArray[np.int64]:
    """Give the rows of a fold that are predicted: val and test, in record order."""
    if fold >= examples.roles.shape[0]:
        raise InputError("no such fold", found=fold, allowed=f"0 to {len(examples.roles) - 1}")
    both = [examples.select(fold, role) for role in ("val", "test")]
    return np.sort(np.concatenate(both))


def build_predictions(
    ids: pa.ChunkedArray,
    examples: Encoded,
    fold: int,
    rows: NDArray[np.int64],
    outputs: NDArray[np.float32],
) -> pa.Table:
    """Put ids, roles, targets and outputs side by side.

    Parameters
    ----------
    ids : string array (all records,)
        Column ``id`` of records.parquet.
    examples : Encoded
        The encoded records.
    fold : int
        Whose roles.
    rows : int64 (n,)
        Which records.
    outputs : float32 (n, targets) or (n, targets, classes), or (positions, outputs)
        Logits, or values for regression. Of residues a row for each position of the records,
        end to end; their columns hold lists, one number a residue.

    Raises
    ------
    InputError
        Where records and examples are not of one making.
    """
    columns = list_records(ids, examples, fold, rows)
    if examples.spec.per_residue:
        truth = examples.targets[examples.target_rows(rows)]
        ends = np.concatenate([[0], np.cumsum(examples.lengths[rows])])
        named = {
            f"target:{name}": truth[:, place] for place, name in enumerate(examples.spec.labels)
        }
        for name, numbers in (named | name_outputs(examples.spec, outputs)).items():
            columns[name] = pa.LargeListArray.from_arrays(ends, pa.array(numbers, pa.float32()))
        return pa.table(columns)
    truth = np.asarray(examples.targets[rows])
    for place, name in enumerate(examples.spec.names):
        missing = np.isnan(truth[:, place])
        columns[f"target:{name}"] = pa.array(truth[:, place], pa.float32(), mask=missing)
    for name, column in name_outputs(examples.spec, outputs).items():
        columns[name] = pa.array(column, pa.float32())
    return pa.table(columns)


def list_records(
    ids: pa.ChunkedArray, examples: Encoded, fold: int, rows: NDArray[np.int64]
) -> dict[str, pa.Array]:
    """Give the columns ``id`` and ``role`` of some records.

    Raises
    ------
    InputError
        Where records and examples are not of one making.
    """
    if hash_ids(ids) != examples.ids_sha256:
        raise InputError(
            "records.parquet and examples.safetensors hold different records",
            fix="run encode again on these records",
        )
    return {
        "id": ids.take(pa.array(rows)),
        "role": pa.array([ROLES[code] for code in examples.roles[fold, rows]], pa.string()),
    }


def list_rows(values: NDArray[np.float32]) -> pa.LargeListArray:
    """Give the rows of a table (n, columns) as lists of float32."""
    ends = np.arange(len(values) + 1, dtype=np.int64) * values.shape[1]
    return pa.LargeListArray.from_arrays(ends, pa.array(values.ravel(), pa.float32()))


def name_outputs(spec: Targets, outputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Name each output: ``output:<target>``, ``output:<target>:<class>``, or as a head does."""
    if spec.per_residue:
        return {f"output:{name}": outputs[:, place] for place, name in enumerate(spec.outputs)}
    columns = {}
    for place, name in enumerate(spec.names):
        if spec.kind == "multiclass":
            for code, label in enumerate(spec.classes):
                columns[f"output:{name}:{label}"] = outputs[:, place, code]
        else:
            columns[f"output:{name}"] = outputs[:, place]
    return columns
