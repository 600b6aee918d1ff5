"""What is explained, and by which means."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.sources import Source


class ExplainedIntervals(Section):
    """Intervals of a genome to explain, each in a window around its centre."""

    source: Source
    """BED (0-based, half-open)."""
    genome: Source
    """Genome FASTA."""
    window: int | None = Field(default=None, ge=1)
    """Bases the model reads; default the length it was trained with."""
    strand: Literal["use", "ignore"] = "use"
    """``use`` takes the reverse complement on the minus strand."""


class Motifs(Section):
    """Motifs the network has learnt, matched with a database."""

    records: int = Field(default=500, ge=1)
    """Records with the highest scores whose attributions are searched for motifs."""
    release: str = "JASPAR2024"
    """JASPAR release, as pyjaspar names it; read offline from that package."""
    collection: str = "CORE"
    """JASPAR collection."""
    taxa: tuple[str, ...] = ("vertebrates",)
    """JASPAR taxonomic groups; empty is all."""
    database: Source | None = None
    """Motifs in JASPAR or MEME format instead of a JASPAR release."""
    min_sites: int = Field(default=20, ge=2)
    """Least stretches of high contribution that make a motif."""
    top: int = Field(default=3, ge=1)
    """Matches listed for each motif."""
    q_value: float = Field(default=0.05, gt=0, le=1)
    """Largest false discovery rate of a match that is called one."""


class Explain(Section):
    """What the network looks at: on records, on intervals, in general (motifs)."""

    records: int = Field(default=3, ge=0)
    """Records of a role with the highest score of each target, explained base by base."""
    role: Literal["val", "test"] = "test"
    """Whose records."""
    intervals: ExplainedIntervals | None = None
    """Intervals to explain beside the records."""
    methods: tuple[Literal["mutagenesis", "integrated_gradients", "deeplift"], ...] = (
        "mutagenesis",
    )
    """``mutagenesis`` puts each letter at each place (in silico) and works for every network,
    as integrated gradients do; DeepLIFT needs one without recurrence and ``wide``."""
    references: int = Field(default=20, ge=1)
    """Shuffled sequences (dinucleotides kept) that integrated gradients and DeepLIFT start
    from; the attributions are their mean."""
    steps: int = Field(default=50, ge=2)
    """Points on the path of integrated gradients."""
    targets: tuple[str, ...] = ()
    """Targets to explain (of multiclass, each class); without it all, up to ``max_targets``."""
    max_targets: int = Field(default=5, ge=1)
    """How many targets (or classes) are explained."""
    seed: int = Field(default=0, ge=0)
    """Of the shuffling."""
    motifs: Motifs | None = Motifs()
    """Search for motifs; null does not."""

    @model_validator(mode="after")
    def _something_to_do(self) -> Explain:
        if not self.methods or len(set(self.methods)) != len(self.methods):
            raise ValueError("methods must be one or more different methods")
        if not self.records and self.intervals is None and self.motifs is None:
            raise ValueError("nothing to explain: give records, intervals or motifs")
        return self
