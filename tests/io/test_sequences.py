"""All inputs to one table: order, labels, rejects, counts."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pytest

from bioseq_dl.config import Ingest, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.records import (
    read_records_table,
    record_schema,
    write_records,
    write_rejected,
)
from bioseq_dl.io.sequences import read_records


def read(folder, inputs, targets=None, **limits):
    ingest = Ingest(inputs=inputs, **limits)
    files = fetch_all([entry.source for entry in ingest.inputs], folder)
    return read_records(ingest, Targets(**(targets or {})), files, folder / "cache")


def make_input(path, text, **options):
    path.write_text(text)
    kind = "fasta" if path.suffix == ".fa" else "table"
    return {"format": kind, "source": {"path": str(path)}} | options


def test_a_file_per_class_with_names_and_folds(tmp_path):
    inputs = [
        make_input(
            tmp_path / "a.fa",
            ">s1 x\nacgt\n>chr1:5-9(-)\nNACG\n",
            labels={"label": "bound"},
            split="train",
            name="a",
        ),
        make_input(tmp_path / "b.fa", ">s1\nGG\n", labels={"label": 0}, split="test", name="b"),
    ]
    targets = {"classes": ("free", "bound")}
    found = read(tmp_path, inputs, targets, max_unknown_fraction=0.25)
    assert found.records.schema == record_schema(Targets(**targets))
    rows = found.records.to_pylist()
    assert rows[0] == {
        "id": "a/s1",
        "sequence": "ACGT",
        "target:label": 1.0,
        "group": None,
        "split": "train",
        "chrom": None,
        "start": None,
        "end": None,
        "strand": None,
        "source": str(tmp_path / "a.fa"),
    }
    region = [rows[1][name] for name in ("id", "chrom", "start", "end", "strand")]
    assert region == ["a/chr1:5-9(-)", "chr1", 5, 9, "-"]
    assert [rows[2][name] for name in ("id", "target:label", "split")] == ["b/s1", 0.0, "test"]
    assert found.summary["targets"]["label"]["classes"] == {"free": 1, "bound": 2}
    assert found.summary["splits"] == {"test": 1, "train": 2}


def test_rejects_are_counted_and_placed(tmp_path):
    text = ">good\nACGT\n>star\nAC*T\n>none\n>\nACGT\n>n\nNNNN\n>short\nA\n>long\nACGTACGTA\n"
    inputs = [
        make_input(tmp_path / "a.fa", text, labels={"label": 1}),
        make_input(
            tmp_path / "b.csv", "sequence,label\nACGT,0\nACGT,\n", columns={"label": "label"}
        ),
    ]
    found = read(tmp_path, inputs, max_rejected_fraction=1, min_length=2, max_length=8)
    assert found.rejected.drop_columns("source").to_pylist() == [
        {"record": record, "position": position, "reason": reason, "found": letter}
        for record, position, reason, letter in [
            ("star", "line 3, letter 3", "letter outside the alphabet", "*"),
            ("none", "line 5", "empty sequence", ""),
            ("", "line 6", "no id", ""),
            ("n", "line 8", "more unknown letters than max_unknown_fraction", "1.000"),
            ("short", "line 10", "shorter than min_length", "1 letters"),
            ("long", "line 12", "longer than max_length", "9 letters"),
            ("row2", "row 2", "no label", ""),
        ]
    ]
    assert found.summary["rejected"]["total"] == 7
    assert found.summary["rejected"]["read"] == 9
    assert [item["kept"] for item in found.summary["inputs"]] == [1, 1]
    assert found.summary["inputs"][1]["rejected"] == {"no label": 1}
    write_rejected(tmp_path / "rejected.tsv", found.rejected)
    lines = (tmp_path / "rejected.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["source", "record", "position", "reason", "found"]
    assert lines[1].split("\t")[1:] == list(found.rejected.to_pylist()[0].values())[1:]
    assert len(lines) == 8


def test_several_targets_and_missing_labels(tmp_path):
    text = "sequence,a,b\nAC,1,\nAC,0,1\nAC,,0\n"
    inputs = [make_input(tmp_path / "t.csv", text, columns={"a": "a", "b": "b"})]
    found = read(tmp_path, inputs, {"names": ("a", "b")})
    assert found.records.column("target:a").to_pylist() == [1, 0, None]
    assert found.records.column("target:b").to_pylist() == [None, 1, 0]
    assert found.summary["targets"]["b"] == {
        "kind": "binary",
        "missing": 1,
        "classes": {"0": 1, "1": 1},
    }


def test_multiclass_codes_follow_the_classes(tmp_path):
    inputs = [make_input(tmp_path / "t.csv", "sequence,k\nA,x\nC,z\nG,y\n", columns={"label": "k"})]
    found = read(tmp_path, inputs, {"kind": "multiclass", "classes": ("z", "y", "x")})
    assert found.records.column("target:label").to_pylist() == [2, 0, 1]


def test_regression_summary(tmp_path):
    inputs = [make_input(tmp_path / "t.csv", "sequence,y\nA,1\nC,2\nG,6\n", columns={"label": "y"})]
    found = read(tmp_path, inputs, {"kind": "regression"})
    told = found.summary["targets"]["label"]
    assert (told["min"], told["median"], told["max"], told["mean"]) == (1, 2, 6, 3)


def test_groups_and_folds_from_columns(tmp_path):
    text = "sequence,y,fold,donor\nA,1,train,d1\nC,0,dev, \nG,0,,d1\n"
    options = {"columns": {"label": "y"}, "split_column": "fold", "group_column": "donor"}
    found = read(tmp_path, [make_input(tmp_path / "t.csv", text, **options)])
    assert found.records.column("split").to_pylist() == ["train", "val", None]
    assert found.records.column("group").to_pylist() == ["d1", None, "d1"]
    assert found.summary["groups"] == 1


def test_summary_is_json_and_its_histograms_are_whole(tmp_path):
    text = "sequence,y\n" + "".join(f"{'ACGGC' * (n % 50 + 1)},{n % 2}\n" for n in range(200))
    found = read(tmp_path, [make_input(tmp_path / "t.csv", text, columns={"label": "y"})])
    summary = json.loads(json.dumps(found.summary, allow_nan=False))
    for name in ("lengths", "gc"):
        assert sum(summary[name]["counts"]) == 200
        assert len(summary[name]["edges"]) == len(summary[name]["counts"]) + 1
    assert len(summary["lengths"]["counts"]) <= 30
    by_class = summary["gc"]["by_class"]
    assert sum(by_class["0"]) == sum(by_class["1"]) == 100
    assert summary["gc"]["median"] == 0.8


def test_repeated_ids(tmp_path):
    one = make_input(tmp_path / "a.fa", ">s\nA\n>s.2\nC\n>s\nG\n", labels={"label": 1})
    two = make_input(tmp_path / "b.fa", ">s\nT\n", labels={"label": 0})
    with pytest.raises(InputError) as caught:
        read(tmp_path, [one, two])
    assert f"the id s is repeated: {tmp_path}/a.fa line 1 and {tmp_path}/a.fa line 5" in str(
        caught.value
    )
    found = read(tmp_path, [one, two], duplicate_ids="number")
    assert found.records.column("id").to_pylist() == ["s", "s.2", "s.3", "s.4"]
    assert found.summary["notes"] == ["2 repeated ids were numbered"]


def test_same_input_same_bytes(tmp_path):
    text = "sequence,y\n" + "".join(f"{'ACGGC' * (n % 9 + 1)},{n % 2}\n" for n in range(500))
    inputs = [make_input(tmp_path / "t.csv", text, columns={"label": "y"})]
    for name in ("one", "two"):
        write_records(tmp_path / name, read(tmp_path, inputs).records)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_records_table(tmp_path / "one").equals(read(tmp_path, inputs).records)
    assert read_records_table(tmp_path / "one", ["id"]).column_names == ["id"]


def test_reading_records_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file; fix: run the ingest step again"):
        read_records_table(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 junk")
    with pytest.raises(InputError, match="cannot read the records"):
        read_records_table(tmp_path / "bad.parquet")
    write_records(tmp_path / "other.parquet", pa.table({"id": ["a"]}))
    with pytest.raises(InputError, match="the records have no column sequence"):
        read_records_table(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="the records have no column split"):
        read_records_table(tmp_path / "other.parquet", ["split"])


def test_real_tables_keep_every_row(tmp_path, shared_data):
    """DNABERT-2's GUE: the counts of its README, rows as the files have them."""
    folder = shared_data / "dna_gue"
    inputs = [
        {
            "format": "table",
            "source": {"path": str(folder / f"tf_2.{part}.csv.gz")},
            "columns": {"label": "label"},
            "split": fold,
            "name": fold,
        }
        for part, fold in {"train": "train", "dev": "val", "test": "test"}.items()
    ]
    found = read(tmp_path, inputs)
    assert found.summary["splits"] == {"train": 19_000, "val": 1000, "test": 1000}
    assert found.rejected.num_rows == 0
    plain = gzip.decompress((folder / "tf_2.train.csv.gz").read_bytes()).decode().splitlines()[1:]
    rows = found.records.slice(0, 19_000)
    pairs = zip(rows["sequence"].to_pylist(), rows["target:label"].to_pylist(), strict=True)
    assert [f"{sequence},{label:.0f}" for sequence, label in pairs] == plain


def test_real_fasta_of_two_classes(tmp_path, shared_data):
    """OCT4 against MAFK: mixed case, coordinates in the headers."""
    folder = shared_data / "dna_oct4_mafk"
    inputs = [
        {
            "format": "fasta",
            "source": {"path": str(folder / f"{name}_{part}.fa.gz")},
            "labels": {"label": name},
            "split": part,
        }
        for part in ("train", "test")
        for name in ("mafk", "oct4")
    ]
    found = read(tmp_path, inputs, {"classes": ("mafk", "oct4")})
    assert [item["kept"] for item in found.summary["inputs"]] == [3900, 3897, 100, 100]
    assert found.records["chrom"].null_count == 0
    assert set("".join(found.records["sequence"].to_pylist())) == set("ACGT")
