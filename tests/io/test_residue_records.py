"""Proteins with labels of their residues, from files to arrays."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bioseq_dl.config import HEADS, Encode, ResidueIngest, Targets
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.residues import encode_residues
from bioseq_dl.errors import InputError
from bioseq_dl.io.manifest import Fetched, source_key
from bioseq_dl.io.residue_records import read_residues
from bioseq_dl.io.sequences import Ingested

Read = Callable[..., Ingested]
TABLE = (
    "id\tsequence\tq3\tq8\tseen\tcounts\tfold\n"
    "one\tMKVU\tHHEC\tHGEC\t1111\t1110\ttrain\n"
    "two\tMKXAA\tCCCEE\tCTSEB\t11011\t11111\ttest\n"
)
COLUMNS = {"q3_column": "q3", "q8_column": "q8", "resolved_column": "seen"}
ALL = Targets(kind="residues", names=("q3", "q8", "disorder"))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read inputs whose paths are names of files in the folder."""

    def run(*inputs: dict[str, Any], targets: Targets = ALL, **limits: Any) -> Ingested:
        filled = [
            {**entry, "source": {"path": str(tmp_path / entry["source"])}} for entry in inputs
        ]
        for entry in filled:
            for name in ("q3", "q8", "resolved"):
                if name in entry:
                    entry[name] = {"path": str(tmp_path / entry[name])}
        ingest = ResidueIngest.model_validate({"inputs": filled, **limits})
        sources = [
            source
            for entry in ingest.inputs
            for source in (
                entry.source,
                *(getattr(entry, n, None) for n in ("q3", "q8", "resolved")),
            )
            if source is not None
        ]
        files = {source_key(source): Fetched(str(source.path), "0" * 64, 1) for source in sources}
        return read_residues(ingest, targets, files, tmp_path)

    return run


def write(tmp_path: Path, text: str = TABLE, name: str = "t.tsv") -> str:
    (tmp_path / name).write_text(text)
    return name


def entry(file: str, **more: Any) -> dict[str, Any]:
    return {"format": "table", "source": file, **COLUMNS, "split_column": "fold", **more}


def test_a_table_becomes_records_and_arrays(tmp_path: Path, read: Read) -> None:
    found = read(entry(write(tmp_path), scored_column="counts", name="set"))
    table = found.records.to_pydict()
    assert table["id"] == ["set/one", "set/two"]
    assert table["sequence"] == ["MKVC", "MKXAA"]
    assert table["residues:q3"] == ["HHEX", "CCXEE"]
    assert table["residues:q8"] == ["HGEX", "CTXEB"]
    assert table["residues:disorder"] == ["000X", "00100"]
    assert found.summary["residues"]["q3"] == {
        "labelled": 7,
        "unlabelled": 2,
        "states": {"C": 2, "E": 3, "H": 2},
    }
    folds = pa.table({"id": table["id"], "fold0": ["train", "test"]})
    examples = encode_residues(found.records, folds, ALL, Encode())
    assert PROTEIN.decode(examples.codes[:4]) == "MKVC"
    assert examples.codes[6] == PROTEIN.unknown_code
    nan = np.nan
    q3, q8 = HEADS["q3"].states.index, HEADS["q8"].states.index
    wanted = [
        [q3("H"), q8("H"), 0],
        [q3("H"), q8("G"), 0],
        [q3("E"), q8("E"), 0],
        [nan, nan, nan],
        [q3("C"), q8("C"), 0],
        [q3("C"), q8("T"), 0],
        [nan, nan, 1],
        [q3("E"), q8("E"), 0],
        [q3("E"), q8("B"), 0],
    ]
    np.testing.assert_array_equal(examples.targets, np.array(wanted, np.float32))
    np.testing.assert_array_equal(examples.target_rows(np.array([1])), [4, 5, 6, 7, 8])
    np.testing.assert_array_equal(
        examples.target_rows(np.array([1, 0])), [4, 5, 6, 7, 8, 0, 1, 2, 3]
    )


def test_parallel_fasta(tmp_path: Path, read: Read) -> None:
    write(tmp_path, ">a\nMKV\n>b\nAAAA\n", "s.fa")
    write(tmp_path, ">b\nHHHC\n>a\nE-E\n", "l.fa")
    given = {"format": "fasta", "source": "s.fa", "q8": "l.fa"}
    targets = Targets(kind="residues", names=("q3",))
    found = read(given, targets=targets).records
    assert dict(zip(found["id"].to_pylist(), found["residues:q3"].to_pylist(), strict=True)) == {
        "a": "ECE",
        "b": "HHHC",
    }


