"""Runs to report: files of the real steps where they are cheap, made-up trainings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bioseq_dl.baselines import predict_kmer, predict_prior
from bioseq_dl.config import Baselines, Config, Evaluate, Targets, validate_config
from bioseq_dl.data.audit_result import write_audit
from bioseq_dl.data.splits import split_records
from bioseq_dl.encode.sequence import encode_records
from bioseq_dl.evaluate import evaluate_run, write_evaluation
from bioseq_dl.io.atomic import write_json
from bioseq_dl.io.manifest import Fetched, hash_file, source_key
from bioseq_dl.io.records import write_records
from bioseq_dl.io.sequences import read_records
from bioseq_dl.predictions import build_predictions
from bioseq_dl.report.inputs import RunFiles, TrainingFiles

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluate"))  # made_residues
sys.path.insert(0, str(Path(__file__).parent))  # made_saliency

PROVENANCE = {
    "versions": {"python": "3.11.7", "bioseq_dl": "0.1.0", "torch": "2.13.0"},
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "hardware": {
        "cpu": "Some Processor",
        "cores": 2,
        "memory_bytes": 8_000_000_000,
        "system": "Linux x86_64",
    },
    "seconds": 12.345,
    "peak_memory_bytes": 512_000_000,
}


def write_training(folder: Path, fold: int, seed: int) -> TrainingFiles:
    """Write history.csv and train.json as train does."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["epoch,step,train_loss,val_loss,val_score,learning_rate,seconds"]
    for epoch in range(1, 7):
        train, val = 0.7 * 0.8**epoch, 0.7 * 0.85**epoch + 0.01 * epoch + 0.002 * seed
        score = 0.95 - 0.3 * 0.6**epoch - 0.002 * seed
        lines.append(f"{epoch},{epoch * 50},{train:.5f},{val:.5f},{score:.5f},0.001,1.5")
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    summary = {
        "device": "cpu",
        "device_reason": "no GPU was found",
        "precision": "fp32",
        "precision_reason": "the processor has no bf16",
        "parameters": 123_456,
        "epochs_run": 6,
        "best_epoch": 5,
        "samples_per_second": 2345.6,
        "resumed": seed == 1,
        "fold": fold,
        "seed": seed,
    }
    (folder / "train.json").write_text(json.dumps(summary | PROVENANCE))
    return TrainingFiles(
        fold=fold, seed=seed, history=folder / "history.csv", train=folder / "train.json"
    )


