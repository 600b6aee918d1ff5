"""``bioseq-dl split``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_path, add_settings_arguments, read_settings, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_settings_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest")
    add_path(parser, "folds", "output: split.parquet")
    add_path(parser, "audit", "output: audit.json")
    add_path(parser, "pairs", "output: audit_pairs.tsv")


def run(arguments: argparse.Namespace) -> None:
    """Assign folds, audit them, and stop on a leak where the policy says so."""
