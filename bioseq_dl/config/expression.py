"""Matrices of cells (or samples) by genes: what is read, and how it is encoded."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.cell_layout import CellLayout
from bioseq_dl.config.ingest import FoldName
from bioseq_dl.config.sources import Source
from bioseq_dl.config.split import Audit, Split

Values = Literal["counts", "normalised", "logged"]


class CellTable(Section):
    """A table of what is known of each cell, beside the matrix: CSV, TSV or Parquet."""

    source: Source
    """The file."""
    id_column: str | None = None
    """Column of the cells' ids as the matrix has them; the first where it is not given."""


class _MatrixInput(Section):
    source: Source
    """The file."""
    name: str | None = None
    """Put before each id as ``name/id``, so that two files may share barcodes."""
    annotations: CellTable | None = None
    """Table that holds the columns below; without it they are columns of the file itself."""
    labels: dict[str, str | float] = Field(default_factory=dict)
    """Target: value, the same for every cell of the file."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Target: column of its values."""
    split: FoldName | None = None
    """Official fold of every cell of the file."""
    split_column: str | None = None
    """Column of the official fold."""
    group_column: str | None = None
    """Column of the group (donor, patient, batch) that method ``group`` keeps whole."""
    batch_column: str | None = None
    """Column of the batch, kept beside each cell for figures."""

    @model_validator(mode="after")
    def _one_label_source(self) -> _MatrixInput:
        both = sorted(set(self.labels) & set(self.columns))
        if both:
            raise ValueError(f"two sources of labels for {', '.join(both)}: labels and columns")
        if self.split is not None and self.split_column is not None:
            raise ValueError("two sources of the official fold: split and split_column")
        return self

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Columns that are read of each cell, each once."""
        others = (self.split_column, self.group_column, self.batch_column)
        found = [*self.columns.values(), *(name for name in others if name is not None)]
        return tuple(dict.fromkeys(found))


class H5adInput(_MatrixInput):
    """An AnnData file."""

    format: Literal["h5ad"]
    """How the file is read."""
    matrix: str = Field(default="X", pattern=r"^(X|raw|layers/.+)$")
    """Which matrix: ``X``, ``raw`` (its X, with its genes) or ``layers/NAME``."""
    gene_column: str | None = None
    """Column of ``var`` that names the genes; its index where it is not given."""


class _TenX(_MatrixInput):
    genes: Literal["id", "symbol"] = "symbol"
    """What names the genes: the first (id) or the second (symbol) column of the features."""
    feature_type: str = "Gene Expression"
    """Features of other types (antibodies, guides) are left out; old files have genes only."""
    genome: str | None = None
    """Which genome, where the file holds several."""

    @model_validator(mode="after")
    def _labels_beside(self) -> _TenX:
        if self.known_columns and self.annotations is None:
            raise ValueError(
                "a 10x matrix has no columns of its cells: give annotations, a table beside it"
            )
        return self


class TenXFolderInput(_TenX):
    """A Cell Ranger folder: an archive (tar, zip) of it, or its three files.

    Old (``genes.tsv``, ``matrix.mtx``) and new (``features.tsv.gz``, ``matrix.mtx.gz``) alike.
    """

    format: Literal["10x_mtx"]
    """How the file is read. ``source`` is the archive, or ``matrix.mtx``, plain or compressed."""
    features: Source | None = None
    """``genes.tsv`` or ``features.tsv``, plain or compressed, unless ``source`` is an archive."""
    barcodes: Source | None = None
    """``barcodes.tsv``, plain or compressed, unless ``source`` is an archive."""

    @model_validator(mode="after")
    def _both_or_none(self) -> TenXFolderInput:
        if (self.features is None) != (self.barcodes is None):
            raise ValueError("features and barcodes belong together")
        return self


class TenXHdf5Input(_TenX):
    """A Cell Ranger ``.h5`` file of counts, of version 2 or of 3 and later."""

    format: Literal["10x_h5"]
    """How the file is read."""


class LoomInput(_MatrixInput):
    """A loom file."""

    format: Literal["loom"]
    """How the file is read."""
    layer: str | None = None
    """Which layer; the main matrix where it is not given."""
    gene_attribute: str = "Gene"
    """Row attribute that names the genes."""
    cell_attribute: str = "CellID"
    """Column attribute that names the cells."""


class MatrixTable(_MatrixInput):
    """A table of numbers: CSV, TSV (plain or compressed) or Parquet."""

    format: Literal["table"]
    """How the file is read."""
    rows: Literal["samples", "genes"]
    """What a row is. Columns that are neither id nor gene (of ``rows: samples`` labels, group and
    the like) are those named in this input, and `ignore`."""
    id_column: str | None = None
    """Column of the rows' names; the first where it is not given."""
    ignore: tuple[str, ...] = ()
    """Columns to leave out."""

    @model_validator(mode="after")
    def _labels_beside(self) -> MatrixTable:
        if self.rows == "genes" and self.known_columns and self.annotations is None:
            raise ValueError(
                "a table with genes in rows has no columns of its samples: "
                "give annotations, a table beside it"
            )
        return self


MatrixInput = Annotated[
    H5adInput | TenXFolderInput | TenXHdf5Input | LoomInput | MatrixTable,
    Field(discriminator="format"),
]


