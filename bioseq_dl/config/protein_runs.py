"""Runs of the tasks on proteins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.ingest import Targets, VariantIngest
from bioseq_dl.config.interpret import Explain
from bioseq_dl.config.landscape import Landscape
from bioseq_dl.config.model import Encode, Model
from bioseq_dl.config.residues import Embeddings, ResidueBaselines, ResidueIngest
from bioseq_dl.config.run_checks import check_labels, check_loss, check_preset, check_published
from bioseq_dl.config.split import ProteinSplit, VariantSplit
from bioseq_dl.config.train import Evaluate, Published, Train, VariantBaselines
from bioseq_dl.config.tune import Tune
from bioseq_dl.config.tune_space import check_tune
from bioseq_dl.config.variants import VariantsInput


class ProteinFitnessRun(Section):
    """The effect of mutations: a measured number per variant of a protein."""

    task: Literal["protein_fitness"]
    """What kind of data is learnt from."""
    title: str | None = None
    """Heading in the report."""
    targets: Targets = Targets(kind="regression", names=("score",))
    """What is predicted; a regression where ``kind`` does not say otherwise."""
    ingest: VariantIngest
    """Tables to records."""
    split: VariantSplit = VariantSplit()
    """A fold per variant, and the audit."""
    encode: Encode = Encode()
    """Sequences to codes."""
    model: Model = Model(preset="variants")
    """The network."""
    train: Train = Train()
    """The training loop."""
    tune: Tune | None = None
    """A search for the sizes and settings to train with; null does not search."""
    baselines: VariantBaselines = VariantBaselines()
    """Comparisons on the same folds."""
    evaluate: Evaluate = Evaluate()
    """Metrics and their uncertainty."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""
    landscape: Landscape | None = None
    """Single mutants of the wild type, and designs; null does not ask."""
    embeddings: ClassVar[Embeddings | None] = None
    """Further inputs for each position: none."""
    variants: ClassVar[Mapping[str, VariantsInput]] = {}
    """Variants of a genome to score: none."""
    explain: ClassVar[Explain | None] = None
    """What to explain: nothing."""

    @model_validator(mode="before")
    @classmethod
    def _fill_what_follows(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for part in ("variants", "explain"):
            if data.get(part):
                raise ValueError(f"{part} needs DNA: task dna_sequence")
        targets = data.get("targets")
        if isinstance(targets, dict):
            named = {"kind": "regression", "names": ("score",)} | targets
            data = {**data, "targets": named}
        ingest, baselines = data.get("ingest"), data.get("baselines", {})
        if isinstance(ingest, dict) and isinstance(baselines, dict):
            # Without a wild type there is nothing to compare with; asked for, it is an error.
            keys = ("wild_type", "wild_type_sequence")
            given = {"blosum": any(ingest.get(key) is not None for key in keys)} | baselines
            data = {**data, "baselines": given}
        return data

    @model_validator(mode="after")
    def _sections_agree(self) -> ProteinFitnessRun:
        check_labels(self)
        check_loss(self)
        check_preset(self, "preset variants, or layers of your own")
        for where, asked in (
            ("model.reverse_complement", self.model.reverse_complement),
            ("train.augment.reverse_complement", self.train.augment.reverse_complement),
        ):
            if asked:
                raise ValueError(f"{where} needs DNA: a protein has one strand")
        if self.split.method == "chromosome":
            raise ValueError("split.method chromosome needs DNA cut from a genome")
        if (wide := self.model.wide) is not None and (wide.positional or 0) > 2:
            raise ValueError("model.wide.positional: of 20 amino acids, 2 at most")
        if (wide := self.model.wide) is not None and (wide.anywhere or 0) > 4:
            raise ValueError("model.wide.anywhere: of 20 amino acids, 4 at most")
        for name in ("pairwise", "blosum"):
            if getattr(self.baselines, name) and not self.ingest.has_wild_type:
                raise ValueError(f"baselines.{name} needs ingest.wild_type")
        if self.landscape is not None:
            if not self.ingest.has_wild_type:
                raise ValueError("landscape needs ingest.wild_type")
            if self.targets.kind == "multiclass":
                raise ValueError("landscape needs one number per variant, not classes")
            if self.landscape.fold >= self.split.folds:
                raise ValueError(f"landscape.fold: folds count from 0 to {self.split.folds - 1}")
        check_published(self)
        check_tune(self)
        return self


class ProteinResidueRun(Section):
    """Labels of each residue of a protein: secondary structure, accessibility, disorder."""

    task: Literal["protein_residue"]
    """What kind of data is learnt from."""
    title: str | None = None
    """Heading in the report."""
    targets: Targets = Targets(kind="residues", names=("q3", "q8"))
    """Heads: some of q3, q8, disorder, rsa, angles; ``kind`` is residues."""
    ingest: ResidueIngest
    """Files to records."""
    split: ProteinSplit = ProteinSplit()
    """A fold per protein, and the audit."""
    encode: Encode = Encode()
    """Sequences to codes."""
    model: Model = Model(preset="residue_cnn")
    """The network."""
    train: Train = Train()
    """The training loop."""
    tune: Tune | None = None
    """A search for the sizes and settings to train with; null does not search."""
    baselines: ResidueBaselines = ResidueBaselines()
    """Comparisons on the same folds."""
    evaluate: Evaluate = Evaluate()
    """Metrics and their uncertainty."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""
    landscape: ClassVar[Landscape | None] = None
    """Single mutants of a wild type: none."""
    variants: ClassVar[Mapping[str, VariantsInput]] = {}
    """Variants of a genome to score: none."""
    explain: ClassVar[Explain | None] = None
    """What to explain: nothing."""

    @property
    def embeddings(self) -> Embeddings | None:
        """Further inputs for each position."""
        return self.ingest.embeddings

    @model_validator(mode="before")
    @classmethod
    def _fill_what_follows(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for part in ("variants", "explain", "landscape"):
            if data.get(part):
                raise ValueError(f"{part} is not of the task protein_residue")
        targets = data.get("targets")
        if isinstance(targets, dict):
            data = {**data, "targets": {"kind": "residues", "names": ("q3", "q8")} | targets}
        return data

    @model_validator(mode="after")
    def _sections_agree(self) -> ProteinResidueRun:
        if not self.targets.per_residue:
            raise ValueError("targets.kind must be residues")
        if self.encode.length is not None:
            raise ValueError("encode.length: a residue's label must keep its place; leave it out")
        check_preset(self, "residue_cnn or another preset of residues, or layers of your own")
        if fault := self.model.not_per_position:
            raise ValueError(f"model.{fault}: each residue needs an output of its own")
        if self.train.augment.reverse_complement or self.train.augment.shift:
            raise ValueError("train.augment: of proteins substitution alone")
        for where, given, wanted in (
            ("train.class_weights", self.train.class_weights, "none"),
            ("train.loss", self.train.loss, "default"),
        ):
            if given != wanted:
                raise ValueError(f"{where}: of residues {wanted} alone")
        if self.split.method in ("chromosome", "group"):
            raise ValueError(
                f"split.method {self.split.method}: of proteins official, random or homology"
            )
        for place, entry in enumerate(self.ingest.inputs):
            official = entry.split is not None or getattr(entry, "split_column", None) is not None
            if self.split.method == "official" and not official:
                raise ValueError(
                    f"ingest.inputs[{place}] has no split, which method official needs"
                )
        check_published(self)
        check_tune(self)
        return self
