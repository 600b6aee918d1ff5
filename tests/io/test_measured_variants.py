"""Tables of variants to records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.cli.fetch import list_sources
from bioseq_dl.config import validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.measured_variants import read_variants
from bioseq_dl.io.sequences import Ingested

WILD_TYPE = "MKLVACDEFG"


def read(folder: Path, text: str, ingest: Any = None, **entry: Any) -> Ingested:
    (folder / "wt.fa").write_text(f">w\n{WILD_TYPE}\n")
    (folder / "t.csv").write_text(text)
    table = {
        "source": {"path": str(folder / "t.csv")},
        "variant_column": "variant",
        "columns": {"score": "score"},
    } | entry
    section = {
        "inputs": [table],
        "wild_type": {"path": str(folder / "wt.fa")},
        "max_rejected_fraction": 1.0,
    } | (ingest or {})
    data = {"runs": {"a": {"task": "protein_fitness", "ingest": section}}}
    run = validate_config(data).runs["a"]
    files = fetch_all(list_sources(run.ingest), folder / "cache", progress=False)
    return read_variants(run.ingest, run.targets, files, folder)


def column(found: Ingested, name: str) -> list[Any]:
    return found.records.column(name).to_pylist()


@pytest.mark.parametrize("mark", [",", ";", ":", "/", "+", " "])
def test_mutations_are_applied_whatever_parts_them(tmp_path: Path, mark: str) -> None:
    found = read(tmp_path, f'variant,score\n"K2R{mark}V4W",1\nWT,0\n')
    assert column(found, "sequence") == ["MRLWACDEFG", WILD_TYPE]
    assert column(found, "mutations") == ["K2R,V4W", "="]
    assert found.records.schema.metadata[b"wild_type"] == WILD_TYPE.encode()


def test_the_wild_type_may_stand_in_the_config(tmp_path: Path) -> None:
    given = {"wild_type": None, "wild_type_sequence": "mklvacdefg*"}
    found = read(tmp_path, "variant,score\nK2R,1\nWT,0\n", given)
    assert column(found, "sequence") == ["MRLVACDEFG", WILD_TYPE]
    assert found.records.schema.metadata[b"wild_type"] == WILD_TYPE.encode()
    assert found.summary["wild_type"]["sequence"] == WILD_TYPE


def test_numbers_may_start_anywhere(tmp_path: Path) -> None:
    found = read(tmp_path, "variant,score\nK-4R,1\nV-2W,2\n", {"first": -5})
    assert column(found, "mutations") == ["K-4R", "V-2W"]
    with pytest.raises(InputError, match="set first: 101"):
        read(tmp_path, "variant,score\nK102R,1\nL103W,2\nG110A,3\nC106A,4\n", {"first": 1})


def test_each_bad_row_is_rejected_with_its_reason(tmp_path: Path) -> None:
    rows = {
        "K2R": "",
        "A2R": "not the wild type's letter",
        "K99R": "outside the wild type",
        "K2*": "stop codon",
        "L3Ter": "stop codon",
        "K2Foo": "letter outside the alphabet",
        "K2del": "of another length than the wild type",
        "K2-": "of another length than the wild type",
        "K2_L3insA": "of another length than the wild type",
        "K2delinsAA": "of another length than the wild type",
        "K2_L3delinsWW": "",
        "K2U": "",
        "K2C": "repeats an earlier variant",
        "K2B": "",
        "K2R:K2W": "a place is changed twice",
        "nonsense": "not a mutation",
        "k2r": "repeats an earlier variant",
        "M1A:K2X:L3X": "more unknown letters than max_unknown_fraction",
        "V4A": "no label",
        "V4W": "",
    }
    text = "".join(
        f"{name},{'' if why == 'no label' else len(name)}\n" for name, why in rows.items()
    )
    found = read(tmp_path, "variant,score\n" + text)
    reasons = {row["record"]: row["reason"] for row in found.rejected.to_pylist()}
    expected = {f"row{n}": why for n, why in enumerate(rows.values(), 1) if why}
    assert reasons == expected
    assert found.summary["rejected"]["reasons"] == dict(Counter(expected.values()).most_common())
    assert column(found, "mutations") == ["K2R", "K2W,L3W", "K2C", "K2B", "V4W"]
    wrong = next(row for row in found.rejected.to_pylist() if row["record"] == "row2")
    assert wrong["found"] == "A2R (wild type: K at 2)"


def test_whole_sequences_need_no_wild_type(tmp_path: Path) -> None:
    text = "seq,score\nMKLV,1\nmklw,2\nMK*V,3\nMK-V,4\n"
    whole = {"variant_column": None, "sequence_column": "seq"}
    found = read(tmp_path, text, {"wild_type": None}, **whole)
    assert column(found, "sequence") == ["MKLV", "MKLW"]
    assert column(found, "mutations") == [None, None]
    assert found.rejected.column("reason").to_pylist() == [
        "stop codon",
        "letter outside the alphabet",
    ]
    assert "gc" not in found.summary


def test_whole_sequences_are_named_against_the_wild_type(tmp_path: Path) -> None:
    text = f"seq,score\nMRLVACDEFW,1\n{WILD_TYPE},2\nMK,3\nMO-VACDEFW,4\nMOUVACDEFG,5\nMK*,6\n"
    found = read(tmp_path, text, {"first": 5}, variant_column=None, sequence_column="seq")
    assert column(found, "mutations") == ["K6R,G14W", "=", "L7C"]
    assert column(found, "sequence")[2] == "MKCVACDEFG"
    assert found.summary["mutations"] == {"0": 1, "1": 1, "2": 1}
    told = {row["record"]: (row["reason"], row["found"]) for row in found.rejected.to_pylist()}
    assert told["row3"] == ("of another length than the wild type", "2 residues (wild type: 10)")
    assert told["row4"][0] == "letter outside the alphabet"
    assert told["row6"][0] == "stop codon"


def test_parquet_with_numbers_reads_alike(tmp_path: Path) -> None:
    plain = read(tmp_path, "variant,score\nK2R,1.5\nV4W,-2\n")
    pq.write_table(
        pa.table({"variant": ["K2R", "V4W"], "score": [1.5, -2.0]}), tmp_path / "t.parquet"
    )
    source = {"path": str(tmp_path / "t.parquet")}
    other = read(tmp_path, "variant,score\nK2R,1.5\nV4W,-2\n", source=source)
    assert other.records.drop(["source"]).equals(plain.records.drop(["source"]))


def test_replicates_are_averaged_and_count_more(tmp_path: Path) -> None:
    text = "variant,score,rep\nK2R,1,a\nV4W,5,a\nK2R,3,b\nK2R,9,b\n"
    found = read(tmp_path, text, replicate_column="rep")
    assert column(found, "target:score") == [2.0, 5.0]
    assert np.allclose(column(found, "weight"), [4 / 3, 2 / 3])
    assert found.rejected.column("record").to_pylist() == ["row4"]
    assert found.summary["notes"] == ["1 variants are means of 2 rows"]


def test_repeats_may_be_averaged(tmp_path: Path) -> None:
    text = "variant,score\nK2R,1\nV4W,5\nk2r,4\n"
    assert column(read(tmp_path, text, {"repeats": "mean"}), "target:score") == [2.5, 5.0]
    assert column(read(tmp_path, text), "target:score") == [1.0, 5.0]


def test_errors_become_weights_bounded_by_the_median(tmp_path: Path) -> None:
    text = "variant,score,err\nK2R,1,0\nV4W,5,1\nM1A,4,1\nG10A,4,\nF9A,1,3\n"
    found = read(tmp_path, text, error_column="err")
    weights = np.array(column(found, "weight"))
    assert weights.mean() == pytest.approx(1)
    assert np.allclose(weights / weights[1], [2, 1, 1, 1, 0.2])


def test_error_of_a_mean_shrinks(tmp_path: Path) -> None:
    text = "variant,score,err,rep\nK2R,1,3,a\nK2R,2,4,b\nV4W,5,2.5,a\n"
    found = read(tmp_path, text, error_column="err", replicate_column="rep")
    assert column(found, "weight") == [1.0, 1.0]  # sqrt(9 + 16) / 2 = 2.5


def test_given_weights_are_kept_in_proportion(tmp_path: Path) -> None:
    text = "variant,score,n\nK2R,1,3\nV4W,5,1\n"
    assert column(read(tmp_path, text, weight_column="n"), "weight") == [1.5, 0.5]


def test_the_same_input_gives_the_same_records(tmp_path: Path) -> None:
    text = "variant,score\n" + "".join(f"K2{x},{n}\n" for n, x in enumerate("ACDEFGHILMNPQ"))
    assert read(tmp_path, text).records.equals(read(tmp_path, text).records)
