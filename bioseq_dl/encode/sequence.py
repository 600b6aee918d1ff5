"""Records to integer codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bioseq_dl.config import Encode, Targets
from bioseq_dl.encode.alphabet import DNA, PROTEIN, Alphabet, Codes
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.encode.windows import gather_windows
from bioseq_dl.errors import InputError

ReadTargets = Callable[[pa.Table, Targets, npt.NDArray[np.int64]], npt.NDArray[np.float32]]

_CELLS = 2**22
"""Bases cropped or padded at a time, which bounds the memory for their places."""


def encode_records(
    records: pa.Table,
    folds: pa.Table,
    targets: Targets,
    encode: Encode,
    alphabet: Alphabet = DNA,
    read_targets: ReadTargets | None = None,
) -> Examples:
    """Turn records and their folds into arrays.

    Parameters
    ----------
    records : table
        Columns of ``records.parquet``: `id`, `sequence`, ``target:<name>``.
    folds : table
        Columns of ``split.parquet``: `id` in the same order, ``fold0``, ``fold1``, …
    targets : Targets
        Which target columns, in which order.
    encode : Encode
        Length and policy for unknown bases.
    alphabet : Alphabet
        Of the sequences.
    read_targets : callable, optional
        (records, targets, offsets) to the targets' values; else the columns ``target:<name>``.

    Returns
    -------
    examples : Examples
        In the records' order.

    Raises
    ------
    InputError
        Where the tables do not belong together, a column is missing, a letter is not of the
        alphabet, or one is unknown and ``encode.unknown`` is ``error``.
    """
    check_tables(records, folds, targets, "sequence")
    ids = records["id"]
    codes, offsets = encode_strings(records["sequence"], ids, alphabet)
    if encode.unknown == "error":
        _refuse_unknown(codes, offsets, records, alphabet)
    if encode.length is not None:
        codes, offsets = fit_length(codes, offsets, encode.length, alphabet.unknown_code)
    if read_targets is None:
        values = read_values(records, targets)
    else:
        values = read_targets(records, targets, offsets)
    return Examples(
        codes=codes,
        offsets=offsets,
        targets=values,
        roles=read_roles(folds),
        spec=targets,
        unknown="uniform" if encode.unknown == "uniform" else "zeros",
        ids_sha256=hash_ids(ids),
        alphabet=alphabet,
        weights=_read_weights(records),
        wild_type=_read_wild_type(records, encode, alphabet),
    )


def encode_proteins(
    records: pa.Table, folds: pa.Table, targets: Targets, encode: Encode
) -> Examples:
    """Turn records of proteins and their folds into arrays, as `encode_records` does."""
    return encode_records(records, folds, targets, encode, PROTEIN)


def encode_strings(
    sequences: pa.ChunkedArray, ids: pa.ChunkedArray, alphabet: Alphabet
) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Encode a column of strings in one pass over its bytes.

    Returns
    -------
    codes : array of uint8, shape (bases,)
    offsets : array of int64, shape (n + 1,)

    Raises
    ------
    InputError
        At the first letter not of the alphabet, or where a sequence is missing.
    """
    if sequences.null_count:
        row = int(np.argmax(sequences.is_null().to_numpy(zero_copy_only=False)))
        raise InputError("a record has no sequence", record=ids[row].as_py())
    # 64-bit offsets: a column may hold more than 2 GB.
    array = pa.concat_arrays(
        [chunk.cast(pa.large_string()) for chunk in sequences.chunks]
        or [pa.array([], pa.large_string())]
    )
    _, places, data = array.buffers()
    offsets = np.frombuffer(places, np.int64, len(array) + 1, 8 * array.offset)
    text = memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")
    offsets = offsets - offsets[0]
    codes = np.frombuffer(text.tobytes().translate(alphabet.table), np.uint8)
    if codes.size and codes.max() > alphabet.unknown_code:
        row, place = _locate(codes > alphabet.unknown_code, offsets)
        # A position counts letters; bytes and letters differ after a non-ASCII one only.
        letter = sequences[row].as_py().encode()[place : place + 4].decode(errors="ignore")[:1]
        raise alphabet.error(letter, place, ids[row].as_py())
    return codes, offsets


