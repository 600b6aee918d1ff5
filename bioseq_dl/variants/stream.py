"""A VCF scored from end to end: some chunks are scored, while one is read and one written.

Memory does not grow with the file. Reading ahead and writing behind run in a thread each, and
compress and decompress while the models compute; the order stays that of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bioseq_dl
from bioseq_dl.config import VcfVariants
from bioseq_dl.errors import InputError
from bioseq_dl.io.contigs import match_names
from bioseq_dl.io.genome import Genome
from bioseq_dl.io.vcf.annotate import open_annotated
from bioseq_dl.io.vcf.chunks import Chunk, read_chunks
from bioseq_dl.io.vcf.survey import VcfSurvey
from bioseq_dl.variants.ensemble import Ensemble
from bioseq_dl.variants.info import format_info, name_fields
from bioseq_dl.variants.parts import finish_vcf
from bioseq_dl.variants.precision import check_ranking
from bioseq_dl.variants.progress import Progress
from bioseq_dl.variants.score import score_chunk
from bioseq_dl.variants.scored import ScoredChunk
from bioseq_dl.variants.summary import Tally, describe_survey
from bioseq_dl.variants.table import make_schema, open_table, tabulate
from bioseq_dl.variants.workers import map_in_order


@dataclass(frozen=True)
class Outputs:
    """What is written.

    Parameters
    ----------
    vcf : Path, optional
        Annotated VCF, bgzip; its index beside it.
    table : Path, optional
        Parquet.
    """

    vcf: Path | None
    table: Path | None


def score_vcf(
    settings: VcfVariants,
    survey: VcfSurvey,
    genome: Genome,
    ensemble: Ensemble,
    hashes: Mapping[str, str],
    outputs: Outputs,
    log: Callable[[str], None],
    part: tuple[int, int] = (1, 1),
    processes: int = 1,
) -> dict[str, Any]:
    """Score every allele of a VCF, or of a part of it, and write all its records.

    Parameters
    ----------
    settings : VcfVariants
        ``mismatch``, ``prefix``, ``max_unknown_fraction`` and what the ensemble was made with.
    survey : VcfSurvey
        Of the VCF.
    genome : Genome
    ensemble : Ensemble
    hashes : mapping
        ``variants`` and ``genome``: the sha256 of the two files.
    outputs : Outputs
    log : callable
        Takes lines of progress.
    part : (int, int)
        Which part, from 1, of how many: consecutive chunks. The parts' files put end to end
        are those of the whole; only a whole VCF gets an index.
    processes : int
        In which chunks are scored, as `share_threads` has it.

    Returns
    -------
    dict
        The summary, ready for JSON; keys as ``parts.merge_summaries`` gives, and ``part``.

    Raises
    ------
    InputError
        Where no contig of the VCF is in the genome; where with ``mismatch: strict`` a REF is
        not what the genome holds; where an output cannot be written; where bf16 would change
        the ranking of effects.
    """
    contigs, notes = _match_contigs(survey, genome)
    several = len(ensemble.engines) > 1
    fields = name_fields(settings.prefix, ensemble.names, ensemble.scale, several)
    told = _tell_settings(settings, ensemble)
    first, last = _choose_chunks(len(survey.chunks), part)
    tally = Tally(ensemble.names, survey.contigs)
    schema = make_schema(ensemble.names, several)
    total = sum(place.records for place in survey.chunks[first:last])

    def score(chunk: Chunk) -> tuple[ScoredChunk, list[bytes | None]]:
        scored = score_chunk(
            chunk,
            contigs,
            genome,
            ensemble,
            settings.mismatch,
            settings.max_unknown_fraction,
            survey.path,
        )
        return scored, format_info(scored, fields) if outputs.vcf is not None else []

    if ensemble.checks:
        notes.append(check_ranking(ensemble, survey, contigs, genome, settings))
    with ExitStack() as stack:
        vcf = table = None
        if outputs.vcf is not None:
            head = _describe_header(told, ensemble, hashes)
            vcf = stack.enter_context(
                open_annotated(
                    outputs.vcf,
                    survey.header,
                    fields,
                    head,
                    source=survey.path,
                    write_header=part[0] == 1,
                )
            )
        if outputs.table is not None:
            table = stack.enter_context(open_table(outputs.table, schema))

        def write(scored: ScoredChunk, info: list[bytes | None]) -> None:
            if vcf is not None:
                vcf.write(scored.chunk.lines, info)
            if table is not None:
                table.write_table(tabulate(scored, survey.contigs, table.schema))
            tally.add(scored)

        progress = Progress(total, "records", log)
        writer = stack.enter_context(ThreadPoolExecutor(1, "write"))
        pending: Future[None] | None = None
        chunks = _read_ahead(survey, first, last, stack)
        for scored, info in map_in_order(score, chunks, processes):
            if pending is not None:
                pending.result()
            pending = writer.submit(write, scored, info)
            progress.add(len(scored.chunk.lines))
        if pending is not None:
            pending.result()
    summary = {
        "settings": told,
        "inputs": {
            "variants": hashes["variants"],
            "genome": hashes["genome"],
            "models": list(ensemble.hashes),
        },
        "survey": describe_survey(survey),
        "notes": [note.removesuffix(".") for note in (*survey.notes, *notes)],
        **tally.summarise(),
    }
    if part[1] > 1:
        summary["part"] = {"number": part[0], "of": part[1]}
    elif outputs.vcf is not None:
        finish_vcf(outputs.vcf, summary)
    return summary


def _read_ahead(survey: VcfSurvey, first: int, last: int, stack: ExitStack) -> Iterator[Chunk]:
    """Give chunks, the next one being read meanwhile."""
    chunks = read_chunks(survey, first, last)
    reader = stack.enter_context(ThreadPoolExecutor(1, "read"))
    pending = reader.submit(next, chunks, None)
    while (chunk := pending.result()) is not None:
        pending = reader.submit(next, chunks, None)
        yield chunk


def _match_contigs(survey: VcfSurvey, genome: Genome) -> tuple[NDArray[np.int64], list[str]]:
    names = match_names(survey.contigs, genome.contigs)
    places = np.array([names.places[name] for name in survey.contigs], np.int64)
    if len(places) and (places < 0).all():
        allowed = list(genome.contigs)
        raise InputError(
            "none of the VCF's contigs is in the genome",
            file=survey.path,
            found=", ".join(survey.contigs[:5]),
            allowed=", ".join(allowed[:5]) + (", …" if len(allowed) > 5 else ""),
            fix="use a genome of the same assembly, with the same contig names",
        )
    notes = [f"{note[:1].upper()}{note[1:]}." for note in names.notes]
    for name, other in names.clashes.items():
        notes.append(
            f"Contig {name} is not in the genome, and is not read as {other}, "
            f"since the VCF uses {other} as well."
        )
    missing = [name for name in survey.contigs if names.places[name] < 0]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        notes.append(f"Contigs that the genome lacks: {', '.join(missing[:5])}{more}.")
    return places, notes


def _choose_chunks(count: int, part: tuple[int, int]) -> tuple[int, int]:
    number, of = part
    return (number - 1) * count // of, number * count // of


def _tell_settings(settings: VcfVariants, ensemble: Ensemble) -> dict[str, Any]:
    return {
        "window": ensemble.length,
        "mismatch": settings.mismatch,
        "scale": settings.scale,
        "precision": settings.precision,
        "max_unknown_fraction": settings.max_unknown_fraction,
        "prefix": settings.prefix,
        "targets": list(ensemble.names),
        "models": len(ensemble.engines),
    }


def _describe_header(
    told: Mapping[str, Any], ensemble: Ensemble, hashes: Mapping[str, str]
) -> dict[str, str]:
    """Give what made the scores: no paths and no times, so that equal inputs are equal bytes."""
    return {
        "version": bioseq_dl.__version__,
        "genome": hashes["genome"],
        "models": " ".join(ensemble.hashes),
        "window": str(told["window"]),
        "mismatch": str(told["mismatch"]),
        "scale": str(told["scale"]),
        "precision": str(told["precision"]),
        "maxUnknownFraction": f"{told['max_unknown_fraction']:g}",
    }
