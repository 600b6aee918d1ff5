"""Speed of extraction, one-hot, loading, training and variant effects, beside the peers.

    python benchmarks/speed/run.py --out benchmarks/results/speed.tsv

makes an environment for each peer (once; about 10 GB under --work), writes synthetic
inputs, runs every worker in a process of its own, interleaved, and writes the table and,
beside it, every single run with hardware and versions as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from aims import judge_aims
from environments import Environment, make_environment
from inputs import Size, write_inputs
from plan import EFFECTS, ENTRANTS, OWN, Entrant, interleave
from runs import Options, Run, own_environment, run_worker
from table import compare_effects, format_table, make_rows
from variant_inputs import VariantSize, write_variants

ROOT = Path(__file__).parents[2]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/speed.tsv")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build/speed", help="environments, inputs"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="", help="measures, comma-separated")
    parser.add_argument("--names", default="", help="only rows whose name contains one of these")
    parser.add_argument("--device", default="cpu", help="of variant effects: cpu or cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no timing to trust")
    return parser.parse_args()


def choose(entrants: tuple[Entrant, ...], arguments: argparse.Namespace) -> list[Entrant]:
    measures = [word for word in arguments.only.split(",") if word]
    names = [word for word in arguments.names.split(",") if word]
    chosen = [e for e in entrants if not measures or e.measure in measures]
    if arguments.quick:
        chosen = [e for e in chosen if e.measure != "score"]
    return [e for e in chosen if not names or any(word in e.name for word in names)]


def describe_machine(threads: int) -> dict[str, object]:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.split(":")[1].strip() for line in text.splitlines() if "model name" in line), ""
    )
    flags = [
        flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in text.split()
    ]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model or platform.processor(),
        "flags": flags,
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "memory_gb": round(pages / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }


def main() -> int:
    arguments = parse()
    started = time.monotonic()
    entrants = choose(ENTRANTS, arguments)
    work = arguments.work.resolve()
    # Before anything of ours runs: what else keeps the machine busy.
    machine = describe_machine(arguments.threads)
    if machine["load_average"] > 0.5:
        print(
            f"warning: load {machine['load_average']:.1f}, the times will be too high", flush=True
        )
    environments: dict[str, Environment] = {OWN: own_environment()}
    for key in dict.fromkeys(entrant.environment for entrant in entrants):
        if key != OWN:
            environments[key] = make_environment(key, work)
            if environments[key].python is None:
                print(f"{key} is not installed: {environments[key].reason}", flush=True)
    if arguments.quick:
        size, repeats = Size(genome=1_000_000, intervals=5_000), 1
        variants = VariantSize(variants=5_000, alleles=32, windows=2)
        options = Options(
            1, seconds=0.5, batch=8, steps=2, warmup=1, batches="16,64", device=arguments.device
        )
    else:
        size, repeats = Size(genome=50_000_000, intervals=100_000), arguments.repeats
        variants = VariantSize(variants=200_000, alleles=512, windows=9)
        options = Options(
            arguments.threads, seconds=2.0, batch=64, steps=5, warmup=1, device=arguments.device
        )
    inputs = write_inputs(work / ("inputs-quick" if arguments.quick else "inputs"), size)
    if any(entrant.measure in EFFECTS for entrant in entrants):
        write_variants(inputs, variants)
    runs = compare_effects(
        measure(entrants, environments, inputs, options, work, repeats, arguments.quick)
    )
    rows = make_rows(entrants, runs, environments)
    aims = [] if arguments.quick else judge_aims(rows)
    comments = [
        f"bioseq_dl speed benchmark, {datetime.now(UTC):%Y-%m-%d}"
        + (", QUICK: sizes too small for timings to mean anything" if arguments.quick else ""),
        f"machine: {json.dumps(machine)}",
        f"inputs: {size.intervals} intervals of {size.width} bp from {size.genome} bp; "
        f"training batch {options.batch}, {options.steps} steps timed after {options.warmup + 1}",
        f"variants: a VCF of {variants.variants} SNVs; {variants.alleles} SNVs and as many indels "
        f"in windows of their own; {variants.windows} windows mutated everywhere; "
        f"device {options.device}",
        *(f"aim: {aim}" for aim in aims),
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(format_table(rows, comments))
    details = {
        "machine": machine,
        "size": asdict(size),
        "variants": asdict(variants),
        "options": asdict(options),
        "repeats": repeats,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "aims": [asdict(aim) | {"met": aim.met} for aim in aims],
        "environments": {
            key: {name: value for name, value in asdict(environment).items() if name != "python"}
            | {"installed": environment.python is not None}
            for key, environment in environments.items()
        },
        "runs": [asdict(run) for run in runs],
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(details, indent=1) + "\n")
    print("\n".join(str(aim) for aim in aims))
    print(f"wrote {arguments.out} in {details['minutes']} minutes")
    return 0


def measure(
    entrants: list[Entrant],
    environments: dict[str, Environment],
    inputs: Path,
    options: Options,
    work: Path,
    repeats: int,
    quick: bool,
) -> list[Run]:
    """Run all, one at a time; the quick check, which times nothing, two at a time."""

    def one(entrant: Entrant) -> Run:
        started = time.monotonic()
        run = run_worker(entrant, environments[entrant.environment], inputs, options, work)
        wall = time.monotonic() - started
        found = run.error or f"{run.rate:,.4g}"
        print(f"{entrant.measure:13} {entrant.name:50} {found:>12} {wall:5.1f} s", flush=True)
        return run

    with ThreadPoolExecutor(2 if quick else 1) as pool:
        return list(pool.map(one, interleave(entrants, repeats)))


if __name__ == "__main__":
    sys.exit(main())
