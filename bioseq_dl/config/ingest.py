"""What is read, and how labels are found in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.heads import HEADS
from bioseq_dl.config.sources import Source

FoldName = Literal["train", "val", "test"]


class Targets(Section):
    """What the model predicts: one or more targets of one kind."""

    kind: Literal["binary", "multiclass", "regression", "residues"] = "binary"
    """``binary`` with several names is multi-label; ``multiclass`` shares its classes;
    ``residues`` is the kind of the task protein_residue: labels of each residue."""
    names: tuple[str, ...] = ("label",)
    """A name per target, in output order; of ``residues`` some of q3, q8, disorder, rsa,
    angles."""
    classes: tuple[str, ...] = ()
    """Class names in order of their codes 0, 1, …; required for ``multiclass``, optional
    for ``binary`` (negative first), empty for ``regression``."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Of ``residues``: head: factor of its loss; 1 where not given."""

    @model_validator(mode="after")
    def _classes_fit(self) -> Targets:
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError("names must be one or more different names")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes must differ from each other")
        if self.kind == "multiclass" and len(self.classes) < 2:
            raise ValueError("multiclass needs two or more classes")
        if self.kind == "binary" and len(self.classes) not in (0, 2):
            raise ValueError("binary takes no classes or two: [negative, positive]")
        if self.kind in ("regression", "residues") and self.classes:
            raise ValueError(f"{self.kind} takes no classes")
        if self.kind == "residues" and (unknown := sorted(set(self.names) - set(HEADS))):
            raise ValueError(f"unknown name {unknown[0]!r}; of residues: {', '.join(HEADS)}")
        if unknown := sorted(set(self.weights) - set(self.names if self.per_residue else ())):
            raise ValueError(f"weights of {unknown[0]!r}: give them to heads that names lists")
        return self

    def weight(self, name: str) -> float:
        """Factor of a head's loss."""
        return self.weights.get(name, 1.0)

    @property
    def per_residue(self) -> bool:
        """Whether labels and outputs are of each residue, not of each record."""
        return self.kind == "residues"

    @property
    def of_records(self) -> tuple[str, ...]:
        """Names of the targets that each record has one value of."""
        return () if self.per_residue else self.names

    @property
    def outputs(self) -> tuple[str, ...]:
        """What a network gives, in order (each for every class, where there are classes)."""
        if not self.per_residue:
            return self.names
        return tuple(output for name in self.names for output in HEADS[name].outputs)

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns of labels, in order."""
        if not self.per_residue:
            return self.names
        return tuple(label for name in self.names for label in HEADS[name].labels)


class _Input(Section):
    source: Source
    """The file."""
    name: str | None = None
    """Put before each id as ``name/id``, so that two files may share ids."""
    labels: dict[str, str | float] = Field(default_factory=dict)
    """Target: value, the same for every record of the file (a file per class)."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Target: where its value stands: a table's column, a ``key=value`` of a FASTA
    header, or a BED column by name or ``column7`` (counted from 1)."""
    split: FoldName | None = None
    """Official fold of every record of the file."""
    split_column: str | None = None
    """Column, header key or BED column that holds the official fold."""
    group_column: str | None = None
    """Column, header key or BED column that holds the group (donor, family, locus)."""

    @model_validator(mode="after")
    def _one_label_source(self) -> _Input:
        both = sorted(set(self.labels) & set(self.columns))
        if both:
            raise ValueError(f"two sources of labels for {', '.join(both)}: labels and columns")
        if self.split is not None and self.split_column is not None:
            raise ValueError("two sources of the official fold: split and split_column")
        return self


class FastaInput(_Input):
    """A FASTA file, plain, gzip or bgzip."""

    format: Literal["fasta"]
    """How the file is read."""


class TableInput(_Input):
    """A table with a sequence a row: CSV, TSV (plain or gzip) or Parquet."""

    format: Literal["table"]
    """How the file is read."""
    sequence_column: str = "sequence"
    """Column of the sequence."""
    id_column: str | None = None
    """Column of the id; without it ids are ``row1``, ``row2``, …"""


class Negatives(Section):
    """Windows without a peak, drawn from the genome with the peaks' GC content."""

    ratio: float = Field(default=1.0, gt=0, le=100)
    """Negatives per accepted interval."""
    gc_bins: int = Field(default=20, ge=1, le=100)
    """GC content is matched in this many equal bins between 0 and 1."""
    exclude_bp: int = Field(default=0, ge=0)
    """Distance kept from every interval of the file."""
    seed: int = Field(default=0, ge=0)
    """Of the draw."""


