"""Proteins with labels for each residue: what is read, and what it is compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.ingest import FoldName, Reading
from bioseq_dl.config.sources import Source


class _ResidueInput(Section):
    source: Source
    """The file."""
    name: str | None = None
    """Put before each id as ``name/id``, so that two files may share ids."""
    split: FoldName | None = None
    """Official fold of every record of the file."""


class LabelTable(_ResidueInput):
    """A table with a protein a row: CSV, TSV (plain or compressed) or Parquet."""

    format: Literal["table"]
    """How the file is read."""
    id_column: str = "id"
    """Column of the id."""
    sequence_column: str = "sequence"
    """Column of the sequence."""
    q8_column: str | None = None
    """Column of eight states, a letter a residue; an empty cell is a protein without them."""
    q3_column: str | None = None
    """Column of three states; made of the eight where it is not given."""
    resolved_column: str | None = None
    """Column of 1 and 0, a digit a residue: whether the experiment resolved it. Residues that
    it did not are labels of the head disorder, and of no other."""
    scored_column: str | None = None
    """Column of 1 and 0: residues that count; the others have no label at all."""
    split_column: str | None = None
    """Column that holds the official fold."""

    @model_validator(mode="after")
    def _labels_given(self) -> LabelTable:
        if self.q8_column is None and self.q3_column is None and self.resolved_column is None:
            raise ValueError("give q8_column, q3_column or resolved_column")
        if self.split is not None and self.split_column is not None:
            raise ValueError("two sources of the official fold: split and split_column")
        return self


class LabelFasta(_ResidueInput):
    """A FASTA file of sequences, and others of labels with the same ids, plain or compressed."""

    format: Literal["fasta"]
    """How the file is read."""
    q8: Source | None = None
    """FASTA of eight states."""
    q3: Source | None = None
    """FASTA of three states; made of the eight where it is not given."""
    resolved: Source | None = None
    """FASTA of 1 and 0: whether the experiment resolved the residue; alone, it labels the head
    disorder."""

    @model_validator(mode="after")
    def _labels_given(self) -> LabelFasta:
        if self.q8 is None and self.q3 is None and self.resolved is None:
            raise ValueError("give q8, q3 or resolved")
        return self


class StructureInput(_ResidueInput):
    """A structure in PDB or mmCIF format, or an archive (tar, zip) of such files.

    Each protein chain becomes a record; its labels come from its coordinates.
    """

    format: Literal["structure"]
    """How the file is read."""
    program: Literal["auto", "mkdssp", "builtin"] = "auto"
    """What assigns states and accessibility: ``mkdssp``, or our own implementation of DSSP;
    ``auto`` takes mkdssp where it is installed and can read the file."""


class ProteinNetInput(_ResidueInput):
    """Chains with DSSP strings as the package sidechainnet holds them (ProteinNet's lists)."""

    format: Literal["proteinnet"]
    """How the file is read."""
    list: Source | None = None
    """The lists of ids (a JSON file of the same package); without it, all chains."""
    list_name: str | None = None
    """Name of a list in it, such as ``training_30`` or ``validation``."""
    limit: int | None = Field(default=None, ge=1)
    """Stop after so many proteins that can be used."""

    @model_validator(mode="after")
    def _list_whole(self) -> ProteinNetInput:
        if (self.list is None) != (self.list_name is None):
            raise ValueError("list and list_name belong together")
        return self


ResidueInput = Annotated[
    LabelTable | LabelFasta | StructureInput | ProteinNetInput, Field(discriminator="format")
]


class Embeddings(Section):
    """Numbers for each residue from elsewhere, such as a language model's output.

    HDF5: a dataset (residues, features) per id. Parquet: columns ``id`` and ``embedding``, a
    list of residues * features numbers a row, residue by residue.
    """

    source: Source
    """The file."""
    features: int = Field(ge=1)
    """Numbers a residue."""


class ResidueIngest(Reading):
    """Proteins and labels of their residues."""

    inputs: tuple[ResidueInput, ...] = Field(min_length=1)
    """The files, in order."""
    alphabet: Literal["protein"] = "protein"
    """Amino acids; U is read as C and O as K; B, J, X and Z are unknown."""
    max_length: int = Field(default=5_000, ge=1)
    """Longer sequences are rejected."""
    max_unknown_fraction: float = Field(default=0.5, ge=0, le=1)
    """Sequences with a larger share of X are rejected."""
    reduction: Literal["standard", "no_pi", "strict"] = "standard"
    """How three states follow from eight: ``standard`` reads H, G, I as H and E, B as E;
    ``no_pi`` reads I as coil; ``strict`` takes H and E alone."""
    embeddings: Embeddings | None = None
    """Further inputs of the network for each residue."""


class ResidueBaselines(Section):
    """Comparisons on the same folds."""

    prior: bool = True
    """What train has most of: the commonest state, the mean."""
    window: int | None = Field(default=17, ge=1)
    """Residues around each that a linear model reads (logistic regression on one-hot; ridge for
    numbers); an odd number. Null leaves it out."""
    window_residues: int = Field(default=100_000, ge=1_000)
    """At most so many residues of train are drawn to fit it."""
    seed: int = Field(default=0, ge=0)
    """Of that draw."""

    @model_validator(mode="after")
    def _centred(self) -> ResidueBaselines:
        if self.window is not None and self.window % 2 == 0:
            raise ValueError("window must be odd: as many residues on either side")
        return self
