"""``bioseq-dl ingest``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "sources", "sources.json of fetch")
    add_path(parser, "cache", "folder of genome caches (default: the user's)", required=False)
    add_path(parser, "records", "output: records.parquet; a matrix of cells beside it")
    add_path(parser, "rejected", "output: rejected.tsv")
    add_path(parser, "summary", "output: ingest.json")


def run(arguments: argparse.Namespace) -> None:
    """Read the inputs; write records, rejects and counts."""
    from bioseq_dl.io.atomic import write_json
    from bioseq_dl.io.expression_matrix import MATRIX, write_matrix
    from bioseq_dl.io.manifest import default_cache, read_manifest
    from bioseq_dl.io.records import write_records, write_rejected
    from bioseq_dl.provenance import record_provenance
    from bioseq_dl.tasks.registry import find_task

    log = start_log()
    entry = read_run(arguments)
    files = read_manifest(arguments.sources)
    with record_provenance() as provenance:
        read = find_task(entry.task).load("read")
        ingested = read(entry.ingest, entry.targets, files, arguments.cache or default_cache())
        write_rejected(arguments.rejected, ingested.rejected)
        if ingested.matrix is not None:
            write_matrix(arguments.records.with_name(MATRIX), ingested.matrix)
        write_records(arguments.records, ingested.records)
    write_json(arguments.summary, ingested.summary | {"provenance": provenance})
    log(f"{ingested.records.num_rows:,} records, {ingested.rejected.num_rows:,} rejected")
