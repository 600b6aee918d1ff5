"""The speed benchmark's own logic, with fake workers: no peer is installed here."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

SPEED = Path(__file__).parents[2] / "benchmarks" / "speed"
MODULES = ("environments", "inputs", "plan", "runs", "table", "aims", "variant_inputs")

WORKER = """
import json, sys
print("chatter on stdout")
if "--variant" in sys.argv and sys.argv[sys.argv.index("--variant") + 1] == "broken":
    raise RuntimeError("no such function")
variant = sys.argv[sys.argv.index("--variant") + 1] if "--variant" in sys.argv else "100"
rate, _, check = variant.partition(":")
print(json.dumps({"count": float(rate), "seconds": 2.0, "output": "str", "checksum": check}))
"""


@pytest.fixture
def speed(monkeypatch):
    """The harness's modules, imported as run.py imports them, and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(SPEED))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


def entrant(speed, name, kind="peer", variant="", against="", measure="extract", key="fake"):
    return speed.plan.Entrant(measure, name, key, "fake_worker.py", kind, variant, against)


def run(speed, who, rate, **report):
    return speed.runs.Run(who, rate, report)


def test_interleaves_within_a_measure_and_scores_once(speed):
    one, two = entrant(speed, "one"), entrant(speed, "two")
    slow = entrant(speed, "slow", measure="train")
    score = entrant(speed, "score", measure="score")
    order = [who.name for who in speed.plan.interleave([one, slow, two, score], 2)]
    assert order == ["one", "two", "one", "two", "slow", "slow", "score"]


def test_every_entrant_has_a_worker_a_unit_and_a_limit(speed):
    entrants = speed.plan.ENTRANTS
    names = {(who.measure, who.name) for who in entrants}
    assert len(names) == len(entrants)
    for who in entrants:
        assert (speed.runs.WORKERS / who.script).exists()
        assert who.measure in speed.plan.UNITS
        assert not who.against or (who.measure, who.against) in names
        if who.environment != speed.plan.OWN:
            assert (speed.environments.REQUIREMENTS / f"{who.environment}.txt").exists()


def test_runs_a_worker_in_its_own_process(speed, tmp_path, monkeypatch):
    (tmp_path / "fake_worker.py").write_text(WORKER)
    monkeypatch.setattr(speed.runs, "WORKERS", tmp_path)
    here = speed.environments.Environment(python=sys.executable)
    options = speed.runs.Options(threads=1, seconds=1.0, batch=2, steps=1, warmup=0)

    def call(who, environment=here):
        return speed.runs.run_worker(who, environment, tmp_path, options, tmp_path)

    good = call(entrant(speed, "good", variant="300:abc"))
    assert good.rate == 150.0
    assert good.report["checksum"] == "abc"
    bad = call(entrant(speed, "bad", variant="broken"))
    assert bad.rate is None
    assert bad.error == "RuntimeError: no such function"
    absent = call(
        entrant(speed, "absent"), speed.environments.Environment(None, "needs TensorFlow 1")
    )
    assert absent.error == "not installed: needs TensorFlow 1"
    slow = speed.runs.Options(1, 1.0, 2, 1, 0, timeout=0.0)
    late = speed.runs.run_worker(entrant(speed, "late"), here, tmp_path, slow, tmp_path)
    assert late.rate is None
    assert "not done" in late.error


def test_unreadable_output_is_an_error_not_a_rate(speed):
    who = entrant(speed, "odd")
    for printed in ("", "no json", '{"count": 1}', '{"count": 1, "seconds": 0}'):
        found = speed.runs.read_report(who, printed)
        assert found.rate is None
        assert found.error.startswith("unreadable output")