@pytest.fixture
def archive(tmp_path: Path, shared_data: Path) -> str:
    with tarfile.open(tmp_path / "s.tar.gz", "w:gz") as out:
        out.add(shared_data / "protein_variant_effect" / "2qmt.pdb", "deep/er/2qmt.pdb")
        out.add(write_file(tmp_path / "note.txt"), "note.txt")
    return "s.tar.gz"


def write_file(path: Path) -> Path:
    path.write_text("not a structure\n")
    return path


def test_structures_of_an_archive(archive: str, read: Read) -> None:
    names = ("q3", "q8", "rsa", "angles")
    targets = Targets(kind="residues", names=names)
    given = {"format": "structure", "source": archive, "program": "builtin"}
    found = read(given, targets=targets).records
    assert found["id"].to_pylist() == ["2qmt_A"]
    row = found.to_pylist()[0]
    assert len(row["sequence"]) == 56
    # GB1: two hairpins and a helix (residues 23 to 36).
    assert row["residues:q3"][24:34] == "H" * 10
    assert row["residues:q3"].count("E") > 20
    folds = pa.table({"id": ["2qmt_A"], "fold0": ["train"]})
    values = encode_residues(found, folds, targets, Encode()).targets
    helix = values[24:34]
    assert np.abs(np.degrees(helix[:, 3]) + 64).max() < 20  # phi
    assert np.abs(np.degrees(helix[:, 4]) + 41).max() < 20  # psi
    assert np.nanmin(values[:, 2]) >= 0
    assert np.nanmax(values[:, 2]) <= 1
    assert np.isnan(values[0, 3])  # the first residue has no phi


def test_an_archive_without_structures(tmp_path: Path, read: Read) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as out:
        out.add(write_file(tmp_path / "note.txt"), "note.txt")
    with pytest.raises(InputError, match="no structure in the archive"):
        read({"format": "structure", "source": "s.tar"})


GOOD = "\n".join(
    f"ATOM  {4 * row + place:5d}  {atom:<3s} ALA A{row + 1:4d}    {20.0 * row + 1.5 * place:8.3f}"
    f"   0.000   0.000  1.00 10.00           {atom[0]}"
    for row in range(2)
    for place, atom in enumerate(("N", "CA", "C", "O"))
)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bad_member_of_an_archive_is_a_counted_reject(
    tmp_path: Path, read: Read, kind: str
) -> None:
    members = {
        "set/good.pdb": GOOD,
        "__MACOSX/set/._good.pdb": "litter",
        "set/._good.cif": "litter",
        "set/bad.pdb": "<html>not found</html>",
        "a_folder/note.txt": "a note",
    }
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "s", "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
    else:
        with tarfile.open(tmp_path / "s", "w:gz") as tar:
            for name, text in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
    given = {"format": "structure", "source": "s", "program": "builtin"}
    targets = Targets(kind="residues", names=("q3",))
    found = read(given, targets=targets, max_rejected_fraction=0.5)
    assert found.records["id"].to_pylist() == ["good_A"]
    assert found.rejected.to_pylist() == [
        {
            "source": str(tmp_path / "s"),
            "record": "set/bad.pdb",
            "position": "",
            "reason": "neither a PDB nor an mmCIF file: no ATOM line and no data_ block",
            "found": "<html>not found</html>",
        }
    ]
    with pytest.raises(InputError, match=r"s, record 'set/bad.pdb': 1 of 2 records are rejected"):
        read(given, targets=targets)


def test_a_damaged_archive_is_named(tmp_path: Path, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "whole", "w") as archive:
        archive.writestr("good.pdb", GOOD)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) - 40])
    given = {"format": "structure", "source": "cut", "program": "builtin"}
    with pytest.raises(InputError, match=r"cut: the zip archive is cut short.*download it again"):
        read(given)
    (tmp_path / "cut").write_bytes(whole.replace(b"ALA A   2", b"ALA B   2", 1))
    with pytest.raises(InputError, match=r"cut, record 'good.pdb': cannot read the archive"):
        read(given)


def test_nucleotides_are_no_proteins(tmp_path: Path, read: Read) -> None:
    dna = "ATGGCGUN" * 3
    text = f"id\tsequence\tq3\none\t{dna}\tHHHHHHHH\ntwo\t{dna.lower()}NN\tHHHHHHHH\n"
    given = {"format": "table", "source": write(tmp_path, text), "q3_column": "q3"}
    with pytest.raises(InputError, match=r"t.tsv: these look like nucleotides; .*translate them"):
        read(given)
    write(tmp_path, f">a\n{dna}\n>b\n{dna}NN\n", "s.fa")
    write(tmp_path, ">a\nHHHHHHHH\n>b\nHHHHHHHH\n", "l.fa")
    fasta = {"format": "fasta", "source": "s.fa", "q3": "l.fa"}
    with pytest.raises(InputError, match=r"s.fa: these look like nucleotides"):
        read(fasta)
    # Few letters may be chance, and one other letter makes them proteins.
    targets = Targets(kind="residues", names=("q3",))
    write(tmp_path, "id\tsequence\tq3\none\tGATTACA\tHHHHHHH\n")
    assert read(given, targets=targets).records.num_rows == 1
    write(tmp_path, f"id\tsequence\tq3\none\t{'GA' * 30}V\t{'H' * 61}\n")
    assert read(given, targets=targets).records.num_rows == 1


