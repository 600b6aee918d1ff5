"""``bioseq-dl report``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bioseq_dl.cli.common import add_path, start_log
from bioseq_dl.config import Run, load_config
from bioseq_dl.layout import (
    asks_saliency,
    evaluation_folder,
    explain_folder,
    landscape_folder,
    list_models,
    model_folder,
    saliency_folder,
    stage_folder,
    tune_folder,
    variants_folder,
)

if TYPE_CHECKING:
    from bioseq_dl.report.inputs import RunFiles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_path(parser, "config", "config file", metavar="FILE")
    add_path(parser, "results", "results folder (default: the config's)", required=False)
    add_path(parser, "out", "output: report.html; figures/ and tables/ beside it")
    add_path(parser, "summary", "output: a few lines of text", required=False)


def run(arguments: argparse.Namespace) -> None:
    """Write the report of all runs of a config."""
    from bioseq_dl.io.atomic import write_text
    from bioseq_dl.report.page import build_report

    log = start_log()
    config = load_config(arguments.config)
    results = arguments.results or Path(config.results)
    files = {name: _list_files(results, name, entry) for name, entry in config.runs.items()}
    build_report(config, files, arguments.out)
    if arguments.summary is not None:
        told = [_summarise(name, given) for name, given in files.items()]
        write_text(arguments.summary, "\n".join(told))
    log(f"report: {arguments.out}")


def _summarise(name: str, files: RunFiles) -> str:
    from bioseq_dl.report.summary import summarise

    metrics = json.loads(files.metrics.read_text(encoding="utf-8"))
    audit = json.loads(files.audit.read_text(encoding="utf-8")) if files.audit else None
    return "\n".join(summarise(metrics, name, audit)) + "\n"


def _list_files(results: Path, name: str, entry: Run) -> RunFiles:
    from bioseq_dl.report.inputs import RunFiles, TrainingFiles

    ingest = stage_folder(results, entry, "ingest")
    split = stage_folder(results, entry, "split")
    training = []
    for fold, seed in list_models(entry):
        folder = model_folder(results, name, fold, seed)
        files = (folder / "history.csv", folder / "train.json")
        training.append(TrainingFiles(fold=fold, seed=seed, history=files[0], train=files[1]))
    return RunFiles(
        metrics=evaluation_folder(results, name) / "metrics.json",
        ingest=ingest / "ingest.json",
        audit=split / "audit.json",
        pairs=split / "audit_pairs.tsv",
        training=tuple(training),
        searches=tuple(
            tune_folder(results, name, fold) / "tune.json"
            for fold in range(entry.split.folds if entry.tune is not None else 0)
        ),
        variants={
            scored: variants_folder(results, name, scored) / f"{section.format}.json"
            for scored, section in entry.variants.items()
        },
        explained=explain_folder(results, name) if entry.explain is not None else None,
        landscape=landscape_folder(results, name) if entry.landscape is not None else None,
        saliency=saliency_folder(results, name) if asks_saliency(entry) else None,
    )
