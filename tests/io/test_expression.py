"""Matrices of expression in every format, and what ingest makes of them."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scanpy
from scipy.io import mmwrite
from scipy.sparse import csc_matrix, csr_matrix

from bioseq_dl.cli.fetch import list_sources
from bioseq_dl.config import ExpressionIngest, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io import hdf5, matrix_tables
from bioseq_dl.io.cell_matrix import stack_blocks
from bioseq_dl.io.expression import read_expression
from bioseq_dl.io.expression_matrix import map_matrix, read_rows, write_matrix
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.h5ad import read_h5ad
from bioseq_dl.io.loom import read_loom
from bioseq_dl.io.matrix_tables import read_matrix_table
from bioseq_dl.io.sequences import Ingested
from bioseq_dl.io.tenx import read_tenx_archive, read_tenx_files, read_tenx_hdf5

TARGETS = Targets(kind="multiclass", names=("type",), classes=("T", "B", "rare", "other"))
GENES = ("CD3D", "CD19", "MT-CO1", "LYZ")
CELLS = ("AAA-1", "CCC-1", "GGG-1", "TTT-1", "ACG-1")
COUNTS = np.array(
    [[3, 0, 1, 0], [2, 0, 0, 1], [0, 0, 0, 0], [0, 5, 9, 1], [1, 3, 0, 0]], np.float32
)
TYPES = ("T", "T", "B", "B", "B")


def frame() -> pd.DataFrame:
    return pd.DataFrame({"type": TYPES, "donor": list("ppqqq")}, index=list(CELLS))


def write_h5ad(path: Path, values: Any = None, **parts: Any) -> Path:
    data = anndata.AnnData(
        csr_matrix(COUNTS) if values is None else values,
        obs=frame(),
        var=pd.DataFrame({"ids": ["e1", "e2", "e3", "e4"]}, index=list(GENES)),
        **parts,
    )
    data.write_h5ad(path)
    return path


def read(folder: Path, inputs: Any, targets: Targets = TARGETS, **settings: Any) -> Ingested:
    config = ExpressionIngest.model_validate({"inputs": inputs} | settings)
    return read_expression(config, targets, fetch_all(list_sources(config), folder), folder)


def h5ad(path: Path, **options: Any) -> dict[str, Any]:
    source = {"path": str(path)}
    return {"format": "h5ad", "source": source, "columns": {"type": "type"}} | options


def dense(ingested: Ingested) -> np.ndarray:
    matrix = ingested.matrix
    assert matrix is not None
    table = np.zeros((len(matrix), len(matrix.genes)), np.float32)
    for rows, part in read_rows(matrix, np.arange(len(matrix))):
        table[rows[part.owners], part.indices] = part.data
    return table


# Formats


@pytest.mark.parametrize(
    "kind", [csr_matrix, csc_matrix, np.asarray], ids=lambda kind: kind.__name__
)
def test_h5ad_sparse_and_dense_are_the_same(tmp_path, kind):
    found = read_h5ad(write_h5ad(tmp_path / "a.h5ad", kind(COUNTS)), columns=["type"])
    assert found.genes == GENES
    assert found.cells == CELLS
    assert (found.values.toarray() == COUNTS).all()
    assert tuple(found.columns["type"]) == TYPES
    assert (found.values.data != 0).all()


def test_h5ad_gives_raw_and_layers_and_other_names(tmp_path):
    data = anndata.AnnData(
        COUNTS, obs=frame(), var=pd.DataFrame({"ids": list("wxyz")}, index=GENES)
    )
    data.layers["doubled"] = csr_matrix(2 * COUNTS)
    data.raw = data.copy()
    data = data[:, :2].copy()
    data.obs["score"] = [1.5, np.nan, 2, 3, 4]
    data.obs["type"] = data.obs["type"].astype("category")
    data.write_h5ad(tmp_path / "a.h5ad")
    raw = read_h5ad(tmp_path / "a.h5ad", matrix="raw", gene_column="ids")
    assert raw.genes == ("w", "x", "y", "z")
    assert raw.symbols == GENES
    assert (raw.values.toarray() == COUNTS).all()
    layer = read_h5ad(tmp_path / "a.h5ad", matrix="layers/doubled", columns=["score", "type"])
    assert (layer.values.toarray() == 2 * COUNTS[:, :2]).all()
    assert layer.columns["score"] == ["1.5", "", "2.0", "3.0", "4.0"]
    assert tuple(layer.columns["type"]) == TYPES


def test_loom_has_genes_in_rows(tmp_path):
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file["matrix"] = COUNTS.T
        file["layers/spliced"] = COUNTS.T * 3
        file["row_attrs/Gene"] = np.array(GENES, "S")
        file["col_attrs/CellID"] = np.array(CELLS, "S")
        file["col_attrs/type"] = np.array(TYPES, "S")
    found = read_loom(tmp_path / "a.loom", columns=["type"])
    assert (found.genes, found.cells) == (GENES, CELLS)
    assert (found.values.toarray() == COUNTS).all()
    assert tuple(found.columns["type"]) == TYPES
    assert (read_loom(tmp_path / "a.loom", layer="spliced").values.toarray() == 3 * COUNTS).all()


def write_tenx(folder: Path, new: bool) -> Path:
    folder.mkdir(parents=True)
    mmwrite(folder / "matrix.mtx", csr_matrix(COUNTS.T.astype(int)))
    lines = [f"e{place}\t{name}" for place, name in enumerate(GENES, 1)]
    if new:
        lines = [f"{line}\tGene Expression" for line in lines]
        lines[-1] = lines[-1].replace("Gene Expression", "Antibody Capture")
    name = "features.tsv" if new else "genes.tsv"
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "barcodes.tsv").write_text("\n".join(CELLS) + "\n")
    if new:
        for path in list(folder.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return folder


def test_tenx_folders_old_and_new(tmp_path):
    old, new = write_tenx(tmp_path / "hg19", False), write_tenx(tmp_path / "new", True)
    first = read_tenx_files(old / "matrix.mtx", old / "genes.tsv", old / "barcodes.tsv", genes="id")
    assert first.genes == ("e1", "e2", "e3", "e4")
    assert first.symbols == GENES
    assert (first.values.toarray() == COUNTS).all()
    files = (new / "matrix.mtx.gz", new / "features.tsv.gz", new / "barcodes.tsv.gz")
    assert read_tenx_files(*files).genes == GENES[:3]  # the last is an antibody
    antibodies = read_tenx_files(*files, feature_type="Antibody Capture")
    assert (antibodies.values.toarray() == COUNTS[:, 3:]).all()
    for name in ("a.tar.gz", "a.zip"):
        if name.endswith("zip"):
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                for path in sorted(old.iterdir()):
                    archive.write(path, f"out/hg19/{path.name}")
        else:
            with tarfile.open(tmp_path / name, "w:gz") as tar:
                tar.add(old, "out/hg19")
        found = read_tenx_archive(tmp_path / name)
        assert found.cells == CELLS
        assert (found.values != first.values).nnz == 0


def write_sparse(group: h5py.Group, counts: np.ndarray) -> None:
    sparse = csr_matrix(counts)  # a cell's counts one after another, as Cell Ranger has them
    for name in ("data", "indices", "indptr"):
        group[name] = getattr(sparse, name)
    group["shape"] = np.array(counts.shape[::-1])
    group["barcodes"] = np.array(CELLS, "S")


def test_tenx_hdf5_old_and_new(tmp_path):
    ids = np.array(["e1", "e2", "e3", "e4"], "S")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        for genome, factor in (("hg19", 1), ("mm10", 2)):
            group = file.create_group(genome)
            write_sparse(group, COUNTS * factor)
            group["genes"], group["gene_names"] = ids, np.array(GENES, "S")
    with h5py.File(tmp_path / "new.h5", "w") as file:
        group = file.create_group("matrix")
        write_sparse(group, COUNTS)
        group["features/id"], group["features/name"] = ids, np.array(GENES, "S")
        kinds = ["Gene Expression"] * 3 + ["Antibody Capture"]
        group["features/feature_type"] = np.array(kinds, "S")
        group["features/genome"] = np.array(["hg19", "hg19", "mm10", ""], "S")
    old = read_tenx_hdf5(tmp_path / "old.h5", genome="mm10", genes="id")
    assert (old.values.toarray() == 2 * COUNTS).all()
    assert (old.genes, old.symbols, old.cells) == (("e1", "e2", "e3", "e4"), GENES, CELLS)
    new = read_tenx_hdf5(tmp_path / "new.h5", genome="hg19")
    assert new.genes == GENES[:2]
    assert (new.values.toarray() == COUNTS[:, :2]).all()
    for name in ("old.h5", "new.h5"):
        with pytest.raises(InputError, match="several genomes; found 'hg19, mm10'"):
            read_tenx_hdf5(tmp_path / name)
        with pytest.raises(InputError, match="no such genome in the file; found 'rn7'"):
            read_tenx_hdf5(tmp_path / name, genome="rn7")
    with pytest.raises(InputError, match="no feature is of type CRISPR"):
        read_tenx_hdf5(tmp_path / "new.h5", feature_type="CRISPR")


def test_tenx_layouts_of_real_data_are_equal(shared_data, tmp_path):
    home = shared_data / "expression_10x_scanpy"
    if not home.is_dir():
        pytest.skip("no folder expression_10x_scanpy")
    new = home / "cellranger3" / "filtered_feature_bc_matrix"
    files = [new / f"{name}.gz" for name in ("matrix.mtx", "features.tsv", "barcodes.tsv")]
    folder, hdf5 = read_tenx_files(*files), read_tenx_hdf5(new.with_suffix(".h5"))
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(new, "filtered")
    archive = read_tenx_archive(tmp_path / "a.tar")
    assert folder.values.shape == (1107, 507)
    old = home / "cellranger1.2"
    place = old / "filtered_gene_bc_matrices" / "hg19_chr21"
    old_files = [place / name for name in ("matrix.mtx", "genes.tsv", "barcodes.tsv")]
    old_hdf5 = read_tenx_hdf5(old / "filtered_gene_bc_matrices_h5.h5")
    several = read_tenx_hdf5(old / "multiple_genomes.h5", genome="hg19_chr21")
    for one, others in ((folder, [hdf5, archive]), (read_tenx_files(*old_files), [old_hdf5])):
        for other in others:
            assert (one.genes, one.cells) == (other.genes, other.cells)
            assert (one.values != other.values).nnz == 0
    assert several.genes == old_hdf5.genes
    with pytest.raises(InputError, match="several genomes"):
        read_tenx_hdf5(old / "multiple_genomes.h5")


def test_one_real_matrix_in_three_layouts_is_ingested_alike(shared_data, tmp_path):
    home = shared_data / "expression_10x_scanpy" / "cellranger3"
    if not home.is_dir():
        pytest.skip("no folder expression_10x_scanpy")
    new, old = home / "filtered_feature_bc_matrix", tmp_path / "old"
    old.mkdir()
    for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
        (old / name).write_bytes(gzip.decompress((new / f"{name}.gz").read_bytes()))
    features = pd.read_csv(old / "features.tsv", sep="\t", header=None)
    features[[0, 1]].to_csv(old / "genes.tsv", sep="\t", header=False, index=False)

    def files(folder: Path, genes: str, end: str) -> dict[str, Any]:
        names = {"source": "matrix.mtx", "features": genes, "barcodes": "barcodes.tsv"}
        return {"format": "10x_mtx"} | {
            key: {"path": str(folder / f"{name}{end}")} for key, name in names.items()
        }

    inputs = (
        files(new, "features.tsv", ".gz"),
        files(old, "genes.tsv", ""),
        {"format": "10x_h5", "source": {"path": str(new.with_suffix(".h5"))}},
    )
    table = pd.DataFrame({"barcode": (old / "barcodes.tsv").read_text().split()})
    table["type"] = ["T", "B"] * (len(table) // 2) + ["T"] * (len(table) % 2)
    table.to_csv(tmp_path / "types.csv", index=False)
    beside = {"annotations": {"source": {"path": str(tmp_path / "types.csv")}}}
    written = []
    for place, entry in enumerate(inputs):
        found = read(tmp_path, [entry | beside | {"genes": "id", "columns": {"type": "type"}}])
        assert (found.summary["records"], found.summary["genes"]) == (1107, 507)
        write_matrix(tmp_path / f"{place}.safetensors", found.matrix)
        written.append((tmp_path / f"{place}.safetensors").read_bytes())
    assert written[0] == written[1] == written[2]


def test_the_cells_inside_scanpy_are_logged_and_their_x_is_scaled(tmp_path):
    path = Path(scanpy.__file__).parent / "datasets" / "10x_pbmc68k_reduced.h5ad"
    targets = Targets(kind="binary", names=("b",), classes=("other", "CD19+ B"))
    entry = {"format": "h5ad", "source": {"path": str(path)}, "batch_column": "louvain"}
    entry |= {"labels": {"b": 1}, "matrix": "raw"}
    with pytest.raises(InputError, match="one class only"):
        read(tmp_path, [entry], targets)
    targets = Targets(kind="regression", names=("s",))
    entry |= {"labels": {}, "columns": {"s": "S_score"}}
    found = read(tmp_path, [entry], targets)
    assert (found.summary["records"], found.summary["genes"]) == (700, 765)
    assert found.summary["values"] == "logged"
    assert found.summary["stored"] == 174_400
    assert found.summary["batches"] == 11
    with pytest.raises(InputError, match="counts that are no whole numbers: these look logged"):
        read(tmp_path, [entry], targets, values="counts")
    with pytest.raises(InputError, match="a negative number"):
        read(tmp_path, [entry | {"matrix": "X"}], targets)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.parquet"])
@pytest.mark.parametrize("genes_in_rows", [False, True])
def test_tables_either_way(tmp_path, name, genes_in_rows):
    values = pd.DataFrame(COUNTS.copy(), index=list(CELLS), columns=list(GENES))
    values.iloc[1, 3] = np.nan
    values = values.T if genes_in_rows else values
    if name.endswith("parquet"):
        values.reset_index(names="").to_parquet(tmp_path / name)
    else:
        values.to_csv(tmp_path / name, sep="\t" if "tsv" in name else ",")
    found = read_matrix_table(tmp_path / name, genes_in_rows=genes_in_rows)
    assert (found.cells, found.genes) == (CELLS, GENES)
    table = found.values.toarray()
    assert np.isnan(table[1, 3])
    assert (np.nan_to_num(table, nan=1) == COUNTS).all()


def test_blocks_are_stacked_without_a_dense_whole():
    blocks = [np.eye(3), np.zeros((2, 3)), np.full((1, 3), np.nan)]
    found = stack_blocks(iter(blocks), 3)
    assert found.shape == (6, 3)
    assert found.nnz == 6
    assert stack_blocks([], 4).shape == (0, 4)


def test_parts_of_any_size_give_the_same_matrix(tmp_path, monkeypatch):
    write_h5ad(tmp_path / "a.h5ad", COUNTS)
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file["matrix"] = COUNTS.T
        file["row_attrs/Gene"] = np.array(GENES, "S")
        file["col_attrs/CellID"] = np.array(CELLS, "S")
    table = pd.DataFrame(COUNTS, index=list(CELLS), columns=list(GENES))
    table.reset_index().to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(hdf5, "BLOCK_VALUES", 7)
    monkeypatch.setattr(matrix_tables, "_CELLS", 11)
    for found in (
        read_h5ad(tmp_path / "a.h5ad"),
        read_loom(tmp_path / "a.loom"),
        read_matrix_table(tmp_path / "t.parquet", genes_in_rows=False),
    ):
        assert (found.values.toarray() == COUNTS).all()
        assert found.cells == CELLS


# Ingest


def test_records_and_matrix_keep_one_order(tmp_path):
    found = read(tmp_path, [h5ad(write_h5ad(tmp_path / "a.h5ad"), group_column="donor")])
    records = found.records.to_pydict()
    assert records["id"] == ["AAA-1", "CCC-1", "TTT-1", "ACG-1"]  # GGG-1 holds nothing
    assert records["target:type"] == [0, 0, 1, 1]
    assert records["group"] == ["p", "p", "q", "q"]
    assert records["genes"] == [2, 2, 3, 2]
    assert records["total"] == [4, 3, 15, 4]
    assert records["mitochondrial"] == pytest.approx([1 / 4, 0, 9 / 15, 0])
    assert (dense(found) == COUNTS[[0, 1, 3, 4]]).all()
    assert found.matrix is not None
    assert found.matrix.values == "counts"
    assert found.rejected.to_pylist()[0]["reason"] == "no value other than 0"
    assert found.summary["rejected"] == {
        "total": 1,
        "read": 5,
        "reasons": {"no value other than 0": 1},
    }


def test_thresholds_count_what_each_removed(tmp_path):
    quality = {"min_genes": 2, "max_genes": 2, "min_counts": 4, "max_mitochondrial": 0.2}
    path = write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError, match="one class only"):
        read(tmp_path, [h5ad(path)], quality=quality, max_rejected_fraction=1)
    found = read(
        tmp_path,
        [h5ad(path)],
        quality=quality | {"max_mitochondrial": 0.3},
        max_rejected_fraction=1,
    )
    assert found.records["id"].to_pylist() == ["AAA-1", "ACG-1"]
    assert found.summary["rejected"]["reasons"] == {
        "no value other than 0": 1,
        "fewer counts than min_counts": 1,
        "more genes than max_genes": 1,
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [(COUNTS, "counts"), (np.log1p(COUNTS), "logged"), (COUNTS * 33.3, "normalised")],
    ids=["counts", "logged", "normalised"],
)
def test_values_are_recognised(tmp_path, values, kind):
    found = read(tmp_path, [h5ad(write_h5ad(tmp_path / "a.h5ad", csr_matrix(values)))])
    assert found.summary["values"] == kind


def test_negative_and_missing_values_are_allowed_when_asked(tmp_path):
    values = COUNTS - 0.5
    values[0, 1] = np.nan
    path = write_h5ad(tmp_path / "a.h5ad", values)
    found = read(tmp_path, [h5ad(path)], negative="allow", missing="allow")
    assert found.summary["values"] == "logged"
    assert found.summary["missing"] == 1
    assert np.isnan(dense(found)[0, 1])
    assert found.records["genes"].to_pylist()[0] == 3


def test_repeated_genes_are_added_or_averaged(tmp_path):
    text = "id,type,A,B\nc1,T,1,2\nc2,B,3,4\n"
    (tmp_path / "t.csv").write_text(text)
    table = {"format": "table", "rows": "genes", "source": {"path": str(tmp_path / "g.csv")}}
    (tmp_path / "g.csv").write_text("gene,c1,c2\nA,1,2\nB,5,0\nA,3,4\n")
    table |= {"annotations": {"source": {"path": str(tmp_path / "t.csv")}}}
    table |= {"columns": {"type": "type"}}
    added = read(tmp_path, [table], duplicate_genes="sum")
    assert (dense(added) == [[4, 5], [6, 0]]).all()
    averaged = read(tmp_path, [table], duplicate_genes="mean", values="normalised")
    assert (dense(averaged) == [[2, 5], [3, 0]]).all()
    assert added.matrix is not None
    assert added.matrix.genes == ("A", "B")
    assert "1 columns of repeated genes were joined" in added.summary["notes"][0]


def test_inputs_share_genes_in_any_order(tmp_path):
    first = write_h5ad(tmp_path / "a.h5ad")
    turned = pd.DataFrame(COUNTS[:, ::-1], index=[f"x{n}" for n in range(5)], columns=GENES[::-1])
    turned.insert(0, "type", TYPES)
    turned.to_csv(tmp_path / "b.csv")
    second = {"format": "table", "rows": "samples", "columns": {"type": "type"}}
    second |= {"source": {"path": str(tmp_path / "b.csv")}, "name": "b"}
    found = read(tmp_path, [h5ad(first), second])
    assert found.records["id"].to_pylist()[4:] == ["b/x0", "b/x1", "b/x3", "b/x4"]
    assert (dense(found)[:4] == dense(found)[4:]).all()
    turned.drop(columns="LYZ").to_csv(tmp_path / "b.csv")
    both = read(tmp_path, [h5ad(first), second], combine_genes="intersection")
    assert both.matrix is not None
    assert both.matrix.genes == GENES[:3]
    assert both.summary["notes"] == ["3 genes are in all inputs, of up to 4"]


def test_rare_classes_are_dropped_or_pooled(tmp_path):
    data = anndata.AnnData(COUNTS + 1, obs=frame(), var=pd.DataFrame(index=list(GENES)))
    data.obs["type"] = ["T", "T", "B", "rare", "B"]
    data.write_h5ad(tmp_path / "a.h5ad")
    entry = h5ad(tmp_path / "a.h5ad")
    dropped = read(tmp_path, [entry], rare_classes={"least": 2, "rule": "drop"})
    assert dropped.records["target:type"].to_pylist() == [0, 0, 1, 1]
    assert (dense(dropped) == COUNTS[[0, 1, 2, 4]] + 1).all()
    assert dropped.summary["rejected"]["reasons"] == {"of a rare class": 1}
    rule = {"least": 3, "rule": "pool", "pool": "other"}
    with pytest.raises(InputError, match="one class only"):
        read(tmp_path, [entry], rare_classes=rule)
    pooled = read(tmp_path, [entry], rare_classes=rule | {"least": 2})
    assert pooled.records["target:type"].to_pylist() == [0, 0, 1, 3, 1]
    assert pooled.summary["notes"] == ["pooled into other: rare (1)"]


def test_unlabelled_cells_are_rejected_or_kept(tmp_path):
    data = anndata.AnnData(COUNTS, obs=frame(), var=pd.DataFrame(index=list(GENES)))
    data.obs["type"] = ["T", "", "B", "B", "B"]
    data.write_h5ad(tmp_path / "a.h5ad")
    assert read(tmp_path, [h5ad(tmp_path / "a.h5ad")]).records.num_rows == 3
    kept = read(tmp_path, [h5ad(tmp_path / "a.h5ad")], unlabelled="keep")
    assert kept.records["target:type"].to_pylist() == [0, None, 1, 1]


def test_equal_cells_have_equal_profiles(tmp_path):
    draw = np.random.default_rng(0)
    values = draw.poisson(2, (6, 40)).astype(np.float32)
    values[4] = values[1]
    columns = [f"g{number}" for number in range(40)]
    frame = pd.DataFrame(values, columns=columns, index=[f"c{number}" for number in range(6)])
    frame.insert(0, "type", ["T", "B"] * 3)
    frame.to_csv(tmp_path / "t.csv")
    entry = {"format": "table", "rows": "samples", "columns": {"type": "type"}}
    found = read(tmp_path, [entry | {"source": {"path": str(tmp_path / "t.csv")}}])
    profiles = found.records["profile"].to_pylist()
    assert profiles[1] == profiles[4]
    assert len(set(profiles)) == 5


def test_matrix_comes_back_from_disk_and_is_the_same_bytes(tmp_path):
    found = read(tmp_path, [h5ad(write_h5ad(tmp_path / "a.h5ad"))])
    assert found.matrix is not None
    for name in ("one", "two"):
        write_matrix(tmp_path / name, found.matrix)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    back = map_matrix(tmp_path / "one")
    assert (back.genes, back.values, len(back)) == (GENES, "counts", 4)
    assert isinstance(back.data.base, np.memmap)
    parts = list(read_rows(back, np.array([3, 0, 2]), stored=3))
    assert np.concatenate([rows for rows, _ in parts]).tolist() == [3, 0, 2]
    assert len(parts) > 1
    assert sum(len(part.data) for _, part in parts) == 2 + 2 + 3
    (tmp_path / "cut").write_bytes((tmp_path / "one").read_bytes()[:-3])
    with pytest.raises(InputError, match="cut short"):
        map_matrix(tmp_path / "cut")
    write_matrix(tmp_path / "torn", replace(found.matrix, indices=found.matrix.indices[:-1]))
    with pytest.raises(InputError, match="do not fit together"):
        map_matrix(tmp_path / "torn")
