"""``bioseq-dl train``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import (
    add_path,
    add_run_arguments,
    read_run,
    start_log,
    thread_count,
    whole_number,
)
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "examples", "examples.safetensors of encode")
    parser.add_argument("--fold", type=whole_number, default=0, help="fold (default: %(default)s)")
    parser.add_argument("--seed", type=whole_number, default=0, help="seed (default: %(default)s)")
    parser.add_argument("--threads", type=thread_count, help="CPU threads (default: train.threads)")
    add_path(parser, "model", "output: model.pt; history.csv and train.json beside it")


def run(arguments: argparse.Namespace) -> int:
    """Train one model, or go on with an interrupted training."""
    from bioseq_dl.cli.main import STOPPED
    from bioseq_dl.train.fit import Job, fit_model
    from bioseq_dl.train.loop import Interrupted

    log = start_log()
    entry = read_run(arguments)
    if entry.model is None:
        raise InputError("the task has no network to train", found=entry.task)
    train = entry.train
    if arguments.threads is not None:
        train = train.model_copy(update={"threads": arguments.threads})
    job = Job(
        task=entry.task,
        targets=entry.targets,
        model=entry.model,
        train=train,
        examples=arguments.examples,
        fold=arguments.fold,
        seed=arguments.seed,
        out=arguments.model,
    )
    try:
        fit_model(job, log)
    except Interrupted:
        log(f"asked to end; {job.state} holds the state, run again to go on")
        return STOPPED
    return 0
