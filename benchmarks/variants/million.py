"""A million variants of chromosome 20 through ``bioseq-dl variants``: seconds and memory.

    python benchmarks/variants/million.py

Synthetic: mostly SNVs, some insertions, deletions, MNVs and records of several alleles, and a
few of everything that cannot be scored. The model is tiny (8 filters, 200 bp), so that the time
is that of reading, windowing and writing. Memory is the most that the command's processes
held together, looked at every twentieth of a second (Linux alone tells it). Two runs: the
first also makes the genome's cache.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import lzma
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[2]
GENOME = ROOT.parent / "shared" / "data" / "dna_chr20_b37" / "chr20_b37.fa.xz"
LARGEST_GB = 2.0
"""Aim: memory."""
LETTERS = "ACGT"
SHARES = {"SNV": 0.84, "insertion": 0.06, "deletion": 0.06, "MNV": 0.02, "several": 0.02}
ODD = ("symbolic", "breakend", "star", "no_alt", "mismatch", "lower", "long", "unknown", "N")
ODD_EACH = 20
"""Records of each oddity; among them a REF of an unknown contig and one beyond the end."""
LENGTH = 200
"""Bases that the model reads."""


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    name: str
    seconds: float
    peak_gb: float
    summary: dict


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks/results/variants_million.tsv"
    )
    parser.add_argument("--variants", type=int, default=1_000_000)
    parser.add_argument("--genome", type=Path, default=GENOME, help="FASTA of one contig, .xz")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    if not arguments.genome.exists():
        print(f"skipped: there is no {arguments.genome.name} beside the checkout")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        records = prepare(place, arguments.genome, arguments.variants)
        runs = [
            run_command(label, arguments, place)
            for label in ("first, makes the genome cache", "again")
        ]
        written = count_records(place / "out.vcf.gz")
    if written != records:
        raise SystemExit(f"{records} records went in, {written} came out")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(format_table(runs, records, arguments.threads))
    print(arguments.out.read_text())
    return 0


def prepare(folder: Path, genome: Path, count: int) -> int:
    """Write the VCF and the model; give the number of records."""
    name, letters = read_contig(genome)
    write_model(folder / "model.pt")
    return write_vcf(folder / "variants.vcf", name, letters, count)


def read_contig(path: Path) -> tuple[str, str]:
    """Give the name and the bases of the one contig."""
    with lzma.open(path, "rt") as handle:
        name = handle.readline()[1:].split()[0]
        return name, handle.read().replace("\n", "").upper()


def draw_records(letters: str, count: int, seed: int = 0) -> list[tuple[int, str, str]]:
    """Draw records (1-based position, REF, ALT), in the order of the contig."""
    random = np.random.default_rng(seed)
    codes = np.frombuffer(letters.encode(), np.uint8)
    known = np.flatnonzero(codes != ord("N"))
    known = known[(known > LENGTH) & (known < len(letters) - 2 * LENGTH)]
    odd = ODD_EACH * len(ODD)
    places = known[np.sort(random.choice(len(known), count - odd, replace=False))]
    kinds = random.choice(list(SHARES), len(places), p=list(SHARES.values()))
    sizes = np.minimum(random.geometric(0.25, len(places)), 50)
    texts = random.integers(0, 4, (len(places), 64))
    records = [
        (place + 1, *spell(kind, letters, place, size, text))
        for place, kind, size, text in zip(
            places.tolist(), kinds.tolist(), sizes.tolist(), texts.tolist(), strict=True
        )
    ]
    records += draw_odd(letters, codes, known, random)
    return sorted(records, key=lambda record: record[0])


def spell(kind: str, letters: str, place: int, size: int, text: list[int]) -> tuple[str, str]:
    """Give REF and ALT of a variant of one kind."""
    ref = letters[place]
    others = [letter for letter in LETTERS if letter != ref]
    new = "".join(LETTERS[code] for code in text[1 : size + 1])
    if kind == "SNV":
        return ref, others[text[0] % 3]
    if kind == "insertion":
        return ref, ref + new
    if kind == "deletion":
        return letters[place : place + size + 1], ref
    if kind == "MNV":
        second = letters[place + 1]
        changed = next(letter for letter in LETTERS if letter != second)
        return ref + second, others[text[0] % 3] + changed
    return ref, ",".join([others[0], others[1], ref + new])


def draw_odd(
    letters: str, codes: np.ndarray, known: np.ndarray, random: np.random.Generator
) -> list[tuple[int, str, str]]:
    """Draw some of each record that is out of the ordinary."""
    places = known[random.choice(len(known), ODD_EACH * len(ODD), replace=False)].tolist()
    unknown = np.flatnonzero(codes == ord("N"))
    records = []
    for number, place in enumerate(places):
        kind, ref = ODD[number % len(ODD)], letters[place]
        other = next(letter for letter in LETTERS if letter != ref)
        last = next(letter for letter in LETTERS if letter not in (ref, other))
        if kind == "N" and len(unknown):
            place = int(unknown[random.integers(len(unknown))])
        records.append(
            {
                "symbolic": (place + 1, ref, "<DEL>"),
                "breakend": (place + 1, ref, f"{ref}[X:100["),
                "star": (place + 1, ref, f"*,{other}"),
                "no_alt": (place + 1, ref, "."),
                "mismatch": (place + 1, other, last),
                "lower": (place + 1, ref.lower(), other.lower()),
                "long": (place + 1, letters[place : place + LENGTH + 20], ref),
                "unknown": (place + 1, ref, "N"),
                "N": (place + 1, letters[place], "A"),
            }[kind]
        )
    return records


def write_vcf(path: Path, name: str, letters: str, count: int) -> int:
    """Write ``path``.gz, bgzipped; give the number of records."""
    import pysam

    records = draw_records(letters, count)
    with path.open("w") as handle:
        handle.write(f"##fileformat=VCFv4.2\n##contig=<ID={name},length={len(letters)}>\n")
        handle.write("##contig=<ID=nowhere>\n")
        handle.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        handle.writelines(
            f"{name}\t{position}\tv{number}\t{ref}\t{alt}\t50\tPASS\tDP={number % 90}\n"
            for number, (position, ref, alt) in enumerate(records)
        )
        handle.write(f"{name}\t{len(letters) + 5}\tbeyond\tA\tC\t.\t.\t.\n")
        handle.write("nowhere\t100\telsewhere\tA\tC\t.\t.\t.\n")
    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    path.unlink()
    return len(records) + 2


def write_model(path: Path) -> None:
    """Write the tiny network of the speed benchmark, with random weights."""
    sys.path.insert(0, str(ROOT / "benchmarks" / "speed" / "workers"))
    import torch
    from networks import build
    from own_networks import make_checkpoint

    from bioseq_dl.train.checkpoint import write_checkpoint

    torch.manual_seed(0)
    write_checkpoint(path, make_checkpoint("tiny", build("tiny").state_dict(), LENGTH))


def run_command(name: str, arguments: argparse.Namespace, folder: Path) -> Run:
    """Run the command in a process of its own and ask the system what it took."""
    command = [sys.executable, "-m", "bioseq_dl", "variants", "--device", "cpu"]
    command += ["--model", str(folder / "model.pt"), "--vcf", str(folder / "variants.vcf.gz")]
    command += ["--genome", str(arguments.genome), "--cache", str(folder / "cache")]
    command += ["--threads", str(arguments.threads), "--out", str(folder / "out.vcf.gz")]
    command += ["--table", str(folder / "out.parquet"), "--summary", str(folder / "out.json")]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    peak = 0
    while process.poll() is None:
        peak = max(peak, measure_memory(psutil.Process(process.pid)))
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}")
    summary = json.loads((folder / "out.json").read_text())
    return Run(name, seconds, peak / 1e9, summary)


def measure_memory(process: psutil.Process) -> int:
    """Bytes that a process and those it started hold; what they share counts once."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_full_info().pss
    return total


