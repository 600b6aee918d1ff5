"""Trained models applied in the workflow: variants in parts, mutations, explanations."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workflow_project import MOTIF, Project

pytestmark = pytest.mark.workflow
Make = Callable[..., dict[str, Any]]

LENGTH = 4_000


def write_genome(folder: Path) -> str:
    """Write a contig '20' with the motif now and then; give its bases."""
    draw = random.Random(3)
    bases = draw.choices("ACGT", k=LENGTH)
    for start in range(100, LENGTH - 100, 400):
        bases[start : start + len(MOTIF)] = MOTIF
    genome = "".join(bases)
    (folder / "data" / "genome.fa").write_text(f">20\n{genome}\n")
    return genome


def write_vcf(folder: Path, genome: str) -> list[str]:
    """Write variants of each kind, named chr20; give the lines of the records."""
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    lines = []
    for start in range(0, LENGTH - 1, 7):
        ref = genome[start]
        alt = (other[ref], f"{ref}TT", "<DEL>", f"{other[ref]},*")[start % 4]
        lines.append(f"chr20\t{start + 1}\tv{start}\t{ref}\t{alt}\t50.00\tPASS\tAC=1;DP=7")
    info = '##INFO=<ID={},Number=1,Type=Integer,Description="Kept">\n'
    head = "##fileformat=VCFv4.3\n" + info.format("AC") + info.format("DP")
    head += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (folder / "data" / "cohort.vcf").write_text(head + "\n".join(lines) + "\n")
    return lines


def applied(make_run: Make, **changes: Any) -> dict[str, Any]:
    wild_type = {"path": "data/wild_type.fa"}
    variants = {
        "cohort": {
            "format": "vcf",
            "source": {"path": "data/cohort.vcf"},
            "genome": {"path": "data/genome.fa"},
        },
        "scan": {
            "format": "mutations",
            "source": {"path": "data/scan.csv"},
            "wild_type": wild_type,
        },
    }
    explain = {
        "records": 2,
        "methods": ["mutagenesis", "integrated_gradients"],
        "motifs": {"records": 40},
    }
    return make_run(variants=variants, explain=explain) | changes


def read_scored(folder: Path) -> dict[str, bytes]:
    base = folder / "results/runs/cnn/variants/cohort"
    names = ("vcf/variants.vcf.gz", "vcf/variants.vcf.gz.tbi", "variants.parquet")
    return {name: (base / name).read_bytes() for name in names}


def test_variants_and_explanations_reach_the_report(project: Project, make_run: Make) -> None:
    import pysam

    lines = write_vcf(project.folder, write_genome(project.folder))
    wild_type = "A" * 20 + MOTIF + "A" * 29
    (project.folder / "data" / "wild_type.fa").write_text(f">wt\n{wild_type}\n")
    (project.folder / "data" / "scan.csv").write_text('variant\nT21A\n"T21A,G22C"\nA60C\n')
    project.configure(cnn=applied(make_run))
    done = project.run("--set-scatter", "variants=3")
    assert done.returncode == 0, done.stdout
    in_parts = read_scored(project.folder)

    folder = project.folder / "results/runs/cnn"
    with pysam.VariantFile(str(folder / "variants/cohort/vcf/variants.vcf.gz")) as vcf:
        records = list(vcf)
        near_end = list(vcf.fetch("chr20", LENGTH - 30, LENGTH))
    assert [record.id for record in records] == [line.split("\t")[2] for line in lines]
    assert near_end
    for record in records:
        assert record.info["DP"] == 7
        if record.alts == ("<DEL>",):
            assert record.info["BDL_STATUS"] == ("symbolic",)
        elif 30 < record.start < LENGTH - 30:  # nearer the ends, windows hold too many N
            change = record.info["BDL_bound_ALT"][0] - record.info["BDL_bound_REF"][0]
            assert record.info["BDL_bound_DIFF"][0] == pytest.approx(change, abs=1e-4)
            assert record.info["BDL_bound_SD"][0] >= 0
    summary = json.loads((folder / "variants/cohort/vcf.json").read_text())
    assert summary["records"] == len(lines)
    assert (folder / "variants/scan/mutations.parquet").exists()
    assert (folder / "explain/motifs.tsv").exists()
    page = (project.folder / "results/report/report.html").read_text()
    for word in ("cohort", "scan", "symbolic", "20", "motif"):
        assert word in page

    shutil.rmtree(folder / "variants/cohort/vcf")
    done = project.run("--set-scatter", "variants=1")
    assert done.returncode == 0, done.stdout
    assert read_scored(project.folder) == in_parts
    assert "Nothing to be done" in project.run("--set-scatter", "variants=1").stdout
