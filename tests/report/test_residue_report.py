"""The chapter of a run with labels for each residue holds what evaluate found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_residues import AMINO, draw_outputs, draw_segments

from bioseq_dl.baselines import predict_residue_prior, predict_window
from bioseq_dl.config import Config, Evaluate, Targets, validate_config
from bioseq_dl.data.splits import split_records
from bioseq_dl.encode.residues import encode_residues
from bioseq_dl.evaluate import write_evaluation
from bioseq_dl.evaluate.residues import evaluate_residues
from bioseq_dl.io.atomic import write_json
from bioseq_dl.io.manifest import Fetched, hash_file, source_key
from bioseq_dl.io.records import write_records
from bioseq_dl.io.residue_counts import describe_label
from bioseq_dl.io.residue_records import read_residues
from bioseq_dl.predictions import build_predictions
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.page import build_report
from bioseq_dl.report.summary import summarise
from bioseq_dl.report.tables_of_residues import tabulate_residues
from bioseq_dl.report.words import say_count

HOSTILE = "<b>1abc/A</b>&"


def make_run(folder: Path, heads: list[str], proteins: int = 60) -> tuple[Config, RunFiles]:
    """Run every step on random segments but the training, whose predictions are made up."""
    generator = np.random.default_rng(3)
    lines = ["id\tsequence\tq3\tq8\tresolved\tsplit"]
    for row in range(proteins):
        length = int(generator.integers(25, 75))
        q8 = "".join("GHIBESTC"[int(code)] for code in draw_segments(generator, length, 8))
        q3 = q8.translate(str.maketrans("GHIBESTC", "HHHEECCC"))
        letters = [AMINO[("HEC".index(x) * 6 + int(generator.integers(8))) % 20] for x in q3]
        resolved = "0" * 5 + "1" * (length - 5)
        name = HOSTILE if row == 5 else f"p{row}"
        split = ("train", "val", "test")[row % 3]
        lines.append("\t".join([name, "".join(letters), q3, q8, resolved, split]))
    table = folder / "labels.tsv"
    table.write_text("\n".join(lines) + "\n")
    config = validate_config(
        {
            "title": "Residues",
            "runs": {
                "ss": {
                    "task": "protein_residue",
                    "title": "Segments",
                    "targets": {"names": heads},
                    "ingest": {
                        "inputs": [
                            {
                                "format": "table",
                                "source": {"path": str(table)},
                                "q8_column": "q8",
                                "q3_column": "q3",
                                "resolved_column": "resolved",
                                "split_column": "split",
                            }
                        ]
                    },
                    "split": {"method": "official", "audit": {"policy": "report"}},
                    "train": {"seeds": [0, 1]},
                    "evaluate": {"bootstrap": 100},
                    "published": [
                        {"metric": "accuracy", "value": 0.2, "source": "Doe", "target": heads[0]},
                        {"metric": "recall:E", "value": 0.99, "source": "Roe", "target": heads[0]},
                    ],
                }
            },
        }
    )
    run = config.runs["ss"]
    source = run.ingest.inputs[0].source
    files = {source_key(source): Fetched(str(table), hash_file(table), table.stat().st_size)}
    found = read_residues(run.ingest, run.targets, files, folder)
    write_records(folder / "records.parquet", found.records)
    write_json(folder / "ingest.json", found.summary)
    folds = split_records(found.records, run.split, run.targets).folds
    examples = encode_residues(found.records, folds, run.targets, run.encode)
    ids = found.records.column("id")
    baselines, models = [], []
    for name, predict in (("prior", predict_residue_prior), ("window", predict_window)):
        made = predict(examples, 0, run.baselines)
        path = folder / f"{name}-fold0.parquet"
        table = build_predictions(ids, examples, 0, made.rows, made.outputs)
        pq.write_table(table.replace_schema_metadata({"note": made.note}), path)
        baselines.append((name, 0, path))
    truth = examples.targets[examples.target_rows(made.rows)]
    for seed in (0, 1):
        outputs = draw_outputs(generator, run.targets, truth, 3.0)
        path = folder / f"fold0/seed{seed}/predictions.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(build_predictions(ids, examples, 0, made.rows, outputs), path)
        models.append((0, seed, path))
    evaluation = evaluate_residues(
        models, baselines, run.targets, run.evaluate, run.published, folder / "records.parquet"
    )
    write_evaluation(folder / "evaluation", evaluation)
    files = RunFiles(metrics=folder / "evaluation/metrics.json", ingest=folder / "ingest.json")
    return config, files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, RunFiles, Path]:
    folder = tmp_path_factory.mktemp("residues")
    config, files = make_run(folder, ["q3", "q8", "disorder"])
    build_report(config, {"ss": files}, folder / "out/report.html")
    return config, files, folder / "out"


def test_sections_hold_the_numbers(made: tuple[Config, RunFiles, Path]) -> None:
    _, files, out = made
    text = (out / "report.html").read_text()
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    metrics = json.loads(files.metrics.read_text())
    for section in ("results", "data", "training", "errors", "examples"):
        assert f'id="ss-{section}"' in text
    found = metrics["predictors"]
    for name in ("model", "prior", "window"):
        for target, metric in (("q3", "accuracy"), ("q8", "sov"), ("disorder", "auroc")):
            one = found[name][target][metric]
            assert f"{one['value']:.3f}" in plain, (name, target, metric)
            assert f"[{one['low']:.3f}, {one['high']:.3f}]" in plain
    for state in "GHIBESTC":
        assert f"{found['model']['q8'][f'recall:{state}']['value']:.3f}" in plain
    residues = say_count(metrics["records"]["q3"]["residues"]).replace("\u202f", " ")
    assert f"on 20 test proteins ({residues} labelled residues); the window baseline" in plain
    assert "E recall of q3" in plain
    assert "0.99 published (Roe)" in plain
    assert "disordered: 300 (" in plain
    assert "unresolved or not counted" in plain
    assert "whole proteins" in plain
    assert "one-hot windows of 17 residues" in plain


def test_figures_and_their_numbers(made: tuple[Config, RunFiles, Path]) -> None:
    _, files, out = made
    figures = {path.stem for path in (out / "figures/ss").iterdir()}
    assert {
        *("confusion_q3", "confusion_q8", "calibration", "roc", "pr", "lengths"),
        *("proteins", "by_length", "error_rates", "amino_acids"),
        *("protein_good", "protein_middling", "protein_bad"),
    } <= figures
    spread = pd.read_csv(out / "tables/ss/proteins.tsv", sep="\t")
    assert spread["model"].sum() == spread["window"].sum() == 20
    cells = pd.read_csv(out / "tables/ss/confusion_q8.tsv", sep="\t")
    metrics = json.loads(files.metrics.read_text())
    assert cells["records"].sum() == metrics["records"]["q8"]["residues"]
    svg = (out / "figures/ss/confusion_q8.svg").read_text()
    assert "%" in svg
    errors = pd.read_csv(files.metrics.parent / "errors.tsv", sep="\t")
    drawn = pd.read_csv(files.metrics.parent / "drawn.tsv", sep="\t", dtype={"true:q3": str})
    assert drawn.groupby("rank")["id"].nunique().eq(1).all()
    best = errors.loc[errors["id"] == drawn["id"][0], "value"].iloc[0]
    assert best == pytest.approx(drawn["value"][0])
    numbers = pd.read_csv(out / "tables/ss/protein_good.tsv", sep="\t", keep_default_na=False)
    known = numbers[numbers["true"] != ""]
    assert (known["true"] == known["predicted"]).mean() == pytest.approx(best, abs=1e-5)
    assert (numbers["true"] == "").sum() == 5  # not resolved


def test_long_proteins_are_cut_and_ids_escaped(
    made: tuple[Config, RunFiles, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bioseq_dl.report.figures_of_residues.MOST_DRAWN", 60)
    config, files, _ = made
    folder = tmp_path / "evaluation"
    folder.mkdir()
    for path in files.metrics.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    rows = pd.DataFrame(
        {
            "id": HOSTILE, "rank": "bad", "value": 0.5, "position": range(1, 81),
            "residue": "A", "true:q3": ["H"] * 50 + [" "] * 30,
            "q3:H": 0.5, "q3:E": 0.3, "q3:C": 0.2,
        }
    )  # fmt: skip
    rows.to_csv(folder / "drawn.tsv", sep="\t", index=False)
    build_report(config, {"ss": RunFiles(metrics=folder / "metrics.json")}, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "The first 60 of 80 residues are drawn" in text
    assert "50 of 50 labelled residues are right; 30 without a label" in text
    assert "<b>1abc" not in text
    assert "&lt;b&gt;1abc/A&lt;/b&gt;&amp;" in text


def test_same_inputs_give_the_same_bytes(
    made: tuple[Config, RunFiles, Path], tmp_path: Path
) -> None:
    config, files, out = made
    build_report(config, {"ss": files}, tmp_path / "report.html")
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / path.relative_to(out)).read_bytes(), path.name


def test_summary_lines(made: tuple[Config, RunFiles, Path]) -> None:
    lines = summarise(json.loads(made[1].metrics.read_text()), "ss")
    assert len(lines) == 4
    assert lines[0].startswith("ss: Accuracy of q3 0.")
    assert "beside 0.2 published (Doe): ours is better" in lines[1]
    assert "Single models of 2 seeds" in lines[2]


@pytest.mark.parametrize(
    "names", [("angles", "rsa"), ("disorder",), ("rsa", "q3", "q8", "disorder", "angles")]
)
def test_heads_that_no_table_holds(tmp_path: Path, names: tuple[str, ...]) -> None:
    from made_residues import draw_truth, write_residues

    targets = Targets(kind="residues", names=names)
    generator = np.random.default_rng(2)
    truth = [draw_truth(generator, targets, 40) for _ in range(12)]
    path = tmp_path / "model.parquet"
    roles = ["test", "val"] * 6
    outputs = [draw_outputs(generator, targets, one, 2.0) for one in truth]
    write_residues(path, targets, [f"p{i}" for i in range(12)], roles, truth, outputs)
    evaluation = evaluate_residues([(0, 0, path)], [], targets, Evaluate(bootstrap=50))
    write_evaluation(tmp_path / "evaluation", evaluation)
    config = validate_config(
        {
            "runs": {
                "a": {
                    "task": "protein_residue",
                    "targets": {"names": list(names)},
                    "ingest": {
                        "inputs": [{"format": "structure", "source": {"path": "structures.tar"}}]
                    },
                }
            }
        }
    )
    files = RunFiles(metrics=tmp_path / "evaluation/metrics.json")
    build_report(config, {"a": files}, tmp_path / "out/report.html")
    text = (tmp_path / "out/report.html").read_text()
    if "angles" in names:
        value = evaluation.summary["predictors"]["model"]["psi"]["angle_mae"]["value"]
        assert f"{value:.1f}" in text
    assert ({"angles": "MAE of phi", "rsa": "of rsa"}.get(names[0], "AUROC")) in text
    assert "no baseline was fitted" in text
    assert ("Three proteins" in text) == ("q3" in names)
    # Temperatures are of states and masks; shares and angles have none.
    assert ("Temperature scaling" in text) == ("disorder" in names)
    for label in ("q3", "q8", "disorder"):
        assert (label in evaluation.summary["calibration"]) == (label in names)


def test_angles_are_averaged_on_the_circle() -> None:
    degrees = [170.0, -170.0, 175.0, -175.0, np.nan]
    column = pa.array([np.radians(degrees).astype(np.float32)], pa.list_(pa.float32()))
    found = describe_label(pa.table({"residues:psi": column}), "psi")
    assert (found["labelled"], found["unlabelled"]) == (4, 1)
    assert abs(found["mean"]) == pytest.approx(180, abs=0.01)
    run = SimpleNamespace(metrics={"targets": ["psi"], "states": {}})
    table = tabulate_residues(run, {"residues": {"psi": found | {"mean": -63.4}}})  # type: ignore[arg-type]
    assert table is not None
    assert table.rows[0][2].text == "mean -63°"


def test_residues_and_sequences_share_a_page(
    made: tuple[Config, RunFiles, Path],
    made_run: Callable[..., tuple[Config, RunFiles]],
    tmp_path: Path,
) -> None:
    config, files, _ = made
    other, other_files = made_run(Targets(names=("bound",)))
    both = validate_config(
        {
            "runs": {
                **config.model_dump(mode="json")["runs"],
                **other.model_dump(mode="json")["runs"],
            }
        }
    )
    out = tmp_path / "out/report.html"
    build_report(both, {"ss": files, "made": other_files}, out)
    text = out.read_text()
    # AUROC is the main metric of one and a metric of the other's disorder: its picture holds one.
    assert 'id="ss-results"' in text
    assert 'id="made-results"' in text
    numbers = pd.read_csv(tmp_path / "out/tables/overview_auroc.tsv", sep="\t")
    assert set(numbers["run"]) == {"made"}
