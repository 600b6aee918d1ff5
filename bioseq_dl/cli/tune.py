"""``bioseq-dl tune``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import (
    add_fold,
    add_path,
    add_run_arguments,
    add_training_threads,
    read_searching_run,
    start_log,
    whole_number,
)
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "examples", "examples.safetensors of encode")
    add_fold(parser)
    parser.add_argument(
        "--worker", type=whole_number, default=0, help="from 0 to tune.workers - 1 (default: 0)"
    )
    add_training_threads(parser)
    add_path(parser, "storage", "study.journal, which all workers of a fold share")
    add_path(parser, "out", "output: what this worker did, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Train trials until all have ended, or go on with an interrupted one."""
    from dataclasses import asdict

    from bioseq_dl.cli.main import STOPPED
    from bioseq_dl.cli.train import find_weights, share_threads
    from bioseq_dl.io.atomic import check_writable, write_json
    from bioseq_dl.provenance import record_provenance
    from bioseq_dl.source_code import code_digest
    from bioseq_dl.steps import step_settings
    from bioseq_dl.train.loop import Interrupted
    from bioseq_dl.tune.settings import digest_settings
    from bioseq_dl.tune.worker import Search, name_study, run_worker

    log = start_log()
    entry, tune = read_searching_run(arguments)
    if arguments.worker >= tune.workers:
        allowed = f"0 to {tune.workers - 1}"
        raise InputError("no such worker", found=arguments.worker, allowed=allowed)
    check_writable(arguments.out)
    settings = step_settings(entry, "tune")
    study = name_study(settings, arguments.examples, arguments.fold, code_digest("tune"))
    search = Search(
        run=entry,
        fold=arguments.fold,
        examples=arguments.examples,
        storage=arguments.storage,
        study=study,
        threads=None
        if arguments.threads is None
        else share_threads(arguments.threads, entry.train),
        initial=find_weights(entry),
    )
    try:
        with record_provenance() as provenance:
            report = run_worker(search, arguments.worker, log)
    except Interrupted:
        log("asked to end; the trial's state is saved, run again to go on")
        return STOPPED
    facts = {
        "study": study,
        "settings": digest_settings(settings),
        "worker": arguments.worker,
        "fold": arguments.fold,
    }
    write_json(arguments.out, facts | asdict(report) | provenance)
    return 0
