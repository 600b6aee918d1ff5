"""Which record is trained on, chosen on, and tested on; and how leakage is judged."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section


class Audit(Section):
    """Search for the same or nearly the same sequence in two folds."""

    alphabet: ClassVar[Literal["dna", "protein"]] = "dna"
    column: ClassVar[str] = "sequence"
    """Of records.parquet: what is compared."""

    policy: Literal["fail", "drop", "report"] = "fail"
    """``fail`` stops the run above the limit; ``drop`` removes the leaking records from
    train (then val), never from test; ``report`` only tells."""
    protect: Literal["test", "test_and_val"] = "test_and_val"
    """What ``drop`` takes out of train: records that leak into these. Relatives in train and val
    flatter the choice of the epoch, not the result; ``test`` keeps them to learn from."""
    near_duplicates: bool = True
    """Look for near duplicates too, not for equal sequences alone."""
    containment: float = Field(default=0.5, gt=0, le=1)
    """Two sequences are near duplicates when they share at least this part of the
    k-mers (either strand) of the one with fewer."""
    kmer: int = Field(default=16, ge=8, le=31)
    """Length of those k-mers; longer than a transcription-factor motif."""
    both_strands: bool = True
    """Count a reverse complement as the same sequence."""
    overlaps: bool = True
    """Look for overlapping genome intervals, where records have coordinates."""
    max_leaking_fraction: float = Field(default=0.0, ge=0, le=1)
    """Share of test (or val) records that may leak before ``fail`` stops the run."""
    max_pairs: int = Field(default=1000, ge=1)
    """Pairs listed, the worst first."""

    @property
    def near_search(self) -> Literal["kmers", "identity"]:
        """How near duplicates are found."""
        return "kmers"


class Split(Section):
    """A fold per record."""

    method: Literal["official", "random", "chromosome", "group", "homology"] = "random"
    """``official``: the inputs' split or split_column; ``random``: stratified by class (or
    by quantile); ``chromosome``: named contigs; ``group``: groups stay whole;
    ``homology``: clusters of similar sequences stay whole."""
    val_fraction: float = Field(default=0.1, ge=0, lt=1)
    """Share for validation; with ``official`` used only where no record is marked val."""
    test_fraction: float = Field(default=0.2, ge=0, lt=1)
    """Share for test (one fold of it; k-fold takes 1/k)."""
    folds: int = Field(default=1, ge=1, le=100)
    """2 or more: k-fold cross-validation; every record is tested once."""
    seed: int = Field(default=0, ge=0)
    """Of every draw made here."""
    val_chromosomes: tuple[str, ...] = ()
    """Contigs for validation (method ``chromosome``)."""
    test_chromosomes: tuple[str, ...] = ()
    """Contigs for test (method ``chromosome``)."""
    homology_containment: float = Field(default=0.3, gt=0, le=1)
    """Method ``homology``: sequences that share this part of their k-mers are one cluster."""
    deduplicate: bool = False
    """Keep one of several equal sequences within a fold; drop all where labels disagree."""
    audit: Audit = Audit()
    """How leakage is looked for and what follows."""

    @model_validator(mode="after")
    def _method_fits(self) -> Split:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction + test_fraction must leave something to train on")
        named = bool(self.val_chromosomes or self.test_chromosomes)
        if named and self.method != "chromosome":
            raise ValueError("val_chromosomes and test_chromosomes need method: chromosome")
        if self.method == "chromosome" and self.folds == 1 and not self.test_chromosomes:
            raise ValueError("method chromosome needs test_chromosomes, or folds of 2 or more")
        if set(self.val_chromosomes) & set(self.test_chromosomes):
            raise ValueError("a chromosome is in both val_chromosomes and test_chromosomes")
        if self.method == "official" and self.folds > 1:
            raise ValueError("method official has one fold; use random, group or homology")
        return self


_OF_SEARCH = {
    "identity": ("identity", "coverage", "coverage_of", "evalue", "program"),
    "kmers": ("containment", "kmer"),
}
_OF_CLUSTERS = {
    "identity": ("homology_identity", "homology_coverage"),
    "kmers": ("homology_containment",),
}


def _refuse_unused(section: Section, search: str, options: dict[str, tuple[str, ...]]) -> None:
    """Refuse an option of the other search, unless it has its default."""
    for other, names in options.items():
        for name in names:
            if (
                other != search
                and getattr(section, name) != type(section).model_fields[name].default
            ):
                raise ValueError(f"{name} needs audit.search: {other}; it is {search}")


class ProteinAudit(Audit):
    """Search for the same protein, or a homologous one, in two folds."""

    alphabet: ClassVar[Literal["dna", "protein"]] = "protein"

    search: Literal["identity", "kmers"] = "identity"
    """What near duplicates are: ``identity``: homologous proteins, by alignment; ``kmers``:
    those that share k-mers, which is quicker and sees close relatives only."""
    identity: float = Field(default=0.25, gt=0, le=1)
    """Least share of identical residues in the alignment, gaps counted, of homologous proteins
    (the threshold of NetSurfP-2.0)."""
    coverage: float = Field(default=0.5, gt=0, le=1)
    """Least share of a protein that the alignment spans."""
    coverage_of: Literal["shorter", "both"] = "shorter"
    """Of the shorter protein of a pair, or of both."""
    evalue: float = Field(default=1e-3, gt=0, le=10)
    """Greatest E-value of an alignment: what keeps chance out."""
    program: Literal["auto", "mmseqs", "builtin"] = "auto"
    """``mmseqs``: MMseqs2; ``builtin``: alignments of all pairs, which overlook nothing, in a
    time that grows with the product of the two sets' residues; ``auto``: MMseqs2 where it is
    installed. The two differ a little: name one where results must not hang on the machine."""
    kmer: int = Field(default=5, ge=3, le=12)
    """Length of those k-mers, in residues: two unrelated proteins of 300 residues share one of
    five by chance in three cases of a hundred."""
    both_strands: Literal[False] = False
    """Proteins have one strand."""
    overlaps: Literal[False] = False
    """Proteins have no place on a genome."""

    @model_validator(mode="after")
    def _options_are_used(self) -> ProteinAudit:
        _refuse_unused(self, self.search, _OF_SEARCH)
        return self

    @property
    def near_search(self) -> Literal["kmers", "identity"]:
        """How near duplicates are found."""
        return self.search


class ProteinSplit(Split):
    """A fold per protein."""

    homology_identity: float = Field(default=0.25, gt=0, le=1)
    """Method ``homology``: proteins of this identity are one cluster (``audit.search`` identity;
    with kmers, homology_containment is asked)."""
    homology_coverage: float = Field(default=0.5, gt=0, le=1)
    """Share of a protein that the alignment of two of a cluster spans."""
    audit: ProteinAudit = ProteinAudit()
    """How leakage is looked for and what follows; how clusters are, too."""

    @model_validator(mode="after")
    def _options_are_used(self) -> ProteinSplit:
        _refuse_unused(self, self.audit.search, _OF_CLUSTERS)
        return self


class VariantAudit(Audit):
    """Search for the same variant in two folds."""

    alphabet: ClassVar[Literal["dna", "protein"]] = "protein"

    near_duplicates: bool = False
    """Look for near duplicates too: the variants of one wild type all are."""
    kmer: int = Field(default=5, ge=3, le=12)
    """Length of those k-mers, in residues."""
    both_strands: Literal[False] = False
    """Proteins have one strand."""
    overlaps: Literal[False] = False
    """Proteins have no place on a genome."""


class VariantSplit(Split):
    """A fold per variant."""

    audit: VariantAudit = VariantAudit()
    """How leakage is looked for and what follows."""
