"""Predictions of residues as a folder."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.errors import InputError
from bioseq_dl.io.psipred import PredictedProtein
from bioseq_dl.report.residue_files import LONGEST_NAME, name_files, write_proteins


def protein(name: str, n: int = 12, **further) -> PredictedProtein:
    three = np.random.default_rng(n).dirichlet(np.ones(3), n)
    return PredictedProtein(id=name, sequence="MKVLAGWHYSTP"[:n], q3=three, **further)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_files_of_each_protein(tmp_path: Path) -> None:
    made = [protein("one"), protein("two/x", 5, disorder=np.full(5, 0.25))]
    written = write_proteins(tmp_path / "out", made, {"bad": "empty sequence"})
    assert (written.proteins, written.pictures, written.undrawn) == (2, 2, 0)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("residues.tsv", "proteins.tsv", "one.ss2", "one.horiz", "one.svg"),
        *("two_x.ss2", "two_x.horiz", "two_x.svg"),
    }
    table = rows(tmp_path / "out/residues.tsv")
    assert [row["id"] for row in table] == ["one"] * 12 + ["two/x"] * 5
    assert table[12]["disorder"] == "0.2500"
    listed = rows(tmp_path / "out/proteins.tsv")
    assert [(row["id"], row["file"], row["note"]) for row in listed] == [
        ("one", "one", ""),
        ("two/x", "two_x", ""),
        ("bad", "", "empty sequence"),
    ]
    called = [row["q3"] for row in table[:12]]
    for state, name in (("H", "helix"), ("E", "strand"), ("C", "coil")):
        assert float(listed[0][name]) == pytest.approx(called.count(state) / 12, abs=1e-5)
    ss2 = (tmp_path / "out/one.ss2").read_text().splitlines()
    assert [line.split()[2] for line in ss2[2:]] == called
    assert (tmp_path / "out/one.svg").read_text().startswith("<?xml")


def test_pictures_are_limited(tmp_path: Path) -> None:
    made = [protein(f"p{i}", 3) for i in range(4)]
    written = write_proteins(tmp_path, made, pictures=1)
    assert (written.pictures, written.undrawn) == (1, 3)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["p0.svg"]
    assert len(list(tmp_path.glob("*.horiz"))) == 4
    assert [row["picture"] for row in rows(tmp_path / "proteins.tsv")] == ["yes", "no", "no", "no"]


def test_numbers_without_states(tmp_path: Path) -> None:
    made = PredictedProtein(id="p", sequence="MK", rsa=np.array([0.1, 0.9]))
    assert write_proteins(tmp_path, [made]).pictures == 0
    table = rows(tmp_path / "residues.tsv")
    assert [row["rsa"] for row in table] == ["0.1000", "0.9000"]
    assert [row["q3"] + row["q3:H"] for row in table] == ["", ""]
    assert {path.name for path in tmp_path.iterdir()} == {"residues.tsv", "proteins.tsv"}


def test_same_bytes_and_no_file_in_the_way(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_proteins(tmp_path / name, [protein("x")])
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file stands where a folder is needed"):
        write_proteins(tmp_path / "file", [protein("x")])


def test_names_of_files() -> None:
    ids = ["sp|P12345|X", "a/b", "a_b", "A_B", "../../etc", "", "é", "x" * 300]
    assert name_files(ids) == [
        *("sp_P12345_X", "a_b", "a_b-2", "A_B-3", "_.._etc", "protein", "_"),
        "x" * LONGEST_NAME,
    ]


@given(st.lists(st.text(max_size=8), max_size=12))
def test_names_are_safe_and_different(ids: list[str]) -> None:
    names = name_files(ids)
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert name
        assert Path(name).name == name
        assert not name.startswith((".", "-"))
