"""Tables of mutations."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.mutation_table import read_mutation_table, read_wild_type
from bioseq_dl.io.mutations import UNREADABLE, WRONG_LETTER

WILD = "ACGTTGCAAC"


def read(path, **options):
    return [row for rows in read_mutation_table(path, WILD, **options) for row in rows]


def test_rows_come_out_in_order_with_sequence_or_fault(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        'name,variant\na,C2G\nb,"C10A,C2G"\nc,T2G\nd,\ne,what\nf,WT\ng,"c.[10C>A;2C>G]"\n'
    )
    rows = read(path, id_column="name")
    assert [row.id for row in rows] == list("abcdefg")
    assert [row.row for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    sequences = ["AGGTTGCAAC", "AGGTTGCAAA", None, WILD, None, WILD, "AGGTTGCAAA"]
    assert [row.sequence for row in rows] == sequences
    assert [row.fault and row.fault.reason for row in rows if row.sequence is None] == [
        WRONG_LETTER,
        UNREADABLE,
    ]
    assert [row.repeats for row in rows] == [False] * 5 + [True, True]
    assert rows[1].variant == "C10A,C2G"
    assert len(rows[1].mutations) == 2


@pytest.mark.parametrize("kind", ["csv", "tsv", "gz", "parquet"])
def test_kinds_of_tables(tmp_path, kind):
    path = tmp_path / "t.dat"
    text = "variant;x\tn\nC2G\t1\nC10A;G3T\t2\n" if kind == "tsv" else "mut,n\nC2G,1\nC10A;G3T,2\n"
    column = "variant;x" if kind == "tsv" else "mut"
    if kind == "parquet":
        pq.write_table(pa.table({"mut": ["C2G", "C10A;G3T"], "n": [1, 2]}), path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if kind == "gz" else text.encode())
    rows = read(path, column=column)
    assert [row.sequence for row in rows] == ["AGGTTGCAAC", "ACTTTGCAAA"]
    assert [row.id for row in rows] == ["row1", "row2"]


def test_a_column_may_be_its_own_id(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("variant\n C2G\n")
    assert [(row.id, row.variant) for row in read(path, id_column="variant")] == [("C2G", " C2G")]


def test_wrong_first_is_told_with_the_right_one(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("variant\tn\nC1G\t1\nG5T\t1\nC9A\t2\nWT\t3\n")
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).replace(str(path), "{file}") == (
        "{file}, record 'row1': 3 of the first 3 mutated rows do not fit the wild type; "
        "found 'C1G'; allowed: A at 1; "
        "fix: set first: 0, under which all letters are the wild type's"
    )
    assert [row.fault for row in read(path, first=0)] == [None] * 4


def test_another_wild_type_is_told(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("variant\nC1G\nC2G;T3A\n")
    with pytest.raises(InputError, match="give the wild type of this table"):
        read(path)
    path.write_text("variant\nC1G\nC2G\n")  # half of the rows: they alone are wrong
    assert [row.fault is None for row in read(path)] == [False, True]


def test_table_without_rows_or_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("variant,n\n")
    with pytest.raises(InputError, match="a header but no rows"):
        read(path)
    path.write_text("Variant,n\nC2G,1\n")
    with pytest.raises(InputError, match="did you mean Variant"):
        read(path)
    path.write_text("variant,n\nC2G,C10A,1\n")
    with pytest.raises(InputError, match="quote fields that hold the delimiter"):
        read(path)


def test_wild_type_is_one_sequence(tmp_path):
    path = tmp_path / "w.fa"
    path.write_text(">wt first=1\nacg\nTTg\n")
    assert read_wild_type(path) == ("wt", "ACGTTG")
    path.write_text(">wt\nACG\n>other\nAC\n")
    with pytest.raises(InputError, match="line 3: more than one sequence"):
        read_wild_type(path)
    path.write_text(">wt\nMKT\n")
    with pytest.raises(InputError, match="record 'wt', position 1: not a letter"):
        read_wild_type(path)
    assert read_wild_type(path, "protein").sequence == "MKT"


def test_green_fluorescent_protein(shared_data):
    folder = shared_data / "protein_variant_effect"
    wild = read_wild_type(folder / "dms_avgfp_wt.fasta", "protein").sequence
    path = folder / "dms_avgfp.tsv.gz"
    rows = [
        row for rows in read_mutation_table(path, wild, first=0, alphabet="protein") for row in rows
    ]
    assert len(rows) == 54_024
    assert not any(row.fault or row.repeats for row in rows)
    assert {len(row.sequence or "") for row in rows} == {len(wild)}
    with pytest.raises(InputError, match="set first: 0"):
        list(read_mutation_table(path, wild, first=1, alphabet="protein"))
