"""A file of runs, and how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, field_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.dna_run import DnaRun
from bioseq_dl.config.explain import explain
from bioseq_dl.config.expression_run import ExpressionRun
from bioseq_dl.config.protein_runs import ProteinFitnessRun, ProteinResidueRun
from bioseq_dl.config.run_checks import RUN_NAME
from bioseq_dl.errors import InputError

Run = Annotated[
    DnaRun | ProteinFitnessRun | ProteinResidueRun | ExpressionRun, Field(discriminator="task")
]


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
