"""Malformed inputs, each with the exact message a user reads.

A row of `MALFORMED` is a name, a function that writes files into a folder and gives a config,
the message, in which ``{tmp}`` stands for the folder, and the step that finds the fault.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from malformed_cases import Case, enter_into

GOOD = "sequence,label\nACGT,1\nTTTT,0\n"
WRONG, EMPTY_SHA = "0" * 64, hashlib.sha256(b"").hexdigest()
SMALL = {"conv": [{"channels": 4, "kernel": 5}]}
CPU = {"device": "cpu", "precision": "fp32"}

MALFORMED: list[Case] = []
malformed = enter_into(MALFORMED)


def config(*inputs: dict[str, Any], targets: Any = None, **ingest: Any) -> dict[str, Any]:
    """A config of one run with these inputs."""
    run = {"task": "dna_sequence", "ingest": {"inputs": list(inputs)} | ingest}
    return {"runs": {"run": run | ({"targets": targets} if targets else {})}}


def with_sections(data: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """The config with more sections in its run."""
    data["runs"]["run"] |= sections
    return data


def sequences(folder: Path, count: int = 40, length: int = 30, **options: Any) -> dict[str, Any]:
    """A table input of random sequences, labels in turn."""
    draw = random.Random(0)
    rows = [f"{''.join(draw.choices('ACGT', k=length))},{n % 2}" for n in range(count)]
    return table(folder, "\n".join(["sequence,label", *rows, ""]), **options)


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


@malformed(
    "{tmp}/none.csv: no such file; fix: relative paths count from the working directory",
    step="fetch",
)
def missing_file(folder):
    return config({"format": "table", "source": {"path": str(folder / "none.csv")}})


@malformed("{tmp}: a folder, where a file is needed", step="fetch")
def folder_as_file(folder):
    return config({"format": "table", "source": {"path": str(folder)}})


@malformed(
    f"{{tmp}}/data.csv: the content has another hash: found sha256 "
    f"{hashlib.sha256(GOOD.encode()).hexdigest()}, expected {WRONG}; "
    "fix: give the right sha256, or the right file",
    step="fetch",
)
def wrong_hash_of_a_path(folder):
    entry = table(folder)
    return config(entry | {"source": entry["source"] | {"sha256": WRONG}})


@malformed(
    f"{{tmp}}/data.csv: the content has another hash: found sha256 "
    f"{hashlib.sha256(GOOD.encode()).hexdigest()}, expected {WRONG}; "
    "fix: give the right sha256, or the address of the right file",
    step="fetch",
)
def wrong_hash_of_a_url(folder):
    url = Path(table(folder)["source"]["path"]).as_uri()
    return config({"format": "table", "source": {"url": url, "sha256": WRONG}})


@malformed("{tmp}/none.csv: no such file", step="fetch")
def missing_file_of_a_url(folder):
    url = (folder / "none.csv").as_uri()
    return config({"format": "table", "source": {"url": url, "sha256": WRONG}})


@malformed(
    "ftp://localhost/a.fa: cannot download this kind of address; found 'ftp'; "
    "allowed: http, https, file",
    step="fetch",
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
    "fix: did you mean pack/sample.fa?",
    step="fetch",
)
def member_that_a_package_lacks(folder):
    return config(package(folder, "pack/sampel.fa"))


@malformed(
    "unsafe path of a package's member; found '../sample.fa'; "
    "allowed: a path inside the archive, without '..'",
    step="fetch",
)
def member_outside_its_package(folder):
    return config(package(folder, "../sample.fa"))


@malformed("no index has pack 1.1 (asked {tmp}/links); allowed: 1.0", step="fetch")
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


@malformed(
    "key runs.run.ingest.inputs.0: two sources of labels for label: labels and columns",
    step="config",
)
def two_sources_of_labels(folder):
    return config(table(folder, labels={"label": 1}))


@malformed(
    "key runs.run.ingest.inputs.0.source: a url needs its sha256, "
    "so that a later run reads the same bytes",
    step="config",
)
def url_without_a_hash(folder):
    return config({"format": "table", "source": {"url": "https://localhost/a.csv"}})


@malformed(
    "key runs.run.ingest.inputs.0.source: give exactly one of path, url, package; "
    "found ['path', 'url']",
    step="config",
)
def two_places_of_a_source(folder):
    source = {"path": "a", "url": "https://localhost/a", "sha256": WRONG}
    return config({"format": "table", "source": source})


@malformed(
    "key runs.run.trian: unknown key; allowed: task, title, targets, ingest, split, encode, "
    "model, train, tune, baselines, evaluate, published, variants, explain; "
    "fix: did you mean train?",
    step="config",
)
def unknown_key(folder):
    return with_sections(config(table(folder)), trian={"epochs": 3})


@malformed(
    "key runs.run.ingest.inputs.0.seqence_column: unknown key; allowed: source, name, labels, "
    "columns, split, split_column, group_column, format, sequence_column, id_column; fix: did "
    "you mean sequence_column?",
    step="config",
)
def unknown_key_of_an_input(folder):
    return config(table(folder, seqence_column="dna"))


@malformed(
    "key runs.run.train.epochs: input should be a valid integer, unable to parse string as an "
    "integer; found 'many'",
    step="config",
)
def number_that_is_text(folder):
    return with_sections(config(table(folder)), train={"epochs": "many"})


@malformed(
    "key runs.run.train.learning_rate: input should be greater than 0; found '-1'",
    step="config",
)
def number_out_of_range(folder):
    return with_sections(config(table(folder)), train={"learning_rate": -1})


@malformed(
    "key runs.run.task: unknown value; found 'dna_folding'; "
    "allowed: dna_sequence, protein_fitness, protein_residue, expression",
    step="config",
)
def unknown_task(folder):
    return with_sections(config(table(folder)), task="dna_folding")


@malformed(
    "key runs.run.ingest.inputs.0.format: unknown value; found 'excel'; allowed: fasta, table, "
    "bed, narrowpeak",
    step="config",
)
def unknown_format(folder):
    return config(table(folder) | {"format": "excel"})


@malformed(
    "key runs.run.ingest.inputs.0.format: unknown value; found 'tabel'; allowed: fasta, table, "
    "bed, narrowpeak; fix: did you mean table?",
    step="config",
)
def misspelt_format(folder):
    return config(table(folder) | {"format": "tabel"})


@malformed(
    "key runs.run.ingest.inputs.0.format: a key is missing; allowed: fasta, table, bed, narrowpeak",
    step="config",
)
def no_format(folder):
    entry = table(folder)
    del entry["format"]
    return config(entry)


@malformed("key runs.run.ingest.inputs: give 1 or more", step="config")
def no_inputs(folder):
    return config()


@malformed("key runs: give 1 or more", step="config")
def no_runs(folder):
    return {"runs": {}}


@malformed(
    "key runs: run name 'a/b' must match [A-Za-z0-9][A-Za-z0-9_.-]*: it becomes a folder",
    step="config",
)
def run_name_that_is_no_folder(folder):
    return {"runs": {"a/b": config(table(folder))["runs"]["run"]}}


@malformed(
    "key runs.run.ingest.inputs.0.source.sha256: string should match pattern '^[0-9a-f]{64}$'; "
    "found 'abc'",
    step="config",
)
def hash_of_another_form(folder):
    entry = table(folder)
    return config(entry | {"source": entry["source"] | {"sha256": "abc"}})


@malformed(
    "key runs.run.ingest.inputs.0.source: a package needs version, member and sha256",
    step="config",
)
def package_without_a_version(folder):
    entry = package(folder, "pack/sample.fa")
    del entry["source"]["version"]
    return config(entry)


@malformed(
    "key runs.run: ingest.inputs[0] labels unknown targets ['activity']; targets: label",
    step="config",
)
def label_of_an_unknown_target(folder):
    return config(table(folder, columns={"activity": "label"}))


@malformed(
    "key runs.run.ingest.inputs.0: two sources of the official fold: split and split_column",
    step="config",
)
def two_sources_of_the_official_fold(folder):
    return config(table(folder, split="train", split_column="fold"))


@malformed(
    "key runs.run.targets: binary takes no classes or two: [negative, positive]",
    step="config",
)
def binary_with_three_classes(folder):
    return config(table(folder), targets={"classes": ["a", "b", "c"]})


@malformed("key runs.run.targets: multiclass needs two or more classes", step="config")
def multiclass_without_classes(folder):
    return config(table(folder), targets={"kind": "multiclass"})


@malformed(
    "key runs.run: ingest.inputs[0] has no split or split_column, which method official needs",
    step="config",
)
def official_without_marks(folder):
    return with_sections(config(table(folder)), split={"method": "official"})


@malformed(
    "key runs.run.split: method chromosome needs test_chromosomes, or folds of 2 or more",
    step="config",
)
def chromosome_without_names(folder):
    return with_sections(config(bed(folder, "")), split={"method": "chromosome"})


@malformed(
    "key runs.run.split: val_fraction + test_fraction must leave something to train on",
    step="config",
)
def nothing_to_train_on(folder):
    return with_sections(config(table(folder)), split={"val_fraction": 0.5, "test_fraction": 0.5})


@malformed(
    "key runs.run: model.pooling flatten needs encode.length: one length for all",
    step="config",
)
def flatten_without_a_length(folder):
    model = {"conv": [{"channels": 4, "kernel": 5}], "pooling": "flatten"}
    return with_sections(config(table(folder)), model=model)


@malformed("key runs.run.model: preset cnn fixes the sizes; leave out dense", step="config")
def preset_and_sizes(folder):
    return with_sections(config(table(folder)), model={"preset": "cnn", "dense": [3]})


@malformed("key runs.run.model: give a preset, conv layers, or a recurrent layer", step="config")
def model_of_nothing(folder):
    return with_sections(config(table(folder)), model={"dense": [3]})


@malformed("key runs.run.train: seeds must be one or more different numbers", step="config")
def seed_twice(folder):
    return with_sections(config(table(folder)), train={"seeds": [1, 1]})


# Folds.


@malformed("{tmp}/data.csv: the table has no column donor; allowed: sequence, label")
def missing_group_column(folder):
    data = config(sequences(folder, group_column="donor"))
    return with_sections(data, split={"method": "group"})


@malformed(
    "record 'row1', column group: no group, which split.method group needs (40 such records)",
    step="split",
)
def groups_that_no_input_gives(folder):
    return with_sections(config(sequences(folder)), split={"method": "group"})


@malformed(
    "record 'row2', column split: no split, which split.method official needs (1 such records)",
    step="split",
)
def record_without_an_official_fold(folder):
    text = "sequence,label,fold\nACGT,1,train\nTTTT,0,\n"
    data = config(table(folder, text, split_column="fold"))
    return with_sections(data, split={"method": "official"})


@malformed(
    "no test records in fold 0 (of 40 records); fix: raise split.test_fraction, mark records "
    "test, or add records or groups",
    step="split",
)
def official_without_test(folder):
    data = config(sequences(folder, split="train"))
    return with_sections(data, split={"method": "official"})


@malformed(
    "key split.test_chromosomes: no record lies on this contig; found 'chr20'; allowed: 20; "
    "fix: write 20",
    step="split",
)
def chromosome_that_no_record_has(folder):
    split = {"method": "chromosome", "test_chromosomes": ["chr20"]}
    return with_sections(config(bed(folder, "20\t30\t40")), split=split)


@malformed(
    "record 'row1', column chrom: no chrom, which split.method chromosome needs (40 such records)",
    step="split",
)
def chromosomes_of_a_table(folder):
    split = {"method": "chromosome", "test_chromosomes": ["chr20"]}
    return with_sections(config(sequences(folder)), split=split)


@malformed(
    "key split.folds: k-fold cross-validation by chromosome makes its own folds of contigs; "
    "found '3'; fix: leave out val_chromosomes and test_chromosomes, or set folds to 1",
    step="split",
)
def named_chromosomes_and_folds(folder):
    split = {"method": "chromosome", "test_chromosomes": ["20"], "folds": 3}
    return with_sections(config(bed(folder, "20\t30\t40")), split=split)


@malformed(
    "no val records in fold 0 (of 40 records); fix: raise split.val_fraction, mark records val,"
    " or add records or groups",
    step="split",
)
def no_validation(folder):
    return with_sections(config(sequences(folder)), split={"val_fraction": 0})


@malformed(
    "no test records in fold 0 (of 40 records); fix: raise split.test_fraction, mark records "
    "test, or add records or groups",
    step="split",
)
def no_test(folder):
    return with_sections(config(sequences(folder)), split={"test_fraction": 0})


@malformed("key split.folds: more folds than records; found '10'; allowed: 2 to 8", step="split")
def more_folds_than_records(folder):
    return with_sections(config(sequences(folder, 8)), split={"folds": 10, "val_fraction": 0.1})


@malformed(
    "key split.folds: more folds than groups, contigs or clusters; found '5'; allowed: 2 to 3",
    step="split",
)
def more_folds_than_groups(folder):
    text = "sequence,label,donor\n" + "".join(
        f"ACGT{b},{n % 2},d{n}\n" for n, b in enumerate("ACG")
    )
    data = config(table(folder, text, group_column="donor"))
    return with_sections(data, split={"method": "group", "folds": 5})


@malformed(
    "key split.val_fraction: val_fraction and a test fold of 1/folds leave nothing to train on;"
    " found '0.5'; fix: lower val_fraction or raise folds",
    step="split",
)
def folds_and_a_large_validation(folder):
    split = {"folds": 2, "val_fraction": 0.5, "test_fraction": 0.2}
    return with_sections(config(sequences(folder)), split=split)


@malformed(
    "target label: the test records of fold 0 have one class only; found 'label = 0'; allowed: "
    "two classes or more; fix: check the labels, or choose a split that spreads the classes",
    step="split",
)
def one_class_in_test(folder):
    rows = [f"{'ACGT'[n % 4] * 6},{int(n < 3)},{'test' if n > 5 else 'train'}" for n in range(8)]
    data = config(table(folder, "\n".join(["sequence,label,fold", *rows]), split_column="fold"))
    return with_sections(data, split={"method": "official"})


@malformed(
    "the split leaks: 4 of 4 test records of fold 0 also stand in train or val (4 exact in "
    "train, 1 exact in val, 3 near in val), a fraction of 1 where "
    "split.audit.max_leaking_fraction allows 0; worst pair: row1 (test) and row17 (train), "
    "exact, containment 1.00; fix: split.audit.policy: drop takes them out of train and val; "
    "split.method: homology keeps similar sequences together; split.audit.policy: report goes "
    "on all the same",
    step="split",
)
def leak_between_folds(folder):
    rows = [f"{'ACGTTGCA' * 4}{'ACGT'[n % 4]},{n % 2}" for n in range(20)]
    return config(table(folder, "\n".join(["sequence,label", *rows])))


# Encoding and training.


@malformed(
    "record 'row41', position 13: unknown base where encode.unknown is error; found 'N'; "
    "allowed: A, C, G, T; fix: set encode.unknown to zeros or uniform, or "
    "ingest.max_unknown_fraction to 0",
    step="encode",
)
def unknown_base_where_none_may_be(folder):
    entry = sequences(folder)
    path = Path(entry["source"]["path"])
    path.write_text(path.read_text() + "ACGTACGTACGTNACGT,1\n")
    return with_sections(config(entry), encode={"unknown": "error"})


@malformed(
    "train.precision fp16 needs a GPU; found 'CPU'; allowed: auto, fp32, bf16",
    step="train",
)
def half_precision_on_a_processor(folder):
    data = config(sequences(folder))
    return with_sections(data, train={"device": "cpu", "precision": "fp16"})


@malformed(
    "record 'row 22': a sequence is longer than train.token_budget; found '30 bases'; allowed: "
    "20 bases a batch; fix: raise train.token_budget, or crop with encode.length",
    step="train",
)
def budget_below_a_sequence(folder):
    return with_sections(config(sequences(folder)), train=CPU | {"token_budget": 20})


@malformed(
    "key model.conv: the sequences are too short for the network's layers; found '30 bases'; "
    "allowed: 41 bases or more; fix: use smaller kernels and pools or padding same, or pad with"
    " encode.length",
    step="train",
)
def kernel_longer_than_the_sequences(folder):
    model = {"conv": [{"channels": 4, "kernel": 41, "padding": "valid"}]}
    return with_sections(config(sequences(folder)), model=model, train=CPU)


@malformed(
    "train.class_weights balanced needs classes; found 'targets.kind regression'; fix: set "
    "train.class_weights: none",
    step="train",
)
def class_weights_of_a_regression(folder):
    data = config(sequences(folder), targets={"kind": "regression"})
    return with_sections(data, model=SMALL, train=CPU | {"class_weights": "balanced"})


@malformed(
    "the validation loss is not finite in epoch 1; found 'nan'; fix: lower train.learning_rate,"
    " set train.clip_norm, or set train.precision: fp32",
    step="train",
)
def learning_rate_that_explodes(folder):
    train = {"learning_rate": 1e30, "optimizer": "sgd", "clip_norm": None, "epochs": 3}
    return with_sections(config(sequences(folder)), model=SMALL, train=CPU | train)
