"""``bioseq-dl gather``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bioseq_dl.cli.common import add_path, start_log
from bioseq_dl.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    several: dict[str, Any] = {"nargs": "+", "required": False, "default": []}
    add_path(parser, "summaries", "summaries of all parts, in order", nargs="+")
    add_path(parser, "vcf", "annotated VCFs of all parts, in order", **several)
    add_path(parser, "tables", "Parquet tables of all parts, in order", **several)
    add_path(parser, "out-summary", "output: JSON")
    add_path(parser, "out-vcf", "output: .vcf.gz, index beside it", required=False)
    add_path(parser, "out-table", "output: .parquet", required=False)


def run(arguments: argparse.Namespace) -> None:
    """Put the parts of a scattered run of variants together."""
    from bioseq_dl.io.atomic import write_json
    from bioseq_dl.io.vcf.gather import gather_vcfs
    from bioseq_dl.variants.parts import finish_vcf, gather_tables, merge_summaries

    log = start_log()
    count = len(arguments.summaries)
    for parts, out, name in (
        (arguments.vcf, arguments.out_vcf, "vcf"),
        (arguments.tables, arguments.out_table, "table"),
    ):
        if bool(parts) != (out is not None):
            raise InputError(f"give the parts and --out-{name}, or neither")
        if parts and len(parts) != count:
            raise InputError(f"{count} summaries, but {len(parts)} parts for --out-{name}")
    summary = merge_summaries([_read(path) for path in arguments.summaries], arguments.summaries)
    if arguments.vcf:
        gather_vcfs(arguments.vcf, arguments.out_vcf)
        finish_vcf(arguments.out_vcf, summary)
    if arguments.tables:
        gather_tables(arguments.tables, arguments.out_table)
    write_json(arguments.out_summary, summary)
    for note in summary["notes"]:
        log(note)
    log(f"{count} parts, {summary['records']:,} records")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except (ValueError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or "settings" not in found:
        raise InputError("not a summary of variants", file=path, fix="score this part again")
    return found
