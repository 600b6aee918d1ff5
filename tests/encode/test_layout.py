"""Genes on pixels: fitted on train alone, the same in any order of genes, exact in a file."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from bioseq_dl.config import CellLayout, ExpressionEncode, Source, Targets
from bioseq_dl.encode.cell_encoding import encode_cells
from bioseq_dl.encode.cells import map_cells
from bioseq_dl.encode.layout import Layout, draw_images
from bioseq_dl.encode.transform import read_transform, write_transform
from bioseq_dl.errors import InputError
from bioseq_dl.io.expression_matrix import ExpressionMatrix
from bioseq_dl.io.fetch import fetch_all

TARGETS = Targets(kind="binary", names=("sick",))
FITTED = ("tsne", "umap", "pca", "clustered")


def make_matrix(table: np.ndarray, genes: list[str] | None = None) -> ExpressionMatrix:
    sparse = csr_matrix(table.astype(np.float32))
    return ExpressionMatrix(
        sparse.indptr.astype(np.int64),
        sparse.indices.astype(np.int32),
        sparse.data,
        tuple(genes or [f"g{number}" for number in range(table.shape[1])]),
        "counts",
    )


def draw_counts(cells: int = 60, genes: int = 40, seed: int = 0) -> np.ndarray:
    """Four modules of genes, each high in a quarter of the cells."""
    draw = np.random.default_rng(seed)
    rates = np.tile(draw.gamma(2, 2, genes), (cells, 1))
    for module in range(4):
        on = draw.random(cells) < 0.25
        rates[np.ix_(on, np.arange(genes) % 4 == module)] *= 6
    return draw.poisson(rates).astype(np.float32)


def encode(table, layout=None, genes=None, files=None, **settings):
    cells = len(table)
    roles = [("train", "train", "train", "val", "test")[number % 5] for number in range(cells)]
    ids = pa.array([f"c{number}" for number in range(cells)])
    labels = pa.array([float(number % 2) for number in range(cells)], pa.float32())
    totals = pa.array(table.sum(1).astype(float))
    records = pa.table({"id": ids, "target:sick": labels, "total": totals})
    folds = pa.table({"id": ids, "fold0": roles})
    options = {"variable_genes": None} | settings
    section = ExpressionEncode(layout=layout, **options)
    return encode_cells(records, folds, TARGETS, section, make_matrix(table, genes), files)


def images_of(examples) -> np.ndarray:
    rows = np.arange(len(examples))
    return draw_images(examples.transforms[0].layout, examples.gather(rows, 0))


@pytest.mark.parametrize("kind", [*FITTED, "plain"])
@pytest.mark.parametrize("chosen", [None, 25])
def test_permuting_the_genes_gives_the_same_image(kind, chosen):
    table = draw_counts()
    table[:, 7] = table[:, 30]  # two genes alike: their names decide
    order = np.random.default_rng(5).permutation(40)
    names = [f"g{number}" for number in order]
    layout = CellLayout(kind=kind)
    plain = encode(table, layout, variable_genes=chosen)
    turned = encode(table[:, order], layout, names, variable_genes=chosen)
    assert turned.transforms[0].genes != plain.transforms[0].genes
    assert (images_of(turned) == images_of(plain)).all()


@pytest.mark.parametrize("kind", ["tsne", "clustered"])
def test_cells_that_are_not_of_train_do_not_move_a_gene(kind, tmp_path):
    table = draw_counts()
    layout = CellLayout(kind=kind)
    plain = encode(table, layout)
    other = table.copy()
    untrained = np.setdiff1d(np.arange(60), plain.select(0, "train"))
    other[untrained] = np.random.default_rng(9).poisson(30, (len(untrained), 40))
    # Changed; there at all: cells 55 to 59 end with a validation and a test cell.
    gone = encode(np.delete(table, [58, 59], axis=0), layout)
    for name, examples in (("plain", plain), ("other", encode(other, layout)), ("gone", gone)):
        write_transform(tmp_path / name, examples.transforms[0])
    assert (tmp_path / "other").read_bytes() == (tmp_path / "plain").read_bytes()
    assert (tmp_path / "gone").read_bytes() == (tmp_path / "plain").read_bytes()


def test_training_cells_do_move_genes():
    table = draw_counts()
    plain = encode(table, CellLayout()).transforms[0].layout
    other = table.copy()
    other[0] = other[0][::-1]
    assert (encode(other, CellLayout()).transforms[0].layout.pixels != plain.pixels).any()


@pytest.mark.parametrize("assignment", ["lsa", "average"])
def test_an_image_does_not_depend_on_other_cells(assignment):
    table = draw_counts()
    examples = encode(table, CellLayout(kind="pca", assignment=assignment))
    transform = examples.transforms[0]
    whole = images_of(examples)
    for row in (0, 31, 59):
        alone = make_matrix(table[row : row + 1])
        [(_, values)] = map_cells(alone, table[row : row + 1].sum(1).astype(float), transform)
        assert (draw_images(transform.layout, values)[0] == whole[row]).all()


@pytest.mark.parametrize("kind", ["tsne", "pca"])
def test_genes_of_a_module_stand_together(kind):
    examples = encode(draw_counts(200, 60), CellLayout(kind=kind))
    layout = examples.transforms[0].layout
    assert layout.height == layout.width == 9
    assert len(set(layout.pixels.tolist())) == 60
    places = np.stack(np.divmod(layout.pixels, layout.width), axis=1)
    module = np.array([int(name[1:]) % 4 for name in layout.genes])
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    alike = module[:, None] == module
    assert apart[alike & (apart > 0)].mean() < 0.7 * apart[~alike].mean()


def test_a_clustered_order_puts_modules_side_by_side():
    layout = encode(draw_counts(200, 60), CellLayout(kind="clustered")).transforms[0].layout
    assert (layout.height, layout.width) == (1, 60)
    order = np.array(layout.genes)[np.argsort(layout.pixels)]
    modules = [int(name[1:]) % 4 for name in order]
    changes = sum(one != other for one, other in pairwise(modules))
    assert changes <= 8  # 45 by chance


def test_a_plain_matrix_is_genes_by_name_row_by_row():
    names = ["b", "d", "a", "c", "e"]
    examples = encode(draw_counts(60, 5), CellLayout(kind="plain"), names)
    layout = examples.transforms[0].layout
    assert (layout.height, layout.width) == (3, 3)
    assert layout.genes == tuple(names)
    assert layout.pixels.tolist() == [1, 3, 0, 2, 4]
    assert layout.coordinates is None


@pytest.mark.parametrize("kind", [*FITTED, "plain"])
def test_layouts_come_back_from_a_file_and_equal_ones_are_equal_bytes(kind, tmp_path):
    examples = encode(draw_counts(), CellLayout(kind=kind))
    write_transform(tmp_path / "one", examples.transforms[0])
    write_transform(tmp_path / "two", encode(draw_counts(), CellLayout(kind=kind)).transforms[0])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    layout, back = examples.transforms[0].layout, read_transform(tmp_path / "one").layout
    for name in ("kind", "height", "width", "assignment", "genes"):
        assert getattr(back, name) == getattr(layout, name)
    assert (back.pixels == layout.pixels).all()
    if layout.coordinates is None:
        assert back.coordinates is None
    else:
        assert (back.coordinates == layout.coordinates).all()
        assert layout.coordinates.min() == 0
        assert layout.coordinates.max() == layout.width


def test_few_cells_are_drawn_from_train():
    table = draw_counts(100)
    few = encode(table, CellLayout(kind="pca", cells=20)).transforms[0].layout
    all_of_them = encode(table, CellLayout(kind="pca")).transforms[0].layout
    other = encode(table, CellLayout(kind="pca", cells=20, seed=1)).transforms[0].layout
    assert (few.coordinates != all_of_them.coordinates).any()
    assert (few.coordinates != other.coordinates).any()


def test_pixels_of_several_genes_are_their_mean_and_empty_ones_nothing():
    layout = Layout("file", 2, 3, "average", ("a", "b", "c", "d"), np.array([4, 1, 4, 4]))
    values = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    images = draw_images(layout, values)
    assert images.dtype == np.float32
    assert images.shape == (7, 2, 3)
    np.testing.assert_allclose(images[:, 1, 1], values[:, [0, 2, 3]].mean(1), rtol=1e-5)
    assert (images[:, 0, 1] == values[:, 1]).all()
    assert (images.reshape(7, 6)[:, [0, 2, 3, 5]] == 0).all()
    assert draw_images(layout, values[:0]).shape == (0, 2, 3)


def test_images_are_drawn_in_parts_without_a_seam(monkeypatch):
    examples = encode(draw_counts(), CellLayout(kind="pca", assignment="average", size=5))
    layout = examples.transforms[0].layout
    values = examples.gather(np.arange(60), 0)
    whole = draw_images(layout, values)
    monkeypatch.setattr("bioseq_dl.encode.layout._BYTES", 700)
    assert (draw_images(layout, values) == whole).all()
    for row in range(60):
        for pixel in range(25):
            here = values[row, layout.pixels == pixel]
            wanted = here.mean() if len(here) else 0.0
            assert whole[row].flat[pixel] == pytest.approx(wanted, abs=1e-5)


def test_the_pixel_of_an_absent_gene_is_the_mean_of_train():
    table = draw_counts()
    for scale in (True, False):
        transform = encode(table, CellLayout(kind="pca"), scale=scale).transforms[0]
        kept = [number for number in range(40) if number != 11]
        matrix = make_matrix(table[:, kept], [f"g{number}" for number in kept])
        totals = table.sum(1).astype(float)
        with pytest.raises(InputError, match="1 of the 40 genes"):
            next(map_cells(matrix, totals, transform))
        [(_, values)] = map_cells(matrix, totals, transform, 0.1)
        images = draw_images(transform.layout, values)
        column = transform.genes.index("g11")
        found = images.reshape(60, -1)[:, transform.layout.pixels[column]]
        wanted = 0.0 if scale else transform.mean[column]
        assert found == pytest.approx(np.full(60, wanted), rel=1e-6)
        present = images.reshape(60, -1)[:, transform.layout.pixels[column - 1]]
        assert np.ptp(present) > 0


def given_file(folder: Path, text: str, **options):
    path = folder / "layout.tsv"
    path.write_text(text)
    layout = CellLayout(source=Source(path=str(path)), **options)
    return layout, fetch_all([layout.source], folder)


def test_genes_stand_where_a_file_puts_them(tmp_path):
    text = "gene,column,row\nc,2,0\na,0,1\nx,3,3\nb,1,1\n"
    layout, files = given_file(tmp_path, text, kind="file")
    examples = encode(draw_counts(60, 3), layout, ["a", "b", "c"], files)
    found = examples.transforms[0].layout
    assert (found.height, found.width) == (4, 4)
    assert found.pixels.tolist() == [4, 5, 2]


def test_genes_that_a_file_does_not_list_go_to_free_pixels(tmp_path):
    text = "gene\trow\tcolumn\na\t0\t1\nx\t1\t1\n"
    layout, files = given_file(tmp_path, text, kind="file", unlisted="append")
    examples = encode(draw_counts(60, 3), layout, ["d", "a", "c"], files)
    assert examples.transforms[0].layout.pixels.tolist() == [2, 1, 0]
    # More than the file's square holds: a larger one.
    examples = encode(draw_counts(60, 5), layout, ["d", "a", "c", "e", "b"], files)
    found = examples.transforms[0].layout
    assert found.width == 3
    assert found.pixels.tolist() == [3, 1, 2, 5, 0]


def test_genes_may_share_a_pixel_of_a_file(tmp_path):
    text = "gene\trow\tcolumn\na\t0\t1\nb\t0\t1\n"
    layout, files = given_file(tmp_path, text, kind="file", assignment="average")
    examples = encode(draw_counts(60, 2), layout, ["a", "b"], files)
    assert examples.transforms[0].layout.pixels.tolist() == [1, 1]


@pytest.mark.parametrize("form", ["gmt", "table"])
def test_genes_of_a_pathway_stand_together(form, tmp_path):
    sets = {f"P{part}": [f"g{n}" for n in range(40) if n % 4 == part] for part in (2, 0, 1)}
    sets["P1"].append("g2")  # of P2 already
    if form == "gmt":
        text = "\n".join("\t".join([name, "about", *genes]) for name, genes in sets.items())
    else:
        rows = [f"{gene},{name}" for name, genes in sets.items() for gene in genes]
        text = "\n".join(["gene,pathway", *rows])
    layout, files = given_file(tmp_path, text + "\n", kind="pathways")
    found = encode(draw_counts(), layout, None, files).transforms[0].layout
    assert found.width == 8
    places = dict(zip(found.genes, zip(*divmod(found.pixels, 8), strict=True), strict=True))
    for part in range(4):
        patch = {places[f"g{number}"] for number in range(40) if number % 4 == part}
        assert is_connected({(int(row), int(column)) for row, column in patch})


def is_connected(patch: set[tuple[int, int]]) -> bool:
    reached, waiting = set(), [min(patch)]
    while waiting:
        row, column = waiting.pop()
        reached.add((row, column))
        around = [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        waiting += [place for place in around if place in patch - reached]
    return reached == patch


def test_a_given_layout_that_was_not_fetched_is_said(tmp_path):
    layout, _ = given_file(tmp_path, "gene,row,column\ng1,0,0\n", kind="file")
    with pytest.raises(InputError, match="not among the fetched files"):
        encode(draw_counts(), layout)


def test_too_few_genes_are_said():
    with pytest.raises(InputError, match="too few genes for umap; found '3'"):
        encode(draw_counts(60, 3), CellLayout(kind="umap"))
    layout = encode(draw_counts(60, 2), CellLayout(kind="clustered")).transforms[0].layout
    assert sorted(layout.pixels.tolist()) == [0, 1]


@pytest.mark.parametrize("kind", ["tsne", "pca", "clustered"])
@pytest.mark.parametrize("genes", [4, 9])
def test_genes_that_are_all_alike_get_pixels_of_their_own(kind, genes):
    layout = encode(np.full((10, genes), 3.0), CellLayout(kind=kind)).transforms[0].layout
    assert len(set(layout.pixels.tolist())) == genes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 9}, "a layout of another version"),
        ({"pixels": [0, 1]}, "a damaged layout"),
        ({"pixels": [0] * 6}, "a damaged layout"),
        ({"pixels": [99, *range(5)]}, "a damaged layout"),
        ({"assignment": "other"}, "a damaged layout"),
        ({"height": None}, "not a layout"),
        ({"coordinates": [[1, 2]]}, "a damaged layout"),
    ],
    ids=["version", "short", "shared", "outside", "assignment", "height", "coordinates"],
)
def test_damaged_layouts_are_refused(tmp_path, change, message):
    transform = encode(draw_counts(60, 6), CellLayout(kind="plain")).transforms[0]
    write_transform(tmp_path / "t.json", transform)
    data = json.loads((tmp_path / "t.json").read_text())
    data["layout"] |= change
    (tmp_path / "t.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        read_transform(tmp_path / "t.json")


def test_transforms_without_a_layout_are_read_as_before(tmp_path):
    transform = encode(draw_counts(60, 6), CellLayout(kind="plain")).transforms[0]
    write_transform(tmp_path / "t.json", replace(transform, layout=None))
    assert "layout" not in json.loads((tmp_path / "t.json").read_text())
    assert read_transform(tmp_path / "t.json").layout is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "file"}, "source belongs to the kinds file and pathways"),
        ({"kind": "tsne", "source": {"path": "a"}}, "source belongs to the kinds"),
        ({"kind": "clustered", "size": 8}, "size is of squares"),
        ({"kind": "plain", "assignment": "average"}, "nothing to average"),
        ({"kind": "tsne", "unlisted": "append"}, "unlisted is of kind file"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CellLayout.model_validate(options)
