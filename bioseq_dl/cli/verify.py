"""``bioseq-dl verify``."""

from __future__ import annotations

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bioseq_dl.archive.manifest import Manifest
from bioseq_dl.config import Config
from bioseq_dl.errors import InputError

_ODD = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What values of other types raise that no step writes, in files that can be read as such."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="a zip of export")


def run(arguments: argparse.Namespace) -> None:
    """Check an archive; the first thing that is wrong ends it."""
    from bioseq_dl.archive.verify import extract_archive, verify_archive

    path = arguments.archive
    manifest, config = verify_archive(path)
    print(f"{path}: run {manifest.run}, exported by bioseq_dl {manifest.version}")
    print(f"{len(manifest.files)} files, each with the sha256 that the manifest lists")
    print("the metadata are an RO-Crate and list the same files; the config is valid")
    with tempfile.TemporaryDirectory() as folder:
        extract_archive(path, Path(folder, "archive"))
        results = Path(folder, "archive", "results")
        _check_whole(path, results, manifest, config)
        print(_check_models(path, results))
        print(_check_metrics(path, results, manifest, config))


def _check_whole(archive: Path, results: Path, manifest: Manifest, config: Config) -> None:
    """Look for what every run has; of the data, only what the archive says that it holds."""
    from bioseq_dl.archive.contents import Result, check_file, list_needed

    for path in list_needed(Result(results, config, manifest.run)):
        try:
            check_file(path)
        except InputError as error:
            name = path.relative_to(results.parent).as_posix()
            raise InputError(
                error.problem, file=archive, record=name, found=error.found, fix="export it again"
            ) from None


def _check_models(archive: Path, results: Path) -> str:
    models = sorted(results.rglob("model.pt"))
    if find_spec("torch") is None:
        return f"{len(models)} models, not opened: torch is not installed"
    from bioseq_dl.train.checkpoint import read_checkpoint, restore_model

    for path in models:
        try:
            restore_model(read_checkpoint(path))
        except (InputError, *_ODD) as error:
            name = path.relative_to(results.parent).as_posix()
            found = error.problem if isinstance(error, InputError) else str(error)
            raise InputError(
                "a model cannot be restored", file=archive, record=name, found=found
            ) from None
    return f"{len(models)} models restored"


def _check_metrics(archive: Path, results: Path, manifest: Manifest, config: Config) -> str:
    """Judge the predictions again, where the archive holds the records that this needs."""
    from bioseq_dl.archive.contents import Result
    from bioseq_dl.cli import evaluate
    from bioseq_dl.layout import (
        baseline_folder,
        list_baselines,
        list_models,
        model_folder,
        stage_folder,
    )
    from bioseq_dl.reproduction.comparison import TOLERANCE, compare_metrics

    entry = config.runs[manifest.run]
    records = stage_folder(results, entry, "ingest") / "records.parquet"
    if not records.is_file():
        return "metrics not judged again: the records are not in the archive (export --with-data)"
    again = results.parent / "again" / "metrics.json"
    words = argparse.Namespace(
        config=results / "config.yaml",
        run_name=manifest.run,
        records=records,
        models=[
            model_folder(results, manifest.run, fold, seed) / "predictions.parquet"
            for fold, seed in list_models(entry)
        ],
        baselines=[
            baseline_folder(results, entry) / f"{name}-fold{fold}.parquet"
            for name in list_baselines(entry)
            for fold in range(entry.split.folds)
        ],
        metrics=again,
    )
    told = Result(results, config, manifest.run).metrics
    try:
        evaluate.run(words)
        gap, place = compare_metrics(told, again)
    except InputError as error:
        what = f"the metrics cannot be judged again: {error.problem}"
        raise InputError(what, file=archive, found=error.found) from None
    except _ODD as error:
        what = "the metrics cannot be judged again"
        raise InputError(what, file=archive, found=str(error)) from None
    if gap > TOLERANCE:
        raise InputError(
            "the metrics are not those of the predictions",
            file=archive,
            record=told.relative_to(results.parent).as_posix(),
            found=place,
        )
    return "metrics judged again from the predictions: the same"
