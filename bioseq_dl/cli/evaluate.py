"""``bioseq-dl evaluate``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest", required=False)
    add_path(parser, "models", "predictions in fold<N>/seed<N>/ folders", nargs="+")
    add_path(
        parser,
        "baselines",
        "<name>-fold<N>.parquet of baseline",
        nargs="*",
        default=[],
        required=False,
    )
    add_path(parser, "metrics", "output: metrics.json; tables (TSV) beside it")


def run(arguments: argparse.Namespace) -> None:
    """Judge a run on its test records."""
    from bioseq_dl.evaluate.tables import write_evaluation
    from bioseq_dl.tasks.registry import find_task

    log = start_log()
    entry = read_run(arguments)
    models = [(*fold_and_seed(path), path) for path in arguments.models]
    baselines = [(*_name_and_fold(path), path) for path in arguments.baselines]
    evaluation = find_task(entry.task).load("evaluate")(
        models,
        baselines,
        entry.targets,
        entry.evaluate,
        entry.published,
        arguments.records,
    )
    write_evaluation(arguments.metrics.parent, evaluation)
    log(f"judged {len(models)} models and {len(baselines)} baseline fits")


def fold_and_seed(path: Path) -> tuple[int, int]:
    """Read fold and seed from the folders of a model's file."""
    found = re.search(r"fold(\d+)/seed(\d+)/[^/]+$", path.as_posix())
    if found is None:
        raise InputError("expected a path that ends in fold<N>/seed<N>/<file>", file=path)
    return int(found[1]), int(found[2])


def _name_and_fold(path: Path) -> tuple[str, int]:
    found = re.fullmatch(r"(.+)-fold(\d+)", path.stem)
    if found is None:
        raise InputError("expected a file named <name>-fold<N>.parquet", file=path)
    return found[1], int(found[2])