@pytest.fixture(scope="session")
def motif_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, RunFiles]:
    """A binary run on two small FASTA files, with leaks, rejects and hostile ids."""
    folder = tmp_path_factory.mktemp("motif")
    generator = np.random.default_rng(5)
    inputs = []
    for place, label in enumerate(("motif", "random")):
        lines = []
        for i in range(150):
            letters = generator.choice(list("ACGT"), generator.integers(60, 100))
            if place == 0:
                letters[20:27] = list("TGACTCA")
            name = "<script>alert(1)</script>&amp;" if i == 0 else f"{label}{i}"
            lines += [f">{name}", "".join(letters)]
            if i == 7:
                lines += [f">copy_of_{name}", "".join(letters)]
        lines += [">bad", "ACGTNNNNNNNNNNNNNN", ">empty"]
        path = folder / f"{label}.fa"
        path.write_text("\n".join(lines) + "\n")
        source = {"path": str(path)}
        inputs.append(
            {"format": "fasta", "source": source, "name": label, "labels": {"site": label}}
        )
    config = validate_config(
        {
            "title": "Motifs & more",
            "runs": {
                "small": {
                    "task": "dna_sequence",
                    "title": "A <small> run",
                    "targets": {"names": ["site"], "classes": ["random", "motif"]},
                    "ingest": {"inputs": inputs},
                    "split": {"audit": {"policy": "drop"}, "seed": 3},
                    "train": {"seeds": [1, 2, 3]},
                    "evaluate": {"bootstrap": 200},
                    "published": [
                        {"metric": "accuracy", "value": 0.8, "source": 'Doe et al., "A paper"'}
                    ],
                }
            },
        }
    )
    run = config.runs["small"]
    files = {}
    for entry in run.ingest.inputs:
        path = Path(str(entry.source.path))
        sha256 = hash_file(path)
        files[source_key(entry.source)] = Fetched(str(path), sha256, path.stat().st_size)
    ingested = read_records(run.ingest, run.targets, files, folder / "cache")
    write_records(folder / "records.parquet", ingested.records)
    write_json(folder / "ingest.json", ingested.summary | {"provenance": PROVENANCE})
    result = split_records(ingested.records, run.split, run.targets)
    write_audit(folder / "audit.json", folder / "audit_pairs.tsv", result)
    examples = encode_records(ingested.records, result.folds, run.targets, run.encode)
    ids = ingested.records.column("id")
    baselines = []
    settings = Baselines(kmer=4, strengths=(0.001, 0.01))
    for name, predict in (("prior", predict_prior), ("kmer", predict_kmer)):
        found = predict(examples, 0, settings)
        table = build_predictions(ids, examples, 0, found.rows, found.outputs)
        path = folder / f"{name}-fold0.parquet"
        pq.write_table(table.replace_schema_metadata({"note": found.note}), path)
        baselines.append((name, 0, path))
    models = []
    truth = examples.targets[found.rows]
    for seed in (1, 2, 3):
        outputs = 2 * (2 * truth - 1) + 2.5 * generator.normal(size=truth.shape)
        table = build_predictions(ids, examples, 0, found.rows, outputs.astype(np.float32))
        path = folder / f"fold0/seed{seed}/predictions.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table, path)
        models.append((0, seed, path))
    evaluation = evaluate_run(
        models, baselines, run.targets, run.evaluate, run.published, folder / "records.parquet"
    )
    write_evaluation(folder / "evaluation", evaluation)
    runs = RunFiles(
        metrics=folder / "evaluation/metrics.json",
        ingest=folder / "ingest.json",
        audit=folder / "audit.json",
        pairs=folder / "audit_pairs.tsv",
        training=tuple(write_training(folder / f"fold0/seed{s}", 0, s) for s in (1, 2, 3)),
    )
    return config, runs


@pytest.fixture
def made_run(
    tmp_path: Path, write_predictions: Callable[..., None]
) -> Callable[..., tuple[Config, RunFiles]]:
    """A function that makes a run of any kind from made-up predictions alone."""

    def make(targets: Targets, folds: int = 1, seeds: Sequence[int] = (0,)) -> Any:
        generator = np.random.default_rng(9)
        width, records = len(targets.names), 200
        if targets.kind == "regression":
            truth = generator.normal(size=(records, width))
            signal = truth
        elif targets.kind == "binary":
            truth = generator.integers(0, 2, (records, width)).astype(float)
            signal = 2 * truth - 1
        else:
            truth = generator.integers(0, len(targets.classes), (records, width)).astype(float)
            signal = np.eye(len(targets.classes))[truth.astype(int)]
        truth = np.where(generator.random(truth.shape) < 0.1, np.nan, truth)
        ids = [f"r{i}" for i in range(records)]
        models, baselines = [], []
        for fold in range(folds):
            roles = np.where(np.arange(records) % max(folds, 2) == fold, "test", "val")
            for name, strength in (("model", 1.5), ("kmer", 0.7)):
                for seed in seeds if name == "model" else (0,):
                    outputs = strength * signal + generator.normal(size=signal.shape)
                    path = tmp_path / f"{name}{fold}-{seed}.parquet"
                    write_predictions(path, targets, ids, roles, truth, outputs)
                    if name == "model":
                        models.append((fold, seed, path))
                    else:
                        baselines.append((name, fold, path))
        evaluation = evaluate_run(models, baselines, targets, Evaluate(bootstrap=50))
        write_evaluation(tmp_path / "evaluation", evaluation)
        training = tuple(
            write_training(tmp_path / f"fold{fold}/seed{seed}", fold, seed)
            for fold in range(folds)
            for seed in seeds
        )
        source = {"format": "fasta", "source": {"path": "x.fa"}}
        run = {
            "task": "dna_sequence",
            "targets": targets.model_dump(mode="json"),
            "ingest": {"inputs": [source]},
        }
        config = validate_config({"runs": {"made": run}})
        files = RunFiles(metrics=tmp_path / "evaluation/metrics.json", training=training)
        return config, files

    return make
