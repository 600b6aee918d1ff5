"""The steps of the workflow: what each reads from the config, and which code it runs.

The workflow, the command line, the env files and the tests all read this one table.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bioseq_dl.config import Config, Run
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
    "encode": Step("turn records into arrays", ("targets", "encode"), ("encode", "write")),
    "tune": Step(
        "train trials of a search for sizes and settings",
        ("targets", "model", "train", "tune"),
        ("open", "feed", "build_model", "load_initial", "take_shape", "loss", "score"),
    ),
    "choose": Step("choose the best trial of a search", ("model", "train", "tune")),
    "train": Step(
        "train one model (one run, fold and seed)",
        ("targets", "model", "train"),
        ("open", "feed", "build_model", "load_initial", "take_shape", "loss", "score"),
    ),
    "predict": Step(
        "apply a trained model to records, or to new data", (), ("open", "feed", "build_model")
    ),
    "baseline": Step(
        "fit a baseline on the same folds", ("targets", "baselines"), ("open", "baselines")
    ),
    "evaluate": Step(
        "metrics with intervals, against the baselines",
        ("targets", "evaluate", "published"),
        ("evaluate",),
    ),
    "variants": Step(
        "score the variants of a VCF, or of a table, with trained models",
        (),
        ("feed", "build_model", "perturb"),
    ),
    "gather": Step("put the parts of a scattered VCF together"),
    "explain": Step(
        "what trained models look at: mutagenesis, attributions, motifs",
        ("targets", "explain"),
        ("feed", "build_model", "perturb"),
    ),
    "landscape": Step(
        "predict every single mutant of a protein, and propose designs",
        ("targets", "landscape"),
        ("feed", "build_model"),
    ),
    "saliency": Step(
        "which genes networks of cells look at, beside those that scanpy ranks",
        ("targets", "saliency"),
        ("open", "feed", "build_model"),
    ),
    "annotate": Step("cells with predictions and embedding, as AnnData", ("targets",)),
    "report": Step("write report.html"),
}
"""In the order of the road."""

STAGES = ("ingest", "split", "encode", "baseline")
"""Those whose results runs may share."""


def step_settings(run: Run, step: str) -> dict[str, Any]:
    """Give the part of a run's config that a step's result depends on, ready for JSON.

    The workflow makes it a parameter: Snakemake reruns a step when its part changes.
    ``train.seeds`` is left out: a further seed does not retrain the others.
    """
    sections = ("task", *STEPS[step].sections)
    settings = run.model_dump(mode="json", include=set(sections))
    if "train" in settings:
        settings["train"].pop("seeds")
    return settings


def stage_key(run: Run, step: str) -> str:
    """Give the folder name of a shared stage: equal configs up to this step, equal names.

    Runs that agree on ingest, split and encode share these results.
    """
    upto = STAGES[: STAGES.index(step) + 1]
    parts = {name: step_settings(run, name) for name in upto}
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def find_run(config: Config, name: str | None) -> Run:
    """Give the run of that name, or one whose shared stage has that digest.

    Raises
    ------
    InputError
        Where there is no such run, or several and no name.
    """
    if name is None and len(config.runs) > 1:
        allowed = ", ".join(config.runs)
        raise InputError("the config has several runs", allowed=allowed, fix="give --run NAME")
    for candidate, run in config.runs.items():
        if name in (None, candidate) or name in (stage_key(run, stage) for stage in STAGES):
            return run
    raise InputError("no such run in the config", found=name, allowed=", ".join(config.runs))
