"""``bioseq-dl variants``."""

from __future__ import annotations

import argparse
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioseq_dl.cli.common import add_device, add_path, start_log, thread_count
from bioseq_dl.cli.variants_entry import read_entry
from bioseq_dl.config import MutationTable, Train, VcfVariants
from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    from bioseq_dl.io.manifest import Fetched
    from bioseq_dl.variants.ensemble import Ensemble
    from bioseq_dl.variants.workers import Workers

Log = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_path(parser, "model", "model.pt of train; several are averaged", nargs="+")
    group = parser.add_argument_group("what is scored: by a config")
    add_path(group, "config", "config file", required=False, metavar="FILE")
    group.add_argument("--run", dest="run_name", metavar="NAME", help="a run of the config")
    group.add_argument("--name", help="an entry of the run's variants")
    add_path(group, "sources", "sources.json of fetch", required=False)
    group = parser.add_argument_group("or by hand: a VCF")
    add_path(group, "vcf", "VCF or BCF", required=False)
    add_path(group, "genome", "genome FASTA of its assembly", required=False)
    group.add_argument("--window", type=thread_count, help="bases the models read")
    group.add_argument("--mismatch", choices=("strict", "skip", "flip"), help="wrong REF")
    group.add_argument("--prefix", help="start of the INFO keys")
    group = parser.add_argument_group(
        "or by hand: a table of mutations like A24G,C30T, in the models' letters"
    )
    add_path(group, "mutations", "CSV, TSV or Parquet", required=False)
    add_path(group, "wild-type", "FASTA with the sequence that is mutated", required=False)
    group.add_argument("--column", help="column of the mutations")
    group.add_argument("--id-column", help="column of the ids")
    group.add_argument("--first", type=int, help="number of the wild type's first letter")
    group = parser.add_argument_group("by hand, of either")
    group.add_argument("--scale", choices=("raw", "probability"), help="of the scores")
    group.add_argument("--targets", nargs="+", help="targets to write (default: all)")
    group.add_argument("--precision", choices=("fp32", "bf16"), help="of the convolutions")
    group.add_argument("--max-unknown-fraction", type=float, help="of N in a window")
    add_path(parser, "cache", "folder of genome caches (default: the user's)", required=False)
    add_device(parser)
    parser.add_argument("--batch", type=thread_count, help="windows at once (default: measured)")
    parser.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N", help="the K-th of N parts of the VCF"
    )
    add_path(parser, "out", "output of a VCF: .vcf.gz, index beside it", required=False)
    add_path(parser, "table", "output: .parquet (.tsv too, of a table)", required=False)
    add_path(parser, "summary", "output: JSON", required=False)


def run(arguments: argparse.Namespace) -> None:
    """Score the variants of a VCF, or of a table."""
    from bioseq_dl.io.atomic import write_json
    from bioseq_dl.provenance import record_provenance

    log = start_log()
    entry, files = read_entry(arguments)
    _check_outputs(arguments, entry, files)
    with _end_cleanly(), record_provenance() as provenance:
        if isinstance(entry, VcfVariants):
            summary = _score_vcf(arguments, entry, files, log)
        else:
            summary = _score_table(arguments, entry, files, log)
    if arguments.summary is not None:
        write_json(arguments.summary, summary | {"provenance": provenance})
    _tell(summary, log)


def _score_vcf(
    arguments: argparse.Namespace, entry: VcfVariants, files: dict[str, Fetched], log: Log
) -> dict[str, Any]:
    from bioseq_dl.io.genome import open_genome
    from bioseq_dl.io.vcf.survey import survey_vcf
    from bioseq_dl.variants.stream import Outputs, score_vcf

    vcf, fasta = files["source"], files["genome"]
    survey = survey_vcf(vcf.path)
    order = "sorted" if survey.is_sorted else f"not sorted (line {survey.first_unsorted})"
    log(f"{survey.records:,} records, {survey.alleles or 0:,} alleles, {order}")
    workers = _share_threads(arguments, len(survey.chunks))
    if workers.count > 1:
        log(f"scored in {workers.count} processes")
    ensemble = _load_models(arguments, entry, entry.window, log, workers.threads)
    if ensemble.alphabet.complement is None:
        raise InputError(
            "models of proteins score no VCF", fix="give --mutations, named in amino acids"
        )
    cache = _find_cache(arguments)
    genome = open_genome(fasta.path, cache, sha256=fasta.sha256)
    return score_vcf(
        entry,
        survey,
        genome,
        ensemble,
        {"variants": vcf.sha256, "genome": fasta.sha256},
        Outputs(arguments.out, arguments.table),
        log,
        arguments.part,
        workers.count,
    )


