"""``bioseq-dl fetch``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log
from bioseq_dl.config import Ingest, IntervalsInput, Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "cache", "folder of downloads (default: the user's cache)", required=False)
    add_path(parser, "out", "sources.json")


def run(arguments: argparse.Namespace) -> None:
    """Fetch every source of the run's inputs and write where each is."""
    from bioseq_dl.io.fetch import default_cache, fetch_all, write_manifest

    log = start_log()
    entry = read_run(arguments)
    found = fetch_all(list_sources(entry.ingest), arguments.cache or default_cache())
    write_manifest(Path(arguments.out), found)
    total = sum(item.bytes for item in found.values())
    log(f"{len(found)} sources, {total / 1e6:.1f} MB")


def list_sources(ingest: Ingest) -> list[Source]:
    """Give every source of the inputs, genomes included, each once."""
    sources = []
    for entry in ingest.inputs:
        sources.append(entry.source)
        if isinstance(entry, IntervalsInput):
            sources.append(entry.genome)
    return list(dict.fromkeys(sources))
