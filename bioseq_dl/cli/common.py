"""Arguments and small habits that the steps share."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from bioseq_dl.config import load_config
from bioseq_dl.errors import InputError
from bioseq_dl.steps import find_run, load_settings, step_settings


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --config and --run, or --settings, to a step."""
    group = parser.add_argument_group("which config")
    group.add_argument("--config", type=Path, metavar="FILE", help="config file")
    group.add_argument("--run", dest="run_name", metavar="NAME", help="a run of the config")
    group.add_argument(
        "--settings", metavar="JSON", help="the step's sections as JSON (the workflow's way)"
    )


def read_settings(arguments: argparse.Namespace, step: str) -> SimpleNamespace:
    """Give the step's sections from --config and --run, or from --settings."""
    if (arguments.config is None) == (arguments.settings is None):
        raise InputError("give either --config FILE (with --run NAME) or --settings JSON")
    if arguments.settings is not None:
        return load_settings(arguments.settings, step)
    run = find_run(load_config(arguments.config), arguments.run_name)
    return load_settings(step_settings(run, step), step)


def add_path(parser: argparse.ArgumentParser, name: str, help_text: str, **extra: object) -> None:
    """Add a required path."""
    options: dict[str, object] = {"required": True, "metavar": "PATH"} | extra
    parser.add_argument(f"--{name}", type=Path, help=help_text, **options)  # type: ignore[arg-type]


def start_log() -> Callable[[str], None]:
    """Give a function that prints a line with the seconds since now, at once."""
    started = time.perf_counter()

    def log(line: str) -> None:
        print(f"[{time.perf_counter() - started:7.1f} s] {line}", file=sys.stderr, flush=True)

    return log
