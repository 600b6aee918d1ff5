"""A run on cells, judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_cells import TYPES, MadeCells, make_cells
from sklearn.metrics import f1_score

from bioseq_dl.config import CellEvaluate, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.cells import evaluate_cells
from bioseq_dl.evaluate.tables import Evaluation, write_evaluation

MANY = Targets(kind="multiclass", names=("cell_type",), classes=TYPES)
TWO = Targets(kind="binary", names=("sick",))
VALUE = Targets(kind="regression", names=("age",))
FAST = CellEvaluate(bootstrap=60, drawn=0)


def judge(made: MadeCells, config: CellEvaluate = FAST) -> Evaluation:
    return evaluate_cells(made.models, made.baselines, made.targets, config, records=made.records)


@pytest.fixture
def make(tmp_path: Path, write_predictions: Callable[..., None]) -> Callable[..., MadeCells]:
    return lambda *given, **options: make_cells(tmp_path, write_predictions, *given, **options)


def test_everything_of_ten_types(make: Callable[..., MadeCells], tmp_path: Path) -> None:
    made = make(MANY)
    found = judge(made, FAST.model_copy(update={"drawn": 60}))
    summary = found.summary
    assert summary["matter"] == "cells"
    assert summary["headline"] == "accuracy"
    assert {"unknown", "unknown_curve", "embedding", "umap", "anomaly"} <= set(found.tables)
    json.dumps(summary, allow_nan=False)

    embedding = summary["embedding"]
    assert embedding["dimensions"] == {"model": 8, "pca": 8}
    ours, theirs = (embedding["predictors"][name] for name in ("model", "pca"))
    for metric in ("knn_accuracy", "knn_f1", "silhouette", "ari", "nmi"):
        assert ours[metric]["value"] > theirs[metric]["value"], metric
    assert ours["knn_accuracy"]["low"] <= ours["knn_accuracy"]["value"]
    assert ours["knn_accuracy"]["value"] <= ours["knn_accuracy"]["high"]
    assert ours["ari"]["low"] is None
    assert set(ours["ari"]["seeds"]["values"]) == {"0", "1"}
    assert theirs["ari"]["seeds"] is None
    assert set(theirs["ari"]["folds"]["values"]) == {"0", "1"}
    verdicts = {row["metric"]: row["verdict"] for row in embedding["comparisons"]}
    assert verdicts["silhouette"] == "better"
    assert verdicts["ari"] == "undefined"

    umap = found.tables["umap"]
    assert umap.groupby("space").size().to_dict() == {"model": 60, "pca": 60}
    assert umap["id"].iloc[:60].tolist() == umap["id"].iloc[60:].tolist()
    assert np.isfinite(umap[["x", "y"]].to_numpy(float)).all()
    assert set(umap["role"]) == {"train", "val", "test"}

    kinds = summary["anomaly"]["kinds"]
    assert list(kinds) == ["doublet", "shuffled", "all"]
    assert kinds["shuffled"]["auroc"]["value"] > kinds["all"]["auroc"]["value"]
    assert kinds["all"]["auroc"]["value"] > kinds["doublet"]["auroc"]["value"] > 0.5
    assert kinds["doublet"]["outliers"] == 80
    auroc = kinds["doublet"]["auroc"]
    assert auroc["low"] < auroc["value"] < auroc["high"]
    rates = found.tables["error_rates"]
    assert {"class", "genes", "total", "mitochondrial", "batch", "group"} == set(rates["by"])
    assert "length" not in found.tables["errors"]

    write_evaluation(tmp_path / "one", found)
    again = judge(made, FAST.model_copy(update={"drawn": 60}))
    write_evaluation(tmp_path / "two", again)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_unknown_is_chosen_on_validation_and_counted_on_test(
    make: Callable[..., MadeCells],
) -> None:
    made = make(MANY, cells=600, folds=1, seeds=(0,))
    found = judge(made).summary["unknown"]["cell_type"]
    table = pq.read_table(made.models[0][2]).to_pandas()
    outputs = table[[f"output:cell_type:{name}" for name in TYPES]].to_numpy(float)
    truth = table["target:cell_type"].to_numpy().astype(int)
    called = outputs.argmax(axis=1)
    temperature = judge(made).summary["calibration"]["cell_type"]["temperatures"][0]["value"]
    scaled = np.exp(outputs / temperature)
    confidence = (scaled / scaled.sum(axis=1, keepdims=True)).max(axis=1)
    val, test = (table["role"] == role for role in ("val", "test"))
    (fold,) = found["folds"]
    kept = confidence[val & (called == truth)] >= fold["threshold"] - 1e-9
    assert kept.mean() >= 0.95
    assert kept.mean() - 1 / len(kept) < 0.95
    unknown = confidence < fold["threshold"] - 1e-9
    assert found["unknown"]["value"] == pytest.approx(unknown[test].mean())
    rest = test & ~unknown
    assert found["accuracy_rest"]["value"] == pytest.approx((called == truth)[rest].mean())
    assert found["f1_rest"]["value"] == pytest.approx(
        f1_score(truth[rest], called[rest], average="macro", zero_division=0)
    )
    assert found["accuracy_rest"]["value"] > found["accuracy"]["value"]
    assert found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"]
    assert sum(item["unknown"] for item in found["classes"].values()) == unknown[test].sum()


def test_unknown_of_test_does_not_move_the_threshold(make: Callable[..., MadeCells]) -> None:
    made = make(MANY, folds=1, seeds=(0,))
    before = judge(made).summary["unknown"]["cell_type"]["folds"]
    path = made.models[0][2]
    table = pq.read_table(path).to_pandas()
    columns = [f"output:cell_type:{name}" for name in TYPES]
    table.loc[table["role"] == "test", columns] *= 0.01
    pq.write_table(pa.Table.from_pandas(table), path)
    after = judge(made).summary["unknown"]["cell_type"]
    assert after["folds"] == before
    assert after["unknown"]["value"] == 1
    assert after["accuracy_rest"]["value"] is None


def test_two_classes_and_no_decoder(make: Callable[..., MadeCells]) -> None:
    found = judge(make(TWO, decoder=False))
    assert found.summary["anomaly"] is None
    assert "anomaly" not in found.tables
    assert found.summary["embedding"]["predictors"]["model"]["knn_accuracy"]["value"] > 0.9
    assert 0 <= found.summary["unknown"]["sick"]["unknown"]["value"] < 0.5


def test_a_regression_has_neither_unknown_nor_clusters(make: Callable[..., MadeCells]) -> None:
    found = judge(make(VALUE), FAST.model_copy(update={"drawn": 40}))
    assert found.summary["unknown"] is None
    assert found.summary["embedding"] is None
    assert found.summary["anomaly"]["kinds"]["all"]["auroc"]["value"] > 0.5
    assert found.tables["umap"]["class"].astype(float).std() > 0
    assert {"genes", "total", "mitochondrial", "batch", "group"} == set(
        found.tables["error_rates"]["by"]
    )


def test_predictions_alone_are_judged_too(make: Callable[..., MadeCells]) -> None:
    made = make(MANY)
    for _, _, path in made.models:
        (path.parent / "cells.parquet").unlink()
    found = evaluate_cells(made.models, made.baselines[1::2], MANY, FAST).summary
    assert found["embedding"] is None
    assert found["anomaly"] is None
    assert found["unknown"]["cell_type"]["test"] == 120


def test_without_pca_the_embedding_stands_alone(make: Callable[..., MadeCells]) -> None:
    made = make(MANY)
    made.baselines = made.baselines[1::2]
    found = judge(made).summary["embedding"]
    assert list(found["predictors"]) == ["model"]
    assert found["comparisons"] == []


def test_damaged_files_of_cells_are_named(make: Callable[..., MadeCells]) -> None:
    made = make(MANY, folds=1, seeds=(0,))
    path = made.models[0][2].parent / "cells.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(8), path)
    with pytest.raises(InputError, match="not among these cells"):
        judge(made)
    values = table["embedding"].to_pylist()
    values[5] = values[5][:3]
    at = table.column_names.index("embedding")
    pq.write_table(table.set_column(at, "embedding", pa.array(values)), path)
    with pytest.raises(InputError, match=r"differ in length"):
        judge(made)
    values[5] = [float("nan")] * 8
    pq.write_table(table.set_column(at, "embedding", pa.array(values)), path)
    with pytest.raises(InputError, match="not finite"):
        judge(made)
