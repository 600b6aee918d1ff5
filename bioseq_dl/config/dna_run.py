"""A run of the task dna_sequence."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.ingest import Ingest, Targets
from bioseq_dl.config.interpret import Explain
from bioseq_dl.config.landscape import Landscape
from bioseq_dl.config.model import Encode, Model
from bioseq_dl.config.residues import Embeddings
from bioseq_dl.config.run_checks import (
    RUN_NAME,
    check_labels,
    check_loss,
    check_preset,
    check_published,
    check_targets,
)
from bioseq_dl.config.split import Split
from bioseq_dl.config.train import Baselines, Evaluate, Published, Train
from bioseq_dl.config.tune import Tune
from bioseq_dl.config.tune_space import check_tune
from bioseq_dl.config.variants import VariantsInput


class DnaRun(Section):
    """Regulatory DNA or RNA: a label per sequence."""

    task: Literal["dna_sequence"]
    """What kind of data is learnt from."""
    title: str | None = None
    """Heading in the report."""
    targets: Targets = Targets()
    """What is predicted."""
    ingest: Ingest
    """Files to records."""
    split: Split = Split()
    """A fold per record, and the audit."""
    encode: Encode = Encode()
    """Sequences to codes."""
    model: Model = Model(preset="cnn")
    """The network."""
    train: Train = Train()
    """The training loop."""
    tune: Tune | None = None
    """A search for the sizes and settings to train with; null does not search."""
    baselines: Baselines = Baselines()
    """Comparisons on the same folds."""
    evaluate: Evaluate = Evaluate()
    """Metrics and their uncertainty."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""
    variants: dict[str, VariantsInput] = Field(default_factory=dict)
    """Name: variants that the trained models score."""
    explain: Explain | None = None
    """What the network looks at; null does not ask."""
    embeddings: ClassVar[Embeddings | None] = None
    """Further inputs for each position: none."""
    landscape: ClassVar[Landscape | None] = None
    """Single mutants of a wild type: not of DNA."""

    @model_validator(mode="after")
    def _sections_agree(self) -> DnaRun:
        check_labels(self)
        check_preset(self, "cnn or another preset of sequences, or layers of your own")
        if self.model.scales:
            raise ValueError("model.scales are of amino acids: task protein_fitness or _residue")
        if self.model.needs_length and self.encode.length is None:
            name = self.model.preset
            what = f"preset {name}" if name is not None else self.model.needs_length
            raise ValueError(f"model.{what} needs encode.length: one length for all")
        check_loss(self)
        self._check_variants()
        self._check_explain()
        if self.baselines.additive and self.encode.length is None:
            raise ValueError("baselines.additive needs encode.length: one length for all")
        check_published(self)
        check_tune(self)
        return self

    def _check_variants(self) -> None:
        for name, entry in self.variants.items():
            if not re.fullmatch(RUN_NAME, name):
                raise ValueError(f"variants name {name!r} must match {RUN_NAME}: it names a folder")
            where = f"variants.{name}"
            check_targets(where, entry.targets, self.targets.names)
            if entry.fold is not None and entry.fold >= self.split.folds:
                raise ValueError(f"{where}.fold: folds count from 0 to {self.split.folds - 1}")
            if entry.scale == "probability" and self.targets.kind == "regression":
                raise ValueError(f"{where}.scale: a regression has no probabilities; use raw")

    def _check_explain(self) -> None:
        if self.explain is None:
            return
        check_targets("explain", self.explain.targets, self.targets.names)
        for part in ("recurrent", "wide"):
            if "deeplift" in self.explain.methods and getattr(self.model, part) is not None:
                raise ValueError(
                    f"explain.methods: deeplift needs a network without {part}; "
                    "use integrated_gradients or mutagenesis"
                )
