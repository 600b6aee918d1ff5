"""Where a result came from: versions, commit, hardware, time, memory."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import bioseq_dl

PACKAGES = (
    "numpy", "pandas", "pyarrow", "biopython", "scipy", "scikit-learn", "torch",
    "lightning-fabric", "safetensors", "pydantic", "matplotlib", "snakemake",
    "pysam", "captum", "memelite", "pyjaspar", "optuna", "anndata", "h5py", "scanpy",
    "umap-learn", "graspologic-native", "numba", "threadpoolctl", "tensorboard", "jinja2",
    "httpx", "unearth", "packaging", "tqdm", "rocrate", "pyyaml",
)  # fmt: skip
TELL = "BIOSEQ_DL_TELL_PROVENANCE"
"""Environment variable that the workflow sets: each step's log then begins with how it was made."""
_TOLD = "made with "


def collect_versions() -> dict[str, str]:
    """Give the versions of Python, bioseq_dl and the packages found in this environment."""
    found = {"python": platform.python_version(), "bioseq_dl": bioseq_dl.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def read_git_commit() -> str | None:
    """Give the commit of the checkout the library runs from, ``-dirty`` where changed.

    Tables that benchmarks have written count as no change: the next table of the same command is
    still of the commit.
    """
    commit = _ask_git("rev-parse", "HEAD")
    tables = ":(top,exclude)benchmarks/results"
    changed = _ask_git("status", "--porcelain", "--untracked-files=no", "--", ":/", tables)
    if not commit or changed is None:
        return None
    return f"{commit}-dirty" if changed else commit


def describe_hardware() -> dict[str, Any]:
    """Give processor, cores this process may use, and memory in bytes."""
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_memory_bytes() -> int:
    """Give this process's largest resident set so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@contextmanager
def record_provenance() -> Iterator[dict[str, Any]]:
    """Give a dict that holds, once the block has ended, how its work was done.

    Keys: ``versions``, ``git_commit``, ``hardware``, ``seconds`` (wall time of the
    block) and ``peak_memory_bytes`` (of the process).
    """
    started = time.perf_counter()
    found: dict[str, Any] = {}
    yield found
    found.update(
        versions=collect_versions(),
        git_commit=read_git_commit(),
        hardware=describe_hardware(),
        seconds=round(time.perf_counter() - started, 3),
        peak_memory_bytes=peak_memory_bytes(),
    )


def tell_provenance() -> str:
    """Give the line that a step's log begins with: versions, commit and hardware as JSON."""
    found = {
        "versions": collect_versions(),
        "git_commit": read_git_commit(),
        "hardware": describe_hardware(),
    }
    return f"{_TOLD}{json.dumps(found)}"


def read_told(log: str | Path) -> dict[str, Any] | None:
    """Give what `tell_provenance` wrote into a log; None where it holds no such line."""
    with Path(log).open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            if line.startswith(f"{_TOLD}{{"):
                try:
                    found: Any = json.loads(line.removeprefix(_TOLD))
                except (ValueError, RecursionError):  # cut off as the disk was full, or edited
                    continue
                if is_provenance(found):
                    return dict(found)
    return None


def is_provenance(found: Any) -> bool:
    """Tell whether something read from JSON says how a step was made."""
    return isinstance(found, dict) and all(
        isinstance(found.get(key), dict) for key in ("versions", "hardware")
    )


def hash_file(path: str | Path) -> str:
    """Give the sha256 of a file as 64 hex digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _ask_git(*words: str) -> str | None:
    command = ["git", "-C", str(Path(bioseq_dl.__file__).parent), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
