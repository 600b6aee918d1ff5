"""A small project with real files, and a way to run the workflow in it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
MOTIF = "TGACTCAGCA"


def write_fasta(path: Path, count: int, motif: bool, seed: int) -> None:
    draw = random.Random(seed)
    lines = []
    for number in range(count):
        bases = draw.choices("ACGT", k=60)
        if motif:
            start = draw.randrange(50)
            bases[start : start + len(MOTIF)] = MOTIF
        lines.append(f">s{number}\n{''.join(bases)}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))


def small_run(**changes: Any) -> dict[str, Any]:
    """Half a second of training per seed."""
    inputs = [
        {
            "format": "fasta",
            "name": name,
            "source": {"path": f"data/{name}.fa"},
            "labels": {"bound": value},
        }
        for name, value in (("bound", 1), ("background", 0))
    ]
    run = {
        "task": "dna_sequence",
        "targets": {"names": ["bound"]},
        "ingest": {"inputs": inputs},
        "split": {"method": "random", "test_fraction": 0.3, "val_fraction": 0.2},
        "model": {"conv": [{"channels": 8, "kernel": 11}]},
        "train": {"epochs": 3, "seeds": [1, 2], "batch_size": 32, "threads": 1},
        "baselines": {"kmer": 3},
        "evaluate": {"bootstrap": 50},
    }
    return run | changes


class Project:
    """A folder with a config, and snakemake in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def configure(self, **runs: dict[str, Any]) -> None:
        path = self.folder / "config" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"runs": runs}))

    def command(self, *words: str) -> list[str]:
        start = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
        return [*start, "--directory", str(self.folder), "--cores", "2", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the workflow; stdout and stderr come back as one text in ``stdout``."""
        environment = os.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return subprocess.run(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=self.folder,
            timeout=400,
            check=False,
        )

    def planned(self) -> set[str]:
        """Names of the rules that a dry run would run."""
        done = self.run("--dry-run")
        assert done.returncode == 0, done.stdout
        return {
            line.split()[1].rstrip(":")
            for line in done.stdout.splitlines()
            if line.startswith("rule ")
        }
