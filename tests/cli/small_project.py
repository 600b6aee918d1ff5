"""A small project, run step by step through the command line."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bioseq_dl.cli.main import main

MOTIF = "TGACTCAG"


def draw_sequences(count: int, length: int, seed: int, motif: bool) -> list[str]:
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        bases = draw.choices("ACGT", k=length)
        if motif:
            start = draw.randrange(length - len(MOTIF))
            bases[start : start + len(MOTIF)] = MOTIF
        found.append("".join(bases))
    return found


def write_fasta(path: Path, sequences: list[str]) -> Path:
    path.write_text("".join(f">s{n}\n{bases}\n" for n, bases in enumerate(sequences)))
    return path


@dataclass(frozen=True)
class Project:
    """A folder: two FASTA files, a config of runs, and what the steps wrote."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def section(self, **changes: Any) -> dict[str, Any]:
        inputs = [
            {
                "format": "fasta",
                "name": name,
                "source": {"path": str(self / f"{name}.fa")},
                "labels": {"bound": value},
            }
            for name, value in (("bound", 1), ("background", 0))
        ]
        run = {
            "task": "dna_sequence",
            "targets": {"names": ["bound"]},
            "ingest": {"inputs": inputs},
            "split": {"test_fraction": 0.3, "val_fraction": 0.2},
            "model": {"conv": [{"channels": 8, "kernel": 9}]},
            "train": {"epochs": 2, "batch_size": 32, "precision": "fp32", "device": "cpu"},
            "baselines": {"kmer": 2},
            "evaluate": {"bootstrap": 20},
        }
        return run | changes

    def configure(self, name: str = "config.yaml", **runs: Any) -> Path:
        path = self / name
        path.write_text(yaml.safe_dump({"runs": runs, "cache": str(self / "cache")}))
        return path

    def words(self, step: str, config: str = "config.yaml", **changes: str) -> list[str]:
        """The command of a step; `changes` replace paths, None leaves an option out."""
        options: dict[str, Any] = {"config": config, "run": "cnn"} | {
            "fetch": {"cache": "cache", "out": "sources.json"},
            "ingest": {
                "cache": "cache",
                "sources": "sources.json",
                "records": "records.parquet",
                "rejected": "rejected.tsv",
                "summary": "ingest.json",
            },
            "split": {
                "records": "records.parquet",
                "folds": "split.parquet",
                "audit": "audit.json",
                "pairs": "audit_pairs.tsv",
            },
            "encode": {
                "records": "records.parquet",
                "folds": "split.parquet",
                "examples": "examples.safetensors",
            },
            "train": {
                "examples": "examples.safetensors",
                "fold": "0",
                "seed": "1",
                "threads": "1",
                "model": "fold0/seed1/model.pt",
            },
            "predict": {
                "model": "fold0/seed1/model.pt",
                "records": "records.parquet",
                "examples": "examples.safetensors",
                "device": "cpu",
                "threads": "1",
                "predictions": "fold0/seed1/predictions.parquet",
            },
            "baseline": {
                "name": "prior",
                "records": "records.parquet",
                "examples": "examples.safetensors",
                "predictions": "prior-fold0.parquet",
            },
            "evaluate": {
                "records": "records.parquet",
                "models": "fold0/seed1/predictions.parquet",
                "baselines": "prior-fold0.parquet",
                "metrics": "evaluation/metrics.json",
            },
        }[step]
        if step == "predict":
            del options["config"], options["run"]
        plain = {"run", "fold", "seed", "threads", "device", "name"}
        found = [step]
        for name, value in (options | changes).items():
            if value is not None:
                text = value if name in plain else str(self / value)
                found += [f"--{name}", text]
        return found

    def run(self, step: str, config: str = "config.yaml", **changes: Any) -> int:
        return main(self.words(step, config, **changes))

    def files(self) -> set[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in found}


def make_project(folder: Path) -> Project:
    project = Project(folder)
    write_fasta(folder / "bound.fa", draw_sequences(60, 40, 1, motif=True))
    write_fasta(folder / "background.fa", draw_sequences(60, 40, 2, motif=False))
    project.configure(cnn=project.section())
    return project
