"""``bioseq-dl encode``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest")
    add_path(parser, "folds", "split.parquet of split")
    add_path(parser, "examples", "output: examples.safetensors")


def run(arguments: argparse.Namespace) -> None:
    """Encode the records."""
    from bioseq_dl.data.examples import write_examples
    from bioseq_dl.io.parquet import read_parquet
    from bioseq_dl.tasks.registry import find_task

    log = start_log()
    entry = read_run(arguments)
    encode = find_task(entry.task).load("encode")
    records, folds = read_parquet(arguments.records), read_parquet(arguments.folds)
    examples = encode(records, folds, entry.targets, entry.encode)
    write_examples(arguments.examples, examples)
    log(f"{len(examples):,} examples, {examples.codes.size:,} {examples.alphabet.unit}s")
