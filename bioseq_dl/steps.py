"""The steps of the workflow: what each reads from the config, and which code it runs.

The workflow, the command line, the env files and the tests all read this one table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bioseq_dl.config import Config, DnaRun, Run
from bioseq_dl.errors import InputError


@dataclass(frozen=True)
class Step:
    """One step of the road."""

    help: str
    """What it does, for ``bioseq-dl --help``."""
    sections: tuple[str, ...] = ()
    """Sections of a run's config that its result depends on."""
    functions: tuple[str, ...] = ()
    """Fields of the task's record that it calls."""


STEPS = {
    "fetch": Step("download or find the inputs, and check their hashes", ("ingest",)),
    "ingest": Step(
        "read the inputs into records.parquet and rejected.tsv", ("targets", "ingest"), ("read",)
    ),
    "split": Step("give each record a fold and audit the folds for leakage", ("targets", "split")),
    "encode": Step("turn records into integer codes", ("targets", "encode"), ("encode",)),
    "train": Step(
        "train one model (one run, fold and seed)",
        ("targets", "model", "train"),
        ("feed", "build_model", "loss"),
    ),
    "predict": Step("apply a trained model to records or to a FASTA", (), ("feed", "build_model")),
    "baseline": Step("fit a baseline on the same folds", ("targets", "baselines"), ("baselines",)),
    "evaluate": Step(
        "metrics with intervals, against the baselines", ("targets", "evaluate", "published")
    ),
    "report": Step("write report.html"),
}
"""In the order of the road."""


def step_settings(run: Run, step: str) -> dict[str, Any]:
    """Give the part of a run's config that a step's result depends on, ready for JSON.

    The workflow passes it to the step, and Snakemake reruns a step when it changes.
    ``train.seeds`` is left out: a further seed does not retrain the others.
    """
    sections = ("task", *STEPS[step].sections)
    settings = run.model_dump(mode="json", include=set(sections))
    if "train" in settings:
        settings["train"].pop("seeds")
    return settings


def load_settings(settings: str | Mapping[str, Any], step: str) -> SimpleNamespace:
    """Check a step's settings against the config models.

    Parameters
    ----------
    settings : str or mapping
        JSON text, or what `step_settings` gave.
    step : str
        Name of the step.

    Returns
    -------
    SimpleNamespace
        ``task`` and each section of the step as its frozen model.

    Raises
    ------
    InputError
        Where the text is not JSON, a section is missing or does not fit.
    """
    try:
        data = json.loads(settings) if isinstance(settings, str) else dict(settings)
    except json.JSONDecodeError as error:
        raise InputError(f"--settings is not JSON: {error}") from None
    found: dict[str, Any] = {"task": data.get("task")}
    for section in STEPS[step].sections:
        if section not in data:
            raise InputError(f"--settings lacks the section {section}")
        annotation: Any = DnaRun.model_fields[section].annotation
        try:
            found[section] = TypeAdapter(annotation).validate_python(data[section])
        except ValidationError as error:
            raise InputError(f"--settings, section {section}: {error.errors()[0]['msg']}") from None
    return SimpleNamespace(**found)


def stage_key(run: Run, step: str) -> str:
    """Give the folder name of a shared stage: equal configs up to this step, equal names.

    Runs that agree on ingest, split and encode share these results.
    """
    stages = ("ingest", "split", "encode", "baseline")
    upto = stages[: stages.index(step) + 1]
    parts = {name: step_settings(run, name) for name in upto}
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def find_run(config: Config, name: str | None) -> Run:
    """Give the run of that name; without a name, the only one.

    Raises
    ------
    InputError
        Where there is no such run, or several and no name.
    """
    names = ", ".join(config.runs)
    if name is None and len(config.runs) == 1:
        return next(iter(config.runs.values()))
    if name is None:
        raise InputError("the config has several runs", allowed=names, fix="give --run NAME")
    if name not in config.runs:
        raise InputError("no such run in the config", found=name, allowed=names)
    return config.runs[name]