def test_rows_hold_medians_ratios_agreement_and_reasons(speed):
    limit = entrant(speed, "limit", "limit", key="own")
    ours = entrant(speed, "ours", "ours", against="limit", key="own")
    fast = entrant(speed, "fast", against="limit")
    wrong = entrant(speed, "wrong", against="limit")
    absent = entrant(speed, "absent", key="gone")
    entrants = [limit, ours, fast, wrong, absent]
    runs = [
        *(run(speed, limit, rate, checksum="a") for rate in (90.0, 100.0, 1000.0)),
        *(run(speed, ours, rate, checksum="a") for rate in (60.0, 80.0)),
        *(run(speed, fast, rate, checksum="a") for rate in (20.0, 10.0, 30.0)),
        run(speed, wrong, 5.0, checksum="b"),
        speed.runs.Run(absent, None, {}, "not installed: needs TensorFlow 1"),
    ]
    make = speed.environments.Environment
    environments = {
        "own": make("python", versions={"numpy": "2.0", "bioseq_dl": "0.1"}),
        "fake": make("python", reason="fake 1 depends on torch<2", versions={"Fake": "1.5"}),
        "gone": make(None, reason="needs TensorFlow 1"),
    }
    rows = {row.name: row for row in speed.table.make_rows(entrants, runs, environments)}
    assert rows["limit"].median == 100.0
    assert rows["limit"].version == "2.0"
    assert (rows["limit"].lowest, rows["limit"].highest) == (90.0, 1000.0)
    assert rows["ours"].median == 70.0
    assert rows["ours"].of_limit == pytest.approx(0.7)
    assert rows["ours"].of_best_peer == pytest.approx(3.5)
    assert rows["ours"].repeats == 2
    assert rows["fast"].of_best_peer == 1.0
    assert rows["fast"].version == "1.5"
    assert rows["fast"].note == "installed with --no-deps, since fake 1 depends on torch<2."
    assert rows["wrong"].output_agrees == "no"
    assert rows["ours"].output_agrees == "yes"
    assert rows["limit"].output_agrees == rows["fast"].output_agrees == "yes"
    assert rows["absent"].median is None
    assert rows["absent"].of_best_peer is None
    assert rows["absent"].note == "not installed: needs TensorFlow 1"

    text = speed.table.format_table(list(rows.values()), ["machine:\tone\nline"])
    lines = text.splitlines()
    assert lines[0] == "# machine: one line"
    header = lines[1].split("\t")
    cells = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[2:]]
    assert cells[1]["of_limit"] == "0.700"
    assert cells[4]["median"] == ""
    assert cells[4]["note"] == "not installed: needs TensorFlow 1"


def test_trainings_agree_where_their_networks_are_of_one_size(speed):
    entrants = [entrant(speed, name, measure="train") for name in ("one", "two", "other", "none")]
    runs = [
        run(speed, who, 1.0, checksum="", **extra)
        for who, extra in zip(
            entrants, ({"parameters": 5}, {"parameters": 5}, {"parameters": 6}, {}), strict=True
        )
    ]
    environments = {"fake": speed.environments.Environment("python")}
    rows = speed.table.make_rows(entrants, runs, environments)
    assert [row.output_agrees for row in rows] == ["yes", "yes", "no", ""]


