"""FASTA files as people write them."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioseq_dl.config import FastaInput
from bioseq_dl.errors import InputError
from bioseq_dl.io import fasta
from bioseq_dl.io.fasta import read_fasta, read_fasta_batches, read_region


def write(tmp_path, text: str, newline: str = "\n"):
    path = tmp_path / "a.fa"
    path.write_bytes(text.replace("\n", newline).encode())
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_wrapped_lines_spaces_and_line_ends(tmp_path, newline):
    path = write(tmp_path, "\n>a one two\nACG T\nac\n\n>b\n\n>c\nN*\n", newline)
    assert [tuple(record) for record in read_fasta(path)] == [
        (2, "a", "a one two", "ACGTac"),
        (6, "b", "b", ""),
        (8, "c", "c", "N*"),
    ]


def test_last_line_may_lack_its_end(tmp_path):
    assert [r.sequence for r in read_fasta(write(tmp_path, ">a\nAC\nGT"))] == ["ACGT"]
    assert [r.sequence for r in read_fasta(write(tmp_path, ">a"))] == [""]


@given(
    st.lists(st.text("ACGTNacgt", max_size=40), min_size=1, max_size=20),
    st.integers(1, 15),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60, deadline=None)
def test_any_wrapping_gives_the_same_records(tmp_path_factory, sequences, width, newline):
    path = tmp_path_factory.mktemp("fasta") / "a.fa.gz"
    lines = []
    expected = []
    for number, sequence in enumerate(sequences):
        expected.append((len(lines) + 1, f"s{number}", sequence))
        lines.append(f">s{number}")
        lines += [sequence[i : i + width] for i in range(0, len(sequence), width)]
    path.write_bytes(gzip.compress(newline.join(lines).encode() + newline.encode()))
    assert [(r.line, r.id, r.sequence) for r in read_fasta(path)] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n", "line 1: text before the first FASTA header; found 'ACGT'; allowed: a line"),
        ("\n; old comment\n>a\nA\n", "line 2: text before the first FASTA header"),
        ("a,b\n", "fix: give a table as format: table"),
        ("\n\n", "the file has no FASTA record"),
    ],
)
def test_what_is_no_fasta(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        list(read_fasta(write(tmp_path, text)))
    assert message in str(caught.value)


def test_keys_of_the_header(tmp_path):
    path = write(
        tmp_path,
        '>a label=1 fold=test group="two words"\nA\n>b|label=0;fold=val\nC\n>c xlabel=9\nG\n',
    )
    entry = FastaInput(
        format="fasta",
        source={"path": str(path)},
        columns={"label": "label"},
        split_column="fold",
        group_column="group",
    )
    (batch,) = read_fasta_batches(entry, path)
    assert batch.values == {"label": ["1", "0", ""]}
    assert batch.split == ["test", "val", ""]
    assert batch.group == ["two words", "", ""]
    assert batch.ids == ["a", "b|label=0;fold=val", "c"]


def test_key_that_no_header_has(tmp_path):
    path = write(tmp_path, ">a lable=1 fold=x\nA\n")
    entry = FastaInput(format="fasta", source={"path": str(path)}, columns={"label": "label"})
    with pytest.raises(InputError) as caught:
        list(read_fasta_batches(entry, path))
    assert str(caught.value) == f"{path}: no FASTA header has the key label=; allowed: lable, fold"


def test_batches_hold_every_record_once(tmp_path, monkeypatch):
    monkeypatch.setattr(fasta, "BATCH_RECORDS", 3)
    path = write(tmp_path, "".join(f">s{n}\n{'ACGT'[: n % 4]}\n" for n in range(8)))
    entry = FastaInput(format="fasta", source={"path": str(path)})
    batches = list(read_fasta_batches(entry, path))
    assert [len(batch.ids) for batch in batches] == [3, 3, 2]
    found = [
        bytes(batch.letters[a:b]).decode()
        for batch in batches
        for a, b in zip(batch.offsets, batch.offsets[1:], strict=False)
    ]
    assert found == ["ACGT"[: n % 4] for n in range(8)]


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        ("chr1:10-14", 4, ("chr1", 10, 14, ".")),
        ("chr1:10-14", 5, ("chr1", 9, 14, ".")),
        ("chr1:10-14(-)", 4, ("chr1", 10, 14, "-")),
        ("chr1:10-14", 6, None),
        ("chr1:14-10", 4, None),
        ("chr1:0-3", 4, None),
        ("seq1", 4, None),
    ],
)
def test_regions_of_bedtools_and_samtools(name, length, expected):
    assert read_region(name, length) == expected