def fit_length(
    codes: Codes, offsets: npt.NDArray[np.int64], length: int, fill: int
) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Crop or pad every sequence to `length` around its centre.

    Where the difference is odd, one base more is cut or added on the right.

    Returns
    -------
    codes : array of uint8, shape (n * length,)
    offsets : array of int64, shape (n + 1,)
    """
    lengths = np.diff(offsets)
    missing = np.maximum(length - lengths, 0) // 2
    cropped = np.maximum(lengths - length, 0) // 2
    starts = offsets[:-1] + cropped - missing
    last = missing + np.minimum(lengths, length)
    fitted = np.empty((len(lengths), length), np.uint8)
    step = max(1, _CELLS // length)
    for row in range(0, len(lengths), step):
        rows = slice(row, row + step)
        fitted[rows] = gather_windows(codes, starts[rows], length, missing[rows], last[rows], fill)
    return fitted.reshape(-1), np.arange(len(lengths) + 1, dtype=np.int64) * length


def _locate(marked: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> tuple[int, int]:
    place = int(np.argmax(marked))
    row = int(np.searchsorted(offsets, place, side="right")) - 1
    return row, place - int(offsets[row])


def _refuse_unknown(
    codes: Codes, offsets: npt.NDArray[np.int64], records: pa.Table, alphabet: Alphabet
) -> None:
    unknown = codes == alphabet.unknown_code
    if not unknown.any():
        return
    row, position = _locate(unknown, offsets)
    raise InputError(
        f"unknown {alphabet.unit} where encode.unknown is error",
        record=records["id"][row].as_py(),
        position=position + 1,
        found=records["sequence"][row].as_py()[position],
        allowed=", ".join(alphabet.letters),
        fix="set encode.unknown to zeros or uniform, or ingest.max_unknown_fraction to 0",
    )


def check_tables(records: pa.Table, folds: pa.Table, targets: Targets, *columns: str) -> None:
    """See that records and folds are of the same records, and have what is needed.

    Raises
    ------
    InputError
        Where a column is missing (`columns` are further ones of the records), or ids differ.
    """
    wanted = ["id", *columns, *(f"target:{name}" for name in targets.of_records)]
    for what, table, names in (("records", records, wanted), ("folds", folds, ["id", "fold0"])):
        missing = [name for name in names if name not in table.column_names]
        if missing:
            raise InputError(
                f"the table of {what} lacks the column {missing[0]}",
                found=", ".join(table.column_names),
                fix="run the steps before encode again with this config",
            )
    if not records["id"].equals(folds["id"].cast(records["id"].type)):
        raise InputError(
            "records and folds do not hold the same ids in the same order",
            fix="run split again on these records",
        )


def read_values(records: pa.Table, targets: Targets) -> npt.NDArray[np.float32]:
    """Read the columns ``target:<name>``; float32 (n, targets), NaN where missing."""
    values = np.empty((records.num_rows, len(targets.names)), np.float32)
    for place, name in enumerate(targets.names):
        column = records[f"target:{name}"].cast(pa.float32())
        values[:, place] = column.to_numpy(zero_copy_only=False)  # null becomes NaN
    return values


def _read_weights(records: pa.Table) -> npt.NDArray[np.float32] | None:
    if "weight" not in records.column_names:
        return None
    return np.array(records["weight"].cast(pa.float32()), np.float32)


def _read_wild_type(records: pa.Table, encode: Encode, alphabet: Alphabet) -> Codes | None:
    """Encode the wild type, which stands in the table's metadata, as the records are."""
    text = (records.schema.metadata or {}).get(b"wild_type")
    if text is None:
        return None
    codes = alphabet.encode(text, "wild type")
    if encode.length is not None:
        ends = np.array([0, len(codes)], np.int64)
        codes, _ = fit_length(codes, ends, encode.length, alphabet.unknown_code)
    return codes


def read_roles(folds: pa.Table) -> npt.NDArray[np.uint8]:
    """Read the columns ``fold0``, ``fold1``, … as places in ROLES; uint8 (folds, n).

    Raises
    ------
    InputError
        Where a value is no role.
    """
    names = [name for name in folds.column_names if name.startswith("fold")]
    names.sort(key=lambda name: int(name.removeprefix("fold")))
    roles = np.empty((len(names), folds.num_rows), np.uint8)
    for row, name in enumerate(names):
        codes: Any = pc.index_in(folds[name].cast(pa.string()), pa.array(ROLES))
        if codes.null_count:
            place = int(np.argmax(codes.is_null().to_numpy(zero_copy_only=False)))
            raise InputError(
                "not a role",
                record=folds["id"][place].as_py(),
                position=f"column {name}",
                found=folds[name][place].as_py(),
                allowed=", ".join(ROLES),
            )
        roles[row] = codes.to_numpy()
    return roles
