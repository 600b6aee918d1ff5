"""``bioseq-dl check``: what a run would stumble over, before it runs."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioseq_dl.cli.common import add_path
from bioseq_dl.config import (
    CellLayout,
    Config,
    ExpressionEncode,
    MutationTable,
    Run,
    VcfVariants,
    load_config,
)
from bioseq_dl.config.sources import list_sources
from bioseq_dl.errors import InputError
from bioseq_dl.steps import stage_key

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 60
"""Characters of what was found in a rejected record."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file")
    add_path(parser, "cache", "folder of downloads (default: the config's)", required=False)


def run(arguments: argparse.Namespace) -> int:
    """Validate the config, read its inputs as ingest would, assign folds; write nothing.

    Downloads go to the cache, where the workflow finds them again.
    """
    from bioseq_dl.io.fetch import default_cache

    config = load_config(arguments.config)
    print(f"{arguments.config}: valid, {len(config.runs)} run(s)")
    cache = arguments.cache or (Path(config.cache) if config.cache else default_cache())
    failures = 0
    for names, example in _share_data(config):
        print(f"\n{', '.join(names)}:")
        try:
            _check_data(example, cache)
        except InputError as error:
            print(f"  error: {error}")
            failures += 1
    for name, entry in config.runs.items():
        for scored, section in entry.variants.items():
            print(f"\n{name}, variants {scored}:")
            try:
                _check_variants(section, cache)
            except InputError as error:
                print(f"  error: {error}")
                failures += 1
    _tell_devices(config)
    print(f"\n{'all inputs are usable' if not failures else f'{failures} problem(s) found'}")
    return 2 if failures else 0


def _tell_devices(config: Config) -> None:
    """Warn of GPUs that this machine lacks: no problem where it only hands jobs to others."""
    asking = {
        name: entry.train
        for name, entry in config.runs.items()
        if entry.train.device == "cuda" or entry.train.devices > 1
    }
    if not asking or find_spec("torch") is None:  # the machine that hands out jobs needs no torch
        return
    from bioseq_dl.train.device import choose_device

    for name, train in asking.items():
        try:
            choose_device(train)
        except InputError as error:
            print(f"\n{name}: on this machine no training would begin: {error}")


def _share_data(config: Config) -> list[tuple[list[str], Run]]:
    groups: dict[str, list[str]] = {}
    for name, entry in config.runs.items():
        groups.setdefault(stage_key(entry, "split"), []).append(name)
    return [(names, config.runs[names[0]]) for names in groups.values()]


def _check_data(entry: Run, cache: Path) -> None:
    from bioseq_dl.data.splits import assign_folds
    from bioseq_dl.io.fetch import fetch_all
    from bioseq_dl.tasks.registry import find_task

    files = fetch_all(list_sources(entry.ingest), cache)
    read = find_task(entry.task).load("read")
    ingested = read(entry.ingest, entry.targets, files, cache)
    for line in _describe_inputs(ingested.summary):
        print(f"  {line}")
    for line in _show_rejects(ingested.rejected):
        print(f"  {line}")
    for note in ingested.summary["notes"]:
        print(f"  {note}")
    folds = assign_folds(ingested.records, entry.split, entry.targets)
    first = folds.column("fold0")
    counts = first.value_counts().to_pylist()
    roles = {item["values"]: item["counts"] for item in counts}
    told = ", ".join(
        f"{role} {roles[role]:,}" for role in ("train", "val", "test") if role in roles
    )
    print(f"  folds: {entry.split.folds} ({entry.split.method}); first: {told}")
    if isinstance(entry.encode, ExpressionEncode) and entry.encode.layout is not None:
        _check_layout(entry.encode.layout, cache)
    if entry.targets.per_residue:
        from bioseq_dl.io.residue_counts import count_by_fold

        labelled = count_by_fold(ingested.records, first.to_pylist(), entry.targets)
        for name, found in labelled.items():
            told = ", ".join(f"{role} {count:,}" for role, count in found.items())
            print(f"  residues with a label of {name}: {told}")
    if entry.embeddings is not None:
        from bioseq_dl.io.embeddings import check_embeddings
        from bioseq_dl.io.manifest import find_file

        ids = ingested.records.column("id").to_pylist()
        lengths = [len(text) for text in ingested.records.column("sequence").to_pylist()]
        file = find_file(entry.embeddings.source, files).path
        check_embeddings(file, ids, lengths, entry.embeddings.features)
        print(f"  {file}: embeddings of all {len(ids):,} records")


