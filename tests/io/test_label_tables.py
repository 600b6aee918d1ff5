"""Proteins with labels from tables and from FASTA files side by side."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.label_tables import (
    NO_PARTNER,
    NO_SEQUENCE,
    LabelColumns,
    read_label_table,
    read_parallel_fasta,
)
from bioseq_dl.io.labelled_proteins import OTHER_LENGTH
from bioseq_dl.io.secondary_structure import Q3, encode_states

ALL = LabelColumns(q8="q8", q3="q3", resolved="resolved", split="split")


@pytest.mark.parametrize("kind", ["tsv", "gz", "parquet"])
def test_a_table_of_any_kind(tmp_path, kind):
    path = tmp_path / "t.dat"
    rows = [
        ("id", "split", "sequence", "q3", "resolved", "q8"),
        ("a", "train", "MKVL", "CHHC", "1110", ""),
        ("b", "valid", "MSE", "", "", " HG"),
        ("", "", "MS", "", "11", "BE"),
    ]
    if kind == "parquet":
        columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
        pq.write_table(pa.table({name: list(cells) for name, cells in columns.items()}), path)
    else:
        text = "".join("\t".join(row) + "\n" for row in rows)
        path.write_bytes(gzip.compress(text.encode()) if kind == "gz" else text.encode())
    found = read_label_table(path, ALL)
    assert [protein.id for protein in found.proteins] == ["a", "b", "row3"]
    assert [protein.split for protein in found.proteins] == ["train", "val", None]
    assert [protein.q8 for protein in found.proteins] == [None, "CHG", "BE"]
    assert [protein.q3 for protein in found.proteins] == ["CHHX", "CHH", "EE"]
    assert found.proteins[0].resolved.tolist() == [True, True, True, False]
    assert found.proteins[1].resolved is None
    assert found.proteins[0].source == str(path)
    assert found.rejects == ()


def test_rows_that_cannot_be_used_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,sequence,q8\na,MK,CC\nb,MK,CCC\nc,MK,\n")
    found = read_label_table(path, LabelColumns(q8="q8"))
    assert [protein.id for protein in found.proteins] == ["a"]
    assert found.reasons == {OTHER_LENGTH: 1, "no residue has a label": 1}
    with pytest.raises(InputError, match="record 'b'"):
        read_label_table(path, LabelColumns(q8="q8"), strict=True)


def test_fasta_files_side_by_side(tmp_path):
    (tmp_path / "s.fa").write_text(">a first\nMKV\nL\n>b\nMS\n>c\nMM\n")
    (tmp_path / "q.fa").write_text(">b\nHH\n>a\nCH\nHC\n>d\nCC\n")
    (tmp_path / "m.fa").write_text(">a\n0111\n")
    found = read_parallel_fasta(tmp_path / "s.fa", q8=tmp_path / "q.fa", resolved=tmp_path / "m.fa")
    assert [(protein.id, protein.q8) for protein in found.proteins] == [("a", "XHHC"), ("b", "HH")]
    assert found.proteins[1].resolved is None
    assert found.reasons == {NO_PARTNER: 1, NO_SEQUENCE: 1}


def test_the_published_sets(shared_data):
    folder = shared_data / "protein_secondary_structure"
    columns = LabelColumns(q8="q8", q3="q3", resolved="resolved", scored="eval_mask")
    found = read_label_table(folder / "cb513.tsv.gz", columns)
    assert len(found.proteins) == 511
    assert found.rejects == ()
    assert sum(len(protein.sequence) for protein in found.proteins) == 144_011
    assert sum(protein.resolved.sum() for protein in found.proteins) == 140_486
    assert sum(protein.scored.sum() for protein in found.proteins) == 83_991
    for protein in found.proteins:
        # Exactly the residues that are not resolved have no label.
        assert np.array_equal(encode_states(protein.q3, Q3) >= 0, protein.resolved)
    found = read_label_table(folder / "flip_netsurfp2.tsv.gz", ALL)
    folds = [protein.split for protein in found.proteins]
    assert (folds.count("train"), folds.count("val")) == (9_712, 1_080)
    assert sum(protein.q8 is not None for protein in found.proteins) == 8_827 + 971
    assert found.rejects == ()
