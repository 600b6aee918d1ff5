"""Where everything stands below the results folder; one place for workflow and commands.

Shared stages stand in folders named by a digest of the config up to that stage, so runs
that agree there share them; what belongs to one run stands below its name.
"""

from __future__ import annotations

from pathlib import Path

from bioseq_dl.config import Run
from bioseq_dl.steps import stage_key
from bioseq_dl.tasks.registry import find_task

STAGES = ("ingest", "split", "encode")


def stage_folder(results: str | Path, run: Run, stage: str) -> Path:
    """Give the folder of a shared stage: ``data/<ingest>/<split>/<encode>`` up to it."""
    upto = STAGES[: STAGES.index(stage) + 1]
    return Path(results, "data", *(stage_key(run, name) for name in upto))


def baseline_folder(results: str | Path, run: Run) -> Path:
    """Give the folder of a run's baselines, shared as the stages are."""
    return stage_folder(results, run, "encode") / f"baselines-{stage_key(run, 'baseline')}"


def model_folder(results: str | Path, run_name: str, fold: int, seed: int) -> Path:
    """Give the folder of one model: model.pt, history.csv, train.json, predictions.parquet."""
    return Path(results, "runs", run_name, f"fold{fold}", f"seed{seed}")


def tune_folder(results: str | Path, run_name: str, fold: int) -> Path:
    """Give the folder of a fold's search: the study, its trials, and what was chosen."""
    return Path(results, "runs", run_name, "tune", f"fold{fold}")


def evaluation_folder(results: str | Path, run_name: str) -> Path:
    """Give the folder of a run's metrics and tables."""
    return Path(results, "runs", run_name, "evaluation")


def variants_folder(results: str | Path, run_name: str, name: str) -> Path:
    """Give the folder of a run's scored variants."""
    return Path(results, "runs", run_name, "variants", name)


def explain_folder(results: str | Path, run_name: str) -> Path:
    """Give the folder of a run's attributions and motifs."""
    return Path(results, "runs", run_name, "explain")


def landscape_folder(results: str | Path, run_name: str) -> Path:
    """Give the folder of a run's single mutants and designs."""
    return Path(results, "runs", run_name, "landscape")


def saliency_folder(results: str | Path, run_name: str) -> Path:
    """Give the folder of the genes that a run's networks look at."""
    return Path(results, "runs", run_name, "saliency")


def annotated_path(results: str | Path, run_name: str) -> Path:
    """Give where a run's cells stand, with what was predicted of them."""
    return Path(results, "runs", run_name, "cells.h5ad")


def asks_saliency(run: Run) -> bool:
    """Whether a run tells which genes speak for its classes."""
    return getattr(run, "saliency", None) is not None and run.targets.kind != "regression"


def list_models(run: Run) -> list[tuple[int, int]]:
    """Give (fold, seed) of every model of a run."""
    return [(fold, seed) for fold in range(run.split.folds) for seed in run.train.seeds]


def list_baselines(run: Run) -> list[str]:
    """Give the names of the baselines that a run's config asks for."""
    known = find_task(run.task).baselines
    return [name for name in known if getattr(run.baselines, name)]
