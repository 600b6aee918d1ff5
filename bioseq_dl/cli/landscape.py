"""``bioseq-dl landscape``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_device, add_path, add_run_arguments, read_run, start_log
from bioseq_dl.config import Train
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest")
    add_path(parser, "examples", "examples.safetensors of encode")
    add_path(parser, "model", "model.pt of train: the seeds of one fold", nargs="+")
    add_device(parser)
    add_path(parser, "singles", "output: table of single mutants (TSV)")
    add_path(parser, "designs", "output: table of designs (TSV)")
    add_path(parser, "summary", "output: landscape.json")


def run(arguments: argparse.Namespace) -> None:
    """Predict every single mutant of the wild type, and propose designs."""
    import pyarrow.parquet as pq
    import torch

    from bioseq_dl.data.examples import read_examples
    from bioseq_dl.io.atomic import write_json
    from bioseq_dl.io.tsv import write_tsv
    from bioseq_dl.landscape.tables import describe_landscape
    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.train.device import choose_device, set_threads

    log = start_log()
    entry = read_run(arguments)
    if entry.landscape is None:
        raise InputError("the run has no section landscape", fix="add landscape: {} to it")
    metadata = pq.read_schema(arguments.records).metadata or {}
    if b"wild_type" not in metadata:
        raise InputError(
            "the records have no wild type", file=arguments.records, fix="give ingest.wild_type"
        )
    chosen = choose_device(Train(device=arguments.device))
    threads = set_threads(arguments.threads)
    log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
    told = describe_landscape(
        [read_checkpoint(path) for path in arguments.model],
        read_examples(arguments.examples),
        metadata[b"wild_type"].decode(),
        int(metadata[b"first"]),
        entry.landscape,
        torch.device(chosen.accelerator),
        log,
    )
    write_tsv(arguments.singles, told.singles)
    write_tsv(arguments.designs, told.designs)
    write_json(arguments.summary, told.summary)
    log(f"{told.singles.num_rows:,} single mutants, {told.designs.num_rows:,} designs")
