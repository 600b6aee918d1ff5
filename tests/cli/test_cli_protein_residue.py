"""Labels of residues, from their table to predictions, step by step."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from bioseq_dl.cli.main import main
from bioseq_dl.config import load_config
from bioseq_dl.errors import InputError
from bioseq_dl.layout import evaluation_folder, list_baselines, model_folder, stage_folder
from bioseq_dl.predict_residues import predict_residues
from bioseq_dl.train.checkpoint import read_checkpoint

LETTERS = {"H": "AELKMQ", "E": "VIYFWT", "C": "GPNDSC"}
"""Residues that a planted state is made of, with some noise."""


def draw_protein(draw: random.Random) -> tuple[str, str, str]:
    states = ""
    while len(states) < 40:
        states += draw.choice("HEC") * draw.randint(4, 12)
    sequence = "".join(
        draw.choice(LETTERS[state] if draw.random() < 0.8 else "ACDEFGHIKLMNPQRSTVWY")
        for state in states
    )
    tail = draw.randint(0, 3)
    return sequence, states, "1" * (len(states) - tail) + "0" * tail


def write_project(folder: Path, *, embedded: bool = False, masked: bool = False) -> Path:
    draw = random.Random(0)
    rows = ["id\tsequence\tss\tseen"]
    proteins = {f"p{number}": draw_protein(draw) for number in range(60)}
    rows += ["\t".join((name, *parts)) for name, parts in proteins.items()]
    (folder / "proteins.tsv").write_text("\n".join(rows) + "\n")
    run = {
        "task": "protein_residue",
        "targets": {"names": ["q3", "disorder"]},
        "ingest": {
            "inputs": [
                {
                    "format": "table",
                    "source": {"path": str(folder / "proteins.tsv")},
                    "sequence_column": "sequence",
                    "q3_column": "ss",
                    "resolved_column": "seen",
                }
            ],
        },
        # Letters of few kinds in runs look like relatives.
        "split": {"method": "random", "audit": {"policy": "report"}},
        "model": {
            "conv": [{"channels": 16, "kernel": 7}],
            "recurrent": {"kind": "gru", "hidden": 8},
            "scales": ["properties"],
        },
        "train": {
            "epochs": 6,
            "batch_size": 8,
            "learning_rate": 0.02,
            "device": "cpu",
            "precision": "fp32",
            "seeds": [1, 2],
        },
        "baselines": {"window": 5, "window_residues": 1000},
        "evaluate": {"bootstrap": 50},
    }
    if embedded:
        with h5py.File(folder / "e.h5", "w") as file:
            for name, (_, states, _) in proteins.items():
                file[name] = np.array([[float(state == "H"), 0.0] for state in states])
        source = {"path": str(folder / "e.h5")}
        run["ingest"]["embeddings"] = {"source": source, "features": 2}  # type: ignore[index]
    if masked:
        run["targets"] = {"names": ["disorder"]}
        run["ingest"]["inputs"][0].pop("q3_column")  # type: ignore[index]
        run["train"]["monitor"] = "score"  # type: ignore[index]
    config = folder / "config.yaml"
    text = {"results": str(folder / "results"), "cache": str(folder), "runs": {"ss": run}}
    config.write_text(yaml.safe_dump(text))
    return config


def run_steps(folder: Path, *, embedded: bool = False, masked: bool = False) -> Path:
    config = write_project(folder, embedded=embedded, masked=masked)
    results = folder / "results"
    run = load_config(config).runs["ss"]
    ingest, split, encode = (
        stage_folder(results, run, stage) for stage in ("ingest", "split", "encode")
    )
    records, examples = ingest / "records.parquet", encode / "examples.safetensors"

    def step(word: str, **options: object) -> None:
        words = [word] if word == "predict" else [word, "--config", str(config), "--run", "ss"]
        for key, value in options.items():
            values = value if isinstance(value, list) else [value]
            words += [f"--{key}", *map(str, values)]
        assert main(words) == 0, word

    sources = ingest / "sources.json"
    step("fetch", cache=folder, out=sources)
    step("ingest", sources=sources, records=records, rejected=ingest / "rejected.tsv",
         summary=ingest / "ingest.json")  # fmt: skip
    step("split", records=records, folds=split / "split.parquet", audit=split / "audit.json",
         pairs=split / "audit_pairs.tsv")  # fmt: skip
    step("encode", records=records, folds=split / "split.parquet", sources=sources,
         examples=examples)  # fmt: skip
    predictions, baselines = [], []
    for seed in run.train.seeds:
        model = model_folder(results, "ss", 0, seed)
        step("train", examples=examples, fold=0, seed=seed, threads=1, model=model / "model.pt")
        predictions.append(model / "predictions.parquet")
        step("predict", model=model / "model.pt", records=records, examples=examples,
             device="cpu", threads=1, predictions=predictions[-1])  # fmt: skip
    for name in list_baselines(run):
        baselines.append(encode / f"{name}-fold0.parquet")
        step("baseline", name=name, records=records, examples=examples, fold=0,
             predictions=baselines[-1])  # fmt: skip
    metrics = evaluation_folder(results, "ss") / "metrics.json"
    step("evaluate", records=records, models=predictions, baselines=baselines, metrics=metrics)
    return results


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_steps(tmp_path_factory.mktemp("residues"))


def read_metrics(results: Path) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    text = (evaluation_folder(results, "ss") / "metrics.json").read_text()
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = json.loads(text)["predictors"]
    return found


def test_the_network_learns_what_was_planted(finished: Path) -> None:
    metrics = read_metrics(finished)
    accuracy = {name: found["q3"]["accuracy"]["value"] for name, found in metrics.items()}
    assert accuracy["model"] > 0.8 > accuracy["prior"]
    assert metrics["model"]["q3"]["accuracy"]["low"] < accuracy["model"]
    assert metrics["model"]["disorder"]["auroc"]["value"] > 0.8  # only at the end


def test_predictions_hold_a_number_for_each_residue(finished: Path) -> None:
    path = model_folder(finished, "ss", 0, 1) / "predictions.parquet"
    rows = pq.read_table(path).to_pylist()
    assert {row["role"] for row in rows} == {"val", "test"}
    for row in rows:
        lengths = {len(row[name]) for name in row if ":" in name}
        assert len(lengths) == 1
    unresolved = [
        (q3, disorder)
        for row in rows
        for q3, disorder in zip(row["target:q3"], row["target:disorder"], strict=True)
        if disorder == 1
    ]
    assert unresolved
    assert all(np.isnan(q3) for q3, _ in unresolved)


def test_new_proteins_are_predicted_as_the_records_are(finished: Path, tmp_path: Path) -> None:
    folder = model_folder(finished, "ss", 0, 1)
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()[:5]
    table = (finished.parent / "proteins.tsv").read_text().splitlines()[1:]
    sequences = {line.split("\t")[0]: line.split("\t")[1] for line in table}
    fasta = tmp_path / "new.fa"
    fasta.write_text("".join(f">{row['id']}\n{sequences[row['id']]}\n" for row in rows))
    device = torch.device("cpu")
    found, skipped = predict_residues([read_checkpoint(folder / "model.pt")], fasta, device)
    assert not skipped
    for row, protein in zip(rows, found, strict=True):
        assert protein.q3 is not None
        logits = np.stack([row[f"output:q3:{state}"] for state in "HEC"], axis=1)
        wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(protein.q3, wanted, atol=1e-5)


def test_what_cannot_be_predicted_is_said(finished: Path, tmp_path: Path) -> None:
    model = [read_checkpoint(model_folder(finished, "ss", 0, 1) / "model.pt")]
    fasta = tmp_path / "new.fa"
    fasta.write_text(">good\nmkvu*\n>digit\nMK1V\n>long\n" + "A" * 30 + "\n")
    found, skipped = predict_residues(model, fasta, torch.device("cpu"), longest=20)
    assert [protein.sequence for protein in found] == ["MKVC"]
    assert skipped == {
        "digit": "residue 3 is '1', no amino acid",
        "long": "30 residues, more than 20",
    }
    fasta.write_text(">a\n" + "ATGGC" * 6 + "\n>b\n" + "acgun" * 4 + "\n")
    with pytest.raises(InputError, match=r"new.fa: these look like nucleotides; .*translate them"):
        predict_residues(model, fasta, torch.device("cpu"))
    fasta.write_text(">a\nMK\n>a\nMK\n")
    with pytest.raises(InputError, match="an id stands twice"):
        predict_residues(model, fasta, torch.device("cpu"))
    with pytest.raises(InputError, match="the model reads none"):
        predict_residues(model, fasta, torch.device("cpu"), embeddings=tmp_path / "e.h5")


def test_disorder_alone_from_a_mask(tmp_path: Path) -> None:
    results = run_steps(tmp_path, masked=True)
    found = read_metrics(results)
    assert set(found["model"]) == {"disorder"}
    assert found["model"]["disorder"]["auroc"]["value"] > 0.8
    train = json.loads((model_folder(results, "ss", 0, 1) / "train.json").read_text())
    assert train["score"] == "auroc of disorder"


def test_embeddings_are_learnt_from_and_runs_repeat(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        results = run_steps(tmp_path / name, embedded=True)
        model = model_folder(results, "ss", 0, 1) / "model.pt"
        digests.append(hashlib.sha256(model.read_bytes()).hexdigest())
    # They tell helices from the others outright.
    assert read_metrics(results)["model"]["q3"]["recall:H"]["value"] > 0.95
    assert digests[0] == digests[1]
    checkpoint = read_checkpoint(model)
    fasta = tmp_path / "new.fa"
    fasta.write_text(">p0\nAAAA\n")
    with pytest.raises(InputError, match="no --embeddings"):
        predict_residues([checkpoint], fasta, torch.device("cpu"))
    with pytest.raises(InputError, match="an embedding of another shape"):
        predict_residues(
            [checkpoint], fasta, torch.device("cpu"), embeddings=tmp_path / "one" / "e.h5"
        )
