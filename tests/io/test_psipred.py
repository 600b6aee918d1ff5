"""Files of predictions: PSIPRED's two formats, and the table."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bioseq_dl.io.psipred import (
    PredictedProtein,
    call_states,
    format_horiz,
    format_ss2,
    get_three,
    write_horiz,
    write_residues,
    write_ss2,
)
from bioseq_dl.io.secondary_structure import Q3, Q8

SMALL = PredictedProtein(
    id="p", sequence="MKV", q3=np.array([[0.1, 0.2, 0.7], [0.6, 0.4, 0.0], [0.5, 0.5, 0.0]])
)


def test_vertical_format_is_psipreds():
    # Columns C, H, E; %4d %c %c  %6.3f %6.3f %6.3f. Of equal H and E it is H.
    assert format_ss2(SMALL) == (
        "# PSIPRED VFORMAT (bioseq_dl)\n"
        "\n"
        "   1 M C   0.700  0.100  0.200\n"
        "   2 K H   0.000  0.600  0.400\n"
        "   3 V H   0.000  0.500  0.500\n"
    )


def test_horizontal_format_is_psipreds():
    # Confidence: greatest less second, in tenths: .5, .2, .0
    assert format_horiz(SMALL, "x 1") == (
        "# PSIPRED HFORMAT (x 1)\n\nConf: 520\nPred: CHH\n  AA: MKV\n\n\n"
    )
    n = 94
    long = PredictedProtein(id="p", sequence="A" * n, q3=np.tile([1.0, 0, 0], (n, 1)))
    lines = format_horiz(long).splitlines()
    assert lines[2] == "Conf: " + "9" * 60
    assert lines[5] == "              10        20        30        40        50        60"
    assert lines[6:8] == ["", ""]
    assert lines[9] == "Pred: " + "H" * 34
    assert lines[11] == "              70        80        90"
    # A number ends below its residue.
    assert lines[4][lines[5].index("60") + 1 + 0] == "A"
    assert len(lines[5]) == 6 + 60


def test_a_length_of_whole_lines_has_no_empty_block():
    long = PredictedProtein(id="p", sequence="A" * 60, q3=np.tile([1.0, 0, 0], (60, 1)))
    assert format_horiz(long).count("Conf:") == 1


def test_eight_states_add_up_to_three():
    eight = np.eye(8)[[Q8.index(state) for state in "GHIBESTC"]] * 0.5 + 0.5 / 8
    protein = PredictedProtein(id="p", sequence="A" * 8, q8=eight)
    assert call_states(get_three(protein), Q3) == "HHHEECCC"
    assert get_three(protein).sum(axis=1) == pytest.approx(1)
    with pytest.raises(ValueError, match="no probabilities"):
        get_three(PredictedProtein(id="p", sequence="A"))
    with pytest.raises(ValueError, match="shape"):
        get_three(PredictedProtein(id="p", sequence="AA", q8=eight))


def test_table_has_a_row_a_residue(tmp_path):
    eight = np.full((1, 8), 0.1)
    eight[0, Q8.index("G")] = 0.3
    other = PredictedProtein(
        id="q",
        sequence="W",
        q8=eight,
        disorder=np.array([0.25]),
        rsa=np.array([0.5]),
        phi=np.array([np.pi / 2]),
        psi=np.array([np.nan]),
    )
    write_residues(tmp_path / "t.tsv", [SMALL, other])
    with (tmp_path / "t.tsv").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert [row["residue"] for row in rows] == list("MKVW")
    assert [row["position"] for row in rows] == ["1", "2", "3", "1"]
    assert [row["q3"] for row in rows] == list("CHHH")
    assert [row["q8"] for row in rows] == ["", "", "", "G"]
    assert rows[3]["q3:H"] == "0.5000"
    assert rows[3]["disorder"] == "0.2500"
    assert (rows[3]["phi"], rows[3]["psi"], rows[0]["phi"]) == ("90.0", "", "")


def test_files_are_written(tmp_path):
    write_ss2(tmp_path / "a" / "p.ss2", SMALL)
    write_horiz(tmp_path / "p.horiz", SMALL)
    assert (tmp_path / "a" / "p.ss2").read_text() == format_ss2(SMALL)
    assert (tmp_path / "p.horiz").read_text() == format_horiz(SMALL)
