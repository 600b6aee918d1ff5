"""The saturation mutagenesis benchmark's own logic, and its strand test on the real element."""

from __future__ import annotations

import importlib
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from Bio.Seq import reverse_complement

from bioseq_dl.cli.main import main
from bioseq_dl.config import Model, Targets
from bioseq_dl.io.parquet import write_parquet
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, write_checkpoint

FOLDER = Path(__file__).parents[2] / "benchmarks" / "saturation_mpra"
MODULES = ("prepare", "opponents", "agreement", "strand", "run")
SEQUENCE = "ACGTTTGCAACCGGATATCG"


@pytest.fixture
def bench(monkeypatch):
    """The benchmark's modules, imported as run.py imports them, and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def element(bench):
    return bench.prepare.Element("A-1", "A", 100, SEQUENCE)


def measure(rows, element="A-1"):
    columns = ["position", "ref", "alt", "log2_effect"]
    table = pd.DataFrame(rows, columns=columns).assign(element=element, barcodes=20)
    return table[["element", "position", "ref", "alt", "barcodes", "log2_effect"]]


def test_windows_hold_their_length_beyond_both_ends(bench):
    for start in range(-9, 25):
        found = bench.prepare.cut_window(SEQUENCE, start, 7)
        places = range(start, start + 7)
        assert found == "".join(SEQUENCE[p] if 0 <= p < 20 else "N" for p in places)


def test_a_substitution_is_the_middle_letter_of_an_odd_window(bench):
    ((name, window),) = bench.prepare.edit_window(SEQUENCE, 9, "G", 7)
    assert (name, window) == ("", SEQUENCE[6:9] + "G" + SEQUENCE[10:13])


def test_a_deletion_keeps_its_left_flank_then_its_right(bench):
    windows = dict(bench.prepare.edit_window(SEQUENCE, 9, "-", 7))
    assert windows == {
        "left": SEQUENCE[6:9] + SEQUENCE[10:14],
        "right": SEQUENCE[5:9] + SEQUENCE[10:13],
    }


def test_blocks_are_contiguous_tenths_and_turn_with_the_locus(bench):
    make = bench.prepare.Element
    names = [bench.prepare.block_of(make("A", "A", 0, "A" * 57), p) for p in range(57)]
    changes = [a != b for a, b in pairwise(names)]
    assert sum(changes) == 9
    assert len(set(names)) == 10
    other = [bench.prepare.block_of(make("B", "B", 0, "A" * 57), p) for p in range(57)]
    assert names != other
    sibling = [bench.prepare.block_of(make("A-2", "A", 0, "A" * 57), p) for p in range(57)]
    assert names == sibling


def test_the_levels_differences_are_the_effects(bench, element):
    rows = [(9, "A", "C", 0.3), (9, "A", "G", -0.2), (9, "A", "-", 0.7), (3, "T", "A", -1.0)]
    variants = measure(rows)
    table = bench.prepare.build_windows({"A-1": element}, variants, 7).to_pandas()
    levels = dict(zip(table["id"], table["level"] * bench.prepare.SCALE, strict=True))
    for position, _, alt, effect in rows:
        stem = f"A-1:{position}:"
        for name in ["-left", "-right"] if alt == "-" else [alt]:
            assert levels[stem + name] - levels[stem + "reference"] == pytest.approx(effect)
    letters = [levels[f"A-1:9:{name}"] for name in ("reference", "C", "G")]
    assert np.mean(letters) == pytest.approx(0)
    assert bench.run.subtract(levels, variants) == pytest.approx([0.3, -0.2, 0.7, -1.0])


def test_deletions_are_written_with_the_base_before_or_after_the_first(bench, element):
    variants = measure([(0, "A", "-", 1.0), (0, "A", "T", 1.0), (4, "T", "-", 1.0)])
    text = bench.prepare.write_vcf({"A-1": element}, variants)
    records = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert [(r[1], r[3], r[4]) for r in records] == [
        ("1", "AC", "C"),
        ("1", "A", "T"),
        ("4", "TT", "T"),
    ]
    for record in records:
        start, ref = int(record[1]) - 1, record[3]
        assert SEQUENCE[start : start + len(ref)] == ref
    assert "##contig=<ID=A-1,length=20>" in text


def test_intervals_resample_positions_and_not_alleles(bench):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40)
    score = truth + rng.normal(size=40)
    alone = bench.agreement.correlate_with_interval(truth, score, np.arange(40))
    tripled = bench.agreement.correlate_with_interval(
        np.repeat(truth, 3), np.repeat(score, 3), np.repeat(np.arange(40), 3)
    )
    assert alone["pearson"] == pytest.approx(np.corrcoef(truth, score)[0, 1])
    for key, value in alone.items():
        assert tripled[key] == pytest.approx(value, abs=1e-9), key
    assert alone["pearson_low"] < alone["pearson"] < alone["pearson_high"]


def test_loci_count_once_however_many_experiments(bench):
    scores = pd.DataFrame({"locus": ["A", "A", "A", "B"], "model_pearson": [0.1, 0.2, 0.3, 0.6]})
    found = bench.agreement.average_loci(scores, ["model_pearson"])
    assert found["model_pearson"] == pytest.approx(0.4)
    assert found["loci"] == 2
    assert found["model_pearson_low"] == pytest.approx(0.2)
    assert found["model_pearson_high"] == pytest.approx(0.6)


def test_neighbours_know_nothing_of_what_is_held_out(bench):
    rows = [(p, "A", "C", float(p)) for p in range(12)] + [(5, "A", "-", 99.0)]
    variants = measure(rows)
    position = variants["position"].to_numpy()
    train, test = (position < 5) | (position > 7), position == 6
    val = np.isin(position, [0, 1, 2, 7])
    found = bench.opponents.smooth(variants, variants["log2_effect"].to_numpy(), train, test, 0.5)
    assert np.isnan(found[~test]).all()
    assert found[test] == pytest.approx([(4 + 8) / 2])  # equally far; position 5 is held out
    predict = bench.opponents.predict_from_neighbours
    train &= ~val
    honest = predict(variants, train, val, test)[test]
    held_out = ~(train | val)
    changed = variants.assign(log2_effect=variants["log2_effect"].mask(held_out, 1e6))
    assert predict(changed, train, val, test)[test] == pytest.approx(honest)


def test_what_changes_is_told_without_order(bench, element):
    variants = measure([(1, "C", "T", 0.0), (0, "A", "-", 0.0), (3, "T", "C", 0.0)])
    described = bench.opponents.describe_changes({"A-1": element}, variants)
    gained_gc, gained_cpg = described[:, 11], described[:, 12]
    assert gained_gc.tolist() == [-1, 0, 1]
    assert gained_cpg.tolist() == [-1, 0, 0]
    assert described[:, -1].tolist() == [0, 1, 0]
    assert described[0, :4].tolist() == [0, 0, 1, 0]


def test_a_variant_has_the_role_of_its_position(bench):
    variants = measure([(1, "C", "T", 0.0), (2, "G", "-", 0.0), (1, "C", "A", 0.0)])
    roles = pd.Series(["test", "train", "val"])
    ids = pd.Series(["A-1:1:reference", "A-1:2:reference", "A-1:1:T"])
    assert bench.run.find_roles(variants, ids, roles).tolist() == ["test", "train", "test"]


def test_the_real_data_make_sixteen_loci_and_the_published_ceilings(bench, shared_data, tmp_path):
    source = shared_data / "dna_saturation_mpra"
    elements = bench.prepare.read_elements(source)
    variants = bench.prepare.read_variants(source, elements)
    assert len(elements) == 20
    assert len({e.locus for e in elements.values()}) == 16
    assert set(bench.prepare.DEVELOPMENT) == set(sorted({e.locus for e in elements.values()})[3::4])
    variants["locus"] = variants["element"].map({e.name: e.locus for e in elements.values()})
    ceiling = bench.agreement.find_ceiling(variants).set_index(["element", "class"])
    assert ceiling.loc[("ZRSh-13", "SNV"), "ceiling_pearson"] == pytest.approx(0.775, abs=5e-4)
    assert ceiling.loc[("ZRSh-13", "SNV"), "ceiling_spearman"] == pytest.approx(0.679, abs=5e-4)
    pair = variants[variants["element"].isin(["TERT-GBM", "TERT-HEK"])]
    ceiling = bench.agreement.find_ceiling(pair).set_index(["element", "class"])
    assert ceiling.loc[("TERT-GBM", "SNV"), "ceiling_pearson"] == pytest.approx(0.759, abs=5e-4)
    assert ceiling.loc[("TERT-GBM", "SNV"), "ceiling_spearman"] == pytest.approx(0.592, abs=5e-4)
    some = variants[variants["element"].isin(["HBB", "TERT-HEK"])]
    for name in ("one", "two"):
        table = bench.prepare.build_windows(elements, some, 21)
        write_parquet(tmp_path / name, table)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert table.num_rows == len(some) + (some["alt"] == "-").sum() + 187 + 259


def write_model(path, length, strands):
    layers = Model(
        conv=[{"channels": 6, "kernel": 5}, {"channels": 6, "kernel": 3, "residual": True}],
        pooling="flatten",
        normalisation="none",
        activation="silu",
        reverse_complement=strands,
    )
    targets = Targets(kind="regression", names=("level",))
    shape = Shape(letters=4, length=length, targets=1, classes=1)
    torch.manual_seed(4)
    built = build_model(layers, shape)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.normal_(0, 0.3)
    weights = built.state_dict()
    write_checkpoint(path, Checkpoint("dna_sequence", layers, shape, targets, "zeros", weights, {}))


def score(folder, element, vcf_text, model):
    folder.mkdir()
    (folder / "in.vcf").write_text(vcf_text)
    (folder / "genome.fa").write_text(f">{element.name}\n{element.sequence}\n")
    words = ["variants", "--model", str(model), "--vcf", str(folder / "in.vcf")]
    words += ["--genome", str(folder / "genome.fa"), "--cache", str(folder / "cache")]
    words += ["--device", "cpu", "--threads", "1", "--batch", "64", "--mismatch", "strict"]
    words += ["--max-unknown-fraction", "0.6", "--out", str(folder / "out.vcf.gz")]
    assert main([*words, "--table", str(folder / "out.parquet")]) == 0
    table = pq.read_table(folder / "out.parquet").to_pandas()
    assert (table["status"] == "scored").all()
    return table.set_index("id")["diff:level"]


@pytest.fixture
def msmb(bench, shared_data):
    """MSMB as GRCh38 has it and, on the other strand, as GRCh37 has it."""
    source = shared_data / "dna_saturation_mpra"
    elements = bench.prepare.read_elements(source)
    variants = bench.prepare.read_variants(source, elements)
    variants = variants[variants["element"] == "MSMB"].reset_index(drop=True)
    return elements["MSMB"], variants, *bench.strand.mirror(elements["MSMB"], variants)


def compare_strands(bench, msmb, folder, length, strands, anchor="before"):
    """Give both strands' scores of every variant, and which deletions have one name only."""
    element, variants, turned, mirrored = msmb
    model = folder / "model.pt"
    write_model(model, length, strands)
    found = []
    for name, whose, table in (("38", element, variants), ("37", turned, mirrored)):
        text = bench.prepare.write_vcf({"MSMB": whose}, table, anchor)
        scores = score(folder / name, whose, text, model)
        keys = [f"MSMB:{p}:{alt}" for p, alt in zip(table["position"], table["alt"], strict=True)]
        found.append(scores.loc[keys].to_numpy(np.float64))
    alone = np.array([bench.strand.stands_alone(element, p) for p in variants["position"]])
    return *found, alone


