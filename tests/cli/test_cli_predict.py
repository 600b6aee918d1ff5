"""Predicting new sequences from a FASTA."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from small_project import Project, draw_sequences, write_fasta

from bioseq_dl.cli.main import main
from bioseq_dl.config import CellModel, Model, Targets
from bioseq_dl.models.cell_shape import CellShape
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, read_checkpoint, write_checkpoint

SMALL = {"conv": [{"channels": 4, "kernel": 5}]}


def write_model(
    path: Path,
    seed: int = 0,
    model: dict[str, Any] | None = None,
    length: int | None = None,
    **targets: Any,
) -> Path:
    """An untrained model with random weights."""
    spec, layers = Targets.model_validate(targets), Model.model_validate(model or SMALL)
    classes = len(spec.classes) if spec.kind == "multiclass" else 1
    shape = Shape(letters=4, length=length, targets=len(spec.names), classes=classes)
    torch.manual_seed(seed)
    weights = build_model(layers, shape).state_dict()
    checkpoint = Checkpoint("dna_sequence", layers, shape, spec, "zeros", weights, {"seed": seed})
    write_checkpoint(path, checkpoint)
    return path


def predict(out: Path, fasta: Path, *models: Path) -> int:
    words = ["predict", "--fasta", str(fasta), "--predictions", str(out), "--device", "cpu"]
    return main([*words, "--threads", "1", "--model", *map(str, models)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def column(path: Path, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows(path)])


def test_values_are_those_of_the_records(finished: Project) -> None:
    judged = pq.read_table(finished / "fold0/seed1/predictions.parquet").to_pydict()
    records = pq.read_table(finished / "records.parquet").to_pydict()
    sequence = dict(zip(records["id"], records["sequence"], strict=True))
    fasta = write_fasta(finished / "new.fa", [sequence[name] for name in judged["id"]])
    assert predict(finished / "new.tsv", fasta, finished / "fold0/seed1/model.pt") == 0
    expected = 1 / (1 + np.exp(-np.array(judged["output:bound"])))
    found = column(finished / "new.tsv", "probability:bound")
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.ptp(found) > 0.01


def test_every_row_comes_back_in_order_and_bad_ones_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(tmp_path / "model.pt")
    upper = draw_sequences(1, 30, 0, motif=True)[0]
    fasta = tmp_path / "new.fa"
    fasta.write_text(
        f">plain\n{upper}\n>empty\n>rna\n{upper.replace('T', 'U')}\n>lower\n{upper.lower()}\n"
        f">protein\nMKLV\n>long\n{upper * 3}\n>wrapped\n{upper[:7]}\n{upper[7:]}\n>plain\nN\n"
    )
    assert predict(tmp_path / "new.tsv", fasta, model) == 0
    assert "8 predictions" in capsys.readouterr().err
    found = rows(tmp_path / "new.tsv")
    names = ["plain", "empty", "rna", "lower", "protein", "long", "wrapped", "plain"]
    assert [row["id"] for row in found] == names
    assert list(found[0]) == ["id", "probability:label", "note"]
    values = [row["probability:label"] for row in found]
    assert values[1] == values[4] == ""
    assert len({values[place] for place in (0, 2, 3, 6)}) == 1
    assert len({values[place] for place in (0, 5, 7)}) == 3
    notes = [row["note"] for row in found]
    assert notes[1] == "empty sequence"
    assert notes[4] == "letter outside the alphabet"
    assert [note for note in notes if note] == [notes[1], notes[4]]


def test_nothing_but_bad_rows(tmp_path: Path) -> None:
    fasta = tmp_path / "new.fa"
    fasta.write_text(">a\n\n>b\nMKLV\n")
    assert predict(tmp_path / "new.tsv", fasta, write_model(tmp_path / "model.pt")) == 0
    assert [row["note"] for row in rows(tmp_path / "new.tsv")] == [
        "empty sequence",
        "letter outside the alphabet",
    ]


def test_several_models_are_averaged_with_their_sd(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "new.fa", draw_sequences(40, 25, 3, motif=False))
    models = [write_model(tmp_path / f"{seed}.pt", seed) for seed in range(3)]
    single = []
    for place, model in enumerate(models):
        assert predict(tmp_path / f"{place}.tsv", fasta, model) == 0
        single.append(column(tmp_path / f"{place}.tsv", "probability:label"))
    assert predict(tmp_path / "all.tsv", fasta, *models) == 0
    each = np.stack(single)
    found = column(tmp_path / "all.tsv", "probability:label")
    np.testing.assert_allclose(found, each.mean(axis=0), rtol=1e-6)
    sd = column(tmp_path / "all.tsv", "sd:label")
    np.testing.assert_allclose(sd, each.std(axis=0, ddof=1), rtol=1e-5)
    assert sd.min() > 0
    assert predict(tmp_path / "all.parquet", fasta, *models) == 0
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.column_names == ["id", "probability:label", "sd:label", "note"]
    np.testing.assert_allclose(table["probability:label"].to_numpy(), found, rtol=1e-12)


@pytest.mark.parametrize(
    "model",
    [SMALL, SMALL | {"pooling": "flatten"}, SMALL | {"wide": {"positional": 2}}],
    ids=["any", "flatten", "positional"],
)
def test_models_of_one_length_crop_and_pad(model: dict[str, Any], tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.pt", model=model, length=20)
    middle = draw_sequences(1, 20, 5, motif=True)[0]
    sequences = [middle, f"ACGT{middle}TTTT", middle[2:-2], f"NN{middle[2:-2]}NN"]
    fasta = write_fasta(tmp_path / "new.fa", sequences)
    assert predict(tmp_path / "new.tsv", fasta, path) == 0
    values = column(tmp_path / "new.tsv", "probability:label")
    assert values[0] == pytest.approx(values[1])
    assert values[2] == pytest.approx(values[3])
    assert values[0] != pytest.approx(values[2], abs=1e-9)
    notes = [row["note"] for row in rows(tmp_path / "new.tsv")]
    assert notes == ["", "cropped from 28 to 20 bases", "padded from 16 to 20 bases", ""]


def test_columns_of_other_kinds(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "new.fa", draw_sequences(5, 25, 3, motif=False))
    three = {"kind": "multiclass", "names": ["cell"], "classes": ["T", "B", "NK"]}
    assert predict(tmp_path / "a.tsv", fasta, write_model(tmp_path / "a.pt", **three)) == 0
    names = [f"probability:cell:{name}" for name in three["classes"]]
    total = sum(column(tmp_path / "a.tsv", name) for name in names)
    np.testing.assert_allclose(total, 1, rtol=1e-6)
    two = {"kind": "regression", "names": ["dev", "hk"]}
    assert predict(tmp_path / "b.tsv", fasta, write_model(tmp_path / "b.pt", **two)) == 0
    assert list(rows(tmp_path / "b.tsv")[0]) == ["id", "value:dev", "value:hk", "note"]


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], *models: Path) -> str:
    fasta = tmp_path / "new.fa"
    if not fasta.exists():
        write_fasta(fasta, ["ACGTACGTACGT"])
    assert predict(tmp_path / "new.tsv", fasta, *models) == 2
    assert not (tmp_path / "new.tsv").exists()
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    return error.replace(str(tmp_path), "{tmp}").removeprefix("error: ")


def test_models_of_different_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write_model(tmp_path / "a.pt")
    other = write_model(tmp_path / "b.pt", names=["open"])
    assert refused(tmp_path, capsys, one, other) == (
        "the models predict different targets; found 'open'; allowed: label"
    )


def test_models_of_different_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write_model(tmp_path / "a.pt")
    checkpoint = read_checkpoint(one)
    write_checkpoint(tmp_path / "b.pt", replace(checkpoint, task="protein_fitness"))
    assert refused(tmp_path, capsys, one, tmp_path / "b.pt") == (
        "the models are of different tasks; found 'protein_fitness'; allowed: dna_sequence"
    )


def test_a_model_of_cells_among_those_of_sequences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_model(tmp_path / "a.pt")
    shape = CellShape(genes=3, targets=1, classes=1)
    cells = replace(read_checkpoint(one), task="expression", shape=shape, model=CellModel())
    write_checkpoint(tmp_path / "b.pt", cells)
    assert refused(tmp_path, capsys, one, tmp_path / "b.pt") == (
        "the models are of different tasks; found 'expression'; allowed: dna_sequence"
    )


def test_a_bad_model_among_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_model(tmp_path / "good.pt")
    bad = tmp_path / "bad.pt"
    bad.write_bytes(good.read_bytes()[:-100])
    assert refused(tmp_path, capsys, good, bad).startswith("{tmp}/bad.pt: cannot read")
    bad.write_bytes(b"junk")
    assert refused(tmp_path, capsys, good, bad).startswith("{tmp}/bad.pt: cannot read")
    torch.save({"weights": {}}, bad)
    assert refused(tmp_path, capsys, good, bad) == (
        "{tmp}/bad.pt: not a bioseq_dl checkpoint of this format; fix: train the model again"
    )
    assert refused(tmp_path, capsys, tmp_path / "none.pt").startswith("{tmp}/none.pt: cannot read")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": '{"conv": [{"chanels": 4}]}'}, "made by another version of bioseq_dl"),
        ({"shape": '{"letters": 4}'}, "made by another version of bioseq_dl"),
        ({"task": "folding"}, "unknown task; found 'folding'"),
        ({"weights": {}}, "the weights of the checkpoint do not fit its layers"),
    ],
    ids=["model", "shape", "task", "weights"],
)
def test_models_of_another_version(
    change: dict[str, Any],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write_model(tmp_path / "model.pt")
    torch.save(torch.load(path, weights_only=True) | change, path)
    assert message in refused(tmp_path, capsys, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("ACGT\n", "text before the first FASTA header"),
        ("\n\n", "no FASTA record"),
    ],
    ids=["empty", "no header", "blank"],
)
def test_files_that_are_no_fasta(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.fa").write_text(text)
    error = refused(tmp_path, capsys, write_model(tmp_path / "model.pt"))
    assert error.startswith("{tmp}/new.fa")
    assert message in error


def test_either_a_fasta_or_records(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    words = finished.words("predict")
    assert main([*words, "--fasta", str(finished / "bound.fa")]) == 2
    assert finished.run("predict", records=None) == 2
    assert finished.run("predict", records=None, examples=None) == 2
    wanted = "error: give one of --fasta, --matrix, or --records and --examples"
    assert capsys.readouterr().err.splitlines() == [wanted] * 3
    place = words.index("--model") + 1
    assert main([*words[:place], words[place], *words[place:]]) == 2
    assert capsys.readouterr().err == "error: with --examples, give one --model; found '2'\n"
