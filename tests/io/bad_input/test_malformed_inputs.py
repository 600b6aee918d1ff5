"""Malformed inputs, each with the exact message a user reads.

A row of `MALFORMED` is a name, a function that writes files into a folder and gives a config,
and the message, in which ``{tmp}`` stands for the folder. Rows whose fault lies elsewhere than
in fetch and ingest belong into the same table; `STEPS` then gets the step that finds it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.config import validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all, write_manifest
from bioseq_dl.io.records import write_records, write_rejected
from bioseq_dl.io.sequences import read_records

GOOD = "sequence,label\nACGT,1\nTTTT,0\n"
WRONG, EMPTY_SHA = "0" * 64, hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Case:
    """A malformed input."""

    name: str
    make: Callable[[Path], dict[str, Any]]
    message: str


MALFORMED: list[Case] = []


def malformed(message: str, name: str | None = None) -> Callable[..., Any]:
    """Enter a function into the table."""

    def enter(make: Callable[[Path], dict[str, Any]]) -> Callable[[Path], dict[str, Any]]:
        MALFORMED.append(Case(name or make.__name__, make, message))
        return make

    return enter


def config(*inputs: dict[str, Any], targets: Any = None, **ingest: Any) -> dict[str, Any]:
    """A config of one run with these inputs."""
    run = {"task": "dna_sequence", "ingest": {"inputs": list(inputs)} | ingest}
    return {"runs": {"run": run | ({"targets": targets} if targets else {})}}


def table(folder: Path, data: str | bytes = GOOD, **options: Any) -> dict[str, Any]:
    """A table input with labels in its column label."""
    path = folder / "data.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    options = {"columns": {"label": "label"}} | options
    return {"format": "table", "source": {"path": str(path)}} | options


def fasta(folder: Path, data: str | bytes, name: str = "data.fa", **options: Any) -> dict[str, Any]:
    """A FASTA input of label 1."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    options = {"labels": {"label": 1}} | options
    return {"format": "fasta", "source": {"path": str(path)}} | options


def bed(
    folder: Path, line: str, genome: str = ">20\n" + "ACGT" * 50 + "\n", **options: Any
) -> dict[str, Any]:
    """An intervals input of one good line and this one, with negatives."""
    (folder / "peaks.bed").write_text(f"20\t10\t20\n{line}\n")
    (folder / "genome.fa").write_text(genome)
    options = {"format": "bed", "negatives": {}} | options
    sources = {"source": {"path": str(folder / "peaks.bed")}}
    return sources | {"genome": {"path": str(folder / "genome.fa")}} | options


def many(count: int = 300) -> bytes:
    return b"".join(b">s%d\n%s\n" % (n, b"ACGTTGCA" * 20) for n in range(count))


# Sources.


@malformed("{tmp}/none.csv: no such file; fix: relative paths count from the working directory")
def missing_file(folder):
    return config({"format": "table", "source": {"path": str(folder / "none.csv")}})


@malformed("{tmp}: a folder, where a file is needed")
def folder_as_file(folder):
    return config({"format": "table", "source": {"path": str(folder)}})


@malformed(
    f"{{tmp}}/data.csv: the content has another hash: found sha256 "
    f"{hashlib.sha256(GOOD.encode()).hexdigest()}, expected {WRONG}; "
    "fix: give the right sha256, or the right file"
)
def wrong_hash_of_a_path(folder):
    entry = table(folder)
    return config(entry | {"source": entry["source"] | {"sha256": WRONG}})


@malformed(
    f"{{tmp}}/data.csv: the content has another hash: found sha256 "
    f"{hashlib.sha256(GOOD.encode()).hexdigest()}, expected {WRONG}; "
    "fix: give the right sha256, or the address of the right file"
)
def wrong_hash_of_a_url(folder):
    url = Path(table(folder)["source"]["path"]).as_uri()
    return config({"format": "table", "source": {"url": url, "sha256": WRONG}})


@malformed("{tmp}/none.csv: no such file")
def missing_file_of_a_url(folder):
    url = (folder / "none.csv").as_uri()
    return config({"format": "table", "source": {"url": url, "sha256": WRONG}})


@malformed(
    "ftp://localhost/a.fa: cannot download this kind of address; found 'ftp'; "
    "allowed: http, https, file"
)
def address_of_another_kind(folder):
    source = {"url": "ftp://localhost/a.fa", "sha256": WRONG}
    return config({"format": "fasta", "source": source})