class IntervalsInput(_Input):
    """BED or narrowPeak intervals (0-based, half-open) cut from a genome FASTA."""

    format: Literal["bed", "narrowpeak"]
    """How the file is read."""
    genome: Source
    """Genome FASTA: plain, gzip, bgzip or xz."""
    window: int | None = Field(default=None, ge=1)
    """Fixed width around the anchor; without it, intervals are cut as they are."""
    anchor: Literal["centre", "summit"] = "centre"
    """``summit`` is start + peak of a narrowPeak line (its tenth column)."""
    strand: Literal["use", "ignore"] = "use"
    """``use`` takes the reverse complement on the minus strand."""
    edges: Literal["reject", "pad"] = "reject"
    """A window beyond the contig is rejected, or filled with N."""
    negatives: Negatives | None = None
    """Draw negatives; every binary target then reads 1 for intervals and 0 for negatives."""


Input = Annotated[FastaInput | TableInput | IntervalsInput, Field(discriminator="format")]


class Reading(Section):
    """What all tasks say about files and their records."""

    inputs: tuple[Any, ...] = Field(min_length=1)
    """The files, in order."""
    alphabet: Literal["dna", "rna", "protein"]
    """What the letters stand for."""
    min_length: int = Field(default=1, ge=1)
    """Shorter sequences are rejected."""
    max_length: int = Field(default=100_000, ge=1)
    """Longer sequences are rejected."""
    max_unknown_fraction: float = Field(default=0.1, ge=0, le=1)
    """Sequences with a larger share of N and other IUPAC codes are rejected."""
    max_rejected_fraction: float = Field(default=0.1, ge=0, le=1)
    """A larger share of rejected records fails the run."""
    duplicate_ids: Literal["error", "number"] = "error"
    """``number`` appends ``.2``, ``.3`` … to repeated ids."""


class Ingest(Reading):
    """Files to records."""

    inputs: tuple[Input, ...] = Field(min_length=1)
    """The files, in order."""
    alphabet: Literal["dna", "rna"] = "dna"
    """``rna`` reads U as T; in ``dna`` a U is a bad letter."""


class VariantTable(_Input):
    """A table with a variant a row: CSV, TSV (plain or gzip) or Parquet."""

    format: Literal["table"] = "table"
    """How the file is read."""
    variant_column: str | None = None
    """Column of mutations of the wild type: ``A24G,D40V`` (or parted by ``;``, ``:``, ``/``,
    ``+`` or space); ``WT``, ``=`` or nothing is the wild type itself."""
    sequence_column: str | None = None
    """Column of whole sequences, instead of mutations."""
    id_column: str | None = None
    """Column of the id; without it ids are ``row1``, ``row2``, …"""
    replicate_column: str | None = None
    """Column that tells replicates apart: rows of one variant are averaged, rows of one
    variant and one replicate are repeats."""
    error_column: str | None = None
    """Column of the standard error of the measurement; records count in training by
    1 / (error² + median error²)."""
    weight_column: str | None = None
    """Column of a number by which a record counts in training, instead of an error."""

    @model_validator(mode="after")
    def _one_of_each(self) -> VariantTable:
        if (self.variant_column is None) == (self.sequence_column is None):
            raise ValueError("give variant_column or sequence_column, one of them")
        if self.error_column is not None and self.weight_column is not None:
            raise ValueError("two sources of weights: error_column and weight_column")
        return self


class VariantIngest(Reading):
    """Variants of a protein and their measurements."""

    inputs: tuple[VariantTable, ...] = Field(min_length=1)
    """The tables, in order."""
    alphabet: Literal["protein"] = "protein"
    """Amino acids; U is read as C and O as K; B, J, X and Z are unknown."""
    wild_type: Source | None = None
    """FASTA with the sequence whose variants these are; tables of mutations need it, or
    ``wild_type_sequence``."""
    wild_type_sequence: str | None = Field(default=None, pattern=r"^[A-Za-z]+\*?$")
    """The sequence itself, instead of a FASTA."""
    first: int = 1
    """Number of the wild type's first residue, as the mutations count."""
    repeats: Literal["reject", "mean"] = "reject"
    """Of rows with an equal sequence the first stays, or their mean."""

    @model_validator(mode="after")
    def _wild_type_given(self) -> VariantIngest:
        if self.wild_type is not None and self.wild_type_sequence is not None:
            raise ValueError("two wild types: wild_type and wild_type_sequence")
        for place, entry in enumerate(self.inputs):
            if entry.variant_column is not None and not self.has_wild_type:
                raise ValueError(
                    f"inputs[{place}].variant_column needs wild_type or wild_type_sequence"
                )
        return self

    @property
    def has_wild_type(self) -> bool:
        """Whether the variants are of a sequence that is known."""
        return self.wild_type is not None or self.wild_type_sequence is not None
