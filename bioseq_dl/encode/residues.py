"""Records of labelled residues to arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bioseq_dl.config import HEADS, Encode, Targets
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import Examples
from bioseq_dl.encode.sequence import encode_records
from bioseq_dl.errors import InputError

_MASK = "01"


def encode_residues(
    records: pa.Table, folds: pa.Table, targets: Targets, encode: Encode
) -> Examples:
    """Turn proteins, the labels of their residues and their folds into arrays.

    Parameters
    ----------
    records : table
        As `bioseq_dl.io.residue_records.read_residues` gives.
    folds : table
        Columns of ``split.parquet``.
    targets : Targets
        Which labels, in which order.
    encode : Encode
        Policy for unknown residues.

    Returns
    -------
    examples : Examples
        Its `targets` are float32 (residues, labels): codes of states, 0 or 1, shares, radians;
        NaN where there is no label.

    Raises
    ------
    InputError
        What `encode_records` raises; where labels and sequence differ in length, or a letter is
        no state.
    """
    return encode_records(records, folds, targets, encode, PROTEIN, read_labels)


def read_labels(
    records: pa.Table, targets: Targets, offsets: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Read the columns ``residues:<label>``.

    Parameters
    ----------
    records : table
        Of n proteins.
    targets : Targets
    offsets : array of int64, shape (n + 1,)
        Where each protein begins.

    Returns
    -------
    array of float32, shape (residues, labels)
        NaN where there is no label.
    """
    values = np.full((int(offsets[-1]), len(targets.labels)), np.nan, np.float32)
    place = 0
    for name in targets.names:
        head = HEADS[name]
        for label in head.labels:
            column = f"residues:{label}"
            if column not in records.column_names:
                raise InputError(
                    f"the table of records lacks the column {column}",
                    found=", ".join(records.column_names),
                    fix="run ingest again with this config",
                )
            letters = {"states": head.states, "mask": _MASK}.get(head.measure)
            for row, given in enumerate(records[column].to_pylist()):
                if given is None:
                    continue
                start, end = offsets[row], offsets[row + 1]
                if len(given) != end - start:
                    raise InputError(
                        f"labels and sequence differ in length: {label}",
                        record=records["id"][row].as_py(),
                        found=f"{len(given)} labels",
                        allowed=f"{end - start}",
                        fix="run ingest again with this config",
                    )
                values[start:end, place] = _decode(given, letters)
            place += 1
    return values


def _decode(given: str | list[float], letters: str | None) -> NDArray[np.float32]:
    if letters is None or not isinstance(given, str):
        return np.array(given, np.float32)
    table = np.full(256, np.nan, np.float32)
    for code, letter in enumerate(letters):
        table[ord(letter)] = code
    numbers: NDArray[np.float32] = table[np.frombuffer(given.encode("latin-1"), np.uint8)]
    return numbers
