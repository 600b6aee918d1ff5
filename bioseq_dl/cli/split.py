"""``bioseq-dl split``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import (
    add_path,
    add_run_arguments,
    read_run,
    start_log,
    thread_count,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest")
    add_path(parser, "folds", "output: split.parquet")
    add_path(parser, "audit", "output: audit.json")
    add_path(parser, "pairs", "output: audit_pairs.tsv")
    parser.add_argument("--threads", type=thread_count, default=1, help="CPU threads (default: 1)")


def run(arguments: argparse.Namespace) -> None:
    """Assign folds, audit them, and stop on a leak where the policy says so."""
    from bioseq_dl.data.audit_result import refuse_leaks, write_audit
    from bioseq_dl.data.splits import split_records
    from bioseq_dl.io.parquet import read_parquet, write_parquet

    log = start_log()
    entry = read_run(arguments)
    records = read_parquet(arguments.records)
    result = split_records(records, entry.split, entry.targets, arguments.threads)
    leaking = sum(item.leaking for item in result.leaking)
    log(f"audit: {leaking:,} leaking records in {result.cost.seconds:.1f} s")
    refuse_leaks(result)
    write_audit(arguments.audit, arguments.pairs, result)
    write_parquet(arguments.folds, result.folds)
