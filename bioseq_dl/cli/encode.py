"""``bioseq-dl encode``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from bioseq_dl.cli.common import add_path, add_run_arguments, read_run, start_log
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_run_arguments(parser)
    add_path(parser, "records", "records.parquet of ingest; a matrix of cells beside it")
    add_path(parser, "folds", "split.parquet of split")
    add_path(
        parser,
        "sources",
        "sources.json of fetch, where embeddings or a layout are read",
        required=False,
    )
    add_path(parser, "examples", "output: examples.safetensors; transforms/ of cells beside it")


def run(arguments: argparse.Namespace) -> None:
    """Encode the records."""
    from bioseq_dl.io.expression_matrix import MATRIX, map_matrix
    from bioseq_dl.io.manifest import find_file, read_manifest
    from bioseq_dl.io.parquet import read_parquet
    from bioseq_dl.tasks.registry import find_task

    log = start_log()
    entry = read_run(arguments)
    task = find_task(entry.task)
    encode, write = task.load("encode"), task.load("write")
    records, folds = read_parquet(arguments.records), read_parquet(arguments.folds)
    further: list[Any] = []
    if task.matrix:
        files = read_manifest(arguments.sources) if arguments.sources is not None else {}
        further = [map_matrix(arguments.records.with_name(MATRIX)), files]
    examples = encode(records, folds, entry.targets, entry.encode, *further)
    if (embeddings := entry.embeddings) is not None:
        from bioseq_dl.io.embeddings import read_embeddings

        if arguments.sources is None:
            raise InputError("the run reads embeddings", fix="give --sources of the fetch step")
        file = find_file(embeddings.source, read_manifest(arguments.sources)).path
        ids, lengths = records["id"].to_pylist(), examples.lengths.tolist()
        features = read_embeddings(file, ids, lengths, embeddings.features)
        examples = replace(examples, features=features)
    write(arguments.examples, examples)
    log(f"{len(examples):,} examples, {examples.size_in_words}")