def _score_table(
    arguments: argparse.Namespace, entry: MutationTable, files: dict[str, Fetched], log: Log
) -> dict[str, Any]:
    from bioseq_dl.encode.alphabet import ALPHABETS
    from bioseq_dl.io.fasta import read_fasta
    from bioseq_dl.io.mutation_table import read_wild_type
    from bioseq_dl.tasks.registry import find_task
    from bioseq_dl.train.checkpoint import read_checkpoint
    from bioseq_dl.variants.mutations import score_mutations, tell_alphabet

    table, fasta = files["source"], files["wild_type"]
    first = read_checkpoint(arguments.model[0])
    alphabet = ALPHABETS[find_task(first.task).alphabet]
    letters = next(read_fasta(fasta.path)).sequence
    wild_type = read_wild_type(fasta.path, tell_alphabet(letters, alphabet))
    log(f"wild type {wild_type.id}, {len(wild_type.sequence):,} {alphabet.unit}s")
    length = len(wild_type.sequence) if first.shape.length is None else None
    return score_mutations(
        entry,
        Path(table.path),
        wild_type,
        _load_models(arguments, entry, length, log, arguments.threads),
        {"variants": table.sha256, "wild_type": fasta.sha256},
        arguments.table,
    )


def _share_threads(arguments: argparse.Namespace, chunks: int) -> Workers:
    from bioseq_dl.train.device import choose_device, set_threads
    from bioseq_dl.variants.workers import share_threads

    device = choose_device(Train(device=arguments.device)).accelerator
    return share_threads(set_threads(arguments.threads), chunks, device)


def _load_models(
    arguments: argparse.Namespace,
    entry: VcfVariants | MutationTable,
    length: int | None,
    log: Log,
    threads: int | None,
) -> Ensemble:
    import torch

    from bioseq_dl.train.device import choose_device, set_threads
    from bioseq_dl.variants.ensemble import load_ensemble

    chosen = choose_device(Train(device=arguments.device))
    threads = set_threads(threads)
    log(f"device {chosen.name}, {threads} threads ({chosen.reason})")
    ensemble = load_ensemble(
        arguments.model,
        device=torch.device(chosen.accelerator),
        cache=_find_cache(arguments),
        targets=entry.targets,
        scale=entry.scale,
        precision=entry.precision if isinstance(entry, VcfVariants) else "fp32",
        length=length,
        batch=arguments.batch,
    )
    batches = ensemble.engines[0].batches
    log(
        f"{len(ensemble.engines)} models, windows of {ensemble.length} {ensemble.alphabet.unit}s, "
        f"{batches.windows} windows or {batches.tiles} mutants at once"
    )
    return ensemble


def _find_cache(arguments: argparse.Namespace) -> Path:
    from bioseq_dl.io.manifest import default_cache

    found: Path = arguments.cache or default_cache()
    return found


def _check_outputs(
    arguments: argparse.Namespace,
    entry: VcfVariants | MutationTable,
    files: dict[str, Fetched],
) -> None:
    """Find out before the work what stands against its results."""
    from bioseq_dl.io.atomic import check_writable

    out, table = arguments.out, arguments.table
    formats = (".parquet", ".tsv") if isinstance(entry, MutationTable) else (".parquet",)
    if isinstance(entry, MutationTable):
        if out is not None:
            raise InputError("--out is for a VCF; of a table of mutations, give --table")
        if arguments.part != (1, 1):
            raise InputError("--part is for a VCF")
    else:
        if out is not None and not out.name.endswith((".vcf.gz", ".vcf.bgz")):
            raise InputError(
                "the output is a bgzip VCF",
                file=out,
                allowed="a name that ends in .vcf.gz",
                fix="bcftools view converts it to other formats",
            )
    if out is None and table is None:
        raise InputError("nothing to write", fix="give --out, --table or both")
    if table is not None and table.suffix not in formats:
        allowed = " or ".join(formats)
        raise InputError("the table's format is told by its name", file=table, allowed=allowed)
    for path in (out, table, arguments.summary):
        if path is None:
            continue
        check_writable(path)
        for file in files.values():
            if path.resolve() == Path(file.path).resolve():
                raise InputError("the output would replace the input", file=path)


def _part(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N with K from 1 to N")
    return int(found[1]), int(found[2])


@contextmanager
def _end_cleanly() -> Iterator[None]:
    """Let SIGTERM end the work as an error does, so that no unfinished file is left behind."""
    from bioseq_dl.cli.main import STOPPED

    def stop(*_: object) -> None:
        raise SystemExit(STOPPED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(summary: dict[str, Any], log: Log) -> None:
    for note in summary["notes"]:
        log(note)
    counts = {name: count for name, count in summary["statuses"].items() if count}
    told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    alleles = f", {summary['alleles']:,} alleles" if "alleles" in summary else ""
    log(f"{summary['records']:,} records{alleles}: {told or 'none'}")