def test_msmb_scores_the_same_on_both_strands(bench, msmb, tmp_path):
    deleted = (msmb[1]["alt"] == "-").to_numpy()
    here, there, alone = compare_strands(bench, msmb, tmp_path, 21, True)
    assert deleted.sum() == 140
    assert np.abs(here).std() > 0.05
    assert np.abs(here - there)[~deleted].max() < 1e-5
    assert (deleted & alone).sum() == 17
    assert np.abs(here - there)[deleted & alone].max() < 1e-5


def test_msmb_deletions_in_runs_agree_where_both_records_mean_the_same_base(bench, msmb, tmp_path):
    # Letters that REF and ALT share are taken off the right first. A record with the base
    # after the deleted one then says which of several equal bases is deleted; one with the
    # base before it says so only where that base is another.
    position, last = msmb[1]["position"], len(msmb[0].sequence) - 1
    deleted = ((msmb[1]["alt"] == "-") & position.between(1, last - 1)).to_numpy()
    here, there, _ = compare_strands(bench, msmb, tmp_path, 21, True, "after")
    assert deleted.sum() == 138
    assert np.abs(here - there)[deleted].max() < 1e-5


def test_msmb_tells_a_model_of_one_strand(bench, msmb, tmp_path):
    here, there, _ = compare_strands(bench, msmb, tmp_path, 21, False)
    assert np.median(np.abs(here - there)) > 0.05


