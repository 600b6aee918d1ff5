"""Variants of a protein, from their table to the report, step by step."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from bioseq_dl.cli.main import main
from bioseq_dl.config import load_config
from bioseq_dl.layout import (
    evaluation_folder,
    landscape_folder,
    list_baselines,
    model_folder,
    stage_folder,
)

WILD_TYPE = "MKLVACDEFGHIKLMN"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def write_project(folder: Path) -> Path:
    draw = random.Random(0)
    effects = {(place, x): draw.gauss(0, 1) for place in range(16) for x in LETTERS}
    rows = ["WT\t0\t0.1", "K2*\t-9\t0.1"]
    for _ in range(300):
        places = sorted(draw.sample(range(16), 2))
        changes = [(p, draw.choice([x for x in LETTERS if x != WILD_TYPE[p]])) for p in places]
        score = sum(effects[change] for change in changes) + draw.gauss(0, 0.1)
        text = ",".join(f"{WILD_TYPE[p]}{p + 1}{x}" for p, x in changes)
        rows.append(f"{text}\t{score:.4f}\t{draw.uniform(0.05, 0.2):.3f}")
    (folder / "variants.tsv").write_text("variant\tscore\terror\n" + "\n".join(rows) + "\n")
    (folder / "wt.fa").write_text(f">wt\n{WILD_TYPE}\n")
    run = {
        "task": "protein_fitness",
        "ingest": {
            "wild_type": {"path": str(folder / "wt.fa")},
            "inputs": [
                {
                    "source": {"path": str(folder / "variants.tsv")},
                    "variant_column": "variant",
                    "columns": {"score": "score"},
                    "error_column": "error",
                }
            ],
        },
        "train": {
            "epochs": 12,
            "batch_size": 32,
            "learning_rate": 0.01,
            "loss": "both",
            "device": "cpu",
            "precision": "fp32",
            "seeds": [1, 2],
        },
        "baselines": {"pairwise": True},
        "landscape": {"designs": {"count": 5, "max_mutations": 3, "beam": 20}},
        "evaluate": {"bootstrap": 20},
    }
    config = folder / "config.yaml"
    config.write_text(
        yaml.safe_dump({"results": str(folder / "results"), "cache": str(folder / "cache"),
                        "runs": {"gb": run}})
    )  # fmt: skip
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitness")
    config = write_project(folder)
    results = folder / "results"
    run = load_config(config).runs["gb"]
    ingest, split, encode = (
        stage_folder(results, run, stage) for stage in ("ingest", "split", "encode")
    )
    records, examples = ingest / "records.parquet", encode / "examples.safetensors"

    def step(word: str, **options: object) -> None:
        words = [word]
        if word != "predict":
            words += ["--config", str(config)]
        if word not in ("predict", "report"):
            words += ["--run", "gb"]
        for key, value in options.items():
            values = value if isinstance(value, list) else [value]
            words += [f"--{key}", *map(str, values)]
        assert main(words) == 0, word

    step("fetch", cache=folder / "cache", out=ingest / "sources.json")
    step("ingest", sources=ingest / "sources.json", records=records,
         rejected=ingest / "rejected.tsv", summary=ingest / "ingest.json")  # fmt: skip
    step("split", records=records, folds=split / "split.parquet", audit=split / "audit.json",
         pairs=split / "audit_pairs.tsv")  # fmt: skip
    step("encode", records=records, folds=split / "split.parquet", examples=examples)
    models, baselines = [], []
    for seed in (1, 2):
        model = model_folder(results, "gb", 0, seed)
        step("train", examples=examples, fold=0, seed=seed, threads=1, model=model / "model.pt")
        models.append(model / "predictions.parquet")
        step("predict", model=model / "model.pt", records=records, examples=examples,
             device="cpu", threads=1, predictions=models[-1])  # fmt: skip
    for name in list_baselines(run):
        baselines.append(encode / f"{name}-fold0.parquet")
        step("baseline", name=name, records=records, examples=examples, predictions=baselines[-1])
    metrics = evaluation_folder(results, "gb") / "metrics.json"
    step("evaluate", records=records, models=models, baselines=baselines, metrics=metrics)
    place = landscape_folder(results, "gb")
    step("landscape", records=records, examples=examples,
         model=[path.with_name("model.pt") for path in models], device="cpu", threads=1,
         singles=place / "singles.tsv", designs=place / "designs.tsv",
         summary=place / "landscape.json")  # fmt: skip
    step("report", out=folder / "report.html", summary=folder / "summary.txt")
    return folder


def test_every_baseline_is_judged_beside_the_model(finished: Path) -> None:
    metrics = json.loads(next(finished.rglob("metrics.json")).read_text())
    assert metrics["baselines"] == ["prior", "blosum", "additive", "pairwise"]
    spearman = {
        name: scores["score"]["spearman"]["value"] for name, scores in metrics["predictors"].items()
    }
    assert spearman["additive"] > 0.5
    assert spearman["model"] > 0.3


def test_report_counts_residues_and_has_no_gc(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert "16 aa long" in page
    assert "stop codon" in page
    assert "GC content" not in page
    assert "Mean</th>" in page
    assert "lass prior" not in page
    assert " bp" not in page
    errors = pd.read_csv(
        evaluation_folder(finished / "results", "gb") / "errors.tsv", sep="\t"
    ).sort_values("error", key=abs)
    assert errors["mutations"].iloc[-1] in page


def test_weights_reach_the_training(finished: Path) -> None:
    table = pq.read_table(next(finished.rglob("records.parquet")))
    weights = table.column("weight").to_pylist()
    assert len(set(weights)) > 50
    assert sum(weights) / len(weights) == pytest.approx(1, abs=1e-4)


def test_new_proteins_are_predicted_from_a_fasta(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / "new.fa").write_text(
        f">a\n{WILD_TYPE}\n>b\n{WILD_TYPE[:-1]}W\n>c\nMK*\n>d\nMKB\n>e\n{'ACGT' * 5}\n"
    )
    models = sorted(finished.rglob("model.pt"))
    out = finished / "new.tsv"
    words = ["predict", "--model", *map(str, models), "--fasta", str(finished / "new.fa")]
    assert main([*words, "--predictions", str(out), "--device", "cpu"]) == 0
    rows = [line.split("\t") for line in out.read_text().splitlines()]
    assert rows[0] == ["id", "value:score", "sd:score", "note"]
    assert [row[3] for row in rows[1:]] == [
        "",
        "",
        "stop codon",
        "3 residues, where the models were trained on variants of 16",
        "these look like nucleotides: translate them",
    ]
    assert rows[1][1] != rows[2][1]
    assert [row[1] for row in rows[3:]] == ["", "", ""]
    assert "WARNING: 3 of 5 sequences have no prediction" in capsys.readouterr().err


def test_landscape_holds_every_single_mutant(finished: Path) -> None:
    table = pd.read_csv(next(finished.rglob("singles.tsv")), sep="\t", keep_default_na=False)
    assert len(table) == 16 * 19
    assert table["mutation"].is_unique
    assert table.loc[0, "mutation"] == "M1A"
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()
    summary = json.loads(next(finished.rglob("landscape.json")).read_text())
    found = summary["targets"]["score"]
    assert found["test"] == 60
    assert 0.7 < found["coverage"] <= 1
    page = (finished / "report.html").read_text()
    section = page.split("Single mutants and designs")[-1]
    # With 12 epochs on 180 records, the additive ridge is better: said before anything else.
    metrics = json.loads(next(finished.rglob("metrics.json")).read_text())
    ours, theirs = (
        metrics["predictors"][name]["score"]["pearson"]["value"] for name in ("model", "additive")
    )
    assert ours < theirs
    assert section.index("Caution: on the test records the model is") < section.index("All 304")
    assert found["left_out"] == 0
    # Trained on pairs, and designs of up to three were asked for: the report repeats the file.
    promise, beyond = found["cautions"]
    assert "only of variants drawn as those of validation were; a design" in promise
    assert "designs have more mutations than any variant of train (2 at most)" in beyond
    assert promise in section
    assert beyond in section


def test_designs_are_new_apart_and_small(finished: Path) -> None:
    table = pd.read_csv(next(finished.rglob("designs.tsv")), sep="\t")
    records = pq.read_table(next(finished.rglob("records.parquet")))
    assert len(table) == 5
    assert table["acquisition"].is_monotonic_decreasing
    assert table["count"].max() <= 3
    assert not set(table["sequence"]) & set(records.column("sequence").to_pylist())
    for one, other in combinations(table["sequence"], 2):
        assert sum(a != b for a, b in zip(one, other, strict=True)) >= 2
