"""Tables of sequences."""

from __future__ import annotations

import gzip
import weakref

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.config import TableInput
from bioseq_dl.errors import InputError
from bioseq_dl.io import tables
from bioseq_dl.io.label_tables import LabelColumns, read_label_table
from bioseq_dl.io.tables import read_table_batches


def read(path, **options):
    options = {"columns": {"label": "label"}} | options
    entry = TableInput(format="table", source={"path": str(path)}, **options)
    return list(read_table_batches(entry, path))


def letters(batch):
    return [
        bytes(batch.letters[a:b]).decode()
        for a, b in zip(batch.offsets, batch.offsets[1:], strict=False)
    ]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_delimiter_line_ends_and_compression(tmp_path, mark, newline, packed):
    rows = [["label", "sequence", "note"], ["1", " ACGT ", "a, b; c"], [], ["", "", '"q"']]
    rows[1][2] = f'"{rows[1][2]}"'
    text = newline.join(mark.join(row) for row in rows).encode()
    path = tmp_path / "table.txt"
    path.write_bytes(gzip.compress(text) if packed else text)
    (batch,) = read(path)
    assert letters(batch) == ["ACGT", ""]
    assert batch.values == {"label": ["1", ""]}
    assert batch.ids == ["row1", "row2"]
    assert batch.places.tolist() == [1, 2]


def test_named_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,dna,y,fold,donor\n x1 ,ACGT,0.5,test,d1\n")
    (batch,) = read(
        path,
        sequence_column="dna",
        id_column="name",
        columns={"label": "y"},
        split_column="fold",
        group_column="donor",
    )
    assert batch.ids == ["x1"]
    assert (batch.values, batch.split, batch.group) == ({"label": ["0.5"]}, ["test"], ["d1"])


def test_rows_go_on_counting_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_BLOCK", 1000)
    path = tmp_path / "t.csv"
    path.write_text("sequence,label\n" + "".join(f"{'ACGT' * 5},{n}\n" for n in range(500)))
    batches = read(path)
    assert len(batches) > 3
    assert [i for batch in batches for i in batch.places.tolist()] == list(range(1, 501))
    assert [v for batch in batches for v in batch.values["label"]] == [str(n) for n in range(500)]
    path.write_text(path.read_text() + "ACGT,1,2\n")
    with pytest.raises(InputError, match="row 501: the row has 3 fields, the header 2"):
        read(path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, 0, None]), ["1", "0", ""]),
        (pa.array([1.0, 0.25, None]), ["1", "0.25", ""]),
        (pa.array([True, False, None]), ["true", "false", ""]),
        (pa.array(["a", "b", None]).dictionary_encode(), ["a", "b", ""]),
    ],
)
def test_parquet_of_any_type_of_label(tmp_path, values, expected):
    path = tmp_path / "t.parquet"
    sequences = pa.array(["ACGT", None, "AC"], pa.large_string())
    pq.write_table(pa.table({"label": values, "sequence": sequences}), path)
    (batch,) = read(path)
    assert letters(batch) == ["ACGT", "", "AC"]
    assert batch.values == {"label": expected}


def test_parquet_sequences_must_be_text(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"label": [1], "sequence": [3]}), path)
    with pytest.raises(InputError, match="column sequence is no text; found 'int64'"):
        read(path)
    pq.write_table(pa.table({"label": [[1]], "sequence": ["A"]}), path)
    with pytest.raises(InputError, match="column label is no text or number; found 'list<"):
        read(path)


def test_damaged_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"label": [1], "sequence": ["A"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot read the Parquet file"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sequence,label\nA,1\n", "no column sequence; allowed: Sequence, label; fix: did you"),
        ("sequence,label,label\nA,1,1\n", "2 columns have the name label; fix: rename all but"),
        ("sequence,label\nA,1\nA\n", "row 2: the row has 1 fields, the header 2; found 'A'"),
        ("sequence,label\n", "the table has a header but no rows"),
        (">a\nACGT\n", "line 1: a FASTA header, where a table's header is needed"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read(path)
    assert message in str(caught.value)


def test_repeated_columns_that_nobody_reads_are_let_be(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,sequence,label,x\n1,A,1,2\n")
    assert letters(read(path)[0]) == ["A"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,sequence,q8,fold\na,MK,HH,train\nb,MK,HH,holdout\n", "fold not understood"),
        ("id,sequence,q8,fold\na,MK,HH,train\nb,MK\n", "row 2: the row has 2 fields"),
    ],
)
def test_no_thread_of_arrow_outlives_an_error(tmp_path, monkeypatch, text, message):
    # One in thirty times or so one did, and killed Python at its end.
    held = []

    def watch(kind):
        def make(given):
            made = kind(given)
            held.append(weakref.ref(made))
            return made

        return make

    for name in ("_Lent", "_Stop"):
        monkeypatch.setattr(tables, name, watch(getattr(tables, name)))
    path = tmp_path / "t.csv"
    path.write_text(text)
    for _ in range(200):
        with pytest.raises(InputError, match=message) as caught:
            read_label_table(path, LabelColumns(q8="q8", split="fold"))
        assert caught.tb is not None  # which holds the frames, and so the generators
        assert [one() for one in held] == [None, None]
        held.clear()
