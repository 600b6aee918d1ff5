"""Tables of accuracy: every baseline beside the model."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def accuracy(load_script):
    return load_script("run_accuracy.py")


def comparison(baseline: str, metric: str, value: float, target: str = "label") -> dict:
    return {
        "metric": metric, "target": target, "baseline": baseline, "baseline_value": value,
        "difference": 0.9 - value, "low": 0.8 - value, "high": 1.0 - value,
    }  # fmt: skip


def test_each_baseline_of_the_metric_and_target_but_the_prior(accuracy) -> None:
    judged = {
        "comparisons": [
            comparison("prior", "auroc", 0.5),
            comparison("kmer", "auroc", 0.7),
            comparison("additive", "auroc", 0.8),
            comparison("additive", "mcc", 0.4),
            comparison("additive", "auroc", 0.1, target="other"),
        ]
    }
    found = accuracy.against_baselines(judged, "label", "auroc")
    assert list(found) == [
        "kmer", "less_kmer", "less_kmer_low", "less_kmer_high",
        "additive", "less_additive", "less_additive_low", "less_additive_high",
    ]  # fmt: skip
    assert found["additive"] == 0.8
    assert found["less_kmer"] == pytest.approx(0.2)
    assert accuracy.against_baselines(judged, "label", "f1") == {}


def test_a_table_has_all_columns_and_four_decimals(accuracy, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(accuracy, "REPOSITORY", tmp_path)
    rows = [{"run": "a", "auroc": 0.123456}, {"run": "b", "mcc": 1}]
    accuracy.write_table(tmp_path / "table.tsv", rows)
    lines = (tmp_path / "table.tsv").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert [line.split("\t") for line in lines[1:]] == [
        ["run", "auroc", "mcc"], ["a", "0.1235", "None"], ["b", "None", "1"]
    ]  # fmt: skip
