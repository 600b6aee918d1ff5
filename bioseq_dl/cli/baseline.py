"""``bioseq-dl baseline``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_fold, add_path, add_run_arguments, read_run, start_log
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    parser.add_argument(
        "--name", required=True, help="prior, kmer, additive, …: a baseline of the task"
    )
    add_fold(parser)
    add_path(parser, "records", "records.parquet of ingest")
    add_path(parser, "examples", "examples.safetensors of encode")
    add_path(parser, "predictions", "output: predictions of val and test records")


def run(arguments: argparse.Namespace) -> None:
    """Fit a baseline on the training fold and predict val and test."""
    from bioseq_dl.io.parquet import write_parquet
    from bioseq_dl.io.records import read_records_table
    from bioseq_dl.predictions import build_predictions, list_rows
    from bioseq_dl.tasks.registry import find_task
    from bioseq_dl.tasks.task import resolve

    log = start_log()
    entry = read_run(arguments)
    task = find_task(entry.task)
    baselines = task.baselines
    if arguments.name not in baselines:
        raise InputError(
            "unknown baseline", found=arguments.name, allowed=", ".join(sorted(baselines))
        )
    examples = task.load("open")(arguments.examples, arguments.fold)
    predicted = resolve(baselines[arguments.name])(examples, arguments.fold, entry.baselines)
    ids = read_records_table(arguments.records, ["id"]).column("id")
    table = build_predictions(ids, examples, arguments.fold, predicted.rows, predicted.outputs)
    if predicted.embedding is not None:
        table = table.append_column("embedding", list_rows(predicted.embedding))
    write_parquet(arguments.predictions, table.replace_schema_metadata({"note": predicted.note}))
    log(f"{arguments.name}: {predicted.note}")