def package(folder: Path, member: str, version: str = "1.0") -> dict[str, Any]:
    """A wheel in the user's folder of archives, and an input from it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("pack/sample.fa"), ">a\nACGT\n")
    path = folder / "links" / "pack-1.0-py3-none-any.whl"
    path.parent.mkdir()
    path.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    source = {"package": "pack", "version": version, "member": member, "sha256": sha256}
    return {"format": "fasta", "source": source}


@malformed(
    "pack-1.0-py3-none-any.whl: no such file in the archive; found 'pack/sampel.fa'; "
    "fix: did you mean pack/sample.fa?"
)
def member_that_a_package_lacks(folder):
    return config(package(folder, "pack/sampel.fa"))


@malformed(
    "unsafe path of a package's member; found '../sample.fa'; "
    "allowed: a path inside the archive, without '..'"
)
def member_outside_its_package(folder):
    return config(package(folder, "../sample.fa"))


@malformed("no index has pack 1.1 (asked {tmp}/links); allowed: 1.0")
def version_that_no_index_has(folder):
    return config(package(folder, "pack/sample.fa", version="1.1"))


# Files.


@malformed("{tmp}/data.fa: the file is empty")
def empty_file(folder):
    return config(fasta(folder, ""))


@malformed("{tmp}/data.csv: the file is empty")
def empty_gzip(folder):
    return config(table(folder, gzip.compress(b"", mtime=0)))


@malformed(
    "{tmp}/data.fa: the compressed file is cut short: it ends after byte 49,898 of text; "
    "fix: copy or download it again"
)
def truncated_gzip(folder):
    return config(fasta(folder, gzip.compress(many(), 0, mtime=0)[:-100]))


@malformed(
    "{tmp}/data.fa: damaged compressed data after byte 0 of text: "
    "Error -3 while decompressing data: invalid block type; fix: copy or download it again"
)
def damaged_gzip(folder):
    return config(fasta(folder, gzip.compress(many(), mtime=0)[:10] + b"\xff" * 500))


@malformed("{tmp}/data.fa, line 2, byte 7: binary data, not text; found '0x00'")
def binary_junk(folder):
    return config(fasta(folder, b">junk\n\x00\x01\x02\x03"))


@malformed(
    "{tmp}/data.csv: this is a zip archive (or a spreadsheet); "
    "allowed: plain text, gzip, bgzip, xz or bzip2; fix: unpack it, or save it as CSV"
)
def spreadsheet(folder):
    return config(table(folder, b"PK\x03\x04" + b"\0" * 100))


@malformed(
    "{tmp}/data.csv, line 2, byte 24: not UTF-8 text; found '0xe9'; fix: convert it with iconv"
)
def latin_text(folder):
    return config(table(folder, "sequence,label\nACGT,caf\xe9\n".encode("latin-1")))


# FASTA.


@malformed(
    "{tmp}/data.fa, line 1: text before the first FASTA header; found 'ACGTACGT'; "
    "allowed: a line that starts with '>'"
)
def fasta_without_a_header(folder):
    return config(fasta(folder, "ACGTACGT\n"))


@malformed(
    "{tmp}/data.fa, line 1: text before the first FASTA header; found 'sequence,label'; "
    "allowed: a line that starts with '>'; fix: give a table as format: table"
)
def table_as_fasta(folder):
    return config(fasta(folder, GOOD))


@malformed("{tmp}/data.fa: the file has no FASTA record")
def fasta_of_empty_lines(folder):
    return config(fasta(folder, "\n\n\n"))


@malformed(
    "{tmp}/data.fa, record 'p1', line 1, letter 3: no record is left: all 2 records are "
    "rejected, 2 for: letter outside the alphabet; the first; found 'L'; "
    "allowed: rejected up to 0.1 of all; "
    "fix: these look like proteins: give nucleotide sequences"
)
def protein_as_dna(folder):
    return config(fasta(folder, ">p1\nMKLVWE\n>p2\nMSEQ\n"))


@malformed(
    "{tmp}/data.fa, record 'r1', line 1, letter 4: no record is left: all 1 records are "
    "rejected, 1 for: letter outside the alphabet; the first; found 'U'; "
    "allowed: rejected up to 0.1 of all; fix: these look like RNA: set alphabet: rna"
)
def rna_as_dna(folder):
    return config(fasta(folder, ">r1\nACGU\n"))


@malformed(
    "{tmp}/data.fa, record 's1', line 2, letter 2: 1 of 2 records are rejected, 1 for: letter "
    "outside the alphabet; the first; found '*'; allowed: rejected up to 0.1 of all; "
    "fix: remove or replace these letters"
)
def stop_letters(folder):
    return config(fasta(folder, "\n>s1\nA*G\n>s2\nACGT\n"))


@malformed(
    "{tmp}/data.fa, record 'e1', line 1: 1 of 2 records are rejected, 1 for: empty sequence; "
    "the first; allowed: rejected up to 0.1 of all"
)
def empty_record(folder):
    return config(fasta(folder, ">e1\n>e2\nACGT\n"))


@malformed(
    "the id s1 is repeated: {tmp}/data.fa line 1 and {tmp}/data.fa line 5; "
    "fix: set duplicate_ids: number, or give each input a name"
)
def duplicate_ids(folder):
    text = ">s1 label=1\nACGT\n>s2 label=0\nACGT\n>s1 label=0\nTTTT\n"
    return config(fasta(folder, text, labels={}, columns={"label": "label"}))


@malformed(
    "the id s1 is repeated: {tmp}/a.fa line 1 and {tmp}/b.fa line 1; "
    "fix: set duplicate_ids: number, or give each input a name"
)
def duplicate_ids_in_two_files(folder):
    one = fasta(folder, ">s1\nACGT\n", "a.fa")
    return config(one, fasta(folder, ">s1\nTTTT\n", "b.fa", labels={"label": 0}))


@malformed("{tmp}/data.fa: no FASTA header has the key label=; allowed: lable")
def header_key_typo(folder):
    text = ">s1 lable=1\nACGT\n"
    return config(fasta(folder, text, labels={}, columns={"label": "label"}))


# Tables.


@malformed(
    "{tmp}/data.csv: the table has no column sequence; allowed: seqence, label; "
    "fix: did you mean seqence?"
)
def missing_sequence_column(folder):
    return config(table(folder, "seqence,label\nACGT,1\n"))


@malformed("{tmp}/data.csv: the table has no column activity; allowed: sequence, label")
def missing_label_column(folder):
    return config(table(folder, columns={"label": "activity"}))


@malformed("{tmp}/data.csv: 2 columns have the name label; fix: rename all but one")
def repeated_column(folder):
    return config(table(folder, "sequence,label,label\nACGT,1,0\n"))


@malformed(
    "{tmp}/data.csv, row 2: the row has 3 fields, the header 2; found 'TT,TT,0'; "
    "fix: quote fields that hold the delimiter"
)
def ragged_row(folder):
    return config(table(folder, "sequence,label\nACGT,1\nTT,TT,0\n"))


@malformed("{tmp}/data.csv: the table has a header but no rows")
def table_without_rows(folder):
    return config(table(folder, "sequence,label\n"))


@malformed(
    "{tmp}/data.csv, line 1: a FASTA header, where a table's header is needed; found '>s1'; "
    "fix: give it as format: fasta"
)
def fasta_as_table(folder):
    return config(table(folder, ">s1\nACGT\n"))


@malformed(
    "{tmp}/data.parquet: column sequence is no text; found 'int64'; allowed: a column of strings"
)
def numbers_as_sequences(folder):
    pq.write_table(pa.table({"sequence": [1, 2], "label": [0, 1]}), folder / "data.parquet")
    source = {"path": str(folder / "data.parquet")}
    return config({"format": "table", "source": source, "columns": {"label": "label"}})


@malformed(
    "{tmp}/data.csv, record 'row2', row 2, column label: label not understood; "
    "found 'postive'; allowed: negative, positive, or empty; fix: did you mean positive?"
)
def label_typo(folder):
    text = "sequence,label\nACGT,positive\nTTTT,postive\n"
    return config(table(folder, text), targets={"classes": ["negative", "positive"]})


@malformed(
    "{tmp}/data.csv, record 'row1', row 1, column label: label is not a number; found '0,5'; "
    "allowed: numbers, or empty; fix: write a point for the decimal comma"
)
def decimal_comma(folder):
    return config(table(folder, "sequence;label\nACGT;0,5\n"), targets={"kind": "regression"})


@malformed(
    "{tmp}/data.fa, labels, label: label not understood; found 'bound'; "
    "allowed: 0, 1, true, false, or empty"
)
def label_of_a_file_typo(folder):
    return config(fasta(folder, ">s1\nACGT\n", labels={"label": "bound"}))


@malformed(
    "{tmp}/data.csv, record 'row2', row 2, column fold: official fold not understood; "
    "found 'tset'; allowed: train, val, test, or empty; fix: did you mean test?"
)
def fold_typo(folder):
    text = "sequence,label,fold\nACGT,1,train\nTTTT,0,tset\n"
    return config(table(folder, text, split_column="fold"))


@malformed(
    "the target label has one class only: all 2 labels are 1; fix: add records of another class"
)
def one_class_only(folder):
    return config(table(folder, "sequence,label\nACGT,1\nTTTT,1\n"))


@malformed(
    "the target activity has no label in any record; "
    "fix: give it in 'labels' or 'columns' of an input"
)
def target_without_labels(folder):
    return config(table(folder), targets={"names": ["label", "activity"]})


@malformed(
    "{tmp}/data.csv, record 'row1', row 1: no record is left: all 2 records are rejected, 2 for: "
    "shorter than min_length; the first; found '4 letters'; "
    "allowed: rejected up to 0.1 of all; fix: lower min_length"
)
def no_records_left(folder):
    return config(table(folder), min_length=50)


@malformed(
    "{tmp}/data.csv, record 'row1', row 1: 1 of 2 records are rejected, 1 for: more unknown "
    "letters than max_unknown_fraction; the first; found '0.500'; "
    "allowed: rejected up to 0.1 of all; fix: raise max_unknown_fraction"
)
def too_many_unknown_letters(folder):
    return config(table(folder, "sequence,label\nNNGT,1\nTTTT,0\n"))


# Intervals.


@malformed("{tmp}/peaks.bed, line 2: the start is not an integer; found 'x'; allowed: digits")
def start_that_is_no_number(folder):
    return config(bed(folder, "20\tx\t30"))


@malformed("{tmp}/peaks.bed, line 2: negative start; found '-5'; allowed: 0 or more")
def negative_start(folder):
    return config(bed(folder, "20\t-5\t30"))


@malformed(
    "{tmp}/peaks.bed, line 2: the end is not above the start; found '30 30'; allowed: end > start"
)
def empty_interval(folder):
    return config(bed(folder, "20\t30\t30"))


@malformed(
    "{tmp}/peaks.bed, line 2: the interval ends beyond its contig; found '20 190 201'; "
    "allowed: end up to 200; fix: use the genome of the same assembly"
)
def interval_beyond_its_contig(folder):
    return config(bed(folder, "20\t190\t201"))


@malformed("{tmp}/peaks.bed, line 2: fewer than 3 columns; found '20 30'")
def line_with_two_columns(folder):
    return config(bed(folder, "20 30"))


@malformed("{tmp}/peaks.bed, line 2: unknown strand; found 'plus'; allowed: +, - or .")
def unknown_strand(folder):
    return config(bed(folder, "20\t30\t40\tn\t0\tplus"))


@malformed("{tmp}/peaks.bed, line 1: fewer than 10 columns; found '20\\t10\\t20'")
def bed_as_narrowpeak(folder):
    return config(bed(folder, "", format="narrowpeak"))


@malformed(
    "{tmp}/peaks.bed: none of the intervals' contigs is in the genome; found '20'; "
    "allowed: chrX, chrY; fix: use a genome of the same assembly, with the same contig names"
)
def contigs_of_another_genome(folder):
    return config(bed(folder, "", genome=">chrX\nACGT\n>chrY\nACGT\n"))


@malformed(
    "{tmp}/peaks.bed: contigs 20 and chr20 both stand for the genome's 20; "
    "fix: name each contig one way"
)
def contig_named_two_ways(folder):
    return config(bed(folder, "chr20\t30\t40"))


@malformed(
    "{tmp}/peaks.bed, record 'chr9:1-5', line 2: 1 of 2 records are rejected, 1 for: contig not "
    "in the genome; the first; found 'chr9'; allowed: rejected up to 0.1 of all; "
    "fix: use the genome of the same assembly"
)
def contig_that_the_genome_lacks(folder):
    return config(bed(folder, "chr9\t1\t5"))


@malformed(
    "{tmp}/peaks.bed, record '20:1-5', line 2: 1 of 2 records are rejected, 1 for: window beyond "
    "the contig; the first; found '20:-7-13'; allowed: rejected up to 0.1 of all; "
    "fix: set edges: pad"
)
def window_beyond_its_contig(folder):
    return config(bed(folder, "20\t1\t5", window=20))


@malformed("{tmp}/peaks.bed: anchor: summit needs format: narrowpeak and a window")
def summit_of_a_bed(folder):
    return config(bed(folder, "20\t30\t40", anchor="summit"))


@malformed(
    "{tmp}/genome.fa, record '20', position 3: a letter in the genome is no nucleotide; "
    "found 'E'; allowed: ACGTRYSWKMBDHVN"
)
def protein_as_genome(folder):
    return config(bed(folder, "20\t30\t40", genome=">20\nMKE\n".replace("MK", "AC")))


@malformed("{tmp}/genome.fa, record '20': two contigs of the genome have one name")
def contig_twice_in_the_genome(folder):
    return config(bed(folder, "20\t30\t40", genome=">20\nACGT\n>20\nACGT\n"))


@malformed(
    "{tmp}/peaks.bed: too few windows for negatives: 1 of 20 GC bins are short; "
    "GC 0.50 to 0.55 needs 50, the genome has 22; "
    "fix: lower the ratio, exclude_bp or gc_bins, or use more of the genome"
)
def too_few_negatives(folder):
    return config(bed(folder, "", window=8, negatives={"ratio": 50}))


@malformed("{tmp}/peaks.bed: negatives need binary targets; found 'regression'")
def negatives_for_a_regression(folder):
    return config(bed(folder, "20\t30\t40"), targets={"kind": "regression"})


@malformed(
    "{tmp}/peaks.bed: two sources of labels for label: negatives and labels or columns; "
    "fix: leave out labels and columns: intervals read 1, negatives 0"
)
def negatives_and_labels(folder):
    return config(bed(folder, "20\t30\t40", labels={"label": 1}))


# The config.


@malformed("key runs.run.ingest.inputs.0: two sources of labels for label: labels and columns")
def two_sources_of_labels(folder):
    return config(table(folder, labels={"label": 1}))


@malformed(
    "key runs.run.ingest.inputs.0.source: a url needs its sha256, "
    "so that a later run reads the same bytes"
)
def url_without_a_hash(folder):
    return config({"format": "table", "source": {"url": "https://localhost/a.csv"}})


@malformed(
    "key runs.run.ingest.inputs.0.source: give exactly one of path, url, package; "
    "found ['path', 'url']"
)
def two_places_of_a_source(folder):
    source = {"path": "a", "url": "https://localhost/a", "sha256": WRONG}
    return config({"format": "table", "source": source})


def run_ingest(data: dict[str, Any], folder: Path) -> None:
    """What the steps fetch and ingest do, from the config to their files."""
    run = validate_config(data).runs["run"]
    sources = []
    for entry in run.ingest.inputs:
        sources += [
            entry.source,
            *([entry.genome] if entry.format in ("bed", "narrowpeak") else []),
        ]
    files = fetch_all(sources, folder / "cache", progress=False)
    write_manifest(folder / "out" / "sources.json", files)
    found = read_records(run.ingest, run.targets, files, folder / "cache")
    write_rejected(folder / "out" / "rejected.tsv", found.rejected)
    write_records(folder / "out" / "records.parquet", found.records)


@pytest.fixture(autouse=True)
def own_index(monkeypatch, tmp_path):
    """Packages come from the folder of archives that a case writes."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "CERT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_malformed_input_says_what_is_wrong_and_leaves_nothing(case, tmp_path):
    data = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        run_ingest(data, tmp_path)
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == case.message
    assert "\n" not in str(caught.value)
    left = {path.name for path in (tmp_path / "out").glob("*")}
    assert left <= {"sources.json"}
    # In the cache only whole files: no part of one.
    assert not [p for p in (tmp_path / "cache").rglob("*") if ".part" in p.name]


def test_table_is_large_enough_and_its_names_differ():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 40