def test_what_is_left_out_is_counted(tmp_path: Path, read: Read) -> None:
    text = TABLE + "short\tM\tC\tC\t1\t1\ttrain\nhidden\tMXXXX\tCCCCC\tCCCCC\t11111\t11111\ttrain\n"
    text += "none\tMKMK\tCCCC\tCCCC\t1111\t0000\ttest\n"
    given = entry(write(tmp_path, text), scored_column="counts")
    found = read(given, min_length=2, max_unknown_fraction=0.5, max_rejected_fraction=1)
    assert found.summary["rejected"]["reasons"] == {
        "shorter than min_length": 1,
        "too many unknown residues": 1,
        "no residue has a label of these targets": 1,
    }
    assert found.rejected["record"].to_pylist() == ["short", "hidden", "none"]
    with pytest.raises(InputError, match="3 of 5 records are rejected"):
        read(given, min_length=2, max_unknown_fraction=0.5)


def test_a_head_without_any_label_stops_the_run(tmp_path: Path, read: Read) -> None:
    given = entry(write(tmp_path))
    del given["resolved_column"]
    with pytest.raises(InputError, match="the head disorder has no label in any record"):
        read(given)


def test_ids_of_two_files_must_differ(tmp_path: Path, read: Read) -> None:
    first, second = write(tmp_path), write(tmp_path, name="u.tsv")
    with pytest.raises(InputError, match="the id one is repeated"):
        read(entry(first), entry(second))
    assert read(entry(first, name="a"), entry(second)).records.num_rows == 4


DISORDER = Targets(kind="residues", names=("disorder",))


def test_a_mask_alone_labels_disorder(tmp_path: Path, read: Read) -> None:
    text = "id\tsequence\tseen\tfold\none\tMKV\t011\ttrain\ntwo\tMK\t11\ttest\n"
    given = {"format": "table", "source": write(tmp_path, text), "resolved_column": "seen"}
    found = read(given, targets=DISORDER).records
    assert found["residues:disorder"].to_pylist() == ["100", "00"]
    write(tmp_path, ">a\nMKV\n>b\nAA\n", "s.fa")
    write(tmp_path, ">a\n110\n>c\n11\n", "m.fa")
    given = {"format": "fasta", "source": "s.fa", "resolved": "m.fa"}
    found = read(given, targets=DISORDER, max_rejected_fraction=1)
    assert found.records["residues:disorder"].to_pylist() == ["001"]
    assert found.summary["rejected"]["reasons"] == {
        "no labels of that id": 1,
        "labels without a sequence of that id": 1,
    }


def test_what_counts_as_a_label_follows_from_the_targets(tmp_path: Path, read: Read) -> None:
    text = TABLE + "mask\tMKV\t\t\t011\t111\ttrain\nnone\tMKV\t\t\t\t111\ttrain\n"
    given = entry(write(tmp_path, text))
    found = read(given, max_rejected_fraction=1)
    assert found.records["id"].to_pylist() == ["one", "two", "mask"]
    assert found.records["residues:q3"].to_pylist()[2] is None
    assert found.records["residues:disorder"].to_pylist()[2] == "100"
    states = Targets(kind="residues", names=("q3",))
    found = read(given, targets=states, max_rejected_fraction=1)
    assert found.records["id"].to_pylist() == ["one", "two"]
    assert found.rejected.to_pylist()[1]["reason"] == "no residue has a label of these targets"


def test_ids_repeated_in_one_file(tmp_path: Path, read: Read) -> None:
    given = entry(write(tmp_path, TABLE + "one\tMK\tHH\tHH\t11\t11\ttrain\n"))
    with pytest.raises(
        InputError, match=r"the id one is repeated: in \S+, row 1 and in \S+, row 3"
    ):
        read(given)
    found = read(given, duplicate_ids="number")
    assert found.records["id"].to_pylist() == ["one", "two", "one.2"]
    assert found.summary["notes"] == ["1 repeated ids were numbered"]
    assert found.summary["rejected"]["total"] == 0
