"""``bioseq-dl predict``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bioseq_dl.cli.common import add_path, start_log, thread_count, whole_number
from bioseq_dl.config import Train
from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    import torch

    from bioseq_dl.train.checkpoint import Checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_path(parser, "model", "model.pt of train; several are averaged on --fasta", nargs="+")
    add_path(parser, "records", "records.parquet of ingest", required=False)
    add_path(parser, "examples", "examples.safetensors of encode", required=False)
    parser.add_argument("--fold", type=whole_number, default=0, help="whose val and test records")
    add_path(parser, "fasta", "new sequences instead of records: FASTA", required=False)
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where the model runs (default: %(default)s, a GPU where there is one)",
    )
    parser.add_argument("--threads", type=thread_count, help="CPU threads (default: all given)")
    add_path(parser, "predictions", "output: .parquet, or .tsv with --fasta")


def run(arguments: argparse.Namespace) -> None:
    """Predict the val and test records of a fold, or every sequence of a FASTA."""
    import torch

    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.train.device import choose_device, set_threads

    given = (arguments.records is not None, arguments.examples is not None)
    if given not in ((True, True), (False, False)) or given[0] == (arguments.fasta is not None):
        raise InputError("give either --fasta, or --records and --examples")
    if given[0] and len(arguments.model) > 1:
        raise InputError("with --examples, give one --model", found=len(arguments.model))
    log = start_log()
    chosen = choose_device(Train(device=arguments.device))
    threads = set_threads(arguments.threads)
    log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
    checkpoints = [read_checkpoint(path) for path in arguments.model]
    device = torch.device(chosen.accelerator)
    count = (_predict_fold if given[0] else _predict_fasta)(arguments, checkpoints, device)
    log(f"{count:,} predictions in {arguments.predictions}")


def _predict_fold(
    arguments: argparse.Namespace, checkpoints: list[Checkpoint], device: torch.device
) -> int:
    from bioseq_dl.data.examples import read_examples
    from bioseq_dl.io.parquet import write_parquet
    from bioseq_dl.io.records import read_records_table
    from bioseq_dl.predict import predict_examples
    from bioseq_dl.predictions import build_predictions, judged_rows

    examples = read_examples(arguments.examples)
    rows = judged_rows(examples, arguments.fold)
    outputs = predict_examples(checkpoints[0], examples, rows, device)
    ids = read_records_table(arguments.records, ["id"]).column("id")
    table = build_predictions(ids, examples, arguments.fold, rows, outputs)
    write_parquet(arguments.predictions, table)
    return int(table.num_rows)


def _predict_fasta(
    arguments: argparse.Namespace, checkpoints: list[Checkpoint], device: torch.device
) -> int:
    import csv

    from bioseq_dl.io.atomic import atomic_path
    from bioseq_dl.io.parquet import write_parquet
    from bioseq_dl.predict import predict_fasta

    table = predict_fasta(checkpoints, arguments.fasta, device)
    if arguments.predictions.suffix == ".parquet":
        write_parquet(arguments.predictions, table)
    else:
        with (
            atomic_path(arguments.predictions) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as out,
        ):
            writer = csv.writer(out, delimiter="\t", lineterminator="\n")
            writer.writerow(table.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return int(table.num_rows)
