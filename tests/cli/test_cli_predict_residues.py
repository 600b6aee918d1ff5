"""Predicting the residues of new proteins from a FASTA."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from bioseq_dl.cli.main import main
from bioseq_dl.config import Model, Targets
from bioseq_dl.models.residues import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, write_checkpoint

HEADS = Targets(kind="residues", names=("q3", "q8", "disorder", "rsa", "angles"))


def write_model(path: Path, seed: int, targets: Targets = HEADS) -> Path:
    """An untrained model with random weights."""
    layers = Model.model_validate({"conv": [{"channels": 8, "kernel": 5}]})
    shape = Shape(letters=20, length=None, targets=len(targets.outputs), classes=1)
    torch.manual_seed(seed)
    weights = build_model(layers, shape).state_dict()
    checkpoint = Checkpoint(
        "protein_residue", layers, shape, targets, "zeros", weights, {"seed": seed}
    )
    write_checkpoint(path, checkpoint)
    return path


def predict(out: Path, fasta: Path, *models: Path, **further: str) -> int:
    words = ["predict", "--fasta", str(fasta), "--predictions", str(out), "--device", "cpu"]
    for name, value in further.items():
        words += [f"--{name}", value]
    return main([*words, "--threads", "1", "--model", *map(str, models)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_folder_of_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = tmp_path / "new.fa"
    fasta.write_text(">a|1 first\nMKVLUAGWH\n>b/2\nMKV*\n>c\nGG\n")
    models = [write_model(tmp_path / f"{seed}.pt", seed) for seed in (0, 1)]
    for name, chosen in (("both", models), ("one", models[:1]), ("two", models[1:])):
        assert predict(tmp_path / name, fasta, *chosen, pictures="1") == 0
    told = capsys.readouterr().err
    assert "2 proteins were not drawn: raise --pictures above 1" in told
    both, one, two = (read(tmp_path / name / "residues.tsv") for name in ("both", "one", "two"))
    assert "".join(row["residue"] for row in both).startswith("MKVLCAGWH")  # U is read as C
    for column in ("q3:H", "q8:E", "disorder", "rsa"):
        mean = [(float(x[column]) + float(y[column])) / 2 for x, y in zip(one, two, strict=True)]
        assert [float(row[column]) for row in both] == pytest.approx(mean, abs=2e-4)
    turned = [
        np.degrees(np.angle(sum(np.exp(1j * np.radians(float(row["phi"]))) for row in pair)))
        for pair in zip(one, two, strict=True)
    ]
    difference = [float(row["phi"]) - angle for row, angle in zip(both, turned, strict=True)]
    assert np.abs((np.array(difference) + 180) % 360 - 180).max() < 3
    names = {path.name for path in (tmp_path / "both").iterdir()}
    assert {"a_1.ss2", "a_1.horiz", "a_1.svg", "c.ss2", "proteins.tsv"} <= names
    assert "c.svg" not in names


def test_old_predictions_do_not_stay_beside_new_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = tmp_path / "new.fa"
    fasta.write_text(">old\nMKVLAGW\n")
    model = write_model(tmp_path / "0.pt", 0)
    assert predict(tmp_path / "out", fasta, model) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert "old.ss2" in before
    fasta.write_text(">new\nMKVLAGW\n")
    assert predict(tmp_path / "out", fasta, model) == 2
    told = capsys.readouterr().err
    assert "the folder is not empty" in told
    assert "fix: give another folder, or remove this one" in told
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.pt", "new.fa", "out"]


def test_disorder_alone(tmp_path: Path) -> None:
    targets = Targets(kind="residues", names=("disorder",))
    fasta = tmp_path / "new.fa"
    fasta.write_text(">a\nMKVLAGW\n")
    assert predict(tmp_path / "out", fasta, write_model(tmp_path / "0.pt", 0, targets)) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"residues.tsv", "proteins.tsv"}
    assert {"disorder", "residue"} <= set(read(tmp_path / "out/residues.tsv")[0])


def test_a_file_is_no_folder_and_embeddings_need_a_model_that_reads_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = tmp_path / "new.fa"
    fasta.write_text(">a\nMKV\n")
    model = write_model(tmp_path / "0.pt", 0)
    assert predict(tmp_path / "out.tsv", fasta, model) == 2
    assert "its predictions are a folder" in capsys.readouterr().err
    assert predict(tmp_path / "out", fasta, model, embeddings=str(tmp_path / "x.h5")) == 2
    assert "the model reads none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
