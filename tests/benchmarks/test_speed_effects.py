"""The benchmark of variant effects: its inputs, conventions, comparison and aims; no timing."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bioseq_dl.models.sequence import build_model

SPEED = Path(__file__).parents[2] / "benchmarks" / "speed"
MODULES = (
    *("environments", "inputs", "plan", "runs", "table", "aims", "variant_inputs"),
    *("worker", "basset", "networks", "own_networks", "effects"),
)


@pytest.fixture
def speed(monkeypatch):
    """The harness's and the workers' modules, forgotten afterwards."""
    monkeypatch.syspath_prepend(str(SPEED / "workers"))
    monkeypatch.syspath_prepend(str(SPEED))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


def entrant(speed, measure, name, kind="peer"):
    return speed.plan.Entrant(measure, name, "fake", "fake_worker.py", kind)


def random_columns(count, length, seed=0):
    codes = np.random.default_rng(seed).integers(0, 4, (count, length))
    columns = torch.from_numpy(np.eye(4, dtype=np.float32)[codes]).transpose(1, 2)
    return columns.contiguous()


@pytest.mark.parametrize(("name", "length"), [("tiny", 60), ("basset", 250), ("danq", 120)])
def test_our_network_is_the_plain_one(speed, name, length):
    torch.manual_seed(1)
    plain = speed.networks.settle(
        speed.networks.build(name, length), random_columns(32, length)
    ).eval()
    checkpoint = speed.own_networks.make_checkpoint(name, plain.state_dict(), length)
    ours = build_model(checkpoint.model, checkpoint.shape)
    ours.load_state_dict(checkpoint.weights)
    ours.eval()
    columns = random_columns(8, length, seed=2)
    with torch.no_grad():
        wanted, found = plain(columns), ours(columns)
    assert 0.05 < float(wanted.std()) < 2.0  # outputs vary, or agreement would mean nothing
    assert float((wanted - found).abs().max()) < 1e-5


@pytest.fixture
def inputs(speed, tmp_path, monkeypatch):
    """A small genome with variants, without the networks."""
    folder = speed.inputs.write_inputs(
        tmp_path / "inputs", speed.inputs.Size(genome=60_000, intervals=4, width=100)
    )
    calls = []
    monkeypatch.setattr(
        speed.variant_inputs.subprocess, "run", lambda command, **_: calls.append(command)
    )
    size = speed.variant_inputs.VariantSize(variants=300, alleles=50, windows=2)
    speed.variant_inputs.write_variants(folder, size)
    speed.variant_inputs.write_variants(folder, size)  # is there already
    assert len(calls) == 1
    return folder


def genome_of(folder):
    contigs = {}
    for block in (folder / "genome.fa").read_text().split(">")[1:]:
        name, _, text = block.partition("\n")
        contigs[name] = text.replace("\n", "")
    return contigs


def test_the_vcf_is_sorted_and_holds_the_genomes_bases(speed, inputs):
    job = SimpleNamespace(inputs=inputs)
    rows = speed.effects.read_vcf(job)
    contigs = genome_of(inputs)
    assert len(rows) == 300
    places = [(list(contigs).index(chrom), position) for chrom, position, _, _ in rows]
    assert places == sorted(set(places))
    for chrom, position, ref, alt in rows:
        assert contigs[chrom][position - 1] == ref
        assert alt in set("ACGT") - {ref}


def test_alleles_stand_in_the_middle_of_their_windows(speed, inputs):
    job = SimpleNamespace(inputs=inputs)
    contigs = genome_of(inputs)
    for kind in ("snv", "indel"):
        table = speed.effects.read_alleles(job, kind)
        windows, starts = speed.effects.cut(table)
        for row, window in enumerate(windows):
            text = "".join("ACGT"[code] for code in window)
            begin = int(table["position"][row]) - 1 - int(starts[row])
            assert contigs[str(table["chrom"][row])][begin : begin + len(text)] == text
            middle = (starts[row] + starts[row] + table["end"][row] - table["start"][row]) // 2
            assert middle == len(text) // 2
    assert sorted(set(table["alt_length"].tolist())) == list(range(max(table["alt_length"]) + 1))


def test_placements_are_those_of_text(speed, inputs):
    """Against strings: the genome with the allele in it, cut at either flank."""
    table = speed.effects.read_alleles(SimpleNamespace(inputs=inputs), "indel")
    contigs = genome_of(inputs)
    rows = np.arange(len(table["start"]))
    lefts, rights = speed.effects.place_all(table, rows)
    length = lefts.shape[1]
    for row in rows:
        contig = contigs[str(table["chrom"][row])]
        start = int(table["position"][row]) - 1
        end = start + int(table["end"][row] - table["start"][row])
        alt = "".join("ACGT"[code] for code in table["alt"][row][: table["alt_length"][row]])
        begin = (start + end) // 2 - length // 2
        edited = contig[:start] + alt + contig[end:]
        shift = len(alt) - (end - start)
        for found, first in ((lefts[row], begin), (rights[row], begin + shift)):
            text = "".join("ACGT"[code] for code in found)
            assert text == edited[first : first + length]


def test_substituted_windows_differ_in_one_letter(speed, inputs):
    table = speed.effects.read_alleles(SimpleNamespace(inputs=inputs), "snv")
    for length, shift in ((1000, 0), (1000, 1), (500, 0)):
        windows, starts = speed.effects.cut(table, length, shift)
        changed = speed.effects.substitute(table, windows, starts)
        places = np.argwhere(windows != changed)
        assert places[:, 1].tolist() == [length // 2 - shift] * len(windows)
        assert places[:, 0].tolist() == list(range(len(windows)))


def test_mutants_are_picked_without_the_windows_own_letter(speed):
    window = np.array([2, 0, 3])
    outputs = np.arange(12).reshape(3, 4)
    assert speed.effects.pick_mutants(outputs, window, [0, 2]).tolist() == [0, 1, 3, 8, 9, 10]
    assert speed.effects.pick_mutants(outputs[1:], window, [1], first=1).tolist() == [5, 6, 7]


def test_effects_are_compared_by_convention(speed):
    loop = entrant(speed, "snv", "loop", "limit")
    others = {
        "near": {"centre": [0.5, 0.2 + 4e-6]},
        "wrong": {"centre": [0.5, 0.21]},
        "elsewhere": {"left": [0.1, 0.3]},
        "unknown": {"right": [0.1, 0.3]},
        "nan": {"centre": [0.5, math.nan]},
    }
    names = {name: entrant(speed, "snv", name) for name in others}
    reference = {"centre": [0.5, 0.2], "left": [0.1, 0.3]}
    runs = [speed.runs.Run(names[name], 1.0, {"effects": found}) for name, found in others.items()]
    runs.append(
        speed.runs.Run(loop, 1.0, {"effects": {"centre": [0.5, 0.2]}, "reference": reference})
    )
    compared = speed.table.compare_effects(runs)
    assert all("effects" not in run.report and "reference" not in run.report for run in compared)
    by_name = {run.entrant.name: run.report for run in compared}
    assert by_name["near"]["difference"] == pytest.approx(4e-6)
    assert by_name["near"]["convention"] == "centre"
    assert by_name["elsewhere"]["median_effect"] == pytest.approx(0.2)
    assert "difference" not in by_name["unknown"]
    assert by_name["nan"]["difference"] == math.inf
    entrants = [loop, *names.values()]
    environments = {"fake": speed.environments.Environment("python")}
    rows = speed.table.make_rows(entrants, compared, environments)
    assert {row.name: row.output_agrees for row in rows} == {
        "loop": "yes",
        "near": "yes",
        "wrong": "no",
        "elsewhere": "yes",
        "unknown": "",
        "nan": "no",
    }
    json.dumps([run.report for run in compared])


def test_different_numbers_of_effects_are_an_error(speed):
    loop, other = entrant(speed, "snv", "loop", "limit"), entrant(speed, "snv", "other")
    runs = [
        speed.runs.Run(loop, 1.0, {"reference": {"centre": [0.5, 0.2]}}),
        speed.runs.Run(other, 1.0, {"effects": {"centre": [0.5]}}),
    ]
    with pytest.raises(ValueError, match="zip"):
        speed.table.compare_effects(runs)


def test_aims_of_effects(speed):
    plan = speed.plan
    rates = {
        ("variants_tiny", "bioseq_dl"): (120_000.0, "ours"),
        ("variants_tiny", plan.PEER_BEST): (90_000.0, "peer"),
        ("snv", "bioseq_dl"): (300.0, "ours"),
        ("snv", plan.PEER): (100.0, "peer"),
        ("snv", plan.PEER_BEST): (150.0, "peer"),
        ("snv", plan.GRELU): (400.0, "peer"),
        ("indel", "bioseq_dl"): (90.0, "ours"),
        ("indel", plan.LOOP_BEST): (100.0, "limit"),
        ("indel", plan.LOOP_ONCE): (150.0, "limit"),
        ("ism", "bioseq_dl"): (2400.0, "ours"),
        ("ism", plan.PEER): (2000.0, "peer"),
        ("ism", plan.PEER_BEST): (1900.0, "peer"),
    }
    entrants = [entrant(speed, *key, kind) for key, (_, kind) in rates.items()]
    runs = [
        speed.runs.Run(who, rates[who.measure, who.name][0], {"difference": 2e-6})
        for who in entrants
    ]
    rows = speed.table.make_rows(entrants, runs, {"fake": speed.environments.Environment("python")})
    aims = {aim.text: aim for aim in speed.aims.judge_aims(rows)}
    assert {aim.measure for aim in aims.values()} == {"variants_tiny", "snv", "indel", "ism"}
    assert aims["VCF to VCF with a tiny network, variants/s"].met
    assert aims["VCF to VCF with a tiny network, times the best peer"].found == pytest.approx(4 / 3)
    assert aims["SNVs, times tangermeme"].found == 3.0
    assert aims["SNVs, times tangermeme"].met
    assert aims["SNVs, times tangermeme at its best batch"].found == 2.0
    assert aims["indels, share of the forward rate"].found == pytest.approx(0.9)
    assert not aims["indels, share of the forward rate"].met
    # Its default batch happened to be the faster one in that run.
    best = aims["mutagenesis, times tangermeme's fast mode at its best batch"]
    assert best.found == pytest.approx(1.2)
    assert best.met
    assert not aims[f"{best.text} (wished for)"].met
    assert aims["snv: our effects are those of the full pass, within 1e-5"].met


def test_every_measure_of_effects_has_an_exact_reference_and_ours(speed):
    plan = speed.plan
    for measure in plan.EFFECTS:
        group = [who for who in plan.ENTRANTS if who.measure == measure]
        assert {who.kind for who in group} == {"ours", "peer", "limit"}
        assert {who.environment for who in group} == {plan.OWN, "tangermeme", "grelu"}
        assert any(who.script == "plain_variants_worker.py" for who in group)
        assert all(who.against for who in group if who.kind != "limit")
