"""A search over planted examples that trains a trial in a fraction of a second."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioseq_dl.cli.main import main

SPACE = {
    "model.conv.0.channels": {"low": 2, "high": 12},
    "train.learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    "model.dense": {"choices": [[], [8]]},
}
TUNE: dict[str, Any] = {
    "space": SPACE,
    "trials": 8,
    "sampler": "random",
    "pruner": "none",
    "epochs": 2,
    "seed": 5,
}
TRAIN: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 32,
    "precision": "fp32",
    "device": "cpu",
    "checkpoint_seconds": 0,
}


@dataclass(frozen=True)
class Small:
    """A folder with a config, and what the steps of a search write there."""

    folder: Path
    examples: Path

    def configure(self, train: dict[str, Any] | None = None, **tune: Any) -> None:
        run = {
            "task": "dna_sequence",
            "ingest": {"inputs": [{"format": "fasta", "source": {"path": "not-read.fa"}}]},
            "model": {"conv": [{"channels": 8, "kernel": 9}]},
            "train": TRAIN | (train or {}),
            "tune": TUNE | tune,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(json.dumps({"runs": {"a": run}}))

    def words(self, worker: int = 0) -> list[str]:
        words = ["tune", "--config", f"{self.folder}/config.yaml"]
        words += ["--examples", str(self.examples), "--worker", str(worker), "--threads", "1"]
        words += ["--storage", f"{self.folder}/study.journal"]
        return [*words, "--out", f"{self.folder}/worker{worker}.json"]

    def command(self, worker: int = 0) -> list[str]:
        return [sys.executable, "-m", "bioseq_dl", *self.words(worker)]

    def work(self, worker: int = 0) -> int:
        return main(self.words(worker))

    def choose(self, *workers: int) -> int:
        words = ["choose", "--config", f"{self.folder}/config.yaml"]
        words += ["--storage", f"{self.folder}/study.journal", "--workers"]
        words += [f"{self.folder}/worker{worker}.json" for worker in workers or (0,)]
        for option, name in (("best", "best.json"), ("trials", "trials.tsv")):
            words += [f"--{option}", f"{self.folder}/{name}"]
        return main([*words, "--history", f"{self.folder}/tune.json"])

    def read(self) -> tuple[bytes, bytes]:
        return (self.folder / "trials.tsv").read_bytes(), (self.folder / "best.json").read_bytes()

    @property
    def rows(self) -> list[dict[str, str]]:
        lines = (self.folder / "trials.tsv").read_text().splitlines()
        names = lines[0].split("\t")
        return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())
