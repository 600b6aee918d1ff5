"""``bioseq-dl fetch``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log
from bioseq_dl.config import Run
from bioseq_dl.config.base import Section
from bioseq_dl.config.sources import list_sources
from bioseq_dl.errors import InputError

__all__ = ["add_arguments", "find_part", "list_sources", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    parser.add_argument(
        "--part",
        default="ingest",
        metavar="PART",
        help="whose files: ingest, encode, explain or variants/NAME (default: %(default)s)",
    )
    add_path(parser, "cache", "folder of downloads (default: the user's cache)", required=False)
    add_path(parser, "out", "sources.json")


def run(arguments: argparse.Namespace) -> None:
    """Fetch every source of a part of the run and write where each is."""
    from bioseq_dl.io.fetch import default_cache, fetch_all, write_manifest

    log = start_log()
    section = find_part(read_run(arguments), arguments.part)
    found = fetch_all(list_sources(section), arguments.cache or default_cache())
    write_manifest(Path(arguments.out), found)
    total = sum(item.bytes for item in found.values())
    log(f"{len(found)} sources, {total / 1e6:.1f} MB")


def find_part(run: Run, part: str) -> Section:
    """Give the part of a run's config: ``ingest``, ``encode``, ``explain`` or ``variants/NAME``.

    Raises
    ------
    InputError
        Where the run has no such part.
    """
    parts: dict[str, Section] = {"ingest": run.ingest, "encode": run.encode}
    if run.explain is not None:
        parts["explain"] = run.explain
    parts |= {f"variants/{name}": entry for name, entry in run.variants.items()}
    if part not in parts:
        raise InputError("the run has no such part", found=part, allowed=", ".join(parts))
    return parts[part]
