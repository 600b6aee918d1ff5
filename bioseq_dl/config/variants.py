"""Which variants are scored, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bioseq_dl.config.base import Section
from bioseq_dl.config.sources import Source


class _Scored(Section):
    source: Source
    """The file."""
    fold: int | None = Field(default=None, ge=0)
    """Score with the seeds of this fold's models; without it, with those of all folds."""
    scale: Literal["raw", "probability"] = "raw"
    """``raw`` is what the network gives: logits for binary and multiclass targets, values for
    regression. ``probability`` applies the sigmoid or softmax of each model first."""
    targets: tuple[str, ...] = ()
    """Targets to write; without it all."""
    max_unknown_fraction: float = Field(default=0.1, ge=0, le=1)
    """Alleles whose window holds a larger share of N and other ambiguity codes have no score."""


class VcfVariants(_Scored):
    """Variants of a genome: VCF (plain, gzip, bgzip) or BCF in, annotated VCF out."""

    format: Literal["vcf"]
    """How the file is read."""
    genome: Source
    """Genome FASTA of the VCF's assembly: plain, gzip, bgzip or xz."""
    window: int | None = Field(default=None, ge=1)
    """Bases the model reads around a variant; default, and where the model has weights for
    each place only allowed, the length it was trained with."""
    mismatch: Literal["strict", "skip", "flip"] = "skip"
    """Where REF is not what the genome holds: stop at the first, leave the allele without a
    score and say so, or, where the genome holds ALT, score it the other way round."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Effects are small differences, which bf16 may drown: it is refused where the ranking of
    a sample of effects does not hold (Spearman below .99)."""
    prefix: str = Field(default="BDL", pattern=r"^[A-Za-z_][0-9A-Za-z_.]*$")
    """Start of the INFO keys that are written."""


class MutationTable(_Scored):
    """Mutations of a sequence in a table: ``A24G``, several by comma."""

    format: Literal["mutations"]
    """How the file is read."""
    wild_type: Source
    """FASTA with the sequence that is mutated."""
    column: str = "variant"
    """Column of the mutations."""
    id_column: str | None = None
    """Column of the id; without it ids are ``row1``, ``row2``, …"""
    first: int = 1
    """Number of the wild type's first letter."""


VariantsInput = Annotated[VcfVariants | MutationTable, Field(discriminator="format")]
