"""Numbers and findings in words."""

from __future__ import annotations

import json
import math

from bioseq_dl.config import Config
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.summary import summarise
from bioseq_dl.report.words import (
    best_baseline,
    say_bytes,
    say_count,
    say_interval,
    say_number,
    say_seconds,
    say_share,
    say_spread,
    tell_leaks,
    tell_result,
)


def test_numbers() -> None:
    assert say_number(0.98765) == "0.988"
    assert say_number(-0.0123) == "−0.012"
    assert say_number(-0.0001) == "0.000"
    assert say_number(None) == say_number(math.nan) == "–"
    assert say_number(123.456, "rmse") == "123"
    assert say_interval(-0.01, 0.5) == "[−0.010, 0.500]"
    assert say_interval(None, None) == "–"
    assert say_spread({"mean": 0.5, "sd": 0.0123}) == "0.500 ± 0.012"
    assert say_spread(None) == "–"


def test_amounts() -> None:
    assert say_bytes(1_234_567) == "1.23 MB"
    assert say_bytes(None) == "–"
    assert say_seconds(12.34) == "12.3 s"
    assert say_seconds(90) == "1.5 min"
    assert say_seconds(5400) == "1.5 h"
    assert say_count(1234567) == "1\u202f234\u202f567"
    assert say_share(1, 8) == "12.5%"


def test_leaks() -> None:
    def audit(
        leaking: int, remaining: int, near: str = "kmers", compared: str = "sequence"
    ) -> dict[str, object]:
        rows = [
            {"role": "test", "records": 200, "leaking": leaking, "remaining": remaining},
            {"role": "val", "records": 100, "leaking": 50, "remaining": 50},
        ]
        return {"leaking": rows, "near_search": near, "compared": compared}

    assert "No leak" in tell_leaks(audit(0, 0))
    assert "those were taken out" in tell_leaks(audit(5, 0))
    assert "nothing was taken out, so the figures may be too high" in tell_leaks(audit(5, 5))
    assert "2 still have" in tell_leaks(audit(5, 2))
    assert "an equal, similar or overlapping record" in tell_leaks(audit(5, 2))
    assert "an equal or homologous protein" in tell_leaks(audit(5, 2, near="identity"))
    assert "an equal cell" in tell_leaks(audit(5, 2, compared="profile"))
    assert "not audited" in tell_leaks(None)


def _metrics(verdict: str, low: float, high: float) -> dict[str, object]:
    def found(value: float | None) -> dict[str, object]:
        return {
            "value": value, "low": 0.9, "high": 0.99, "note": "one class", "seeds": None,
            "folds": None,
        }  # fmt: skip

    return {
        "targets": ["a"],
        "metrics": ["auroc"],
        "headline": "auroc",
        "definitions": {"auroc": {"label": "AUROC"}},
        "records": {"a": {"test": 100, "missing": 0}},
        "baselines": ["prior", "kmer"],
        "predictors": {
            "model": {"a": {"auroc": found(0.95)}},
            "prior": {"a": {"auroc": found(0.5)}},
            "kmer": {"a": {"auroc": found(0.94)}},
        },
        "comparisons": [
            {
                "baseline": "kmer",
                "target": "a",
                "metric": "auroc",
                "baseline_value": 0.94,
                "difference": 0.01,
                "low": low,
                "high": high,
                "verdict": verdict,
            }
        ],
    }


def test_result_says_what_can_be_said() -> None:
    unsure = _metrics("not distinguishable", -0.01, 0.03)
    assert best_baseline(unsure) == "kmer"
    assert tell_result(unsure) == (
        "AUROC 0.950 [0.900, 0.990] on 100 test records; the k-mer baseline 0.940; "
        "difference 0.010 [−0.010, 0.030], not distinguishable."
    )
    assert tell_result(_metrics("worse", -0.03, -0.01)).endswith("the model is worse.")
    alone = unsure | {"baselines": []}
    assert tell_result(alone).endswith("on 100 test records; no baseline was fitted.")
    unsure["predictors"]["model"]["a"]["auroc"]["value"] = None  # type: ignore[index]
    assert tell_result(unsure) == "AUROC cannot be given: one class."


def test_summary_has_four_lines(motif_run: tuple[Config, RunFiles]) -> None:
    _, files = motif_run
    assert files.audit is not None
    lines = summarise(
        json.loads(files.metrics.read_text()), "small", json.loads(files.audit.read_text())
    )
    assert len(lines) == 4
    assert lines[0].startswith("small: AUROC 0.9")
    assert "0.8 published" in lines[1]
    assert "3 seeds" in lines[2]
    assert "test records" in lines[3]
    assert not any("\n" in line for line in lines)
