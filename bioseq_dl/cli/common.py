"""Arguments and small habits that the steps share."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bioseq_dl.config import Run, Tune, load_config
from bioseq_dl.errors import InputError
from bioseq_dl.steps import find_run


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --config and --run to a step."""
    add_path(parser, "config", "config file", metavar="FILE")
    parser.add_argument(
        "--run",
        dest="run_name",
        metavar="NAME",
        help="a run of the config, or the digest of a stage that runs share",
    )


def read_run(arguments: argparse.Namespace) -> Run:
    """Give the run that --config and --run name."""
    return find_run(load_config(arguments.config), arguments.run_name)


def read_searching_run(arguments: argparse.Namespace) -> tuple[Run, Tune]:
    """Give the run that --config and --run name, and its section tune.

    Raises
    ------
    InputError
        Where it has none.
    """
    entry = read_run(arguments)
    if entry.tune is None:
        raise InputError("the run has no section tune", file=arguments.config)
    return entry, entry.tune


def add_path(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup,
    name: str,
    help_text: str,
    **extra: object,
) -> None:
    """Add a required path."""
    options: dict[str, object] = {"required": True, "metavar": "PATH"} | extra
    parser.add_argument(f"--{name}", type=Path, help=help_text, **options)  # type: ignore[arg-type]


def add_fold(parser: argparse.ArgumentParser) -> None:
    """Add --fold to a step that works on one."""
    parser.add_argument("--fold", type=whole_number, default=0, help="fold (default: %(default)s)")


def add_training_threads(parser: argparse.ArgumentParser) -> None:
    """Add --threads to a step that trains."""
    parser.add_argument(
        "--threads",
        type=thread_count,
        help="CPU threads of all processes of a training (default: train.threads for each)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Declare ``--device`` and ``--threads`` of a step that applies trained models."""
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where the models run (default: %(default)s, a GPU where there is one)",
    )
    parser.add_argument("--threads", type=thread_count, help="CPU threads (default: all given)")


def whole_number(text: str) -> int:
    """Read a whole number, 0 or more, for argparse."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def thread_count(text: str) -> int:
    """Read a whole number, 1 or more, for argparse."""
    count = whole_number(text)
    if count == 0:
        raise argparse.ArgumentTypeError("0 threads: give 1 or more")
    return count


def share(text: str) -> float:
    """Read a number from 0 to 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def start_log() -> Callable[[str], None]:
    """Give a function that prints a line with the seconds since now, at once."""
    started = time.perf_counter()

    def log(line: str) -> None:
        print(f"[{time.perf_counter() - started:7.1f} s] {line}", file=sys.stderr, flush=True)

    return log
