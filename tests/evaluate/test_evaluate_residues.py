"""Runs with labels for each residue: hand-computed values, intervals, comparisons, tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_residues import AMINO, draw_outputs, draw_truth, write_residues

from bioseq_dl.config import Evaluate, Published, Targets
from bioseq_dl.config.heads import list_metrics
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate import write_evaluation
from bioseq_dl.evaluate.residues import evaluate_residues
from bioseq_dl.io.records import write_records
from bioseq_dl.metrics import auroc, pearson

ALL = Targets(kind="residues", names=("q3", "q8", "disorder", "rsa", "angles"))
Q3 = Targets(kind="residues", names=("q3",))
QUICK = Evaluate(bootstrap=200)


def make_run(folder: Path, targets: Targets, proteins: int = 40, seeds: int = 2, folds: int = 1):
    """Files of a model that knows, a window that knows less and a prior that knows nothing."""
    generator = np.random.default_rng(7)
    lengths = generator.integers(20, 90, proteins)
    truth = [draw_truth(generator, targets, n) for n in lengths]
    ids = [f"p{i}" for i in range(proteins)]
    models, baselines, outputs = [], [], {}
    for fold in range(folds):
        roles = np.where(np.arange(proteins) % max(folds, 2) == fold, "test", "val")
        for name, strength in (("model", 2.5), ("window", 1.0), ("prior", 0.0)):
            for seed in range(seeds if name == "model" else 1):
                made = [draw_outputs(generator, targets, one, strength) for one in truth]
                path = folder / f"{name}-fold{fold}-{seed}.parquet"
                write_residues(path, targets, ids, roles, truth, made, f"{name} of {fold}")
                outputs[name, fold, seed] = made
                if name == "model":
                    models.append((fold, seed, path))
                else:
                    baselines.append((name, fold, path))
    sequences = ["".join(generator.choice(list(AMINO), n)) for n in lengths]
    columns = {
        "id": ids,
        "sequence": sequences,
        "source": ["one.tsv" if i % 3 else "two.tsv" for i in range(proteins)],
    }
    write_records(folder / "records.parquet", pa.table(columns))
    return models, baselines, truth, outputs


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_two_proteins_by_hand(tmp_path: Path) -> None:
    h, e, c = np.eye(3, dtype=np.float32) * 5
    truth = [
        np.array([[0], [0], [0], [2]], np.float32),
        np.array([[1], [np.nan]], np.float32),
        np.array([[2]], np.float32),
    ]
    outputs = [np.stack([h, h, c, c]), np.stack([e, h]), np.stack([e])]
    path = tmp_path / "p.parquet"
    write_residues(path, Q3, ["a", "b", "v"], ["test", "test", "val"], truth, outputs)
    evaluation = evaluate_residues([(0, 0, path)], [], Q3, QUICK)
    found = evaluation.summary["predictors"]["model"]["q3"]
    assert found["accuracy"]["value"] == 4 / 5
    assert found["recall:H"]["value"] == pytest.approx(2 / 3)
    assert found["precision:H"]["value"] == 1
    assert found["precision:C"]["value"] == 1 / 2
    # H: a true segment of 3, found 2 of it: (2 + 1) / 3 · 3; E: 1; C: of true 1 and called 2.
    assert found["sov"]["value"] == pytest.approx((3 + 1 + 0.5) / 5)
    # Resamples are of the two proteins: 3/4, 4/5 or 1; of five residues it would be less too.
    assert (found["accuracy"]["low"], found["accuracy"]["high"]) == (0.75, 1.0)
    assert evaluation.summary["records"]["q3"] == {
        **{"test": 2, "missing": 0, "val": 1, "residues": 5, "unlabelled": 1},
        "classes": {"H": 3, "E": 1, "C": 1},
    }
    table = evaluation.tables["confusion"].set_index(["truth", "predicted"])["records"]
    assert (table["H", "H"], table["H", "C"], table["E", "E"], table.sum()) == (2, 1, 1, 5)
    proteins = evaluation.tables["errors"]
    assert proteins[["id", "residues", "value"]].values.tolist() == [["a", 4, 0.75], ["b", 1, 1]]


def test_every_head_against_plain_computations(tmp_path: Path) -> None:
    models, baselines, truth, outputs = make_run(tmp_path, ALL)
    evaluation = evaluate_residues(models, baselines, ALL, QUICK, (), tmp_path / "records.parquet")
    summary = evaluation.summary
    json.dumps(summary, allow_nan=False)
    assert summary["targets"] == ["q3", "q8", "disorder", "rsa", "phi", "psi"]
    assert (summary["main"], summary["headline"]) == ("q3", "accuracy")
    assert summary["baselines"] == ["prior", "window"]
    tested = list(range(0, 40, 2))
    true = np.concatenate([truth[i] for i in tested]).astype(float)
    both = [np.concatenate([outputs["model", 0, s][i] for i in tested]) for s in (0, 1)]
    found = summary["predictors"]["model"]

    def known(label):
        return ~np.isnan(true[:, ALL.labels.index(label)])

    mean = np.mean([softmax(one[:, :3].astype(float)) for one in both], axis=0)
    keep = known("q3")
    share = (mean.argmax(axis=1)[keep] == true[keep, 0]).mean()
    assert found["q3"]["accuracy"]["value"] == pytest.approx(share)
    alone = [(one[keep, :3].argmax(axis=1) == true[keep, 0]).mean() for one in both]
    assert found["q3"]["accuracy"]["seeds"]["mean"] == pytest.approx(np.mean(alone))
    assert found["q3"]["accuracy"]["value"] > max(alone)  # the ensemble
    keep = known("disorder")
    score = np.mean([1 / (1 + np.exp(-one[:, 11].astype(float))) for one in both], axis=0)
    assert found["disorder"]["auroc"]["value"] == pytest.approx(
        auroc(true[keep, 2], score[keep]), abs=1e-3
    )
    keep = known("rsa")
    rsa = np.mean([1 / (1 + np.exp(-one[:, 12].astype(float))) for one in both], axis=0)
    assert found["rsa"]["mae"]["value"] == pytest.approx(
        np.abs(rsa - true[:, 3])[keep].mean(), 1e-5
    )
    assert found["rsa"]["pearson"]["value"] == pytest.approx(
        pearson(true[keep, 3], rsa[keep]), abs=1e-5
    )
    keep = known("psi")
    vectors = [one[:, 15:17] / np.linalg.norm(one[:, 15:17], axis=1, keepdims=True) for one in both]
    psi = np.arctan2(*np.mean(vectors, axis=0).T)
    turn = np.angle(np.exp(1j * (psi - true[:, 5])))
    assert found["psi"]["angle_mae"]["value"] == pytest.approx(
        np.degrees(np.abs(turn))[keep].mean(), 1e-4
    )
    for label, metrics in found.items():
        for metric, one in metrics.items():
            if one["value"] is not None:
                assert one["low"] <= one["value"] <= one["high"], (label, metric)


def test_a_better_model_differs_from_its_baselines_and_not_from_itself(tmp_path: Path) -> None:
    models, baselines, *_ = make_run(tmp_path, ALL, seeds=1)
    itself = [*baselines, ("itself", 0, models[0][2])]
    rows = pd.DataFrame(evaluate_residues(models, itself, ALL, QUICK).summary["comparisons"])
    for target, metric in (("q3", "accuracy"), ("disorder", "auroc"), ("q8", "sov")):
        chosen = rows[(rows["target"] == target) & (rows["metric"] == metric)]
        chosen = chosen.set_index("baseline")
        assert chosen.loc[["prior", "window"], "verdict"].tolist() == ["better", "better"]
        assert (chosen.loc[["prior", "window"], "low"] > 0).all()
        assert chosen.loc["itself", ["difference", "low", "high"]].tolist() == [0, 0, 0]
    lower = rows[(rows["target"] == "phi") & (rows["baseline"] == "window")].iloc[0]
    assert lower["difference"] < 0
    assert lower["verdict"] == "better"  # of an error less is better


def test_intervals_are_of_proteins_not_of_residues(tmp_path: Path) -> None:
    # Half of the proteins are all right, half all wrong: residues of one are not independent.
    count, length = 40, 50
    truth = [np.zeros((length, 1), np.float32)] * count
    outputs = [np.full((length, 3), [0, 0, 9.0 * (i % 2)], np.float32) for i in range(count)]
    outputs = [one + np.array([1, 0, 0], np.float32) for one in outputs]
    path = tmp_path / "p.parquet"
    roles = ["test"] * (count - 1) + ["val"]
    write_residues(path, Q3, [f"p{i}" for i in range(count)], roles, truth, outputs)
    summary = evaluate_residues([(0, 0, path)], [], Q3, Evaluate(bootstrap=1000)).summary
    found = summary["predictors"]["model"]["q3"]["accuracy"]
    n = count - 1
    by_residue = 2 * 1.96 * np.sqrt(0.25 / (n * length))
    by_protein = 2 * 1.96 * np.sqrt(0.25 / n)
    width = found["high"] - found["low"]
    assert width == pytest.approx(by_protein, rel=0.1)
    assert width > 5 * by_residue


def test_folds_are_pooled_and_told_apart(tmp_path: Path) -> None:
    models, baselines, *_ = make_run(tmp_path, Q3, folds=2)
    summary = evaluate_residues(models, baselines, Q3, QUICK).summary
    found = summary["predictors"]
    assert set(found["model"]["q3"]["accuracy"]["folds"]["values"]) == {"0", "1"}
    assert set(found["window"]["q3"]["accuracy"]["folds"]["values"]) == {"0", "1"}
    assert summary["records"]["q3"]["test"] == 40
    assert summary["notes"]["window"] == {"0": "window of 0", "1": "window of 1"}


def test_metrics_are_those_that_a_config_may_name(tmp_path: Path) -> None:
    models, baselines, _, _ = make_run(tmp_path, ALL, proteins=8)
    found = evaluate_residues(models, baselines, ALL, QUICK).summary["predictors"]["model"]
    for label in ALL.labels:
        assert set(found[label]) == set(list_metrics(label)), label


def test_published_figures_find_their_target(tmp_path: Path) -> None:
    models, baselines, *_ = make_run(tmp_path, ALL)
    figures = (
        Published(metric="accuracy", value=0.1, source="a"),
        Published(metric="accuracy", value=0.999, source="b", target="q8"),
        Published(metric="recall:E", value=0.2, source="c", target="q3"),
        Published(metric="angle_mae", value=180.0, source="d", target="psi"),
        Published(metric="pearson", value=0.0, source="e"),
    )
    rows = evaluate_residues(models, baselines, ALL, QUICK, figures).summary["published"]
    assert [row["target"] for row in rows] == ["q3", "q8", "q3", "psi", "rsa"]
    assert [row["verdict"] for row in rows] == ["better", "worse", "better", "better", "better"]
    wrong = (Published(metric="sov", value=1, source="x", target="rsa"),)
    with pytest.raises(InputError, match=r"sov of rsa.*allowed: mae, pearson"):
        evaluate_residues(models, baselines, ALL, QUICK, wrong)


def test_tables_are_written_and_tell_groups(tmp_path: Path) -> None:
    models, baselines, truth, _ = make_run(tmp_path, ALL)
    evaluation = evaluate_residues(models, baselines, ALL, QUICK, (), tmp_path / "records.parquet")
    write_evaluation(tmp_path / "out", evaluation)
    assert (tmp_path / "out/drawn.tsv").exists()
    rates = evaluation.tables["error_rates"]
    q3 = rates[rates["target"] == "q3"]
    labelled = sum(int((~np.isnan(truth[i][:, 0])).sum()) for i in range(0, 40, 2))
    for by in ("class", "length", "residue", "source"):
        assert q3.loc[q3["by"] == by, "records"].sum() == labelled, by
    assert set(q3.loc[q3["by"] == "residue", "bin"]) <= set(AMINO)
    right = evaluation.summary["predictors"]["model"]["q3"]["recall:H"]["value"]
    helix = q3[(q3["by"] == "class") & (q3["bin"] == "H")].iloc[0]
    assert helix["rate"] == pytest.approx(1 - right)
    assert ((q3["low"] <= q3["rate"]) & (q3["rate"] <= q3["high"])).all()
    listed = evaluation.tables["errors"]
    assert len(listed) == 20
    assert listed["value"].is_monotonic_increasing
    assert set(listed["baseline"]) == {"window"}
    weighted = (listed["value"] * listed["residues"]).sum() / listed["residues"].sum()
    value = evaluation.summary["predictors"]["model"]["q3"]["accuracy"]["value"]
    assert weighted == pytest.approx(value)
    drawn = evaluation.tables["drawn"]
    assert list(dict.fromkeys(drawn["rank"])) == ["good", "middling", "bad"]
    values = drawn.groupby("rank")["value"].first()
    assert values["good"] >= values["middling"] >= values["bad"]
    assert np.allclose(drawn[["q3:H", "q3:E", "q3:C"]].sum(axis=1), 1, atol=1e-5)
    assert set(drawn["true:q3"]) <= set("HEC ")
    assert set(evaluation.tables["curves"]["curve"]) == {"calibration", "roc", "pr"}
    assert set(evaluation.summary["calibration"]) == {"q3", "q8", "disorder"}


def test_heads_without_states_have_their_own_main_figure(tmp_path: Path) -> None:
    targets = Targets(kind="residues", names=("angles", "rsa"))
    models, baselines, *_ = make_run(tmp_path, targets)
    evaluation = evaluate_residues(models, baselines, targets, QUICK)
    summary = evaluation.summary
    assert (summary["main"], summary["headline"]) == ("phi", "angle_mae")
    assert evaluation.tables["drawn"].empty
    assert evaluation.tables["confusion"].empty
    assert summary["calibration"] == {}
    listed = evaluation.tables["errors"]
    assert listed["value"].is_monotonic_decreasing  # the worst first
    assert set(listed["baseline"]) == {"window"}


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    models, _, truth, outputs = make_run(tmp_path, Q3, seeds=1)
    ids, roles = [f"p{i}" for i in range(40)], ["test", "val"] * 20
    path = tmp_path / "other.parquet"
    made = outputs["model", 0, 0]
    bad = [*made[:3], np.full_like(made[3], np.nan), *made[4:]]
    write_residues(path, Q3, ids, roles, truth, bad)
    with pytest.raises(InputError, match=r"p3.*not a finite number"):
        evaluate_residues([(0, 0, path)], [], Q3, QUICK)
    short = [*made[:5], made[5][:-1], *made[6:]]
    write_residues(path, Q3, ids, roles, truth, short)
    with pytest.raises(InputError, match=r"p5.*differ in length"):
        evaluate_residues([(0, 0, path)], [], Q3, QUICK)
    write_residues(path, Q3, ids, roles, [np.zeros_like(one) for one in truth], made)
    with pytest.raises(InputError, match="of other records"):
        evaluate_residues(models, [("window", 0, path)], Q3, QUICK)
    records = pa.table({"id": ids, "sequence": ["A"] * 40, "source": ["x"] * 40})
    write_records(tmp_path / "records.parquet", records)
    with pytest.raises(InputError, match=r"p0.*another length"):
        evaluate_residues(models, [], Q3, QUICK, (), tmp_path / "records.parquet")