class Quality(Section):
    """Which cells are left out; null does not ask. Each is judged by its own values alone."""

    min_genes: int = Field(default=1, ge=1)
    """Fewest genes with a value other than 0."""
    max_genes: int | None = Field(default=None, ge=1)
    """Most such genes; more point at two cells in one droplet."""
    min_counts: float | None = Field(default=None, ge=0)
    """Least sum of counts."""
    max_mitochondrial: float | None = Field(default=None, ge=0, le=1)
    """Largest share of the counts in mitochondrial genes."""
    mitochondrial_prefix: str = Field(default="MT-", min_length=1)
    """How their symbols begin, whatever the case."""

    @property
    def of_counts(self) -> tuple[str, ...]:
        """Thresholds that are set and mean something of counts alone."""
        names = ("min_counts", "max_mitochondrial")
        return tuple(name for name in names if getattr(self, name) is not None)


class RareClasses(Section):
    """What becomes of classes with few cells."""

    least: int = Field(ge=2)
    """A class with fewer cells, after quality control, is rare."""
    rule: Literal["error", "drop", "pool"] = "error"
    """``error`` stops; ``drop`` leaves the cells out; ``pool`` gives them the class `pool`."""
    pool: str | None = None
    """Class (of ``targets.classes``) of the cells of all rare classes."""

    @model_validator(mode="after")
    def _pool_named(self) -> RareClasses:
        if (self.rule == "pool") != (self.pool is not None):
            raise ValueError("rule pool and a class to pool into belong together")
        return self


class ExpressionIngest(Section):
    """Matrices to cells."""

    alphabet: ClassVar[str] = ""

    inputs: tuple[MatrixInput, ...] = Field(min_length=1)
    """The files, in order."""
    values: Literal["auto", "counts", "normalised", "logged"] = "auto"
    """What the numbers are. ``auto``: ``counts`` where all are whole and none is negative;
    ``logged`` where one is negative or none is above 50; ``normalised`` (to a common sum, or
    intensities) otherwise. Counts that are no whole numbers are refused."""
    negative: Literal["error", "allow"] = "error"
    """Numbers below 0: ratios, z-scores."""
    missing: Literal["error", "allow"] = "error"
    """Empty or NaN: proteins and metabolites that were not detected. The network reads the mean
    of train instead."""
    duplicate_genes: Literal["error", "sum", "mean"] = "error"
    """Columns of one gene: ``sum`` adds them (counts), ``mean`` averages them (probes)."""
    mixed_ids: Literal["error", "allow"] = "error"
    """Genes of which a tenth or more are Ensembl ids and a tenth or more are not."""
    combine_genes: Literal["same", "intersection"] = "same"
    """Of several inputs: all must hold the same genes, in any order; or take the genes that all
    have."""
    quality: Quality = Quality()
    """Which cells are left out."""
    rare_classes: RareClasses | None = None
    """What becomes of classes with few cells; null keeps them."""
    unlabelled: Literal["reject", "keep"] = "reject"
    """Cells without a label of any target; some must have one."""
    max_rejected_fraction: float = Field(default=0.5, ge=0, le=1)
    """A larger share of rejected cells, quality control included, fails the run."""
    duplicate_ids: Literal["error", "number"] = "error"
    """``number`` appends ``.2``, ``.3`` … to repeated ids."""


def _refuse_given(section: Section, names: tuple[str, ...]) -> None:
    """Refuse an option of sequences, unless it has its default."""
    for name in names:
        if getattr(section, name) != type(section).model_fields[name].default:
            raise ValueError(f"{name} is of sequences: cells have no k-mers")


class CellAudit(Audit):
    """Search for the same cell, number by number, in two folds."""

    column: ClassVar[str] = "profile"

    near_duplicates: Literal[False] = False
    """Cells of one type are all alike."""
    both_strands: Literal[False] = False
    """Cells have no strands."""
    overlaps: Literal[False] = False
    """Cells have no place on a genome."""

    @model_validator(mode="after")
    def _no_sequences(self) -> CellAudit:
        _refuse_given(self, ("containment", "kmer"))
        return self


class ExpressionSplit(Split):
    """A fold per cell."""

    method: Literal["official", "random", "group"] = "random"
    """``official``: the inputs' split or split_column; ``random``: stratified by class (or by
    quantile); ``group``: donors, patients or batches stay whole."""
    audit: CellAudit = CellAudit()
    """How leakage is looked for and what follows."""

    @model_validator(mode="after")
    def _no_sequences(self) -> ExpressionSplit:
        _refuse_given(self, ("homology_containment",))
        return self


class ExpressionEncode(Section):
    """Numbers to what a network reads. All that is fitted is fitted on train, fold by fold."""

    normalise: Literal["auto"] | bool = "auto"
    """Scale each cell to `target_sum`: ``auto`` does so with counts."""
    target_sum: float = Field(default=10_000, gt=0)
    """Sum of each cell after it."""
    log: Literal["auto"] | bool = "auto"
    """Natural logarithm of 1 + value: ``auto`` where values are not logged yet; a second
    logarithm is refused."""
    min_cells: int = Field(default=3, ge=1)
    """Genes with a value other than 0 in fewer cells of train are left out."""
    max_missing: float = Field(default=0.5, ge=0, lt=1)
    """Genes with a larger share of missing values in train are left out."""
    variable_genes: int | None = Field(default=2000, ge=1)
    """So many of the most variable genes are kept; null keeps all."""
    variability: Literal["auto", "dispersion", "variance"] = "auto"
    """``dispersion``: variance over mean, against genes of like mean (Satija et al. 2015, as
    scanpy's flavour seurat), of logged counts; ``variance`` of any numbers; ``auto``: dispersion
    of counts."""
    scale: bool = True
    """Take each gene's mean of train away and divide by its standard deviation there."""
    clip: float | None = Field(default=10.0, gt=0)
    """Largest absolute value after scaling."""
    layout: CellLayout | None = None
    """Places of the genes in a picture or an order; null leaves them a vector."""
