"""A run judged from its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import special
from sklearn import metrics as sk

from bioseq_dl.config import Evaluate, Published, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate import evaluate_run, write_evaluation

QUICK = Evaluate(bootstrap=100)
BINARY = Targets(classes=("off", "on"))
MANY = Targets(names=("a", "b", "c"))
SITES = Targets(kind="multiclass", names=("site",), classes=("x", "y", "z"))
LEVEL = Targets(kind="regression", names=("level", "rate"))


def test_headline_is_the_ensemble_of_mean_probabilities(make_run: Callable[..., Any]) -> None:
    made = make_run(BINARY, seeds=(0, 1, 2))
    summary = evaluate_run(made.models, made.baselines, BINARY, QUICK).summary
    test = made.fold_of == 0
    truth = made.truth[test, 0]
    each = [
        special.expit(made.outputs["model", 0, seed][test, 0].astype(np.float32).astype(float))
        for seed in (0, 1, 2)
    ]
    auroc = summary["predictors"]["model"]["label"]["auroc"]
    assert auroc["value"] == pytest.approx(sk.roc_auc_score(truth, np.mean(each, axis=0)))
    singles = [sk.roc_auc_score(truth, one) for one in each]
    assert auroc["seeds"]["mean"] == pytest.approx(np.mean(singles))
    assert auroc["seeds"]["sd"] == pytest.approx(np.std(singles, ddof=1))
    assert auroc["folds"] is None
    assert auroc["low"] <= auroc["value"] <= auroc["high"]
    assert summary["seeds"] == [0, 1, 2]
    assert summary["records"]["label"]["test"] == 60
    assert sum(summary["records"]["label"]["classes"].values()) == 60


def test_better_model_is_told_from_the_baselines(make_run: Callable[..., Any]) -> None:
    made = make_run(BINARY)
    summary = evaluate_run(made.models, made.baselines, BINARY, QUICK).summary
    rows = {(row["baseline"], row["metric"]): row for row in summary["comparisons"]}
    against = rows["kmer", "auroc"]
    assert against["verdict"] == "better"
    assert against["low"] > 0
    assert against["difference"] == pytest.approx(
        against["model_value"] - against["baseline_value"]
    )
    assert rows["kmer", "log_loss"]["difference"] < 0
    assert rows["kmer", "log_loss"]["verdict"] == "better"
    assert rows["prior", "auroc"]["baseline_value"] == 0.5
    assert list(summary["predictors"]) == ["model", "prior", "kmer"]
    assert summary["notes"]["kmer"] == {"0": "kmer of fold 0"}


def test_folds_are_pooled_and_told_apart(make_run: Callable[..., Any]) -> None:
    made = make_run(BINARY, folds=4, seeds=(3, 5))
    summary = evaluate_run(made.models, made.baselines, BINARY, QUICK).summary
    pooled = np.zeros(240)
    for fold in range(4):
        test = made.fold_of == fold
        pooled[test] = np.mean(
            [
                special.expit(made.outputs["model", fold, seed][test, 0].astype(np.float32))
                for seed in (3, 5)
            ],
            axis=0,
        )
    auroc = summary["predictors"]["model"]["label"]["auroc"]
    assert auroc["value"] == pytest.approx(sk.roc_auc_score(made.truth[:, 0], pooled), abs=1e-6)
    folds = [
        sk.roc_auc_score(made.truth[made.fold_of == f, 0], pooled[made.fold_of == f])
        for f in range(4)
    ]
    assert auroc["folds"]["mean"] == pytest.approx(np.mean(folds), abs=1e-6)
    assert list(auroc["folds"]["values"]) == ["0", "1", "2", "3"]
    assert summary["predictors"]["kmer"]["label"]["auroc"]["folds"] is not None
    assert summary["records"]["label"]["test"] == 240
    assert len(summary["calibration"]["label"]["temperatures"]) == 4


@pytest.mark.parametrize("targets", [BINARY, MANY, SITES, LEVEL], ids=["one", "many", "site", "y"])
def test_every_kind_gives_strict_json_and_tables(
    make_run: Callable[..., Any], targets: Targets, tmp_path: Path
) -> None:
    made = make_run(targets, missing=0.2)
    evaluation = evaluate_run(made.models, made.baselines, targets, QUICK)
    write_evaluation(tmp_path / "out", evaluation)
    summary = json.loads((tmp_path / "out/metrics.json").read_text())
    assert summary == evaluation.summary
    assert ("macro" in summary["predictors"]["model"]) == (len(targets.names) > 1)
    main = summary["predictors"]["model"][targets.names[0]][summary["headline"]]
    assert main["value"] > 0.6
    tables = {path.stem for path in (tmp_path / "out").glob("*.tsv")}
    assert tables == {
        "metrics", "comparisons", "calibration", "curves", "confusion", "errors", "error_rates",
    }  # fmt: skip
    metrics = pd.read_csv(tmp_path / "out/metrics.tsv", sep="\t")
    names = len(targets.names) + (len(targets.names) > 1)
    assert len(metrics) == 3 * names * len(summary["definitions"])
    for name in targets.names:
        counted = summary["records"][name]
        assert counted["missing"] > 0
        assert counted["test"] + counted["missing"] == 60


def test_same_files_give_the_same_bytes(make_run: Callable[..., Any], tmp_path: Path) -> None:
    made = make_run(MANY, missing=0.1)
    for name in ("first", "second"):
        evaluation = evaluate_run(made.models, made.baselines, MANY, QUICK)
        write_evaluation(tmp_path / name, evaluation)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_macro_is_the_mean_over_targets(make_run: Callable[..., Any]) -> None:
    made = make_run(MANY, missing=0.3)
    found = evaluate_run(made.models, made.baselines, MANY, QUICK).summary["predictors"]["model"]
    for metric in ("auroc", "brier"):
        values = [found[name][metric]["value"] for name in MANY.names]
        assert found["macro"][metric]["value"] == pytest.approx(np.mean(values))


def test_overconfident_logits_are_mended_on_validation(make_run: Callable[..., Any]) -> None:
    made = make_run(BINARY, records=2000, overconfidence=9.0)
    calibration = evaluate_run(made.models, made.baselines, BINARY, QUICK).summary["calibration"]
    found = calibration["label"]
    # z ~ N(±1.5, 1) has the log odds 2 * 1.5 z; stated are 9 z: three times too sure.
    assert found["temperatures"][0]["value"] == pytest.approx(3, rel=0.2)
    assert found["after"]["log_loss"] < found["before"]["log_loss"]
    off = evaluate_run(made.models, made.baselines, BINARY, Evaluate(bootstrap=10, calibrate=False))
    assert off.summary["calibration"] == {}
    assert set(off.tables["curves"]["predictor"]) == {"model", "prior", "kmer"}


def test_published_figures_stand_beside_ours(make_run: Callable[..., Any]) -> None:
    made = make_run(BINARY, seeds=(0, 1))
    figures = (
        Published(metric="accuracy", value=0.5, source="a paper"),
        Published(metric="accuracy", value=1.0, source="another"),
        Published(metric="brier", value=0.9, source="a third", target="label"),
    )
    summary = evaluate_run(made.models, made.baselines, BINARY, QUICK, figures).summary
    rows = summary["published"]
    assert rows[0]["verdict"] == "better"
    assert rows[1]["verdict"] in ("worse", "interval contains it")
    assert rows[2]["verdict"] == "better"
    assert rows[0]["seeds"]["mean"] > 0.9
    with pytest.raises(InputError, match=r"published\.0\.metric.*'pearson'.*allowed: auroc"):
        evaluate_run(
            made.models, [], BINARY, QUICK, [Published(metric="pearson", value=1, source="x")]
        )
    with pytest.raises(InputError, match="unknown target"):
        evaluate_run(
            made.models,
            [],
            BINARY,
            QUICK,
            [Published(metric="auroc", value=1, source="x", target="labell")],
        )


def test_one_class_in_test_is_undefined_not_a_crash(
    write_predictions: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(
        path,
        BINARY,
        ["a", "b", "c", "d"],
        ["val", "val", "test", "test"],
        np.array([[0.0], [1.0], [1.0], [1.0]]),
        np.array([[-1.0], [1.0], [2.0], [-2.0]]),
    )
    evaluation = evaluate_run([(0, 0, path)], [("kmer", 0, path)], BINARY, QUICK)
    auroc = evaluation.summary["predictors"]["model"]["label"]["auroc"]
    assert auroc["value"] is None
    assert auroc["note"] == "records of one class only"
    assert auroc["undefined_resamples"] == 100
    rows = {row["metric"]: row["verdict"] for row in evaluation.summary["comparisons"]}
    assert rows["auroc"] == "undefined"
    assert rows["accuracy"] == "not distinguishable"
    json.dumps(evaluation.summary, allow_nan=False)


class TestBadFiles:
    def test_missing_seed(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY, folds=2, seeds=(0, 1))
        with pytest.raises(InputError, match="fold 1, seed 1: predictions are missing"):
            evaluate_run(made.models[:-1], [], BINARY, QUICK)

    def test_missing_fold_of_a_baseline(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY, folds=2)
        with pytest.raises(InputError, match="baseline kmer does not have the model's folds"):
            evaluate_run(made.models, made.baselines[:1], BINARY, QUICK)

    def test_other_targets(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY)
        with pytest.raises(InputError, match="column target:a: a column is missing"):
            evaluate_run(made.models, [], MANY, QUICK)

    def test_diverged_outputs(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY)
        table = pq.read_table(made.models[0][2])
        place = table.column_names.index("output:label")
        outputs = table.column("output:label").to_numpy().copy()
        outputs[7] = np.nan
        pq.write_table(
            table.set_column(place, "output:label", pa.array(outputs)), made.models[0][2]
        )
        with pytest.raises(InputError, match=r"record '.*column output:label.*not a finite number"):
            evaluate_run(made.models, [], BINARY, QUICK)

    def test_other_records(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY)
        path = made.baselines[0][2]
        pq.write_table(pq.read_table(path).slice(1), path)
        with pytest.raises(InputError, match="other records"):
            evaluate_run(made.models, made.baselines, BINARY, QUICK)

    def test_record_tested_twice(self, make_run: Callable[..., Any]) -> None:
        made = make_run(BINARY)
        (_, seed, path) = made.models[0]
        with pytest.raises(InputError, match="tested more than once"):
            evaluate_run([(0, seed, path), (1, seed, path)], [], BINARY, QUICK)

    def test_nothing_to_test(self, write_predictions: Callable[..., None], tmp_path: Path) -> None:
        path = tmp_path / "p.parquet"
        write_predictions(path, BINARY, ["a"], ["val"], np.ones((1, 1)), np.ones((1, 1)))
        with pytest.raises(InputError, match="no test records"):
            evaluate_run([(0, 0, path)], [], BINARY, QUICK)
        with pytest.raises(InputError, match="no predictions"):
            evaluate_run([], [], BINARY, QUICK)
