"""A run, a file of runs, and how they are loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.explain import explain
from bioseq_dl.config.ingest import Ingest, Targets
from bioseq_dl.config.interpret import Explain
from bioseq_dl.config.model import Encode, Model
from bioseq_dl.config.split import Split
from bioseq_dl.config.train import METRICS_OF_KIND, Baselines, Evaluate, Published, Train
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

    @model_validator(mode="after")
    def _sections_agree(self) -> DnaRun:
        for place, entry in enumerate(self.ingest.inputs):
            where = f"ingest.inputs[{place}]"
            unknown = sorted((set(entry.labels) | set(entry.columns)) - set(self.targets.names))
            if unknown:
                names = ", ".join(self.targets.names)
                raise ValueError(f"{where} labels unknown targets {unknown}; targets: {names}")
            official = entry.split is not None or entry.split_column is not None
            if self.split.method == "official" and not official:
                raise ValueError(
                    f"{where} has no split or split_column, which method official needs"
                )
        if self.model.needs_length and self.encode.length is None:
            name = self.model.preset
            what = f"preset {name}" if name is not None else self.model.needs_length
            raise ValueError(f"model.{what} needs encode.length: one length for all")
        self._check_variants()
        self._check_explain()
        if self.baselines.additive and self.encode.length is None:
            raise ValueError("baselines.additive needs encode.length: one length for all")
        metrics = METRICS_OF_KIND[self.targets.kind]
        for place, figure in enumerate(self.published):
            where = f"published[{place}]"
            if figure.metric not in metrics:
                allowed = ", ".join(metrics)
                raise ValueError(f"{where}: unknown metric {figure.metric!r}; allowed: {allowed}")
            if figure.target is not None and figure.target not in self.targets.names:
                allowed = ", ".join(self.targets.names)
                raise ValueError(f"{where}: unknown target {figure.target!r}; targets: {allowed}")
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


def _check_targets(where: str, asked: tuple[str, ...], names: tuple[str, ...]) -> None:
    unknown = [name for name in asked if name not in names]
    if unknown:
        allowed = ", ".join(names)
        raise ValueError(f"{where}.targets: unknown target {unknown[0]!r}; targets: {allowed}")


Run = DnaRun  # a discriminated union on ``task`` once there are two


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
