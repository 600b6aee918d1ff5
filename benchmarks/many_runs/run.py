"""Many runs: how long Snakemake takes to read the config and plan all jobs.

    python benchmarks/many_runs/run.py

200 runs of 5 seeds each (each with a learning rate of its own, every second with a split of its
own, every fourth scoring a VCF) are dry-run. Beside it, in the same minutes, a bare workflow of as
many jobs with the same dependencies, whose rules hold nothing but file names: what Snakemake needs
by itself. Both are taken in turns; the table gives the median.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COLUMNS = ("workflow", "jobs", "seconds", "spread", "processor_seconds", "peak_mb")
BARE = """
RUNS = [f"run{number}" for number in range(RUN_COUNT)]
SEEDS = range(1, SEED_COUNT + 1)
rule all:
    input: "report"
rule fetch:
    output: "sources"
rule ingest:
    input: "sources"
    output: "records"
rule split:
    input: "records"
    output: "{run}/split"
rule encode:
    input: "records", "{run}/split"
    output: "{run}/examples"
rule train:
    input: "{run}/examples"
    output: "{run}/{seed}/model"
rule predict:
    input: "{run}/{seed}/model", "{run}/examples", "records"
    output: "{run}/{seed}/predictions"
rule baseline:
    input: "records", "{run}/examples"
    output: "{run}/baseline-{name}"
rule evaluate:
    input:
        "records",
        lambda w: [f"{w.run}/{seed}/predictions" for seed in SEEDS],
        lambda w: [f"{w.run}/baseline-{name}" for name in ("prior", "kmer")],
    output: "{run}/metrics"
rule report:
    input: expand("{run}/metrics", run=RUNS)
    output: "report"
"""


def describe_run(number: int, seeds: int) -> dict[str, Any]:
    """Give a run that differs from its neighbours."""
    run: dict[str, Any] = {
        "task": "dna_sequence",
        "targets": {"names": ["bound"]},
        "ingest": {
            "inputs": [
                {
                    "format": "fasta",
                    "name": name,
                    "source": {"path": f"{name}.fa"},
                    "labels": {"bound": value},
                }
                for name, value in (("bound", 1), ("background", 0))
            ]
        },
        "split": {"method": "random", "seed": number // 2},
        "model": {"conv": [{"channels": 8, "kernel": 11}]},
        "train": {"seeds": list(range(1, seeds + 1)), "learning_rate": 1e-4 * (number + 1)},
    }
    if number % 4 == 0:
        genome = {"path": "genome.fa"}
        run["variants"] = {
            "clinic": {"format": "vcf", "source": {"path": "a.vcf"}, "genome": genome}
        }
    return run


def write_projects(folder: Path, runs: int, seeds: int) -> dict[str, list[str]]:
    """Write both workflows; give the words that dry-run each."""
    ours, bare = folder / "ours", folder / "bare"
    for made in (ours, bare):
        made.mkdir()
    for name in ("bound.fa", "background.fa", "a.vcf", "genome.fa"):
        (ours / name).write_text(">s\nACGT\n")
    config = {"runs": {f"run{number}": describe_run(number, seeds) for number in range(runs)}}
    (ours / "config").mkdir()
    (ours / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    text = BARE.replace("RUN_COUNT", str(runs)).replace("SEED_COUNT", str(seeds))
    (bare / "Snakefile").write_text(text)
    start = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2"]
    return {
        "bioseq_dl": [*start, "--directory", str(ours), "--snakefile", str(ROOT / "Snakefile")],
        "bare": [*start, "--directory", str(bare), "--snakefile", str(bare / "Snakefile")],
    }


def take_time(words: list[str]) -> dict[str, float]:
    """Run once; give jobs planned, seconds, the processor's seconds and the most memory."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, text[-2000:]
    totals = re.findall(r"^total\s+(\d+)", text, re.MULTILINE)
    return {
        "jobs": int(totals[0]),
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/many_runs.tsv")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from bioseq_dl.provenance import describe_hardware, read_git_commit

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        projects = write_projects(Path(name), chosen.runs, chosen.seeds)
        taken: dict[str, list[dict[str, float]]] = {project: [] for project in projects}
        for _ in range(chosen.repeats):
            for project, words in projects.items():
                taken[project].append(take_time(words))
    rows = []
    for project, costs in taken.items():
        seconds = [cost["seconds"] for cost in costs]
        row = [project, f"{costs[0]['jobs']}", f"{statistics.median(seconds):.1f}"]
        row += [f"{min(seconds):.1f} to {max(seconds):.1f}"]
        row += [f"{statistics.median(c['processor_seconds'] for c in costs):.1f}"]
        row += [f"{statistics.median(c['peak_mb'] for c in costs):.0f}"]
        rows.append("\t".join(row))
    hardware = describe_hardware()
    head = [
        f"# {hardware['cpu']}, {hardware['cores']} cores; {read_git_commit()}, "
        f"{datetime.now(UTC):%Y-%m-%d}, load {load:.1f}",
        f"# snakemake --dry-run of {chosen.runs} runs x {chosen.seeds} seeds, "
        f"{chosen.repeats} times in turns",
    ]
    text = "\n".join([*head, "\t".join(COLUMNS), *rows]) + "\n"
    chosen.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
