"""``bioseq-dl explain``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioseq_dl.cli.common import (
    add_device,
    add_path,
    read_run,
    start_log,
    thread_count,
    whole_number,
)
from bioseq_dl.config import Explain, Train
from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    from bioseq_dl.interpret.explain import Pool
    from bioseq_dl.interpret.subjects import Subject

_METHODS = ("mutagenesis", "integrated_gradients", "deeplift")
_OPTIONS = {
    "methods": "methods",
    "targets": "targets",
    "max_targets": "max_targets",
    "references": "references",
    "steps": "steps",
    "seed": "seed",
    "top": "records",
    "role": "role",
}
"""Options that fill the section ``explain`` by hand, and their fields."""
_OF_INTERVALS = ("genome", "window", "strand")


@dataclass(frozen=True, eq=False)
class _Task:
    """What is explained."""

    settings: Explain
    subjects: Sequence[Subject]
    pool: Pool | None
    database: Path | None
    files: dict[str, str]
    """What was read: its sha256."""
    notes: Sequence[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_path(parser, "model", "model.pt of train, of one fold; several are averaged", nargs="+")
    group = parser.add_argument_group("what is explained: by a config")
    add_path(group, "config", "config file", required=False, metavar="FILE")
    group.add_argument("--run", dest="run_name", metavar="NAME", help="a run of the config")
    add_path(group, "sources", "sources.json of fetch", required=False)
    add_path(group, "records", "records.parquet of ingest", required=False)
    add_path(group, "examples", "examples.safetensors of encode", required=False)
    group = parser.add_argument_group("or by hand: sequences, intervals, or records as above")
    add_path(group, "fasta", "sequences: FASTA", required=False)
    add_path(group, "intervals", "intervals: BED", required=False)
    add_path(group, "genome", "genome FASTA the intervals are cut from", required=False)
    group.add_argument("--window", type=thread_count, help="bases around an interval's centre")
    group.add_argument("--strand", choices=("use", "ignore"), help="of the intervals")
    group.add_argument("--methods", nargs="+", choices=_METHODS, help="(default: mutagenesis)")
    group.add_argument("--targets", nargs="+", help="targets, or target:class (default: all)")
    group.add_argument("--max-targets", type=thread_count, help="at most so many of them")
    group.add_argument("--references", type=thread_count, help="shuffled sequences")
    group.add_argument("--steps", type=thread_count, help="of integrated gradients")
    group.add_argument("--seed", type=whole_number, help="of the shuffling")
    group.add_argument("--top", type=whole_number, help="records explained, of each target")
    group.add_argument("--role", choices=("val", "test"), help="whose records")
    group.add_argument("--motifs", action="store_true", help="search for motifs too")
    add_path(group, "database", "known motifs (default: JASPAR): MEME, JASPAR", required=False)
    add_path(parser, "cache", "folder of genome caches (default: the user's)", required=False)
    add_device(parser)
    add_path(parser, "out", "output: folder of explain.json, tables, tracks and motifs")


def run(arguments: argparse.Namespace) -> None:
    """Explain trained models."""
    import torch

    from bioseq_dl.interpret.explain import explain_models
    from bioseq_dl.interpret.outputs import list_outputs
    from bioseq_dl.interpret.search import search_motifs
    from bioseq_dl.io.atomic import check_writable, write_json
    from bioseq_dl.io.manifest import hash_file
    from bioseq_dl.provenance import record_provenance
    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.train.device import choose_device, set_threads

    log = start_log()
    check_writable(arguments.out / "explain.json")
    checkpoints = [read_checkpoint(path) for path in arguments.model]
    length = checkpoints[0].shape.length
    with record_provenance() as provenance:
        task = _read_task(arguments, length)
        chosen = choose_device(Train(device=arguments.device))
        threads = set_threads(arguments.threads)
        log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
        shared: dict[str, Any] = {
            "subjects": task.subjects,
            "pool": task.pool,
            "device": torch.device(chosen.accelerator),
            "log": log,
        }
        summary = explain_models(task.settings, checkpoints, arguments.out, **shared)
        summary["motifs"] = None
        if task.settings.motifs is not None:
            wanted = set(summary["outputs"])
            outputs = [o for o in list_outputs(checkpoints[0].targets) if o.name in wanted]
            summary["motifs"] = search_motifs(
                task.settings,
                checkpoints,
                outputs,
                arguments.out,
                database=task.database,
                threads=threads,
                **shared,
            )
    summary["notes"] = [*task.notes, *summary["notes"]]
    summary["inputs"] = task.files | {
        f"model {number}": hash_file(path) for number, path in enumerate(arguments.model, 1)
    }
    write_json(arguments.out / "explain.json", summary | {"provenance": provenance})
    for note in summary["notes"]:
        log(note)
    log(f"explained in {arguments.out}")


def _read_task(arguments: argparse.Namespace, length: int | None) -> _Task:
    by_records = arguments.records is not None or arguments.examples is not None
    ways = [by_records, arguments.fasta is not None, arguments.intervals is not None]
    if arguments.config is not None:
        return _read_from_config(arguments, length)
    if sum(ways) != 1:
        raise InputError(
            "give --config, or one of --fasta, --intervals, and --records with --examples"
        )
    _refuse(arguments, ("run_name", "sources"), "without --config")
    if arguments.intervals is None:
        _refuse(arguments, _OF_INTERVALS, "without --intervals")
    if not by_records:
        _refuse(arguments, ("top", "role"), "without --records")
    if arguments.database is not None and not arguments.motifs:
        raise InputError("--database does not go without --motifs")
    settings = _make_settings(arguments)
    files = {}
    if arguments.database is not None:
        files["motifs"] = _hash(arguments.database)
    if arguments.fasta is not None:
        from bioseq_dl.interpret.subjects import read_sequences

        files["sequences"] = _hash(arguments.fasta)
        sequences = read_sequences(arguments.fasta)
        return _Task(settings, sequences, None, arguments.database, files, ())
    if by_records:
        pool = _read_pool(arguments)
        return _Task(settings, (), pool, arguments.database, files, ())
    paths = {"intervals": arguments.intervals, "genome": arguments.genome}
    files |= {name: _hash(path) for name, path in paths.items()}
    subjects, notes = _cut(arguments, settings, length, paths, files["genome"])
    return _Task(settings, subjects, None, arguments.database, files, notes)


def _read_from_config(arguments: argparse.Namespace, length: int | None) -> _Task:
    from bioseq_dl.io.manifest import find_file, read_manifest

    _refuse(arguments, ("fasta", "intervals", "database", *_OF_INTERVALS), "with --config")
    _refuse(arguments, tuple(_OPTIONS), "with --config")
    if arguments.motifs:
        raise InputError("--motifs does not go with --config")
    settings = read_run(arguments).explain
    if settings is None:
        raise InputError("the run has no section explain", file=arguments.config)
    needed = settings.intervals is not None or (
        settings.motifs is not None and settings.motifs.database is not None
    )
    if needed and arguments.sources is None:
        raise InputError("the run's section explain names files: give --sources")
    fetched = read_manifest(arguments.sources) if needed else {}
    files: dict[str, str] = {}
    subjects: Sequence[Subject] = ()
    notes: Sequence[str] = ()
    database = None
    if settings.intervals is not None:
        sources = {"intervals": settings.intervals.source, "genome": settings.intervals.genome}
        found = {name: find_file(source, fetched) for name, source in sources.items()}
        files |= {name: file.sha256 for name, file in found.items()}
        paths = {name: Path(file.path) for name, file in found.items()}
        subjects, notes = _cut(arguments, settings, length, paths, files["genome"])
    if settings.motifs is not None and settings.motifs.database is not None:
        file = find_file(settings.motifs.database, fetched)
        database, files["motifs"] = Path(file.path), file.sha256
    pool = None
    if settings.records or settings.motifs is not None:
        pool = _read_pool(arguments)
    return _Task(settings, subjects, pool, database, files, notes)


def _cut(
    arguments: argparse.Namespace,
    settings: Explain,
    length: int | None,
    paths: dict[str, Path],
    genome_sha256: str,
) -> tuple[Sequence[Subject], Sequence[str]]:
    from bioseq_dl.interpret.subjects import cut_intervals
    from bioseq_dl.io.genome import open_genome
    from bioseq_dl.io.manifest import default_cache

    assert settings.intervals is not None
    cache = arguments.cache or default_cache()
    genome = open_genome(paths["genome"], cache, sha256=genome_sha256)
    window = settings.intervals.window or length
    return cut_intervals(paths["intervals"], genome, window, settings.intervals.strand)


def _read_pool(arguments: argparse.Namespace) -> Pool:
    from bioseq_dl.data.examples import read_examples
    from bioseq_dl.interpret.explain import Pool
    from bioseq_dl.io.records import read_records_table

    if arguments.records is None or arguments.examples is None:
        raise InputError("records are explained: give both --records and --examples")
    ids = read_records_table(arguments.records, ["id"]).column("id").to_pylist()
    return Pool(read_examples(arguments.examples), ids)


def _make_settings(arguments: argparse.Namespace) -> Explain:
    """Fill the config's section from options, so that its defaults hold here as well."""
    from pydantic import ValidationError

    given = {field: getattr(arguments, option) for option, field in _OPTIONS.items()}
    data: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    data["motifs"] = None
    if arguments.motifs:
        path = arguments.database
        data["motifs"] = {"database": {"path": str(path)}} if path is not None else {}
    if arguments.intervals is not None:
        if arguments.genome is None:
            raise InputError("with --intervals, give --genome")
        data["intervals"] = {
            "source": {"path": str(arguments.intervals)},
            "genome": {"path": str(arguments.genome)},
            "window": arguments.window,
            "strand": arguments.strand or "use",
        }
    try:
        return Explain.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        fields = {field: option for option, field in _OPTIONS.items()}
        place = str(first["loc"][0]) if first["loc"] else ""
        option = f"--{fields.get(place, place).replace('_', '-')}: " if place else ""
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{option}{message[:1].lower()}{message[1:]}") from None


def _refuse(arguments: argparse.Namespace, names: Sequence[str], when: str) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            option = "--" + name.removesuffix("_name").replace("_", "-")
            raise InputError(f"{option} does not go {when}")


def _hash(path: Path) -> str:
    from bioseq_dl.io.handles import read_magic
    from bioseq_dl.io.manifest import hash_file

    read_magic(path)  # says what is wrong with a file that is missing or empty
    return hash_file(path)