def test_an_even_window_has_no_middle_so_the_strands_differ_by_a_base(bench, msmb, tmp_path):
    here, there, _ = compare_strands(bench, msmb, tmp_path, 20, True)
    assert np.median(np.abs(here - there)) > 1e-3


def test_insertions_and_pairs_agree_where_the_window_is_even(bench, msmb, tmp_path):
    element, _, turned, _ = msmb
    last = len(element.sequence)
    for length, exact in ((20, True), (21, False)):
        model = tmp_path / f"{length}.pt"
        write_model(model, length, True)
        texts = []
        for whose, mirrored in ((element, False), (turned, True)):
            lines = [f"##contig=<ID=MSMB,length={last}>"]
            lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
            for place in range(100, 400, 7):
                left, right = element.sequence[place - 1], element.sequence[place]
                letter = next(base for base in "ACGT" if base not in (left, right))
                at = last - place if mirrored else place
                inserted = reverse_complement(letter) if mirrored else letter
                anchor = whose.sequence[at - 1]
                lines.append(f"MSMB\t{at}\tv{place}\t{anchor}\t{anchor}{inserted}\t.\t.\t.")
            head, body = lines[:2], lines[2:]
            body.sort(key=lambda line: int(line.split("\t")[1]))
            texts.append("\n".join(["##fileformat=VCFv4.2", *head, *body]) + "\n")
        here = score(tmp_path / f"{length}-38", element, texts[0], model)
        there = score(tmp_path / f"{length}-37", turned, texts[1], model)
        gap = (here - there.loc[here.index]).abs().max()
        assert (gap < 1e-5) == exact
