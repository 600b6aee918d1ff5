"""Which trial a worker gets, and the values it draws: no training here."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import optuna
import pytest

from bioseq_dl.config import Tune
from bioseq_dl.errors import InputError
from bioseq_dl.tune.journal import Journal, open_study
from bioseq_dl.tune.trials import (
    WORKER,
    claim_trial,
    draw_parameters,
    make_pruner,
    read_parameters,
)

SPACE = {
    "a": {"low": 1, "high": 40},
    "b": {"low": 1e-4, "high": 1.0, "log": True},
    "c": {"low": 0.0, "high": 0.5, "step": 0.1},
    "d": {"choices": [None, [1, 2], {"x": 1}, "adam", True]},
}


def make(**changes: Any) -> Tune:
    return Tune.model_validate({"space": SPACE, "trials": 12, "sampler": "random"} | changes)


def open_again(folder: Path, name: str = "s") -> optuna.Study:
    """As a further process would."""
    return open_study(folder / "study.journal", name, higher=False)


def work(folder: Path, tune: Tune, worker: int, stop: int | None = None) -> list[int]:
    """Claim, draw and end trials; leave the last of `stop` unfinished, as a killed worker does."""
    study, done = open_again(folder), []
    while (trial := claim_trial(study, tune, worker, folder / "claims")) is not None:
        parameters = draw_parameters(study, trial, tune)
        done.append(trial.number)
        assert trial.number < tune.total
        if stop is not None and len(done) == stop:
            break
        study.tell(trial, abs(parameters["a"] - 7) + parameters["b"])
    return done


def list_drawn(folder: Path, tune: Tune) -> list[dict[str, Any]]:
    return [read_parameters(trial, tune) for trial in open_again(folder).get_trials()]


def test_one_worker_ends_exactly_the_trials(tmp_path: Path) -> None:
    assert work(tmp_path, make(), 0) == list(range(12))
    assert work(tmp_path, make(), 0) == []


def test_a_killed_worker_gets_its_own_trial_with_its_own_values(tmp_path: Path) -> None:
    tune = make(workers=2)
    assert work(tmp_path, tune, 0, stop=3) == [0, 1, 2]
    before = list_drawn(tmp_path, tune)[2]
    # Another worker leaves it alone, and does all others.
    assert work(tmp_path, tune, 1) == list(range(3, 12))
    assert work(tmp_path, tune, 0) == [2]
    assert list_drawn(tmp_path, tune)[2] == before
    states = {trial.state for trial in open_again(tmp_path).get_trials()}
    assert states == {optuna.trial.TrialState.COMPLETE}


def test_the_trial_of_a_worker_that_is_no_more_is_taken_over(tmp_path: Path) -> None:
    assert work(tmp_path, make(workers=2), 1, stop=2) == [0, 1]
    assert work(tmp_path, make(workers=1), 0) == [1, *range(2, 12)]


def test_a_trial_without_an_owner_is_taken_over(tmp_path: Path) -> None:
    open_again(tmp_path).ask()  # killed before its number was written
    assert work(tmp_path, make(), 0) == list(range(12))


def test_more_trials_continue_and_fewer_end(tmp_path: Path) -> None:
    assert work(tmp_path, make(trials=4), 0) == [0, 1, 2, 3]
    assert work(tmp_path, make(trials=6), 0) == [4, 5]
    assert work(tmp_path, make(trials=2), 0) == []


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_draws_do_not_depend_on_workers_or_interruptions(tmp_path: Path, sampler: str) -> None:
    space = SPACE | {"a": {"low": 1, "high": 2}, "b": {"low": 0.1, "high": 0.2, "step": 0.1}}
    space |= {"c": {"choices": [0.1, 0.2]}} if sampler == "grid" else {}
    trials = {"trials": None} if sampler == "grid" else {}
    one = make(sampler=sampler, space=space, **trials)
    (tmp_path / "one").mkdir()
    work(tmp_path / "one", one, 0)
    (tmp_path / "two").mkdir()
    two = make(sampler=sampler, space=space, workers=3, **trials)
    for worker, stop in ((1, 2), (0, 3), (2, 1), (1, 4), (0, None), (2, None), (1, None)):
        work(tmp_path / "two", two, worker, stop)
    drawn = list_drawn(tmp_path / "one", one)
    assert drawn == list_drawn(tmp_path / "two", two)
    assert len(drawn) == one.total
    if sampler == "grid":
        assert drawn == [one.find_point(number) for number in range(one.total)]


def test_a_worker_that_died_between_two_draws_draws_the_rest_alike(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    work(tmp_path / "one", make(), 0)
    first = make(space={"a": SPACE["a"]})
    work(tmp_path / "two", first, 0, stop=1)  # has only drawn its first value
    work(tmp_path / "two", make(), 0)
    assert list_drawn(tmp_path / "one", make()) == list_drawn(tmp_path / "two", make())


def test_draws_differ_by_seed_number_and_key(tmp_path: Path) -> None:
    space = {name: {"low": 0.0, "high": 1.0} for name in "xyz"}
    found = set()
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        tune = make(space=space, seed=seed, trials=5)
        study = open_again(folder)
        while (trial := claim_trial(study, tune, 0, folder / "claims")) is not None:
            found |= set(draw_parameters(study, trial, tune).values())
            study.tell(trial, 0.0)
    assert len(found) == 2 * 5 * 3


def test_values_lie_where_the_config_says(tmp_path: Path) -> None:
    tune = make(trials=60)
    work(tmp_path, tune, 0)
    for row in list_drawn(tmp_path, tune):
        assert isinstance(row["a"], int)
        assert 1 <= row["a"] <= 40
        assert 1e-4 <= row["b"] <= 1
        assert min(abs(row["c"] - place / 10) for place in range(6)) < 1e-9
        assert row["d"] in SPACE["d"]["choices"]  # type: ignore[operator]


def test_tpe_learns_and_repeats(tmp_path: Path) -> None:
    tune = make(sampler="tpe", random_trials=5, trials=40)
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        work(tmp_path / name, tune, 0)
        runs.append(list_drawn(tmp_path / name, tune))
    assert runs[0] == runs[1]
    late = [abs(row["a"] - 7) for row in runs[0][20:]]
    early = [abs(row["a"] - 7) for row in runs[0][:5]]
    assert sum(late) / len(late) < sum(early) / len(early)


def _count_in(folder: str, worker: int, answer: Any) -> None:
    answer.put(work(Path(folder), make(workers=4, trials=40), worker))


def test_workers_at_once_share_the_trials_exactly(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    workers = [
        context.Process(target=_count_in, args=(str(tmp_path), number, answer))
        for number in range(4)
    ]
    for process in workers:
        process.start()
    parts = [answer.get(timeout=120) for _ in workers]
    for process in workers:
        process.join(timeout=60)
    assert sorted(number for part in parts for number in part) == list(range(40))
    trials = open_again(tmp_path).get_trials()
    assert len(trials) == 40
    assert all(trial.user_attrs[WORKER] in range(4) for trial in trials)


def test_median_prunes_after_its_warm_up_alone(tmp_path: Path) -> None:
    tune = make(pruner="median", startup_trials=2, warmup_epochs=3)
    study = open_again(tmp_path)
    study.pruner = make_pruner(tune)
    for _ in range(2):
        trial = study.ask()
        for epoch in range(1, 6):
            trial.report(0.1, epoch)
            assert not trial.should_prune()
        study.tell(trial, 0.1)
    bad = study.ask()
    asked = []
    for epoch in range(1, 5):
        bad.report(9.0, epoch)
        asked.append(bad.should_prune())
    assert asked == [False, False, True, True]
    study.pruner = make_pruner(make(pruner="none"))
    assert not bad.should_prune()


def test_a_line_that_a_dead_writer_left_is_cut_off(tmp_path: Path) -> None:
    assert work(tmp_path, make(), 0, stop=3) == [0, 1, 2]
    path = tmp_path / "study.journal"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":8,"worker_id":"x","trial')
    assert work(tmp_path, make(), 0) == list(range(2, 12))
    text = path.read_bytes()
    assert text.startswith(whole)
    assert not (tmp_path / "study.journal.lock").exists()
    assert b'"trial{' not in text
    assert len(open_again(tmp_path).get_trials()) == 12


def test_a_torn_line_longer_than_a_block_is_cut_off(tmp_path: Path) -> None:
    work(tmp_path, make(), 0, stop=1)
    path = tmp_path / "study.journal"
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    Journal(path).append_logs([{"op_code": 99}])
    assert path.read_bytes() == whole + b'{"op_code":99}\n'


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    work(tmp_path, make(), 0, stop=2)
    path = tmp_path / "study.journal"
    path.write_bytes(b"damaged\n" + path.read_bytes())
    with pytest.raises(InputError, match="the journal of the search is damaged"):
        open_again(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        *("5", "null", "[]", '"text"', "{}", '{"op_code":99}', '{"op_code":null}', '{"op_code":4}'),
        *('{"op_code":0,"study_name":"t","directions":[7]}', "\udcff"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_a_line_that_is_no_operation_is_told(tmp_path: Path, line: str, create: bool) -> None:
    work(tmp_path, make(), 0, stop=2)
    path = tmp_path / "study.journal"
    path.write_bytes(path.read_bytes() + f"{line}\n".encode(errors="surrogateescape"))
    with pytest.raises(InputError, match="the journal of the search is damaged") as caught:
        open_study(path, "s", higher=False, create=create)
    assert "\n" not in str(caught.value)


def test_a_lock_left_by_a_dead_worker_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(tmp_path, make(), 0, stop=1)
    (tmp_path / "study.journal.lock").touch()
    (tmp_path / "claims.lock").touch()
    now = [0.0]

    def tick(seconds: float = 1.0) -> float:
        now[0] += seconds
        return now[0]

    # Half a minute passes in no time.
    monkeypatch.setattr("optuna.storages.journal._file.time.monotonic", tick)
    monkeypatch.setattr("optuna.storages.journal._file.time.sleep", tick)
    assert work(tmp_path, make(), 0) == list(range(12))


def test_no_study_of_this_config_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the journal holds no study of this config"):
        open_study(tmp_path / "study.journal", "s", higher=True, create=False)
    work(tmp_path, make(), 0, stop=1)
    with pytest.raises(InputError, match="the journal holds no study of this config"):
        open_study(tmp_path / "study.journal", "other", higher=True, create=False)