def _check_layout(layout: CellLayout, cache: Path) -> None:
    from bioseq_dl.io.fetch import fetch_source
    from bioseq_dl.io.gene_layouts import read_gene_sets, read_places

    if layout.source is None:
        return
    file = fetch_source(layout.source, cache).path
    if layout.kind == "file":
        print(f"  {file}: places of {len(read_places(file)):,} genes")
    else:
        print(f"  {file}: {len(read_gene_sets(file)):,} pathways")


def _check_variants(section: VcfVariants | MutationTable, cache: Path) -> None:
    from bioseq_dl.io.fetch import fetch_all, source_key

    files = fetch_all(list_sources(section), cache)
    source = files[source_key(section.source)].path
    if isinstance(section, MutationTable):
        from bioseq_dl.io.mutation_table import read_mutation_table, read_wild_type

        wild_type = read_wild_type(files[source_key(section.wild_type)].path)
        rows = faults = 0
        for batch in read_mutation_table(
            source,
            wild_type.sequence,
            column=section.column,
            id_column=section.id_column,
            first=section.first,
        ):
            rows += len(batch)
            faults += sum(row.fault is not None for row in batch)
        print(f"  {rows:,} rows, {faults:,} that cannot be scored")
        return
    from bioseq_dl.io.contigs import match_names
    from bioseq_dl.io.genome import open_genome
    from bioseq_dl.io.vcf.survey import survey_vcf

    survey = survey_vcf(source)
    fasta = files[source_key(section.genome)]
    genome = open_genome(fasta.path, cache, sha256=fasta.sha256)
    names = match_names(survey.contigs, genome.contigs)
    missing = [name for name in survey.contigs if names.places[name] < 0]
    order = "sorted" if survey.is_sorted else "not sorted, so without an index"
    print(f"  {survey.records:,} records, {survey.alleles:,} alleles, {order}")
    for note in (*survey.notes, *names.notes):
        print(f"  {note}")
    if missing and len(missing) == len(survey.contigs):
        raise InputError(
            "none of the VCF's contigs is in the genome",
            file=source,
            found=", ".join(missing[:5]),
            allowed=", ".join(list(genome.contigs)[:5]),
        )
    if missing:
        print(f"  contigs that the genome lacks: {', '.join(missing[:5])}")


def _show_rejects(rejected: pa.Table) -> list[str]:
    """Name the first record that was rejected for each reason."""
    first: dict[str, dict[str, str]] = {}
    for row in rejected.to_pylist():
        first.setdefault(row["reason"], row)
    lines = []
    for reason, row in first.items():
        place = f", {row['position']}" if row["position"] else ""
        found = row["found"] if len(row["found"]) <= _SHOWN else f"{row['found'][: _SHOWN - 1]}…"
        told = f"; found {found!r}" if found else ""
        lines.append(f"first rejected, {reason}: record {row['record']!r}{place}{told}")
    return lines


def _describe_inputs(summary: dict[str, Any]) -> list[str]:
    lines = []
    for item in summary["inputs"]:
        reasons = ", ".join(f"{count:,} {why}" for why, count in item["rejected"].items())
        lines.append(
            f"{item['source']}: {item['kept']:,} of {item['read']:,} records"
            + (f"; rejected: {reasons}" if reasons else "")
        )
    return lines
