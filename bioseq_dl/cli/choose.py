"""``bioseq-dl choose``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bioseq_dl.cli.common import (
    add_fold,
    add_path,
    add_run_arguments,
    read_searching_run,
    start_log,
)
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_fold(parser)
    add_path(parser, "storage", "study.journal of tune")
    add_path(parser, "workers", "what each worker of tune wrote (--out)", nargs="+")
    add_path(parser, "best", "output: best.json, which train takes as --tuned")
    add_path(parser, "trials", "output: trials.tsv, a row a trial")
    add_path(parser, "history", "output: tune.json, which the report shows")


def run(arguments: argparse.Namespace) -> None:
    """Choose the best trial of a search, and write its history."""
    from bioseq_dl.config import name_figure
    from bioseq_dl.provenance import record_provenance
    from bioseq_dl.steps import step_settings
    from bioseq_dl.tune.choice import check_ended, choose_trial, write_found
    from bioseq_dl.tune.journal import open_study
    from bioseq_dl.tune.settings import digest_settings

    log = start_log()
    entry, tune = read_searching_run(arguments)
    told = [_read_worker(path) for path in arguments.workers]
    if any(item != told[0] for item in told) or (told[0]["fold"] != arguments.fold):
        raise InputError(
            "the workers were of different searches",
            file=arguments.workers[0],
            fix="run tune again for each worker",
        )
    if told[0]["settings"] != digest_settings(step_settings(entry, "tune")):
        raise InputError(
            "the search was of another config: of other targets, model, train or tune",
            file=arguments.workers[0],
            fix="run tune again with this config",
        )
    with record_provenance() as provenance:
        _, higher = name_figure(entry)
        study = open_study(arguments.storage, told[0]["study"], higher, create=False)
        check_ended(tune, arguments.fold, study)
        found = choose_trial(entry, arguments.fold, study)
    log(f"trial {found.best['trial']}: {found.best['figure']} {found.best['value']:.5g}")
    write_found(found, arguments.best, arguments.trials, arguments.history, provenance)


def _read_worker(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        told = {name: found[name] for name in ("study", "settings", "fold")}
        if not isinstance(told["study"], str):
            raise TypeError("study is no text")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "not what a worker of tune wrote", file=path, found=str(error), fix="run tune again"
        ) from None
    return told
