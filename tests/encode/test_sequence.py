from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.config import Encode, Targets
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.encode.examples import hash_ids
from bioseq_dl.encode.sequence import encode_records, encode_strings, fit_length
from bioseq_dl.errors import InputError


def _tables(sequences: list[str], **columns: Any) -> tuple[pa.Table, pa.Table]:
    ids = [f"s{place}" for place in range(len(sequences))]
    targets = columns or {"target:label": pa.array([1.0] * len(ids), pa.float32())}
    records = pa.table({"id": ids, "sequence": pa.array(sequences, pa.string()), **targets})
    return records, pa.table({"id": ids, "fold0": ["train"] * len(ids)})


def test_records_become_codes_targets_and_roles() -> None:
    records = pa.table(
        {
            "id": ["a", "b", "c"],
            "sequence": ["ACGT", "NNA", "T"],
            "target:x": pa.array([1.0, None, 0.0], pa.float32()),
            "target:y": pa.array([0.5, 2.0, None], pa.float32()),
        }
    )
    folds = pa.table(
        {
            "id": ["a", "b", "c"],
            "fold1": ["test", "val", "train"],
            "fold0": ["train", "drop", "test"],
        }
    )
    spec = Targets(kind="regression", names=("y", "x"))
    examples = encode_records(records, folds, spec, Encode())
    assert examples.codes.tolist() == [0, 1, 2, 3, 4, 4, 0, 3]
    assert examples.offsets.tolist() == [0, 4, 7, 8]
    assert examples.roles.tolist() == [[0, 3, 2], [2, 1, 0]]
    np.testing.assert_array_equal(examples.targets, [[0.5, 1], [2, np.nan], [np.nan, 0]])
    assert examples.targets.dtype == np.float32
    assert examples.ids_sha256 == hash_ids(["a", "b", "c"])
    assert examples.unknown == "zeros"
    assert len(examples) == 3
    assert examples.length is None
    assert examples.select(0, "test").tolist() == [2]


@given(
    st.lists(st.text(alphabet="ACGTNRY", max_size=30), max_size=12),
    st.integers(0, 5),
    st.integers(1, 4),
)
def test_codes_equal_those_of_each_sequence_alone(
    sequences: list[str], skipped: int, chunk: int
) -> None:
    # Slices and chunks move the offsets of Arrow's buffers.
    chunks = [sequences[i : i + chunk] for i in range(0, len(sequences), chunk)]
    column = pa.chunked_array([pa.array(c, pa.string()) for c in chunks], pa.string())
    column = column.slice(min(skipped, len(sequences)))
    kept = sequences[skipped:]
    ids = pa.chunked_array([pa.array([str(i) for i in range(len(kept))], pa.string())])
    codes, offsets = encode_strings(column, ids, DNA)
    alone = [DNA.encode(sequence.encode()).tolist() for sequence in kept]
    found = [codes[a:b].tolist() for a, b in pairwise(offsets)]
    assert found == alone


@given(st.lists(st.text(alphabet="ACGT", max_size=20), min_size=1, max_size=8), st.integers(1, 25))
def test_length_crops_and_pads_around_the_centre(sequences: list[str], length: int) -> None:
    codes = np.concatenate([DNA.encode(s.encode()) for s in sequences])
    offsets = np.cumsum([0, *map(len, sequences)])
    fitted, places = fit_length(codes, offsets, length, 4)
    assert places.tolist() == [length * i for i in range(len(sequences) + 1)]
    for row, sequence in zip(fitted.reshape(-1, length), sequences, strict=True):
        if len(sequence) >= length:
            cut = (len(sequence) - length) // 2
            assert DNA.decode(row) == sequence[cut : cut + length]
        else:
            left = (length - len(sequence)) // 2
            wanted = "N" * left + sequence
            assert DNA.decode(row) == wanted + "N" * (length - len(wanted))


def test_long_columns_are_fitted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(1, 9, 50)
    codes = random.integers(0, 4, lengths.sum()).astype(np.uint8)
    offsets = np.concatenate([[0], lengths.cumsum()])
    whole, _ = fit_length(codes, offsets, 6, 4)
    monkeypatch.setattr("bioseq_dl.encode.sequence._CELLS", 13)
    parts, _ = fit_length(codes, offsets, 6, 4)
    np.testing.assert_array_equal(whole, parts)


def test_unknown_bases_may_be_refused() -> None:
    records, folds = _tables(["ACGT", "ACGRN", "N"])
    message = r"record 's1', position 4: unknown base .*found 'R'; allowed: A, C, G, T; fix"
    with pytest.raises(InputError, match=message):
        encode_records(records, folds, Targets(), Encode(unknown="error"))
    clean, folds = _tables(["ACGT", "AC"])
    examples = encode_records(clean, folds, Targets(), Encode(unknown="error", length=4))
    assert examples.unknown == "zeros"
    assert examples.codes.tolist() == [0, 1, 2, 3, 4, 0, 1, 4]


def test_a_letter_that_is_not_dna_is_an_error() -> None:
    records, folds = _tables(["ACGT", "", "ACeT"])
    with pytest.raises(InputError, match=r"record 's2', position 3: not a letter.*found 'e'"):
        encode_records(records, folds, Targets(), Encode())
    records, folds = _tables(["ACGT", "ACµT"])
    with pytest.raises(InputError, match=r"record 's1', position 3: not a letter.*found 'µ'"):
        encode_records(records, folds, Targets(), Encode())


def test_tables_that_do_not_belong_together_are_refused() -> None:
    records, folds = _tables(["A", "C"])
    with pytest.raises(InputError, match="same ids in the same order"):
        encode_records(records, folds.take([1, 0]), Targets(), Encode())
    with pytest.raises(InputError, match=r"records lacks the column target:other"):
        encode_records(records, folds, Targets(names=("other",)), Encode())
    with pytest.raises(InputError, match=r"folds lacks the column fold0"):
        encode_records(records, folds.drop_columns(["fold0"]), Targets(), Encode())


def test_an_unknown_role_and_a_missing_sequence_are_refused() -> None:
    records, folds = _tables(["A", "C"])
    wrong = pa.table({"id": ["s0", "s1"], "fold0": ["train", "trian"]})
    with pytest.raises(InputError, match=r"record 's1', column fold0: not a role; found 'trian'"):
        encode_records(records, wrong, Targets(), Encode())
    missing = records.set_column(1, "sequence", pa.array(["A", None], pa.string()))
    with pytest.raises(InputError, match=r"record 's1': a record has no sequence"):
        encode_records(missing, folds, Targets(), Encode())


def test_an_empty_table_gives_empty_examples() -> None:
    records, folds = _tables([], **{"target:label": pa.array([], pa.float32())})
    examples = encode_records(records, folds, Targets(), Encode(length=5))
    assert (len(examples), examples.codes.size, examples.roles.shape) == (0, 0, (1, 0))


def test_real_sequences_survive_the_round_trip(shared_data: Path) -> None:
    frame = pd.read_csv(shared_data / "dna_gue" / "tf_0.dev.csv.gz")
    records, folds = _tables(frame["sequence"].tolist())
    examples = encode_records(records, folds, Targets(), Encode())
    assert examples.length == 101
    assert DNA.decode(np.asarray(examples.codes)) == "".join(frame["sequence"])


def test_ids_are_told_apart_by_order_and_border() -> None:
    assert hash_ids(pa.array(["a", "b"])) == hash_ids(["a", "b"])
    assert len({hash_ids(ids) for ids in (["a", "b"], ["b", "a"], ["ab"], ["ab", ""])}) == 4
