"""``bioseq-dl annotate``."""

from __future__ import annotations

import argparse

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest; the matrix of its cells beside it")
    add_path(parser, "cells", "cells.parquet in fold<N>/seed<N>/ folders", nargs="+")
    add_path(parser, "metrics", "metrics.json of evaluate")
    add_path(parser, "out", "output: cells with predictions and embedding (.h5ad)")


def run(arguments: argparse.Namespace) -> None:
    """Write the cells of a run as AnnData, with what was predicted of them."""
    from bioseq_dl import __version__
    from bioseq_dl.annotate import annotate_cells
    from bioseq_dl.calls import read_rules
    from bioseq_dl.cli.evaluate import fold_and_seed
    from bioseq_dl.io.annotated import build_anndata, describe_records, write_annotated
    from bioseq_dl.io.expression_matrix import MATRIX, map_matrix
    from bioseq_dl.io.parquet import read_parquet

    log = start_log()
    entry = read_run(arguments)
    files = {fold_and_seed(path): path for path in arguments.cells}
    records = read_parquet(arguments.records)
    matrix = map_matrix(arguments.records.with_name(MATRIX))
    if len(matrix) != records.num_rows:
        raise InputError(
            "the records and the matrix hold different cells",
            file=arguments.records,
            fix="run ingest again",
        )
    rules = {fold: read_rules(arguments.metrics, [fold]) for fold, _ in files}
    made = annotate_cells(records["id"].to_pylist(), files, entry.targets, rules)
    cells = build_anndata(matrix, describe_records(records, entry.targets))
    notes = {
        "version": __version__,
        "task": entry.task,
        "classes": list(entry.targets.classes),
        "networks": len(files),
    }
    write_annotated(arguments.out, cells, made.obs, made.obsm, notes)
    log(f"{len(cells):,} cells in {arguments.out}")
