"""``bioseq-dl saliency``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_device, add_path, add_run_arguments, read_run, start_log
from bioseq_dl.config import ExpressionRun, Train
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "examples", "examples.safetensors of encode; transforms/ beside it")
    add_path(parser, "model", "model.pt of train: the seeds of one fold", nargs="+")
    add_device(parser)
    add_path(parser, "genes", "output: table of genes, class by class (TSV)")
    add_path(parser, "summary", "output: saliency.json")


def run(arguments: argparse.Namespace) -> None:
    """Score genes for each class, and compare with those that scanpy ranks."""
    import pyarrow as pa
    import torch

    from bioseq_dl.data.cell_examples import open_cells
    from bioseq_dl.interpret.saliency import tell_saliency
    from bioseq_dl.io.atomic import write_json
    from bioseq_dl.io.tsv import write_tsv
    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.train.device import choose_device, set_threads

    log = start_log()
    entry = read_run(arguments)
    if not isinstance(entry, ExpressionRun) or entry.saliency is None:
        raise InputError("the run has no section saliency", fix="it is of task expression")
    chosen = choose_device(Train(device=arguments.device))
    threads = set_threads(arguments.threads)
    log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
    told = tell_saliency(
        [read_checkpoint(path) for path in arguments.model],
        open_cells(arguments.examples, entry.saliency.fold),
        entry.saliency,
        torch.device(chosen.accelerator),
    )
    write_tsv(arguments.genes, pa.Table.from_pandas(told.genes, preserve_index=False))
    write_json(arguments.summary, told.summary)
    log(f"{len(told.genes):,} genes told, by {told.summary['method']}")
