"""The section of a search: what may be varied, and how each mistake is told."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bioseq_dl.config import Dimension, Run, Tune, apply_parameters, validate_config
from bioseq_dl.config.tune import TRIALS
from bioseq_dl.errors import InputError

RATE = {"train.learning_rate": {"low": 1e-4, "high": 0.1, "log": True}}


def make(tune: dict[str, Any] | None = None, **changes: Any) -> Run:
    run = {
        "task": "dna_sequence",
        "ingest": {"inputs": [{"format": "fasta", "source": {"path": "a.fa"}}]},
        "model": {"conv": [{"channels": 8, "kernel": 5}]},
    }
    data = {"runs": {"a": run | changes | ({} if tune is None else {"tune": tune})}}
    return validate_config(data).runs["a"]


def vary(key: str, **dimension: Any) -> dict[str, Any]:
    return {"space": {key: dimension}}


def test_no_run_searches_unless_asked() -> None:
    assert make().tune is None


def test_defaults() -> None:
    tune = make({"space": RATE}).tune
    assert tune is not None
    assert (tune.total, tune.workers, tune.sampler, tune.pruner) == (TRIALS, 1, "tpe", "median")


CELLS = {
    "task": "expression",
    "targets": {"kind": "multiclass", "names": ["cell"], "classes": ["a", "b"]},
    "ingest": {
        "inputs": [{"format": "h5ad", "source": {"path": "a.h5ad"}, "columns": {"cell": "x"}}]
    },
    "model": {"decoder": {}},
}
VARIANTS = {
    "task": "protein_fitness",
    "ingest": {
        "inputs": [
            {
                "format": "table",
                "source": {"path": "a.csv"},
                "variant_column": "m",
                "columns": {"score": "y"},
            }
        ],
        "wild_type_sequence": "MKV",
    },
    "encode": {"length": 3},
}
RESIDUES = {
    "task": "protein_residue",
    "ingest": {"inputs": [{"format": "structure", "source": {"path": "a.pdb"}}]},
}


@pytest.mark.parametrize(
    ("run", "key", "dimension"),
    [
        (CELLS, "model.dense", {"choices": [[64], [128, 64]]}),
        (CELLS, "model.input_dropout", {"low": 0.0, "high": 0.5}),
        (VARIANTS, "model.dense.0", {"low": 16, "high": 64}),
        (RESIDUES, "model.conv.1.kernel", {"low": 3, "high": 15, "step": 2}),
        ({"model": {"preset": "cnn"}}, "model.conv.2.dropout", {"low": 0.0, "high": 0.5}),
        ({"model": {"preset": "cnn"}}, "model.wide", {"choices": [None, {"anywhere": 6}]}),
        ({}, "train.augment.shift", {"low": 0, "high": 3}),
        ({}, "train.optimizer", {"choices": ["sgd", "adamw"]}),
        ({}, "train.ema_decay", {"choices": [None, 0.99]}),
        ({"train": {"monitor": "score"}}, "train.label_smoothing", {"low": 0.0, "high": 0.2}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_every_task_can_be_searched(
    run: dict[str, Any], key: str, dimension: dict[str, Any]
) -> None:
    made = make(**run) if "task" not in run else validate_config({"runs": {"a": run}}).runs["a"]
    data = made.model_dump(mode="json") | {"tune": vary(key, **dimension)}
    searched = validate_config({"runs": {"a": data}}).runs["a"]
    assert searched.tune is not None
    _, value = list(searched.tune.space[key].tell_values())[-1]
    tuned = apply_parameters(searched, {key: value}).model_dump(mode="json")
    for part in key.split("."):
        tuned = tuned[int(part) if isinstance(tuned, list) else part]
    if isinstance(value, dict):
        assert tuned.items() >= value.items()
    else:
        assert tuned == value


BAD = {
    "no key of model or train": (vary("split.seed", low=1, high=2), "those below model and train"),
    "a section alone": (vary("train", choices=[1, 2]), "those below model and train"),
    "unknown key": (
        vary("train.learning_rat", low=0.1, high=0.2),
        "tune.space.train.learning_rat: unknown key 'learning_rat' of train; allowed: seeds, ",
    ),
    "suggestion": (vary("train.learning_rat", low=0.1, high=0.2), "did you mean learning_rate?"),
    "no such layer": (
        vary("model.conv.1.channels", low=1, high=2),
        "no such place '1' in model.conv; allowed: 0 to 0",
    ),
    "no number of a layer": (vary("model.conv.x.channels", low=1, high=2), "no such place 'x'"),
    "into null": (vary("model.recurrent.hidden", low=1, high=2), "model.recurrent is null"),
    "into a number": (vary("train.epochs.x", low=1, high=2), "set tune.epochs"),
    "below a number": (vary("model.dropout.x", low=1, high=2), "model.dropout is no section"),
    "seeds": (vary("train.seeds", choices=[[1], [2]]), "is not varied: tune.seed"),
    "a seed": (vary("train.seeds.0", low=1, high=2), "is not varied: tune.seed"),
    "device": (vary("train.device", choices=["cpu", "cuda"]), "is not varied"),
    "monitor": (vary("train.monitor", choices=["loss", "score"]), "is not varied"),
    "preset": (vary("model.preset", choices=["cnn", "bilstm"]), "make a run of each preset"),
    "loss of a loss": (vary("train.loss", choices=["rank", "both"]), "set train.monitor: score"),
    "low": (
        vary("model.dropout", low=-0.5, high=0.5),
        "low -0.5 cannot be used: key model.dropout: input should be greater than or equal to 0",
    ),
    "high": (vary("model.dropout", low=0.0, high=1.0), "high 1.0 cannot be used"),
    "choice": (vary("train.optimizer", choices=["adam", "adan"]), "choice 'adan' cannot be used"),
    "real for whole": (
        vary("model.conv.0.channels", low=1.0, high=9.0),
        "a value 5.94",
    ),
    "range of a list": (vary("model.conv", low=1, high=2), "low 1 cannot be used"),
    "order": (vary("model.dropout", low=0.3, high=0.2), "low must be below high"),
    "half a range": (vary("model.dropout", low=0.3), "give low and high, or choices"),
    "nothing": (vary("model.dropout"), "give low and high, or choices"),
    "both": (vary("model.dropout", low=0.1, high=0.2, choices=[0.1, 0.2]), "choices stand alone"),
    "log of choices": (vary("model.dropout", log=True, choices=[0.1, 0.2]), "choices stand alone"),
    "one choice": (vary("model.dropout", choices=[0.1]), "two or more different"),
    "twice": (vary("model.dropout", choices=[0.1, 0.2, 0.1]), "names a value twice"),
    "log of zero": (vary("model.dropout", low=0.0, high=0.5, log=True), "log needs low above 0"),
    "log and step": (
        vary("train.learning_rate", low=0.1, high=0.5, log=True, step=0.1),
        "log and step exclude",
    ),
    "step": (vary("model.dropout", low=0.1, high=0.5, step=0.15), "plus a multiple of step"),
    "unknown field": (vary("model.dropout", min=0.1, high=0.5), "unknown key; allowed: low, high"),
    "one within another": (
        {
            "space": {
                "model.conv.0.channels": {"low": 2, "high": 4},
                "model.conv": {
                    "choices": [[{"channels": 2, "kernel": 3}], [{"channels": 3, "kernel": 3}]]
                },
            }
        },
        "tune.space.model.conv.0.channels stands within tune.space.model.conv",
    ),
    "empty space": ({"space": {}}, "give 1 or more"),
    "workers": ({"space": RATE, "trials": 3, "workers": 4}, "workers must be at most the 3 trials"),
    "no trials": ({"space": RATE, "trials": 0}, "greater than or equal to 1"),
    "grid of reals": ({"space": RATE, "sampler": "grid"}, "a grid needs choices, whole numbers"),
    "grid and trials": (
        vary("model.conv.0.channels", low=1, high=5) | {"sampler": "grid", "trials": 4},
        "the grid has 5 points: leave out trials",
    ),
    "vast grid": (
        vary("model.conv.0.channels", low=1, high=50_000) | {"sampler": "grid"},
        "the grid has 50,000 points",
    ),
    "grid too vast to list": (
        vary("model.conv.0.channels", low=1, high=10**15) | {"sampler": "grid"},
        "the grid has 1,000,000,000,000,000 points",
    ),
    "grid of tiny steps": (
        vary("model.dropout", low=0.0, high=0.5, step=1e-15) | {"sampler": "grid"},
        "the grid has 500,000,000,000,001 points",
    ),
    "steps beyond counting": (
        vary("train.weight_decay", low=0.0, high=1e30, step=1e-9),
        "step is too small for the range",
    ),
    "whole beyond holding": (
        vary("model.conv.0.channels", low=1, high=2**63),
        "whole numbers must be from -9223372036854775807 to 9223372036854775807",
    ),
    "whole beyond a real one": (vary("model.dropout", low=0.0, high=10**400), "must be from -9223"),
    "too wide": (vary("model.dropout", low=-1.7e308, high=1.7e308), "the range is too wide"),
    "date": (
        vary("train.optimizer", choices=[date(2026, 1, 2), "adam"]),
        "choices must be text, numbers, true, false, null, lists or sections; found 2026-01-02",
    ),
    "date within": (
        vary("model.wide", choices=[None, {"anywhere": [date(2026, 1, 2)]}]),
        "choices must be text, numbers",
    ),
    "keys of numbers": (
        vary("model.wide", choices=[None, {1: 2, "anywhere": 3}]),
        "keys within choices must be text; found 1",
    ),
    "a place twice": (
        {
            "space": {
                "model.conv.0.channels": {"low": 2, "high": 4},
                "model.conv.00.channels": {"low": 2, "high": 4},
            }
        },
        "no such place '00' in model.conv; allowed: 0 to 0",
    ),
    "a place in other digits": (
        vary("model.conv.\N{ARABIC-INDIC DIGIT ZERO}.channels", low=2, high=4),
        "in model.conv; allowed: 0 to 0",
    ),
    "nothing to prune": ({"space": RATE, "epochs": 2}, "tune.warmup_epochs must be below the 2"),
    "unknown sampler": ({"space": RATE, "sampler": "cma"}, "tune.sampler: input should be"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_mistake_is_one_clear_line(case: str) -> None:
    tune, wanted = BAD[case]
    with pytest.raises(InputError) as caught:
        make(tune)
    text = str(caught.value)
    assert wanted in text
    assert "\n" not in text
    assert "key runs.a" in text


def test_a_decoder_with_a_loss_is_refused() -> None:
    tune = vary("model.decoder.weight", low=0.1, high=2.0)
    with pytest.raises(InputError, match="changes what a loss means"):
        validate_config({"runs": {"a": CELLS | {"tune": tune}}})
    scored = CELLS | {"tune": tune, "train": {"monitor": "score"}}
    assert validate_config({"runs": {"a": scored}}).runs["a"].tune is not None


def test_a_number_with_an_exponent_is_a_number() -> None:
    # As YAML 1.1 reads 1e-4: as text.
    tune = Tune.model_validate(
        {"space": {"a": {"choices": ["1e-4", "1e-3", "adam"]}, "b": {"low": "1e-4", "high": 1}}}
    )
    assert tune.space["a"].choices == (1e-4, 1e-3, "adam")
    assert tune.space["b"].low == 1e-4


def test_a_grid_is_every_combination_once() -> None:
    tune = Tune.model_validate(
        {
            "sampler": "grid",
            "space": {
                "a": {"low": 1, "high": 5, "step": 2},
                "b": {"low": 0.1, "high": 0.3, "step": 0.1},
                "c": {"choices": [None, [1, 2]]},
            },
        }
    )
    points = [tune.find_point(number) for number in range(tune.total)]
    assert tune.total == len(points) == 18
    assert points[0] == {"a": 1, "b": 0.1, "c": None}
    assert points[1] == {"a": 1, "b": 0.1, "c": [1, 2]}
    assert points[-1] == {"a": 5, "b": 0.3, "c": [1, 2]}
    assert len({str(point) for point in points}) == 18


@given(st.integers(1, 50), st.integers(1, 9), st.integers(1, 20))
def test_values_of_a_stepped_range_run_from_end_to_end(low: int, step: int, count: int) -> None:
    values = Dimension(low=low, high=low + count * step, step=step).list_values()
    assert values == list(range(low, low + count * step + 1, step))
    tenth = Dimension(low=low / 10, high=(low + count * step) / 10, step=step / 10).list_values()
    assert tenth == [value / 10 for value in values or []]


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        ({"low": 2, "high": 8, "step": 3}, [2, 5, 8], [3, 1, 11, 5.0, True, None, "5", [5]]),
        ({"low": 0.0, "high": 0.5, "step": 0.1}, [0.0, 0.1 * 3, 0.5], [0.25, 0.6, -0.1, "0.1"]),
        ({"low": 1e-4, "high": 0.1, "log": True}, [1e-4, 0.02, 0.1], [0.0, 1.0, 1e400, None]),
        ({"choices": [None, [8], {"x": 1}, 1]}, [None, [8], {"x": 1}, 1], [8, [], {"x": 2}, 1.0]),
    ],
)
def test_a_value_is_one_of_its_dimension_or_not(
    dimension: dict[str, Any], inside: list[Any], outside: list[Any]
) -> None:
    found = Dimension.model_validate(dimension)
    assert [value for value in inside + outside if found.holds(value)] == inside


def test_a_config_written_out_in_full_searches_the_same() -> None:
    run = make({"space": RATE | {"model.conv.0.channels": {"low": 4, "high": 8}}})
    again = validate_config({"runs": {"a": run.model_dump(mode="json")}}).runs["a"]
    assert again == run
    assert again.tune is not None
    assert again.tune.space["model.conv.0.channels"].whole


REPOSITORY = Path(__file__).parents[1]


def test_the_guides_example_is_valid() -> None:
    text = (REPOSITORY / "docs" / "tuning.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 1
    tune = validate_config(yaml.safe_load(examples[0])).runs["promoter"].tune
    assert tune is not None
    assert (tune.total, tune.workers) == (40, 4)


def test_the_recipes_commented_search_is_valid() -> None:
    text = (REPOSITORY / "config" / "recipes" / "dna_fasta.yaml").read_text()
    given = re.sub(r"(?m)^    # (tune:|  +\S)", r"    \1", text)
    (run,) = validate_config(yaml.safe_load(given)).runs.values()
    assert run.tune is not None
    assert len(run.tune.space) == 3