def count_records(path: Path) -> int:
    with gzip.open(path, "rb") as handle:
        return sum(not line.startswith(b"#") for line in handle)


def format_table(runs: list[Run], records: int, threads: int) -> str:
    """Rows a run; above them machine, what was in the file, and the verdict."""
    peak = max(run.peak_gb for run in runs)
    verdict = "met" if peak < LARGEST_GB else "NOT met"
    summary = runs[-1].summary
    statuses = {name: count for name, count in summary["statuses"].items() if count}
    classes = Counter(summary.get("classes", {}))
    lines = [
        f"# {records:,} records through bioseq-dl variants, tiny network of {LENGTH} bp, "
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"# machine: {len(os.sched_getaffinity(0))} cores, {threads} threads, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}",
        f"# alleles: {summary['alleles']:,}; {json.dumps(statuses)}",
        f"# classes: {json.dumps(classes)}",
        f"# aim: memory below {LARGEST_GB:g} GB: {peak:.2f} ({verdict})",
        "run\trecords\talleles\tseconds\trecords_per_second\tpeak_gb",
    ]
    lines += [
        f"{run.name}\t{records}\t{run.summary['alleles']}\t{run.seconds:.1f}"
        f"\t{records / run.seconds:.0f}\t{run.peak_gb:.3f}"
        for run in runs
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
