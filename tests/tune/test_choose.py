"""The step choose: it refuses searches of another config, and those that have not ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from planted import write_planted
from small_search import SPACE, Small

RATE = {"train.learning_rate": SPACE["train.learning_rate"]}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("ended")
    small = Small(folder / "search", write_planted(folder / "examples.safetensors"))
    small.configure(trials=2)
    assert small.work() == 0
    return small


@pytest.mark.parametrize(
    ("train", "tune"),
    [
        ({}, {"space": RATE}),
        ({}, {"space": SPACE | {"model.dense": {"choices": [[], [9]]}}}),
        ({}, {"space": SPACE | {"model.conv.0.channels": {"low": 2, "high": 11}}}),
        ({}, {"seed": 6}),
        ({}, {"sampler": "tpe"}),
        ({"monitor": "score"}, {}),
        ({"weight_decay": 0.5}, {}),
    ],
    ids=str,
)
def test_a_search_of_another_config_is_refused(
    ended: Small,
    capsys: pytest.CaptureFixture[str],
    train: dict[str, Any],
    tune: dict[str, Any],
) -> None:
    ended.configure(train, **{"trials": 2} | tune)
    assert ended.choose() == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "worker0.json: the search was of another config" in told
    assert not (ended.folder / "best.json").exists()


def test_a_search_that_has_not_ended_is_refused(
    ended: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    ended.configure(trials=50)
    assert ended.choose() == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "the search of fold 0 has not ended; found '2 of 50 trials'" in told
    assert "run tune to its end" in told


def test_what_changes_no_trial_may_be_changed(ended: Small, tmp_path: Path) -> None:
    ended.configure({"seeds": [1, 2], "checkpoint_seconds": 9}, trials=1, workers=1)
    assert ended.choose() == 0
    assert len(ended.rows) == 1
    for name in ("best.json", "trials.tsv", "tune.json"):
        (ended.folder / name).unlink()


BAD: list[Any] = [
    *([], None, 5, "x", {}),
    *({"study": study} for study in ([1], {}, None, 5)),
    *({"settings": settings} for settings in ([1], None, "x")),
    *({"fold": fold} for fold in ([1], None, "0")),
]


@pytest.mark.parametrize("content", BAD, ids=str)
def test_what_no_worker_wrote_is_told(
    ended: Small, capsys: pytest.CaptureFixture[str], content: Any
) -> None:
    ended.configure(trials=2)
    path = ended.folder / "worker0.json"
    whole = path.read_text()
    path.write_text(
        json.dumps(
            json.loads(whole) | content if isinstance(content, dict) and content else content
        )
    )
    try:
        assert ended.choose() == 2
    finally:
        path.write_text(whole)
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {path}: ")
