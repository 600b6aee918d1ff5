"""One measurement: a worker in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from environments import Environment
from plan import OWN, Entrant

WORKERS = Path(__file__).parent / "workers"
ROOT = Path(__file__).parents[2]
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclass(frozen=True)
class Options:
    """The same for every worker."""

    threads: int
    seconds: float
    batch: int
    steps: int
    warmup: int
    timeout: float = 600.0
    batches: str = "8,16,32,64,256"
    """Where an entrant is also measured at its best batch: the ones it is chosen from."""
    device: str = "cpu"
    """Of variant effects and mutagenesis; all else is measured on the CPU."""

    def arguments(self) -> list[str]:
        named = ("threads", "seconds", "batch", "steps", "warmup", "batches", "device")
        return [part for name in named for part in (f"--{name}", str(getattr(self, name)))]


@dataclass(frozen=True)
class Run:
    """What one worker reported, or why it did not."""

    entrant: Entrant
    rate: float | None
    """Things a second (for a score, the score)."""
    report: dict
    error: str = ""


def run_worker(
    entrant: Entrant, environment: Environment, inputs: Path, options: Options, work: Path
) -> Run:
    """Start the worker, wait, and read the last line that it prints."""
    if environment.python is None:
        return Run(entrant, None, {}, f"not installed: {environment.reason}")
    command = [environment.python, str(WORKERS / entrant.script), entrant.measure]
    command += ["--inputs", str(inputs.resolve()), "--seed", str(entrant.seed)]
    command += options.arguments()
    if entrant.variant:
        command += ["--variant", entrant.variant]
    scratch = work / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    variables = {name: str(options.threads) for name in THREAD_VARIABLES}
    variables |= {"XDG_CACHE_HOME": str(scratch.resolve()), "PYTHONWARNINGS": "ignore"}
    if entrant.environment == OWN:
        variables["PYTHONPATH"] = str(ROOT)
    try:
        done = subprocess.run(
            command,
            env=os.environ | variables,
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=options.timeout,
        )
    except subprocess.TimeoutExpired:
        return Run(entrant, None, {}, f"not done after {options.timeout:.0f} s")
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        return Run(entrant, None, {}, lines[-1].strip())
    return read_report(entrant, done.stdout)


def read_report(entrant: Entrant, printed: str) -> Run:
    """Take the result from a worker's last line."""
    lines = printed.strip().splitlines()
    try:
        report = json.loads(lines[-1])
        rate = report["score"] if "score" in report else report["count"] / report["seconds"]
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return Run(entrant, None, {}, f"unreadable output: {lines[-1:]}")
    return Run(entrant, float(rate), report)


def own_environment() -> Environment:
    """The Python that runs this, where bioseq_dl is."""
    from importlib import metadata

    names = ("numpy", "torch", "lightning-fabric", "bioseq_dl")
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Environment(python=sys.executable, versions=versions)