def test_aims_compare_the_right_rows(speed):
    plan = speed.plan
    rates = {
        ("extract", plan.GATHER): 4e6,
        ("extract", "bioseq_dl"): 1e6,
        ("extract", "tangermeme, packed"): 5e5,
        ("loader", "bioseq_dl"): 2000.0,
        ("train", plan.TRAIN_OWN): 150.0,
        ("train", plan.BARE_OWN_BF16): 160.0,
        ("train", "gReLU"): 50.0,
        ("train", "bpnet-lite, dtype=bfloat16"): 200.0,
    }
    kinds = {"gReLU": "peer", "tangermeme, packed": "peer", "bpnet-lite, dtype=bfloat16": "peer"}
    entrants = [
        entrant(speed, name, kinds.get(name, "ours"), measure=measure) for measure, name in rates
    ]
    runs = [run(speed, who, rates[who.measure, who.name]) for who in entrants]
    for seed, (fp32, bf16) in enumerate(((0.90, 0.91), (0.92, 0.92))):
        for precision, score in (("fp32", fp32), ("bf16", bf16)):
            who = entrant(speed, f"{precision}, seed {seed}", "ours", measure="score")
            entrants.append(who)
            runs.append(run(speed, who, score, precision=precision))
    rows = speed.table.make_rows(entrants, runs, {"fake": speed.environments.Environment("python")})
    aims = {aim.text.split(" (mean")[0]: aim for aim in speed.aims.judge_aims(rows)}
    assert aims["extraction, share of the flat gather"].found == pytest.approx(0.25)
    assert not aims["extraction, share of the flat gather"].met
    assert aims["extraction, times the best of tangermeme"].found == pytest.approx(2.0)
    assert aims["loader, times the model's rate"].met
    assert aims["training (auto), share of the bare bf16 loop on our module"].found == 150 / 160
    default = aims["training (auto), times the best peer as it trains by default"]
    assert default.found == pytest.approx(3.0)
    assert default.met
    assert aims["training (auto), times the best peer in any precision it offers"].found == 0.75
    assert aims["validation AUROC, bf16 less fp32"].found == pytest.approx(0.005)
    missing = aims["training fp32, share of the bare loop on our module"]
    assert missing.found is None
    assert not missing.met
    assert "not measured" in str(missing)


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        (
            "Collecting a\n\nThe conflict is caused by:\n    a 1 depends on torch<=2.3\n"
            "    The user requested (constraint) torch==2.13\n\nERROR: ResolutionImpossible",
            "a 1 depends on torch<=2.3; The user requested (constraint) torch==2.13",
        ),
        (
            "Collecting b\n  running build\n  ModuleNotFoundError: No module named 'numpy'\n"
            "ERROR: Failed building wheel for b",
            "ModuleNotFoundError: No module named 'numpy'",
        ),
        (
            "ERROR: No matching distribution found for c==9",
            "No matching distribution found for c==9",
        ),
        ("", "pip said nothing"),
    ],
)
def test_the_reason_of_a_failed_installation(speed, printed, reason):
    assert speed.environments.first_error(printed) == reason


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    speed, tmp_path, monkeypatch
):
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "constraints.txt").write_text("torch==2.13.0\n")
    (requirements / "fake.txt").write_text("fake==1\n")
    (requirements / "fake.forced.txt").write_text("six\n")
    monkeypatch.setattr(speed.environments, "REQUIREMENTS", requirements)
    commands = []

    def pip(command):
        commands.append(command)
        return (
            ("", True) if "--no-deps" in command or "fake.txt" not in command[-1] else ("no", False)
        )

    monkeypatch.setattr(speed.environments, "_pip", pip)
    monkeypatch.setattr(speed.environments, "_versions", lambda _: {"fake": "1"})
    monkeypatch.setattr(speed.environments.subprocess, "run", lambda *_, **__: None)

    def make():
        return speed.environments.make_environment("fake", tmp_path, log=lambda _: None)

    first = make()
    assert first.python is not None
    assert first.reason == "no"
    assert first.versions == {"fake": "1"}
    assert len(commands) == 3
    assert make() == first
    assert len(commands) == 3
    (requirements / "fake.txt").write_text("fake==2\n")
    (requirements / "fake.forced.txt").unlink()
    again = make()
    assert again.python is None
    assert again.reason == "no"


def test_inputs_agree_with_each_other(speed, tmp_path):
    size = speed.inputs.Size(genome=50_500, intervals=40, width=100)
    folder = speed.inputs.write_inputs(tmp_path / "inputs", size)
    contigs = {}
    for block in (folder / "genome.fa").read_text().split(">")[1:]:
        name, _, text = block.partition("\n")
        contigs[name] = text.replace("\n", "")
    sequences = np.load(folder / "sequences.npy")
    rows = [line.split("\t") for line in (folder / "intervals.bed").read_text().splitlines()]
    assert len(rows) == len(set(map(tuple, rows))) == len(sequences) == 40
    for (name, start, end), sequence in zip(rows, sequences, strict=True):
        assert contigs[name][int(start) : int(end)] == sequence.decode()
    data = (folder / "genome.fa").read_bytes()
    for line in (folder / "genome.fa.fai").read_text().splitlines():
        name, length, offset, bases, width = line.split("\t")
        assert len(contigs[name]) == int(length)
        assert data[int(offset) : int(offset) + 10].decode() == contigs[name][:10]
        assert (int(bases), int(width)) == (60, 61)
    before = (folder / "genome.fa").stat().st_mtime_ns
    speed.inputs.write_inputs(folder, size)
    assert (folder / "genome.fa").stat().st_mtime_ns == before
    assert json.loads((folder / "size.json").read_text())["genome"] == 50_500
