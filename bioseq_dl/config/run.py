"""A run, a file of runs, and how they are loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.explain import explain
from bioseq_dl.config.ingest import Ingest, Targets, VariantIngest
from bioseq_dl.config.interpret import Explain
from bioseq_dl.config.landscape import Landscape
from bioseq_dl.config.model import Encode, Model
from bioseq_dl.config.residues import ResidueBaselines, ResidueIngest
from bioseq_dl.config.split import ProteinSplit, Split, VariantSplit
from bioseq_dl.config.train import (
    METRICS_OF_KIND,
    Baselines,
    Evaluate,
    Published,
    Train,
    VariantBaselines,
)
from bioseq_dl.config.variants import VariantsInput
from bioseq_dl.errors import InputError

RUN_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


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

    @property
    def landscape(self) -> Landscape | None:
        """Single mutants of a wild type: not of DNA."""
        return None

    @model_validator(mode="after")
    def _sections_agree(self) -> DnaRun:
        _check_labels(self)
        if self.model.scales:
            raise ValueError("model.scales are of amino acids: task protein_fitness or _residue")
        if self.model.needs_length and self.encode.length is None:
            name = self.model.preset
            what = f"preset {name}" if name is not None else self.model.needs_length
            raise ValueError(f"model.{what} needs encode.length: one length for all")
        _check_loss(self)
        self._check_variants()
        self._check_explain()
        if self.baselines.additive and self.encode.length is None:
            raise ValueError("baselines.additive needs encode.length: one length for all")
        _check_published(self)
        return self

    def _check_variants(self) -> None:
        for name, entry in self.variants.items():
            if not re.fullmatch(RUN_NAME, name):
                raise ValueError(f"variants name {name!r} must match {RUN_NAME}: it names a folder")
            where = f"variants.{name}"
            _check_targets(where, entry.targets, self.targets.names)
            if entry.fold is not None and entry.fold >= self.split.folds:
                raise ValueError(f"{where}.fold: folds count from 0 to {self.split.folds - 1}")
            if entry.scale == "probability" and self.targets.kind == "regression":
                raise ValueError(f"{where}.scale: a regression has no probabilities; use raw")

    def _check_explain(self) -> None:
        if self.explain is None:
            return
        _check_targets("explain", self.explain.targets, self.targets.names)
        for part in ("recurrent", "wide"):
            if "deeplift" in self.explain.methods and getattr(self.model, part) is not None:
                raise ValueError(
                    f"explain.methods: deeplift needs a network without {part}; "
                    "use integrated_gradients or mutagenesis"
                )


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
    baselines: VariantBaselines = VariantBaselines()
    """Comparisons on the same folds."""
    evaluate: Evaluate = Evaluate()
    """Metrics and their uncertainty."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""
    landscape: Landscape | None = None
    """Single mutants of the wild type, and designs; null does not ask."""

    @property
    def variants(self) -> dict[str, VariantsInput]:
        """Variants of a genome to score: none."""
        return {}

    @property
    def explain(self) -> Explain | None:
        """What to explain: nothing."""
        return None

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
            given = {"blosum": ingest.get("wild_type") is not None} | baselines
            data = {**data, "baselines": given}
        return data

    @model_validator(mode="after")
    def _sections_agree(self) -> ProteinFitnessRun:
        _check_labels(self)
        _check_loss(self)
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
            if getattr(self.baselines, name) and self.ingest.wild_type is None:
                raise ValueError(f"baselines.{name} needs ingest.wild_type")
        if self.landscape is not None:
            if self.ingest.wild_type is None:
                raise ValueError("landscape needs ingest.wild_type")
            if self.targets.kind == "multiclass":
                raise ValueError("landscape needs one number per variant, not classes")
            if self.landscape.fold >= self.split.folds:
                raise ValueError(f"landscape.fold: folds count from 0 to {self.split.folds - 1}")
        _check_published(self)
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
    baselines: ResidueBaselines = ResidueBaselines()
    """Comparisons on the same folds."""
    evaluate: Evaluate = Evaluate()
    """Metrics and their uncertainty."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""

    @property
    def landscape(self) -> Landscape | None:
        """Single mutants of a wild type: none."""
        return None

    @property
    def variants(self) -> dict[str, VariantsInput]:
        """Variants of a genome to score: none."""
        return {}

    @property
    def explain(self) -> Explain | None:
        """What to explain: nothing."""
        return None

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
        _check_published(self)
        return self


def _check_labels(run: DnaRun | ProteinFitnessRun) -> None:
    if run.targets.per_residue:
        raise ValueError("targets.kind residues needs task protein_residue")
    for place, entry in enumerate(run.ingest.inputs):
        where = f"ingest.inputs[{place}]"
        unknown = sorted((set(entry.labels) | set(entry.columns)) - set(run.targets.names))
        if unknown:
            names = ", ".join(run.targets.names)
            raise ValueError(f"{where} labels unknown targets {unknown}; targets: {names}")
        official = entry.split is not None or entry.split_column is not None
        if run.split.method == "official" and not official:
            raise ValueError(f"{where} has no split or split_column, which method official needs")


def _check_loss(run: DnaRun | ProteinFitnessRun) -> None:
    if run.train.loss != "default" and run.targets.kind != "regression":
        raise ValueError(f"train.loss {run.train.loss} needs targets.kind regression")


def _check_published(run: DnaRun | ProteinFitnessRun | ProteinResidueRun) -> None:
    metrics = METRICS_OF_KIND[run.targets.kind]
    for place, figure in enumerate(run.published):
        where = f"published[{place}]"
        # Of residues a metric may be of one state: recall:H.
        metric = figure.metric.partition(":")[0] if run.targets.per_residue else figure.metric
        if metric not in metrics:
            allowed = ", ".join(metrics)
            raise ValueError(f"{where}: unknown metric {figure.metric!r}; allowed: {allowed}")
        if figure.target is not None and figure.target not in run.targets.labels:
            allowed = ", ".join(run.targets.labels)
            raise ValueError(f"{where}: unknown target {figure.target!r}; targets: {allowed}")


def _check_targets(where: str, asked: tuple[str, ...], names: tuple[str, ...]) -> None:
    unknown = [name for name in asked if name not in names]
    if unknown:
        allowed = ", ".join(names)
        raise ValueError(f"{where}.targets: unknown target {unknown[0]!r}; targets: {allowed}")


Run = Annotated[DnaRun | ProteinFitnessRun | ProteinResidueRun, Field(discriminator="task")]


class Config(Section):
    """A whole file: the runs of one paper."""

    results: str = "results"
    """Folder of everything the workflow writes."""
    cache: str | None = None
    """Folder of downloads and genome caches; default the user's cache folder."""
    title: str = "bioseq_dl"
    """Heading of the report."""
    runs: dict[str, Run] = Field(min_length=1)
    """Run name: its config."""

    @field_validator("runs")
    @classmethod
    def _names_are_paths(cls, runs: dict[str, Run]) -> dict[str, Run]:
        for name in runs:
            if not re.fullmatch(RUN_NAME, name):
                raise ValueError(f"run name {name!r} must match {RUN_NAME}: it becomes a folder")
        return runs


def validate_config(data: Mapping[str, object], file: str | Path | None = None) -> Config:
    """Check a mapping against the models.

    Raises
    ------
    InputError
        Names the first bad key by its path, what was found and what is allowed.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise explain(error, Config, file) from None


def load_config(path: str | Path) -> Config:
    """Read and check a YAML config file.

    Raises
    ------
    InputError
        Where the file cannot be read, is not YAML, or does not fit the models.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise InputError("the config is not UTF-8 text", file=path) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else None
        what = str(getattr(error, "problem", None) or "bad YAML")
        raise InputError(f"not valid YAML: {what}", file=path, position=where) from None
    if not isinstance(data, dict):
        raise InputError("a config is a mapping with a key 'runs'", file=path, found=data)
    return validate_config(data, path)
