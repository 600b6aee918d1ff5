"""New variants of a protein, scored by hand with trained models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bioseq_dl.cli.main import main
from bioseq_dl.config import Model, Targets
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, restore_model, write_checkpoint

WILD_TYPE = "MKLVACDEFGHIKLMNPQRS"


def make_checkpoint(seed: int, length: int | None = len(WILD_TYPE)) -> Checkpoint:
    targets = Targets(kind="regression", names=("score",))
    model = Model.model_validate(
        {"conv": [{"channels": 4, "kernel": 3}], "pooling": "flatten" if length else "max",
         "wide": {"positional": 1} if length else None}
    )  # fmt: skip
    codes = tuple(map(int, PROTEIN.encode(WILD_TYPE.encode())))
    shape = Shape(20, length, 1, 1, wild_type=codes if length else None)
    torch.manual_seed(seed)
    built = build_model(model, shape)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.normal_(0, 0.3)
    weights = built.state_dict()
    return Checkpoint("protein_fitness", model, shape, targets, "zeros", weights, {"seed": seed})


def read_plainly(checkpoint: Checkpoint, sequences: list[str]) -> np.ndarray:
    codes = np.stack([PROTEIN.encode(sequence.encode()) for sequence in sequences])
    with torch.inference_mode():
        columns = one_hot(torch.from_numpy(codes), "zeros", letters=20)
        return restore_model(checkpoint)(columns).numpy()[:, 0].astype(float)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, list[Path]]:
    models = [tmp_path / f"model{seed}.pt" for seed in (0, 1)]
    for seed, path in enumerate(models):
        write_checkpoint(path, make_checkpoint(seed))
    (tmp_path / "wt.fa").write_text(f">wt\n{WILD_TYPE}*\n")
    return tmp_path, models


def score(folder: Path, models: list[Path], rows: list[str], *words: str) -> int:
    (folder / "q.tsv").write_text("\n".join(["mutant", *rows]) + "\n")
    return main(
        ["variants", "--model", *map(str, models), "--mutations", str(folder / "q.tsv"),
         "--column", "mutant", "--wild-type", str(folder / "wt.fa"), "--device", "cpu",
         "--threads", "1", "--table", str(folder / "q.parquet"),
         "--summary", str(folder / "q.json"), *words]
    )  # fmt: skip


def test_mutations_are_read_in_amino_acids_and_scored_whole(made) -> None:
    folder, models = made
    rows = ["K1W", "K1W,L2Phe", "WT", "A2W", "K1del", "K1*", "p.Lys1Trp"]
    assert score(folder, models, rows, "--first", "0") == 0
    found = pq.read_table(folder / "q.parquet").to_pylist()
    assert [row["status"] for row in found] == [
        "scored",
        "scored",
        "scored",
        "not the wild type's letter",
        "of another length than the models were trained on",
        "stop codon",
        "scored",
    ]
    one = "MW" + WILD_TYPE[2:]
    sequences = [one, "MWF" + WILD_TYPE[3:], WILD_TYPE, one]
    each = np.stack([read_plainly(make_checkpoint(seed), sequences) for seed in (0, 1)])
    native = np.stack([read_plainly(make_checkpoint(seed), [WILD_TYPE]) for seed in (0, 1)])
    good = [row for row in found if row["status"] == "scored"]
    for name, wanted in (
        ("ref", np.repeat(native.mean(), 4)),
        ("alt", each.mean(0)),
        ("diff", (each - native).mean(0)),
        ("sd", (each - native).std(0, ddof=1)),
    ):
        told = [row[f"{name}:score"] for row in good]
        np.testing.assert_allclose(told, wanted, atol=1e-5)
    assert abs(good[0]["diff:score"]) > 1e-3
    assert found[4]["alt:score"] is None
    summary = json.loads((folder / "q.json").read_text())
    assert summary["statuses"]["scored"] == 4
    assert "1 rows repeat a sequence of an earlier row" in summary["notes"]


def test_models_of_several_lengths_read_deletions(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model.pt", make_checkpoint(0, None))
    (tmp_path / "wt.fa").write_text(f">wt\n{WILD_TYPE}\n")
    assert score(tmp_path, [tmp_path / "model.pt"], ["K2del"]) == 0
    found = pq.read_table(tmp_path / "q.parquet").to_pylist()[0]
    wanted = read_plainly(make_checkpoint(0, None), ["M" + WILD_TYPE[2:]])[0]
    assert found["alt:score"] == pytest.approx(wanted, abs=1e-5)


def test_a_wild_type_that_does_not_fit_the_models_is_told(made, capsys) -> None:
    folder, models = made
    (folder / "wt.fa").write_text(f">wt\n{WILD_TYPE}W\n")
    assert score(folder, models, ["K2W"]) == 2
    assert "not as long as the proteins that the models were trained on" in capsys.readouterr().err
    (folder / "wt.fa").write_text(">wt\nATGAAACTGGTTGCATGCGA\n")
    assert score(folder, models, ["K2W"]) == 2
    assert "these look like nucleotides" in capsys.readouterr().err
    (folder / "wt.fa").write_text(f">wt\nA{WILD_TYPE[1:]}\n")
    assert score(folder, models, ["K2W"]) == 0
    assert "differs in 1 places" in capsys.readouterr().err


def test_a_vcf_is_refused(made, capsys) -> None:
    folder, models = made
    (folder / "g.fa").write_text(">1\nACGTACGTACGTACGTACGTACGTACGT\n")
    (folder / "v.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "1\t5\t.\tA\tC\t.\t.\t.\n"
    )
    words = ["variants", "--model", str(models[0]), "--vcf", str(folder / "v.vcf"), "--genome"]
    words += [str(folder / "g.fa"), "--cache", str(folder / "cache"), "--device", "cpu"]
    assert main([*words, "--threads", "1", "--out", str(folder / "o.vcf.gz")]) == 2
    assert "models of proteins score no VCF" in capsys.readouterr().err
