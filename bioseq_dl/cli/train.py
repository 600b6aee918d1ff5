"""``bioseq-dl train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bioseq_dl.cli.common import (
    add_fold,
    add_path,
    add_run_arguments,
    add_training_threads,
    read_run,
    start_log,
    whole_number,
)
from bioseq_dl.config import Run, Train
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "examples", "examples.safetensors of encode")
    add_fold(parser)
    parser.add_argument("--seed", type=whole_number, default=0, help="seed (default: %(default)s)")
    add_training_threads(parser)
    add_path(parser, "tuned", "best.json of choose: values to train with (tune)", required=False)
    add_path(parser, "model", "output: model.pt; history.csv and train.json beside it")


def find_weights(entry: Run) -> Path | None:
    """Give the file that ``model.weights`` names, checked."""
    from bioseq_dl.provenance import hash_file

    source = getattr(entry.model, "weights", None)
    if source is None:
        return None
    path = Path(source.path)
    if not path.is_file():
        raise InputError("no such file of weights", file=path, fix="correct model.weights.path")
    if source.sha256 is not None and (found := hash_file(path)) != source.sha256:
        raise InputError(
            "the file of weights is another than the config names",
            file=path,
            found=found,
            allowed=source.sha256,
            fix="correct model.weights.sha256, or get the file again",
        )
    return path


def _apply_search(entry: Run, arguments: argparse.Namespace) -> Run:
    from bioseq_dl.tune.best import apply_best

    if (entry.tune is None) != (arguments.tuned is None):
        searched = entry.tune is not None
        raise InputError(
            "the run has a section tune" if searched else "the run has no section tune",
            file=arguments.config,
            fix="give --tuned best.json" if searched else "leave out --tuned",
        )
    if arguments.tuned is None:
        return entry
    return apply_best(entry, arguments.tuned, arguments.fold)


def share_threads(threads: int, train: Train) -> int:
    """Give the threads of each of the processes that train together."""
    return max(threads // train.devices, 1)


def run(arguments: argparse.Namespace) -> int:
    """Train one model, or go on with an interrupted training."""
    from bioseq_dl.cli.main import STOPPED
    from bioseq_dl.steps import step_settings
    from bioseq_dl.train.fit import Job, fit_model
    from bioseq_dl.train.loop import Interrupted

    log = start_log()
    asked = read_run(arguments)
    entry = _apply_search(asked, arguments)
    train = entry.train
    if arguments.threads is not None:
        train = train.model_copy(update={"threads": share_threads(arguments.threads, train)})
    job = Job(
        task=entry.task,
        targets=entry.targets,
        model=entry.model,
        train=train,
        examples=arguments.examples,
        fold=arguments.fold,
        seed=arguments.seed,
        out=arguments.model,
        initial=find_weights(entry),
        settings=step_settings(asked, "train"),
    )
    try:
        fit_model(job, log)
    except Interrupted:
        log(f"asked to end; {job.state} holds the state, run again to go on")
        return STOPPED
    return 0
