"""``bioseq-dl predict``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from bioseq_dl.cli.common import add_device, add_path, share, start_log, whole_number
from bioseq_dl.cli.predict_matrix import predict_new_cells
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
    add_path(
        parser,
        "matrix",
        "new cells instead of records: h5ad, loom, 10x (.h5 or folder), CSV, TSV or Parquet",
        required=False,
    )
    parser.add_argument(
        "--rows",
        choices=("samples", "genes"),
        default="samples",
        help="what the rows of a table of --matrix are (default: %(default)s)",
    )
    parser.add_argument(
        "--part",
        default="X",
        help="of an h5ad file: X, raw or layers/NAME (default: %(default)s)",
    )
    parser.add_argument(
        "--max-missing",
        type=share,
        default=0.1,
        help="largest share of a network's genes that --matrix may lack (default: %(default)s)",
    )
    add_path(
        parser,
        "metrics",
        "metrics.json of the run: --matrix then calls cells unknown, and calibrates",
        required=False,
    )
    add_device(parser)
    add_path(
        parser,
        "embeddings",
        "numbers for each residue, for models that read such (HDF5 or Parquet)",
        required=False,
    )
    parser.add_argument(
        "--pictures",
        type=whole_number,
        default=100,
        help="proteins to draw at most, where the model predicts residues (default: %(default)s)",
    )
    add_path(
        parser,
        "predictions",
        "output: .parquet, or .tsv with --fasta or --matrix, or .h5ad with --matrix; where the "
        "model predicts residues, --fasta gives "
        "a fresh folder: residues.tsv, proteins.tsv, and .ss2, .horiz and .svg of each protein; "
        "of a run's cells, cells.parquet and outliers.parquet stand beside it",
    )


def run(arguments: argparse.Namespace) -> None:
    """Predict the val and test records of a fold, every sequence of a FASTA, or new cells."""
    import torch

    from bioseq_dl.tasks.registry import find_task
    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.train.device import choose_device, set_threads

    given = (arguments.records is not None, arguments.examples is not None)
    new = [name for name in ("fasta", "matrix") if getattr(arguments, name) is not None]
    if given not in ((True, True), (False, False)) or given[0] + len(new) != 1:
        raise InputError("give one of --fasta, --matrix, or --records and --examples")
    if given[0] and len(arguments.model) > 1:
        raise InputError("with --examples, give one --model", found=len(arguments.model))
    log = start_log()
    chosen = choose_device(Train(device=arguments.device))
    threads = set_threads(arguments.threads)
    log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
    checkpoints = [read_checkpoint(path) for path in arguments.model]
    device = torch.device(chosen.accelerator)
    if arguments.embeddings is not None and (given[0] or not checkpoints[0].targets.per_residue):
        raise InputError(
            "--embeddings goes with --fasta and a model that predicts residues",
            found=str(arguments.embeddings),
        )
    cells = find_task(checkpoints[0].task).matrix
    if new and cells != (new == ["matrix"]):
        raise InputError(
            f"models of task {checkpoints[0].task} read {'a matrix' if cells else 'sequences'}",
            found=f"--{new[0]}",
            fix=f"give --{'matrix' if cells else 'fasta'}",
        )
    if given[0] and cells:
        count = _predict_cells(arguments, checkpoints[0], device)
    elif given[0]:
        count = _predict_fold(arguments, checkpoints, device)
    elif cells:
        count = predict_new_cells(arguments, checkpoints, device, log)
    elif checkpoints[0].targets.per_residue:
        count = _predict_residues(arguments, checkpoints, device, log)
    else:
        count = _predict_fasta(arguments, checkpoints, device, log)
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


def _predict_cells(
    arguments: argparse.Namespace, checkpoint: Checkpoint, device: torch.device
) -> int:
    import numpy as np

    from bioseq_dl.io.parquet import write_parquet
    from bioseq_dl.io.records import read_records_table
    from bioseq_dl.predict_cells import predict_run, score_outliers, tabulate_cells
    from bioseq_dl.predictions import build_predictions, judged_rows
    from bioseq_dl.tasks.registry import find_task

    examples = find_task(checkpoint.task).load("open")(arguments.examples, arguments.fold)
    ids = read_records_table(arguments.records, ["id"]).column("id")
    judged = judged_rows(examples, arguments.fold)
    train = examples.select(arguments.fold, "train")
    rows = np.sort(np.concatenate([train, judged]))
    found = predict_run(checkpoint, examples, rows, device)
    outputs = found.outputs[np.searchsorted(rows, judged)]
    table = build_predictions(ids, examples, arguments.fold, judged, outputs)
    write_parquet(arguments.predictions, table)
    beside = arguments.predictions.with_name
    write_parquet(beside("cells.parquet"), tabulate_cells(ids, examples, rows, found))
    write_parquet(beside("outliers.parquet"), score_outliers(checkpoint, examples, device))
    return int(table.num_rows)


def _predict_residues(
    arguments: argparse.Namespace,
    checkpoints: list[Checkpoint],
    device: torch.device,
    log: Callable[[str], None],
) -> int:
    from bioseq_dl.io.atomic import check_fresh
    from bioseq_dl.predict_residues import predict_residues
    from bioseq_dl.report.residue_files import write_proteins

    if arguments.predictions.suffix in (".tsv", ".parquet"):
        raise InputError(
            "this model predicts residues: its predictions are a folder",
            found=str(arguments.predictions),
            fix="give --predictions the name of a folder",
        )
    check_fresh(arguments.predictions)
    proteins, skipped = predict_residues(checkpoints, arguments.fasta, device, arguments.embeddings)
    written = write_proteins(arguments.predictions, proteins, skipped, arguments.pictures)
    for name, why in skipped.items():
        log(f"not predicted: {name}: {why}")
    if written.undrawn:
        log(f"{written.undrawn} proteins were not drawn: raise --pictures above {written.pictures}")
    return written.proteins


def _predict_fasta(
    arguments: argparse.Namespace,
    checkpoints: list[Checkpoint],
    device: torch.device,
    log: Callable[[str], None],
) -> int:
    import csv
    from collections import Counter

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
    for note, count in Counter(table.column("note").drop_null().to_pylist()).most_common(5):
        log(f"{count:,} of {table.num_rows:,} sequences: {note}")
    # Where no sequence could be read, there is no column of values.
    missing = table.column(1).null_count if table.num_columns > 2 else table.num_rows
    if missing:
        log(f"WARNING: {missing:,} of {table.num_rows:,} sequences have no prediction")
    return int(table.num_rows)
