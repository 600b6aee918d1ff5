"""``bioseq-dl export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bioseq_dl.cli.common import add_path, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="results folder, or its runs/NAME"
    )
    parser.add_argument(
        "--run", dest="run_name", metavar="NAME", help="a run, where it has several"
    )
    add_path(parser, "out", "output: the archive, a zip")
    parser.add_argument(
        "--with-data",
        action="store_true",
        help="include the records and what was encoded of them, not their hashes alone",
    )
    parser.add_argument(
        "--license", metavar="TEXT", help="of the contents: an address or words, for the metadata"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write one archive of a finished run."""
    from bioseq_dl.archive.contents import find_result
    from bioseq_dl.archive.export import UNLICENSED, export_run
    from bioseq_dl.config.sources import list_sources

    log = start_log()
    result = find_result(arguments.results, arguments.run_name)
    made = export_run(
        result,
        list_sources(result.run),
        arguments.out,
        with_data=arguments.with_data,
        licence=arguments.license or UNLICENSED,
    )
    size = sum(listed.bytes for listed in made.files.values())
    log(f"run {made.run}: {len(made.files)} files, {size / 1e6:.1f} MB")
    if made.left_out:
        log(f"{len(made.left_out)} files hold data and are listed by their hash (--with-data)")
