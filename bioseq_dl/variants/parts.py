"""The parts of a scattered run, put together: byte for byte the unscattered run's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.gather import index_vcf
from bioseq_dl.variants.differences import merge_differences, rank_top
from bioseq_dl.variants.table import open_table


def merge_summaries(parts: Sequence[Mapping[str, Any]], files: Sequence[Path]) -> dict[str, Any]:
    """Add up the summaries of all parts of a scattered run.

    Parameters
    ----------
    parts : sequence of mapping
        In order: ``part`` tells ``number`` (from 1) and ``of``.
    files : sequence of path
        Where they come from, for errors.

    Returns
    -------
    dict
        ``settings``, ``inputs`` (names and sha256), ``survey``, ``notes``: equal in all parts.
        ``records``, ``alleles``; ``classes``, ``statuses``, ``contigs``, ``contigs_missing``:
        alleles by name. ``differences``: ``edges``, and for each output ``counts`` of alleles
        in the bins between them, ``count``, ``negative``, ``positive``, ``min``, ``max`` and
        ``quantiles`` (interpolated within bins). ``top``: the alleles with the largest
        differences. ``provenance``: of the first part, seconds added up.

    Raises
    ------
    InputError
        Where a part is missing, twice there, out of order, or of another run.
    """
    first = parts[0]
    if len(parts) == 1 and "part" not in first:  # a whole run is its own only part
        return dict(first)
    of = first.get("part", {}).get("of")
    for number, (part, file) in enumerate(zip(parts, files, strict=True), 1):
        told = part.get("part")
        if told is None:
            raise InputError("this is no summary of a part", file=file)
        if (told["number"], told["of"]) != (number, of) or len(parts) != of:
            raise InputError(
                "the parts must be given all, once and in order",
                file=file,
                found=f"part {told['number']} of {told['of']} in place {number} of {len(parts)}",
            )
        for key in ("settings", "inputs", "survey"):
            if part[key] != first[key]:
                raise InputError(
                    f"this part is of another run: its {key} differ from the first part's",
                    file=file,
                    fix="score all parts again",
                )
    merged = {key: value for key, value in first.items() if key != "part"}
    for key in ("records", "alleles"):
        merged[key] = sum(part[key] for part in parts)
    for key in ("classes", "statuses", "contigs", "contigs_missing"):
        counts: Counter[str] = Counter()
        for part in parts:
            counts.update(part[key])
        merged[key] = dict(counts)
    merged["differences"] = merge_differences([part["differences"] for part in parts])
    merged["top"] = rank_top([entry for part in parts for entry in part["top"]])
    provenance = dict(first["provenance"])
    provenance["seconds"] = round(sum(part["provenance"]["seconds"] for part in parts), 3)
    provenance["peak_memory_bytes"] = max(part["provenance"]["peak_memory_bytes"] for part in parts)
    merged["provenance"] = provenance
    return merged


def finish_vcf(path: Path, summary: dict[str, Any]) -> None:
    """Index a whole VCF, or say in the summary's notes why it has no index."""
    survey = summary["survey"]
    index = index_vcf(path, survey["sorted"], survey["max_position"])
    summary["index"] = index.suffix if index is not None else None
    if index is None:
        summary["notes"].append(
            f"The VCF is not sorted (first at line {survey['first_unsorted_line']} of the input), "
            "so it has no index; bcftools sort sorts it"
        )


def gather_tables(parts: Sequence[Path], out: Path) -> None:
    """Put tables of parts together, in order, row group by row group.

    Raises
    ------
    InputError
        Where a part is missing, is no such table, or has other columns than the first.
    """
    schema = _open_part(parts[0]).schema_arrow
    with open_table(out, schema) as writer:
        for path in parts:
            part = _open_part(path)
            if not part.schema_arrow.equals(schema):
                raise InputError("a part has other columns than the first", file=path)
            for group in range(part.num_row_groups):
                writer.write_table(part.read_row_group(group))


def _open_part(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except (pa.ArrowInvalid, OSError):
        raise InputError("not a Parquet table", file=path, fix="write this part again") from None
