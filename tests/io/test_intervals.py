"""BED and narrowPeak lines."""

from __future__ import annotations

import gzip

import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.intervals import read_intervals


def write(tmp_path, text: str):
    path = tmp_path / "a.bed"
    path.write_bytes(gzip.compress(text.encode()) if "GZ" in text else text.encode())
    return path


def test_header_lines_spaces_and_line_ends(tmp_path):
    text = (
        "browser position chr1:1-2\r\ntrack name=GZ\r\n# c\r\n\r\n"
        "chr1\t0\t5\tname one\t0\t-\r\nchr2 7 9\r\n"
    )
    found = read_intervals(write(tmp_path, text), columns=["column1"])
    assert found.lines.tolist() == [5, 6]
    assert found.chrom == ["chr1", "chr2"]
    assert (found.start.tolist(), found.end.tolist()) == ([0, 7], [5, 9])
    assert found.strand == ["-", "."]
    assert found.fields == {"column1": ["chr1", "chr2"]}
    assert found.peak is None


def test_columns_by_name_and_number(tmp_path):
    line = "c\t1\t9\tn\t5\t+\t2\t3\t0\t1\t8\t0\textra\n"
    names = ["name", "chromEnd", "blockStarts", "column13", "thickStart"]
    found = read_intervals(write(tmp_path, line), columns=names)
    assert [found.fields[name] for name in names] == [["n"], ["9"], ["0"], ["extra"], ["2"]]


def test_narrowpeak(tmp_path):
    lines = "c\t10\t20\tn\t5\t.\t1.5\t2\t3\t0\nc\t10\t20\tn\t5\t.\t2.5\t2\t3\t-1\n"
    found = read_intervals(write(tmp_path, lines), narrowpeak=True, columns=["signalValue"])
    assert found.peak.tolist() == [0, -1]
    assert found.fields == {"signalValue": ["1.5", "2.5"]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c\t1", "line 2: fewer than 3 columns; found 'c\\t1'"),
        ("c\tone\t5", "line 2: the start is not an integer; found 'one'; allowed: digits"),
        ("c\t1.0\t5", "line 2: the start is not an integer; found '1.0'; allowed: digits"),
        ("c\t1\t٣", "line 2: the end is not an integer; found '٣'; allowed: digits"),
        ("c\t1\t99999999999999999999999", "line 2: the end is too large"),
        ("c\t-1\t5", "line 2: negative start; found '-1'; allowed: 0 or more"),
        ("c\t5\t5", "line 2: the end is not above the start; found '5 5'; allowed: end > start"),
        ("c\t1\t5\tn\t0\tx", "line 2: unknown strand; found 'x'; allowed: +, - or ."),
        ("c\t1\t5\tn\t0\t+", "line 2: the line has no column thickStart"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, message):
    good = "c\t0\t5\tn\t0\t+\t3\n"
    with pytest.raises(InputError) as caught:
        read_intervals(write(tmp_path, good + line + "\n"), columns=["thickStart"])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("n 0 . 1 1 1", "fewer than 10 columns"),
        ("n 0 . 1 1 1 x", "the peak is not an integer"),
        ("n 0 . 1 1 1 10", "the summit is outside the interval; found '10'; allowed: 0 to 9, or"),
        ("n 0 . 1 1 1 -2", "the summit is outside the interval; found '-2'"),
    ],
)
def test_bad_narrowpeak_lines(tmp_path, fields, message):
    with pytest.raises(InputError) as caught:
        read_intervals(write(tmp_path, f"c 10 20 {fields}\n"), narrowpeak=True)
    assert f"line 1: {message}" in str(caught.value)


def test_nothing_but_headers(tmp_path):
    with pytest.raises(InputError, match="the file has no interval"):
        read_intervals(write(tmp_path, "track x\n"))


@pytest.mark.parametrize("name", ["nme", "column0", "columnx", "column"])
def test_unknown_columns(tmp_path, name):
    with pytest.raises(InputError, match="no such column of intervals; found"):
        read_intervals(write(tmp_path, "c\t0\t1\n"), columns=[name])
