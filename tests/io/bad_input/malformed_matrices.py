"""Malformed matrices of expression, each with the exact message a user reads.

A row is a name, a function that writes files into a folder and gives a call that reads them, and
the message, in which ``{tmp}`` stands for the folder.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from malformed_cases import Case, enter_into
from scipy.sparse import csr_matrix

from bioseq_dl.config import ExpressionIngest, Targets
from bioseq_dl.io.expression import read_expression
from bioseq_dl.io.fetch import fetch_all

Call = Callable[[], object]
TARGETS = Targets(kind="multiclass", names=("type",), classes=("T", "B", "rare", "other"))
GENES = ["CD3D", "CD19", "LYZ"]
CELLS = [f"c{number}" for number in range(1, 7)]
TYPES = ["T", "T", "T", "B", "B", "B"]
COUNTS = np.array([[3, 0, 1], [2, 0, 0], [4, 1, 2], [0, 5, 1], [1, 3, 0], [0, 2, 2]], np.float32)

MALFORMED: list[Case] = []
malformed = enter_into(MALFORMED)


def ingest(folder: Path, *entries: dict[str, Any], **settings: Any) -> Call:
    """A call that reads inputs, each of a file in the folder."""
    inputs = []
    for entry in entries:
        found = dict(entry)
        for key in ("source", "features", "barcodes"):
            if key in found:
                found[key] = {"path": str(folder / found[key])}
        if "annotations" in found:
            table = {"source": {"path": str(folder / found["annotations"])}}
            found["annotations"] = table
        inputs.append(found)
    config = ExpressionIngest.model_validate({"inputs": inputs} | settings)

    def call() -> object:
        sources = [entry.source for entry in config.inputs]
        for entry in config.inputs:
            sources += [entry.annotations.source] if entry.annotations else []
            sources += [
                source
                for name in ("features", "barcodes")
                if (source := getattr(entry, name, None)) is not None
            ]
        files = fetch_all(sources, folder / "cache")
        return read_expression(config, TARGETS, files, folder)

    return call


def write_h5ad(
    path: Path, values: Any = COUNTS, genes: list[str] = GENES, types: list[str] = TYPES
) -> None:
    obs = pd.DataFrame({"type": types}, index=CELLS[: len(types)])
    anndata.AnnData(csr_matrix(values), obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(path)


def h5ad(folder: Path, settings: dict[str, Any] | None = None, **given: Any) -> Call:
    write_h5ad(folder / "a.h5ad", **given)
    entry = {"format": "h5ad", "source": "a.h5ad", "columns": {"type": "type"}}
    return ingest(folder, entry, **(settings or {}))


def table(folder: Path, text: str, name: str = "t.csv", **options: Any) -> Call:
    (folder / name).write_text(text)
    settings = {
        key: options.pop(key) for key in list(options) if key in ExpressionIngest.model_fields
    }
    entry = {"format": "table", "source": name, "rows": "samples", "columns": {"type": "type"}}
    return ingest(folder, entry | options, **settings)


def annotated(folder: Path, text: str, cells: str, **options: Any) -> Call:
    (folder / "cells.csv").write_text(cells)
    return table(folder, text, annotations="cells.csv", **options)


def tenx(
    folder: Path,
    matrix: str = "%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 3\n2 2 4\n",
    features: str = "g1\tCD3D\ng2\tCD19\n",
    barcodes: str = "AAA-1\nCCC-1\n",
) -> Call:
    (folder / "matrix.mtx").write_text(matrix)
    (folder / "genes.tsv").write_text(features)
    (folder / "barcodes.tsv").write_text(barcodes)
    entry = {
        "format": "10x_mtx",
        "source": "matrix.mtx",
        "features": "genes.tsv",
        "barcodes": "barcodes.tsv",
    }
    return ingest(folder, entry)


def archive(folder: Path, *members: str, **options: Any) -> Call:
    with tarfile.open(folder / "a.tar", "w") as tar:
        for member in members:
            (folder / "part").write_text("")
            tar.add(folder / "part", member)
    return ingest(folder, {"format": "10x_mtx", "source": "a.tar"} | options)


def loom(folder: Path, rows: dict[str, Any], cells: dict[str, Any], shape=(3, 6)) -> Call:
    with h5py.File(folder / "a.loom", "w") as file:
        file["matrix"] = np.ones(shape, np.float32)
        for group, given in (("row_attrs", rows), ("col_attrs", cells)):
            for name, values in given.items():
                file[f"{group}/{name}"] = np.array(values, dtype="S")
            file.require_group(group)
    return ingest(folder, {"format": "loom", "source": "a.loom"})


# Numbers


@malformed(
    "{tmp}/a.h5ad, record 'c1', gene CD3D: counts that are no whole numbers: these look logged "
    "already; found '1.38629, largest 1.79176'; allowed: 0, 1, 2, …; "
    "fix: give the matrix of counts, or set ingest.values: auto"
)
def counts_are_logged_already(folder):
    return h5ad(folder, {"values": "counts"}, values=np.log1p(COUNTS))


@malformed(
    "{tmp}/a.h5ad, record 'c3', gene CD3D: counts that are no whole numbers: these look "
    "normalised already; found '571.429, largest 1000'; allowed: 0, 1, 2, …; "
    "fix: give the matrix of counts, or set ingest.values: auto"
)
def counts_are_normalised_already(folder):
    scaled = 1000 * COUNTS / COUNTS.sum(1, keepdims=True)
    return h5ad(folder, {"values": "counts"}, values=scaled)


@malformed(
    "{tmp}/a.h5ad: values said to be logged are whole numbers: these look like counts; "
    "found 'largest 500'; allowed: logarithms, up to 50; fix: set ingest.values: auto or counts"
)
def logged_values_are_counts(folder):
    return h5ad(folder, {"values": "logged"}, values=COUNTS * 100)


@malformed(
    "{tmp}/a.h5ad, record 'c1', gene CD19: a negative number, one of 6; found '-1'; "
    "allowed: 0 and more; fix: give counts (of h5ad matrix: raw or a layer), "
    "or set ingest.negative: allow"
)
def numbers_are_scaled(folder):
    return h5ad(folder, values=COUNTS - (COUNTS == 0))


@malformed(
    "{tmp}/a.h5ad, record 'c4', gene CD19: a missing value (NaN), one of 1; found 'nan'; "
    "allowed: numbers; fix: set ingest.missing: allow, or fill it in"
)
def number_is_nan(folder):
    return h5ad(folder, values=np.where(COUNTS == 5, np.nan, COUNTS))


@malformed(
    "{tmp}/a.h5ad, record 'c4', gene CD19: an infinite number, one of 1; found 'inf'; "
    "allowed: finite numbers"
)
def number_is_infinite(folder):
    return h5ad(folder, values=np.where(COUNTS == 5, np.inf, COUNTS))


@malformed(
    "{tmp}/a.h5ad, record 'c1', cell 1: no record is left: all 6 records are rejected, "
    "6 for: no value other than 0; the first; found '0'; allowed: rejected up to 0.5 of all; "
    "fix: leave these cells out of the file, or raise max_rejected_fraction"
)
def all_cells_are_empty(folder):
    return h5ad(folder, values=np.zeros_like(COUNTS))


# Genes


@malformed(
    "{tmp}/a.h5ad: 1 gene names come more than once; found 'CD3D, 2 times'; "
    "fix: set ingest.duplicate_genes: sum (counts) or mean (probes), or name genes by id"
)
def gene_comes_twice(folder):
    return h5ad(folder, genes=["CD3D", "CD19", "CD3D"])


@malformed(
    "{tmp}/a.h5ad: logged values of one gene cannot be added; "
    "fix: set ingest.duplicate_genes: mean, or give the matrix of counts"
)
def logged_values_of_a_gene_are_added(folder):
    genes = ["CD3D", "CD19", "CD3D"]
    return h5ad(folder, {"duplicate_genes": "sum"}, values=np.log1p(COUNTS), genes=genes)


@malformed(
    "{tmp}/a.h5ad: a mean of counts is no count; fix: set ingest.duplicate_genes: sum; or, where "
    "they are intensities, ingest.values: normalised"
)
def counts_of_a_gene_are_averaged(folder):
    return h5ad(folder, {"duplicate_genes": "mean"}, genes=["CD3D", "CD19", "CD3D"])


@malformed(
    "{tmp}/a.h5ad: mixed gene ids: 33% are Ensembl ids; found 'ENSG00000167286, CD19'; "
    "fix: name all genes alike (of 10x genes: id), or set ingest.mixed_ids: allow"
)
def gene_ids_are_mixed(folder):
    return h5ad(folder, genes=["ENSG00000167286", "CD19", "LYZ"])


@malformed(
    "{tmp}/b.csv: another set of genes than the first input's; "
    "found '2 genes, 1 of them there'; allowed: the 3 genes of {tmp}/a.h5ad; "
    "fix: set ingest.combine_genes: intersection"
)
def inputs_have_other_genes(folder):
    write_h5ad(folder / "a.h5ad")
    (folder / "b.csv").write_text("id,type,CD3D,MS4A1\nd1,T,1,2\nd2,B,0,4\n")
    first = {"format": "h5ad", "source": "a.h5ad", "columns": {"type": "type"}}
    second = {"format": "table", "rows": "samples", "source": "b.csv", "columns": first["columns"]}
    return ingest(folder, first, second)


@malformed(
    "{tmp}/b.csv: inputs of different kinds: these values are logged; "
    "allowed: counts, as the first input's; "
    "fix: give all inputs as counts, or each to a run of its own"
)
def inputs_are_of_two_kinds(folder):
    write_h5ad(folder / "a.h5ad")
    (folder / "b.csv").write_text("id,type,CD3D,CD19,LYZ\nd1,T,1.5,2,1\nd2,B,0,4,1\n")
    first = {"format": "h5ad", "source": "a.h5ad", "columns": {"type": "type"}}
    second = {"format": "table", "rows": "samples", "source": "b.csv", "columns": first["columns"]}
    return ingest(folder, first, second)


# Orientation


@malformed(
    "{tmp}/t.csv: cells are named like genes: the orientation is wrong; found 'ACTB, GAPDH'; "
    "fix: set rows the other way (table), or transpose the matrix"
)
def genes_are_in_the_rows(folder):
    return table(folder, "gene,s1,s2\nACTB,5,3\nGAPDH,4,2\nLYZ,0,1\n", columns={})


@malformed(
    "{tmp}/t.csv: genes are named like barcodes of cells: the orientation is wrong; "
    "found 'AAACCTGAGAAACCAT-1, AAACCTGAGAAACCGC-1'; "
    "fix: set rows the other way (table), or transpose the matrix"
)
def cells_are_in_the_columns(folder):
    head = "gene,AAACCTGAGAAACCAT-1,AAACCTGAGAAACCGC-1\n"
    return table(folder, head + "CD3D,5,3\nLYZ,0,1\n", columns={})


@malformed(
    "{tmp}/cells.csv: the table of cells lists what the matrix has as genes: its orientation is "
    "wrong; found 's1'; fix: set rows the other way (table), or transpose the matrix"
)
def annotations_are_of_the_columns(folder):
    return annotated(folder, "gene,s1,s2\nCD3D,5,3\nLYZ,0,1\n", "id,type\ns1,T\ns2,B\n")


# Cells and labels


@malformed("{tmp}/a.h5ad: obs has no column type; allowed: kind")
def label_is_missing_in_obs(folder):
    obs = pd.DataFrame({"kind": TYPES}, index=CELLS)
    anndata.AnnData(COUNTS, obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(folder / "a.h5ad")
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad", "columns": {"type": "type"}})


@malformed(
    "{tmp}/a.h5ad: obs has no column type, but var has: cells must be rows; allowed: none; "
    "fix: transpose the AnnData object"
)
def object_is_transposed(folder):
    var = pd.DataFrame({"type": TYPES}, index=CELLS)
    data = anndata.AnnData(COUNTS.T.copy(), obs=pd.DataFrame(index=GENES), var=var)
    data.write_h5ad(folder / "a.h5ad")
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad", "columns": {"type": "type"}})


@malformed(
    "{tmp}/a.h5ad, record 'c4', column type: label not understood; found 'Bcell'; "
    "allowed: T, B, rare, other, or empty"
)
def label_is_no_class(folder):
    return h5ad(folder, types=["T", "T", "T", "Bcell", "B", "B"])


@malformed(
    "{tmp}/cells.csv: no id of the table is a cell of the matrix; found 'c1-1, c2-1'; "
    "allowed: c1, c2, …; fix: name the id_column, and mind suffixes such as -1"
)
def annotations_are_of_other_cells(folder):
    return annotated(folder, "id,CD3D\nc1,1\nc2,2\n", "id,type\nc1-1,T\nc2-1,B\n")


@malformed(
    "{tmp}/cells.csv, record 'c1', rows 1 and 3: an id comes twice; fix: keep one row a cell"
)
def annotations_tell_of_a_cell_twice(folder):
    return annotated(folder, "id,CD3D\nc1,1\nc2,2\n", "id,type\nc1,T\nc2,B\nc1,B\n")


@malformed(
    "the id c1 is repeated: in {tmp}/t.csv and in {tmp}/t.csv; "
    "fix: set duplicate_ids: number, or give each input a name"
)
def cell_comes_twice(folder):
    return table(folder, "id,type,CD3D\nc1,T,1\nc1,B,2\n")


@malformed(
    "target type: 1 classes have fewer than 2 records; found 'rare (1)'; "
    "fix: set ingest.rare_classes.rule: drop or pool, or lower its least"
)
def class_is_rare(folder):
    types = ["T", "T", "T", "B", "B", "rare"]
    return h5ad(folder, {"rare_classes": {"least": 2}}, types=types)


# Quality control


@malformed(
    "{tmp}/a.h5ad: no gene begins with MT-, which quality.max_mitochondrial needs; "
    "found 'CD3D, CD19, LYZ'; "
    "fix: set quality.mitochondrial_prefix, or leave quality.max_mitochondrial out"
)
def no_gene_is_mitochondrial(folder):
    return h5ad(folder, {"quality": {"max_mitochondrial": 0.1}})


@malformed(
    "{tmp}/a.h5ad: quality.min_counts needs counts, and these values are logged; "
    "fix: leave it out, or give the matrix of counts"
)
def threshold_of_counts_on_logged_values(folder):
    return h5ad(folder, {"quality": {"min_counts": 100}}, values=np.log1p(COUNTS))


@malformed(
    "{tmp}/a.h5ad, record 'c1', cell 1: 5 of 6 records are rejected, 5 for: fewer genes than "
    "min_genes; the first; found '2'; allowed: rejected up to 0.5 of all; "
    "fix: lower quality.min_genes"
)
def most_cells_have_few_genes(folder):
    return h5ad(folder, {"quality": {"min_genes": 3}})


# h5ad, loom


@malformed(
    "{tmp}/a.h5ad: not an HDF5 file, which an h5ad file is; found 'id,CD3D\\\\n'; "
    "fix: give the format that it has"
)
def h5ad_is_a_table(folder):
    (folder / "a.h5ad").write_text("id,CD3D\nc1,2\n")
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad"})


@malformed("{tmp}/a.h5ad: the file has no layer count; allowed: counts; fix: did you mean counts?")
def layer_is_missing(folder):
    obs = pd.DataFrame({"type": TYPES}, index=CELLS)
    data = anndata.AnnData(COUNTS, obs=obs, var=pd.DataFrame(index=GENES))
    data.layers["counts"] = COUNTS
    data.write_h5ad(folder / "a.h5ad")
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad", "matrix": "layers/count"})


@malformed(
    "{tmp}/a.h5ad: the file has no part raw; "
    "allowed: X, layers, obs, obsm, obsp, uns, var, varm, varp"
)
def raw_is_missing(folder):
    write_h5ad(folder / "a.h5ad")
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad", "matrix": "raw"})


@malformed("{tmp}/a.loom: the file has no column attribute CellID; allowed: obs_names")
def loom_names_cells_otherwise(folder):
    return loom(folder, {"Gene": GENES}, {"obs_names": CELLS})


@malformed(
    "{tmp}/a.loom: the matrix does not fit its attributes: it is transposed; found '6 x 3'; "
    "allowed: 3 genes x 6 cells"
)
def loom_is_transposed(folder):
    return loom(folder, {"Gene": GENES}, {"CellID": CELLS}, shape=(6, 3))


# 10x


@malformed(
    "{tmp}/matrix.mtx: the matrix does not fit its features and barcodes; found '2 x 2'; "
    "allowed: 2 features x 3 barcodes; fix: give the three files of one folder"
)
def barcodes_are_of_another_matrix(folder):
    return tenx(folder, barcodes="AAA-1\nCCC-1\nGGG-1\n")


@malformed(
    "{tmp}/matrix.mtx: the matrix does not fit its features and barcodes: it is transposed; "
    "found '3 x 2'; allowed: 2 features x 3 barcodes; fix: give the three files of one folder"
)
def mtx_is_transposed(folder):
    matrix = "%%MatrixMarket matrix coordinate integer general\n3 2 1\n3 1 3\n"
    return tenx(folder, matrix, barcodes="AAA-1\nCCC-1\nGGG-1\n")


@malformed(
    "{tmp}/matrix.mtx, line 1: not a sparse MatrixMarket file; found '2 2 2'; "
    "allowed: %%MatrixMarket matrix coordinate integer general"
)
def mtx_has_no_banner(folder):
    return tenx(folder, "2 2 2\n1 1 3\n2 2 4\n")


@malformed(
    "{tmp}/matrix.mtx: the matrix cannot be read; found 'Truncated file. Expected another 1 "
    "lines.'; fix: copy it again"
)
def mtx_is_cut_short(folder):
    return tenx(folder, "%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 3\n")


@malformed(
    "{tmp}/genes.tsv, line 2: a feature without id and symbol; found 'g2 CD19'; "
    "allowed: id, symbol and, of new files, type, parted by tabs"
)
def features_are_parted_by_spaces(folder):
    return tenx(folder, features="g1\tCD3D\ng2 CD19\n")


@malformed(
    "{tmp}/a.tar: the archive has several matrices; found 'hg19, mm10'; fix: name one as genome"
)
def archive_of_two_genomes(folder):
    return archive(folder, "hg19/matrix.mtx", "mm10/matrix.mtx")


@malformed(
    "{tmp}/a.tar, record 'hg19': the archive has no barcodes beside the matrix; "
    "allowed: barcodes.tsv, barcodes.tsv.gz"
)
def archive_lacks_barcodes(folder):
    return archive(folder, "hg19/matrix.mtx", "hg19/genes.tsv")


@malformed(
    "{tmp}/a.h5: an HDF5 file of another kind: no matrix of 10x in it; "
    "found 'X, layers, obs, obsm, obsp, uns, var, varm, varp'; "
    "fix: give an h5ad file as format: h5ad, a loom file as format: loom"
)
def h5_is_an_h5ad(folder):
    write_h5ad(folder / "a.h5")
    return ingest(folder, {"format": "10x_h5", "source": "a.h5"})


# Tables


@malformed(
    "{tmp}/t.csv, record 'c2', column LYZ: not a number; found 'low'; "
    "fix: name columns of text in columns or ignore"
)
def number_is_a_word(folder):
    return table(folder, "id,type,CD3D,LYZ\nc1,T,1,2\nc2,B,0,low\n")


@malformed(
    "{tmp}/t.csv, record 'c1', column LYZ: not a number; found '2,5'; "
    "fix: write a point for the decimal comma"
)
def number_has_a_decimal_comma(folder):
    return table(folder, "id;type;CD3D;LYZ\nc1;T;1;2,5\nc2;B;0;3\n")


@malformed(
    "{tmp}/t.csv, row 1: the row has 4 fields, the header 3; found 'c1,T,1,2'; "
    "fix: name the first column: R leaves its name out"
)
def header_lacks_the_first_name(folder):
    return table(folder, "type,CD3D,LYZ\nc1,T,1,2\nc2,B,0,3\n")


@malformed("{tmp}/t.csv: 2 columns have the name CD3D; fix: rename all but one: columns are genes")
def column_comes_twice(folder):
    return table(folder, "id,type,CD3D,CD3D\nc1,T,1,2\n")


@malformed(
    "{tmp}/t.csv: the table has no column of numbers; found 'id, type'; "
    "fix: check the delimiter, and id_column"
)
def table_has_no_genes(folder):
    return table(folder, "id,type\nc1,T\n")


@malformed("{tmp}/t.csv: the table has a header but no rows")
def table_has_no_rows(folder):
    return table(folder, "id,type,CD3D\n")


@malformed("{tmp}/t.parquet, column GO: a column is no numbers; found 'list<element: int64>'")
def parquet_column_is_a_list(folder):
    columns = {"id": ["c1"], "type": ["T"], "GO": [[1, 2]]}
    pq.write_table(pa.table(columns), folder / "t.parquet")
    entry = {"format": "table", "rows": "samples", "source": "t.parquet"}
    return ingest(folder, entry | {"columns": {"type": "type"}})


# Damaged files


@malformed("{tmp}/a.h5ad, X: cannot read the matrix; found 'indices must be < 3'")
def sparse_matrix_points_outside(folder):
    write_h5ad(folder / "a.h5ad")
    with h5py.File(folder / "a.h5ad", "a") as file:
        file["X/indices"][0] = 99
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad"})


@malformed(
    "{tmp}/a.h5ad, X: cannot read the matrix; found 'indptr must be a non-decreasing sequence'"
)
def sparse_matrix_points_beyond_its_end(folder):
    write_h5ad(folder / "a.h5ad")
    with h5py.File(folder / "a.h5ad", "a") as file:
        file["X/indptr"][2] = 9999
    return ingest(folder, {"format": "h5ad", "source": "a.h5ad"})


@malformed(
    "{tmp}/a.loom, matrix: not a matrix of numbers; found '2 dimensions of |S1'; "
    "allowed: 2 dimensions of integers or floats"
)
def matrix_of_letters(folder):
    with h5py.File(folder / "a.loom", "w") as file:
        file["matrix"] = np.full((2, 2), b"x")
    return ingest(folder, {"format": "loom", "source": "a.loom"})


@malformed(
    "{tmp}/a.loom: the column attribute type does not fit the cells; found '1 values'; allowed: 6"
)
def loom_attribute_is_short(folder):
    call = loom(folder, {"Gene": GENES}, {"CellID": CELLS, "type": ["T"]})
    del call
    entry = {"format": "loom", "source": "a.loom", "columns": {"type": "type"}}
    return ingest(folder, entry)


@malformed(
    "{tmp}/matrix.mtx, line 1: not a sparse MatrixMarket file; "
    "found '%%MatrixMarket matrix coordinate complex general'; "
    "allowed: %%MatrixMarket matrix coordinate integer general"
)
def mtx_of_complex_numbers(folder):
    return tenx(folder, "%%MatrixMarket matrix coordinate complex general\n2 2 1\n1 1 1 2\n")


@malformed(
    "{tmp}/matrix.mtx: the matrix cannot be read; found 'Line 4: Row index out of bounds'; "
    "fix: copy it again"
)
def mtx_points_outside(folder):
    banner = "%%MatrixMarket matrix coordinate integer general\n"
    return tenx(folder, banner + "2 2 2\n1 1 3\n3 2 4\n")


@malformed("{tmp}/a.tar: the archive is cut short; fix: copy or download it again")
def archive_is_cut_short(folder):
    call = archive(folder, "a/matrix.mtx", "a/genes.tsv", "a/barcodes.tsv")
    (folder / "a.tar").write_bytes(gzip.compress((folder / "a.tar").read_bytes())[:60])
    return call


@malformed("{tmp}/a.tar, features: the file is empty")
def file_in_the_archive_is_empty(folder):
    return archive(folder, "a/matrix.mtx", "a/genes.tsv", "a/barcodes.tsv")


@malformed(
    "{tmp}/a.h5: the columns of the features differ in length; "
    "found 'ids 2, symbols 1, types 2, genomes 2'"
)
def h5_features_are_ragged(folder):
    columns = {"id": 2, "name": 1, "feature_type": 2, "genome": 2}
    with h5py.File(folder / "a.h5", "w") as file:
        for name, count in columns.items():
            file[f"matrix/features/{name}"] = np.array([b"a", b"b"][:count])
    return ingest(folder, {"format": "10x_h5", "source": "a.h5"})


@malformed("{tmp}/t.csv: the table has no header")
def table_of_empty_lines(folder):
    return table(folder, "\n\n")
