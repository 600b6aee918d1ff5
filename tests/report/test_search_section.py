"""The report's section on a search."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bioseq_dl.config import Config, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.report.figures_of_search import draw_history, draw_values
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.page import build_report
from bioseq_dl.report.search import read_searches, tell_search

SPACE = {
    "model.conv.0.channels": {"low": 8, "high": 64, "log": False, "step": 8, "choices": []},
    "train.learning_rate": {"low": 1e-4, "high": 0.1, "log": True, "step": None, "choices": []},
    "model.wide": {"low": None, "high": None, "log": False, "step": None,
                   "choices": [None, {"anywhere": 6}]},
}  # fmt: skip
METRICS = {
    "kind": "binary",
    "headline": "auroc",
    "definitions": {"auroc": {"label": "AUROC"}},
    "folds": [0],
}


def make_history(fold: int = 0, higher: bool = True, trials: int = 12) -> dict[str, Any]:
    """Each third trial is pruned; the last fails; one goes far astray."""
    found = []
    for number in range(trials):
        state = "pruned" if number % 3 == 2 else "finished"
        value = 0.6 + 0.02 * number if higher else 0.7 - 0.02 * number
        if number == 4:
            value = -50.0 if higher else 50.0
        if number == trials - 1:
            state, value = "failed", None  # type: ignore[assignment]
        found.append(
            {
                "trial": number,
                "state": state,
                "value": value,
                "parameters": {
                    "model.conv.0.channels": 8 * (1 + number % 8),
                    "train.learning_rate": 1e-4 * 2**number,
                    "model.wide": {"anywhere": 6} if number % 2 else None,
                },
                "curve": {},
                "kept_epoch": 3 if state == "finished" else None,
                "network_parameters": 1000 + number if state == "finished" else None,
                "reason": "the training loss is not finite" if state == "failed" else None,
                "worker": 0,
                "seconds": 1.0,
            }
        )
    states = [trial["state"] for trial in found]
    return {
        "fold": fold,
        "figure": "val_score" if higher else "val_loss",
        "higher": higher,
        "best": 10 - (10 % 3 == 2),
        "counts": {name: states.count(name) for name in
                   ("finished", "pruned", "failed", "unfinished")},
        "space": SPACE,
        "settings": {"sampler": "tpe", "seed": 4, "pruner": "median", "startup_trials": 5,
                     "warmup_epochs": 2, "workers": 3},
        "epochs": 8,
        "trials": found,
    }  # fmt: skip


def test_counts_choice_and_what_was_not_seen_are_told() -> None:
    section = tell_search("a", [make_history()], METRICS)
    text = " ".join(section.told)
    assert "Of 12 trials, 8 finished, 3 were pruned, 1 failed." in text
    assert "Sampler tpe with seed 4, pruner median (after 5 finished trials, not before" in text
    assert "validation AUROC of the epoch that training keeps (more is better)" in text
    assert "test records were read only when the models of this page" in text
    assert "Each fold" not in text
    assert "Why trials failed: the training loss is not finite (1)." in text
    chosen, best = section.tables
    rows = [[cell.text for cell in row] for row in chosen.rows]
    assert rows[0] == ["model.conv.0.channels", "8 to 64 in steps of 8", "24"]
    assert rows[1] == ["train.learning_rate", "0.0001 to 0.1, log", "0.1024"]
    assert rows[2] == ["model.wide", 'null | {"anywhere": 6}', "null"]
    assert rows[3] == ["Validation AUROC", "", "0.800"]
    assert [row[0].text for row in best.rows] == ["10", "9", "7", "6", "3", "1", "0", "4"]
    assert best.rows[0][1].tone == "good"


def test_of_a_loss_less_is_better() -> None:
    section = tell_search("a", [make_history(higher=False)], METRICS)
    assert "validation loss of the epoch that training keeps (less is better)" in section.told[1]
    assert [row[0].text for row in section.tables[1].rows][:2] == ["10", "9"]


def test_each_fold_has_its_column_and_table() -> None:
    section = tell_search("a", [make_history(0), make_history(1)], METRICS | {"folds": [0, 1]})
    assert "Of 24 trials in 2 searches, one a fold, 16 finished" in section.told[0]
    assert "Each fold has a search of its own" in section.told[1]
    assert list(section.tables[0].columns)[2:] == ["Chosen, fold 0", "Chosen, fold 1"]
    assert len(section.tables) == 3


def test_the_history_marks_pruned_failed_and_chosen_trials() -> None:
    picture = draw_history("a", [make_history()], "Validation AUROC")
    for word in ("finished", "pruned", "failed", "chosen", "best so far", "Validation AUROC"):
        assert f">{word}<" in picture.svg
    assert "Trials beyond the edge are drawn on it." in picture.caption
    numbers = picture.numbers
    assert len(numbers) == 12
    assert numbers["state"].value_counts().to_dict() == {"finished": 8, "pruned": 3, "failed": 1}
    assert numbers.loc[1, "model.wide"] == '{"anywhere": 6}'
    calm = make_history()
    calm["trials"][4]["value"] = 0.7
    assert "edge" not in draw_history("a", [calm], "x").caption


def test_one_trial_alone_is_drawn() -> None:
    one = make_history(trials=2)
    one["best"] = 0
    assert "<svg" in draw_history("a", [one], "x").svg
    assert draw_values("a", [one], "x") is not None


def test_each_key_has_a_panel() -> None:
    picture = draw_values("a", [make_history(0), make_history(1)], "Validation AUROC")
    assert picture is not None
    assert all(f">{key}<" in picture.svg for key in SPACE)
    assert ">null<" in picture.svg
    assert isinstance(picture.numbers, pd.DataFrame)


def test_a_choice_at_the_end_of_its_range_is_told() -> None:
    def tell(*rates: float) -> list[str]:
        histories = [make_history(fold) for fold in range(len(rates))]
        for history, rate in zip(histories, rates, strict=True):
            best = next(t for t in history["trials"] if t["trial"] == history["best"])
            best["parameters"] |= {"train.learning_rate": rate, "model.conv.0.channels": 32}
        texts = tell_search("made", histories, METRICS).told
        return [text for text in texts if text.startswith("Chosen at an end")]

    assert tell(0.01) == []  # a tenth of the bound: far from it on the scale of the draw
    assert tell(0.08) == [
        "Chosen at an end of its range, beyond which nothing was tried: train.learning_rate 0.08 "
        "of 0.0001 to 0.1, log. A wider range may hold a better value."
    ]
    (told,) = tell(0.01, 1.2e-4)
    assert "train.learning_rate 0.00012 of 0.0001 to 0.1, log (fold 1)." in told


def test_many_keys_share_a_column() -> None:
    history = make_history()
    more = {f"model.conv.{n}.dropout": SPACE["train.learning_rate"] for n in range(5)}
    history["space"] = SPACE | more
    for trial in history["trials"]:
        trial["parameters"] |= dict.fromkeys(more, 0.01)
    table = tell_search("a", [history], METRICS).tables[1]
    assert list(table.columns) == [
        "Trial",
        "Validation AUROC",
        "Values",
        "Kept epoch",
        "Parameters",
    ]
    assert "model.conv.4.dropout 0.01" in table.rows[0][2].text


def test_the_page_has_the_section(
    tmp_path: Path, made_run: Callable[..., tuple[Config, RunFiles]]
) -> None:
    config, files = made_run(Targets())
    path = tmp_path / "tune.json"
    path.write_text(json.dumps(make_history()))
    missing = tmp_path / "not-run.json"
    build_report(config, {"made": replace(files, searches=(path, missing))}, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert '<h3 id="made-search">Hyper-parameter search</h3>' in page
    assert (tmp_path / "figures/made/search.svg").exists()
    assert len((tmp_path / "tables/made/search.tsv").read_text().splitlines()) == 13
    build_report(config, {"made": files}, tmp_path / "without.html")
    assert "Hyper-parameter" not in (tmp_path / "without.html").read_text()


def test_a_damaged_history_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tune.json"
    what = "not the history of a search"
    for text, problem in (("{", "not valid JSON"), ("{}", what), ("[]", what)):
        path.write_text(text)
        with pytest.raises(InputError, match=f"{problem}.*fix: run choose again"):
            read_searches([path])
