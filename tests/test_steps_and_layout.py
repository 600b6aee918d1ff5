"""What makes stages shared, steps rerun, and folders differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bioseq_dl.config import Run, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.layout import (
    baseline_folder,
    list_baselines,
    list_models,
    model_folder,
    stage_folder,
)
from bioseq_dl.steps import STAGES, STEPS, find_run, stage_key, step_settings


def make(**changes: Any) -> Run:
    run = {
        "task": "dna_sequence",
        "ingest": {"inputs": [{"format": "fasta", "source": {"path": "a.fa"}}]},
    }
    return validate_config({"runs": {"a": run | changes}}).runs["a"]


# What changes: the first stage that is no longer shared.
CHANGES: list[tuple[dict[str, Any], str | None]] = [
    ({"title": "other"}, None),
    ({"model": {"recurrent": {"hidden": 3}}}, None),
    ({"train": {"epochs": 3}}, None),
    ({"evaluate": {"bootstrap": 10}}, None),
    ({"baselines": {"kmer": 3}}, "baseline"),
    ({"encode": {"length": 50}}, "encode"),
    ({"split": {"seed": 1}}, "split"),
    ({"split": {"audit": {"policy": "drop"}}}, "split"),
    ({"targets": {"names": ["bound"]}}, "ingest"),
    (
        {"ingest": {"inputs": [{"format": "fasta", "source": {"path": "b.fa"}}]}},
        "ingest",
    ),
]


@pytest.mark.parametrize(("changes", "first"), CHANGES, ids=lambda value: str(value)[:40])
def test_stages_are_shared_up_to_what_differs(changes: dict[str, Any], first: str | None) -> None:
    one, other = make(), make(**changes)
    shared = [stage for stage in STAGES if stage_key(one, stage) == stage_key(other, stage)]
    assert shared == list(STAGES if first is None else STAGES[: STAGES.index(first)])
    for stage in ("ingest", "split", "encode"):
        same = stage_folder("r", one, stage) == stage_folder("r", other, stage)
        assert same == (stage in shared)
    assert (baseline_folder("r", one) == baseline_folder("r", other)) == ("baseline" in shared)


def test_defaults_written_out_are_the_same_stage() -> None:
    assert stage_key(make(), "encode") == stage_key(make(split={"seed": 0}), "encode")
    preset, full = make(), make(model=make().model.model_dump())
    assert step_settings(preset, "train") == step_settings(full, "train")


def test_a_step_depends_on_its_sections_and_no_others() -> None:
    changes = {
        "train": make(train={"learning_rate": 0.1}),
        "tune": make(tune={"space": {"train.momentum": {"choices": [0.8, 0.9]}}}),
        "evaluate": make(evaluate={"seed": 5}),
        "baseline": make(baselines={"prior": False}),
        "encode": make(encode={"unknown": "uniform"}),
        "split": make(split={"folds": 5}),
    }
    for changed, run in changes.items():
        rerun = [s for s in STEPS if step_settings(run, s) != step_settings(make(), s)]
        # A search trains as train does, and what it found is written with these sections.
        also = {"train": ["tune", "choose", "train"], "tune": ["tune", "choose"]}
        assert rerun == also.get(changed, [changed])


def test_a_further_seed_retrains_no_other() -> None:
    more = make(train={"seeds": [0, 1, 2]})
    assert step_settings(more, "train") == step_settings(make(), "train")
    assert "seeds" in more.train.model_dump()  # only the part leaves it out
    assert list_models(more) == [(0, 0), (0, 1), (0, 2)]


def test_models_of_folds_and_seeds_stand_apart() -> None:
    run = make(split={"folds": 3}, train={"seeds": [4, 7]})
    folders = [model_folder("results", "a", fold, seed) for fold, seed in list_models(run)]
    assert len(set(folders)) == 6
    assert folders[1] == Path("results/runs/a/fold0/seed7")


def test_baselines_that_are_asked_for() -> None:
    assert list_baselines(make()) == ["prior", "kmer"]
    assert list_baselines(make(baselines={"kmer": None})) == ["prior"]
    assert list_baselines(make(baselines={"prior": False, "kmer": None})) == []
    additive = make(baselines={"additive": True}, encode={"length": 20})
    assert list_baselines(additive) == ["prior", "kmer", "additive"]


def test_a_run_is_found_by_its_name_or_a_stage() -> None:
    section = make().model_dump(mode="json", exclude_unset=True)
    other = section | {"split": {"seed": 3}}
    config = validate_config({"runs": {"one": section, "two": other}})
    assert find_run(config, "two") is config.runs["two"]
    assert find_run(config, stage_key(config.runs["two"], "split")) is config.runs["two"]
    # A stage that both share: either run describes it.
    key = stage_key(config.runs["two"], "ingest")
    assert stage_key(find_run(config, key), "ingest") == key
    with pytest.raises(InputError, match="several runs"):
        find_run(config, None)
    with pytest.raises(InputError, match="no such run in the config; found 'six'"):
        find_run(config, "six")
