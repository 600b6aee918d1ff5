"""Where the model errs: listed and counted right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.config import Evaluate, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.evaluate.curves import count_confusion, trace_curves, wilson_interval
from bioseq_dl.evaluate.errors import list_errors, rate_errors, read_features
from bioseq_dl.evaluate.predictions import Part

BINARY = Targets(classes=("off", "on"))
CONFIG = Evaluate()


def _part(truth: list[float], prediction: list[float]) -> Part:
    ids = np.array([f"r{i}" for i in range(len(truth))], dtype=object)
    return Part(ids, np.array(truth)[:, None], np.array(prediction)[:, None])


def _features(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "length": 100 + np.arange(n),
            "gc": np.linspace(0.2, 0.8, n),
            "source": ["a.fa", "b.fa"] * (n // 2),
            "group": None,
        }
    )


def test_most_confident_mistakes_come_first() -> None:
    part = _part([1, 1, 0, 0, 1, np.nan], [0.9, 0.3, 0.95, 0.6, 0.1, 0.99])
    other = np.array([[0.9], [0.2], [0.9], [0.4], [0.8], [0.5]])
    found = list_errors(part, {"kmer": other}, _features(6), BINARY, CONFIG)
    assert found["id"].tolist() == ["r2", "r4", "r1", "r3"]
    assert found["truth"].tolist() == ["off", "on", "on", "off"]
    assert found["predicted"].tolist() == ["on", "off", "off", "on"]
    assert found["error"].tolist() == pytest.approx([0.95, 0.9, 0.7, 0.6])
    assert found["baseline_error"].tolist() == pytest.approx([0.9, 0.2, 0.8, 0.4])
    assert found["length"].tolist() == [102, 104, 101, 103]


def test_regression_lists_the_largest_residuals() -> None:
    part = _part([1.0, 2.0, 3.0, np.nan], [1.1, 0.0, 3.5, 9.0])
    found = list_errors(part, {}, _features(4), Targets(kind="regression", names=("y",)), CONFIG)
    assert found["id"].tolist() == ["r1", "r2", "r0"]
    assert found["error"].tolist() == pytest.approx([-2, 0.5, 0.1])


def test_error_rates_by_class_length_gc_and_source() -> None:
    truth = np.tile([1.0, 0.0], 20)
    wrong = np.arange(40) < 8  # the shortest, the poorest in GC
    prediction = np.where(truth == 1, 0.9, 0.1)
    prediction[wrong] = 1 - prediction[wrong]
    found = rate_errors(_part(truth.tolist(), prediction.tolist()), _features(40), BINARY, CONFIG)
    assert list(dict.fromkeys(found["by"])) == ["class", "length", "gc", "source"]
    for _, rows in found.groupby("by"):
        assert rows["records"].sum() == 40
        assert (rows["records"] * rows["rate"]).sum() == pytest.approx(8)
        assert ((rows["low"] <= rows["rate"]) & (rows["rate"] <= rows["high"])).all()
    length = found[found["by"] == "length"]
    assert length["bin"].iloc[0] == "100 to 108"
    assert length["rate"].iloc[0] == pytest.approx(8 / 9)
    assert length["rate"].iloc[1:].max() == 0
    assert found[found["by"] == "class"]["bin"].tolist() == ["off", "on"]


def test_properties_that_all_share_are_left_out() -> None:
    features = _features(4).assign(length=200, source="a.fa", gc=np.nan)
    found = rate_errors(_part([1, 0, 1, 0], [0.9, 0.9, 0.9, 0.1]), features, BINARY, CONFIG)
    assert set(found["by"]) == {"class"}


def test_wilson_interval_by_hand() -> None:
    # Wilson 1927 with z = 1.959964: centre (p + z²/2n) / (1 + z²/n).
    low, high = wilson_interval(1, 10)
    assert (low, high) == pytest.approx((0.01788, 0.40415), abs=1e-4)
    assert wilson_interval(0, 5)[0] == 0


def test_features_come_in_the_order_of_the_ids(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    table = {
        "id": ["a", "b", "c"],
        "sequence": ["GGCC", "ATATN", "ACGT"],
        "source": ["x", "y", "z"],
        "group": [None, "g", None],
    }
    pq.write_table(pa.table(table), path)
    found = read_features(path, np.array(["c", "b"], dtype=object))
    assert found["length"].tolist() == [4, 5]
    assert found["gc"].tolist() == [0.5, 0]
    assert found["mutations"].isna().all()
    assert found["source"].tolist() == ["z", "y"]
    with pytest.raises(InputError, match="record 'q'"):
        read_features(path, np.array(["q"], dtype=object))


def test_curves_start_and_end_at_the_corners() -> None:
    generator = np.random.default_rng(0)
    truth = (generator.random(5000) < 0.5).astype(float)
    score = np.clip(0.3 * truth + 0.7 * generator.random(5000), 0, 1)
    curves = trace_curves(
        truth[:, None],
        {"model": score[:, None], "prior": np.full((5000, 1), 0.5)},
        BINARY,
        CONFIG,
    )
    roc = curves[(curves["curve"] == "roc") & (curves["predictor"] == "model")]
    assert len(roc) <= 302
    assert roc[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (roc["x"].diff().dropna() >= 0).all()
    area = np.trapezoid(roc["y"], roc["x"])
    whole = (score[truth == 1][:, None] > score[truth == 0]).mean()
    assert area == pytest.approx(whole, abs=2e-3)  # thinned without a visible change
    bins = curves[(curves["curve"] == "calibration") & (curves["predictor"] == "model")]
    assert bins["records"].sum() == 5000
    assert set(curves[curves["predictor"] == "prior"]["curve"]) == {"calibration"}


def test_confusion_counts_every_labelled_record() -> None:
    part = _part([1, 1, 0, 0, np.nan], [0.9, 0.3, 0.95, 0.2, 0.9])
    found = count_confusion(part.truth, part.prediction, BINARY, CONFIG)
    cells = {(row.truth, row.predicted): row.records for row in found.itertuples()}
    assert cells == {("on", "on"): 1, ("on", "off"): 1, ("off", "on"): 1, ("off", "off"): 1}
