"""The variants step by hand and from a config: what it accepts, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from malformed_vcfs import MALFORMED_VCFS
from plain_reference import make_checkpoint, read_windows, save
from scored_files import draw_contig, read_table, read_vcf, run_variants, write_genome, write_vcf

from bioseq_dl.cli.main import main
from bioseq_dl.config import Targets

TEXT = draw_contig(200, 7)
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}
RECORDS = [("20", place + 1, TEXT[place], OTHER[TEXT[place]]) for place in (50, 60, 70)]


@pytest.fixture
def made(tmp_path):
    """A folder with inputs, the models, a VCF and the genome."""
    folder = tmp_path / "made"
    folder.mkdir()
    models = save(folder, make_checkpoint(12), make_checkpoint(12, seed=1))
    vcf = write_vcf(folder / "in.vcf", RECORDS)
    return folder, models, vcf, write_genome(folder, {"20": TEXT, "21": draw_contig(50, 8)})


def left_behind(folder: Path) -> set[str]:
    inputs = {"in.vcf", "genome.fa", "model0.pt", "model1.pt"}
    paths = (path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in paths} - inputs


def refused(capfd, code: int) -> str:
    """Give the one line of an error."""
    assert code == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize("case", MALFORMED_VCFS, ids=lambda case: case.name)
def test_a_malformed_vcf_is_one_line_and_leaves_nothing(case, made, capfd):
    folder, models, vcf, genome = made
    vcf.write_bytes(case.data)
    text = refused(capfd, run_variants(folder, models, vcf, genome))
    assert case.fits(text.removeprefix("error: ").replace(str(vcf), "{file}"))
    assert not left_behind(folder)


def test_strict_names_the_line_the_record_and_the_genomes_letters(made, capfd):
    folder, models, vcf, genome = made
    wrong = OTHER[TEXT[80]]
    write_vcf(vcf, [*RECORDS, ("20", 81, wrong, TEXT[80])])
    text = refused(capfd, run_variants(folder, models, vcf, genome, "--mismatch", "strict"))
    assert text == (
        f"error: {vcf}, line 6: REF is not what the genome holds; found '20:81 {wrong}'; "
        f"allowed: {TEXT[80]}; fix: use the genome of the VCF's assembly, or set mismatch to "
        "skip or flip"
    )
    assert not left_behind(folder)


def test_contigs_are_matched_only_when_that_is_clear(made, capfd):
    folder, models, vcf, genome = made
    place, base = 10, TEXT[9]
    write_vcf(vcf, [("chr20", place, base, OTHER[base]), ("chrM", 1, "A", "C")])
    assert run_variants(folder, models, vcf, genome) == 0
    notes = json.loads((folder / "out.json").read_text())["notes"]
    assert "Contigs read under the genome's names: chr20 as 20" in notes
    assert "Contigs that the genome lacks: chrM" in notes
    write_vcf(vcf, [("20", place, base, OTHER[base]), ("chr20", place, base, OTHER[base])])
    assert run_variants(folder, models, vcf, genome) == 0
    summary = json.loads((folder / "out.json").read_text())
    assert summary["statuses"]["no_contig"] == summary["contigs_missing"]["chr20"] == 1
    assert any("not read as 20" in note for note in summary["notes"])
    write_vcf(vcf, [("7", 1, "A", "C")])
    capfd.readouterr()
    text = refused(capfd, run_variants(folder, models, vcf, genome))
    assert "none of the VCF's contigs is in the genome; found '7'; allowed: 20, 21" in text


def test_a_vcf_without_records(made):
    folder, models, vcf, genome = made
    write_vcf(vcf, [])
    assert run_variants(folder, models, vcf, genome) == 0
    assert read_vcf(folder / "out.vcf.gz")[1] == []
    assert read_table(folder / "out.parquet") == []
    assert json.loads((folder / "out.json").read_text())["records"] == 0


def test_summary_counts_effects_and_keeps_the_largest(made):
    folder, models, vcf, genome = made
    records = [
        ("20", p + 1, TEXT[p], ",".join(sorted({*"ACGT"} - {TEXT[p]}))) for p in range(10, 110)
    ]
    write_vcf(vcf, [*records, ("20", 120, "N", "<DEL>")])
    assert run_variants(folder, models, vcf, genome) == 0
    summary = json.loads((folder / "out.json").read_text())
    assert summary["records"] == 101
    assert summary["alleles"] == 301
    assert summary["classes"]["SNV"] == 300
    assert summary["statuses"]["scored"] == 300
    assert summary["statuses"]["symbolic"] == 1
    rows = [row for row in read_table(folder / "out.parquet") if row["status"] == "scored"]
    edges = summary["differences"]["edges"]
    for target in ("one", "two"):
        values = np.array([row[f"diff:{target}"] for row in rows])
        found = summary["differences"]["targets"][target]
        assert found["count"] == sum(found["counts"]) == 300
        assert found["counts"] == np.histogram(values, edges)[0].tolist()
        assert found["min"] == pytest.approx(values.min(), rel=1e-5)
        for share, value in found["quantiles"].items():
            wanted = np.quantile(values, float(share))
            assert value == pytest.approx(wanted, rel=0.15, abs=0.02), share

    def rank(row):
        largest = max(abs(row["diff:one"]), abs(row["diff:two"]))
        return -float(f"{largest:.6g}"), row["record"], row["allele"]

    best = sorted(rows, key=rank)[:50]
    told = summary["top"]
    assert [(item["record"], item["allele"]) for item in told] == [
        (row["record"], row["allele"]) for row in best
    ]
    assert told[0]["diff"] == pytest.approx(best[0][f"diff:{told[0]['target']}"], rel=1e-5)


def test_equal_inputs_elsewhere_are_equal_bytes(made, tmp_path):
    folder, models, vcf, genome = made
    assert run_variants(folder, models, vcf, genome) == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [(elsewhere / path.name) for path in (*models, vcf, genome)]
    for path, copy in zip((*models, vcf, genome), moved, strict=True):
        copy.write_bytes(path.read_bytes())
    assert run_variants(elsewhere, moved[:2], moved[2], moved[3]) == 0
    for name in ("out.vcf.gz", "out.vcf.gz.tbi", "out.parquet"):
        assert (folder / name).read_bytes() == (elsewhere / name).read_bytes()
    assert str(tmp_path) not in "".join(read_vcf(folder / "out.vcf.gz")[0])


def test_classes_scale_targets_and_prefix(made):
    folder, _, vcf, genome = made
    targets = Targets(names=("cell type", "other"), kind="multiclass", classes=("a", "b", "c"))
    checkpoint = make_checkpoint(12, targets=targets)
    models = save(folder, checkpoint)
    words = ("--scale", "probability", "--targets", "cell type", "--prefix", "X")
    assert run_variants(folder, models, vcf, genome, *words) == 0
    place = RECORDS[0][1] - 1
    outputs = read_windows(checkpoint, [TEXT[place - 6 : place + 6]])[0, 0]
    wanted = np.exp(outputs) / np.exp(outputs).sum()
    header, records = read_vcf(folder / "out.vcf.gz")
    assert not any("other" in line for line in header)
    for name, value in zip("abc", wanted, strict=True):
        assert records[0].values(f"X_cell_type_{name}_REF") == [pytest.approx(value, abs=1e-5)]
    row = read_table(folder / "out.parquet")[0]
    assert row["ref:cell type:b"] == pytest.approx(wanted[1], abs=1e-5)


def test_bf16_is_used_only_where_the_ranking_holds(made, capfd):
    folder, models, vcf, genome = made
    records = [("20", p + 1, TEXT[p], OTHER[TEXT[p]]) for p in range(20, 180)]
    write_vcf(vcf, records)
    assert run_variants(folder, models, vcf, genome, "--precision", "bf16") == 0
    notes = json.loads((folder / "out.json").read_text())["notes"]
    assert any(note.startswith("bf16 keeps the ranking of effects: Spearman") for note in notes)
    (folder / "out.vcf.gz").unlink()
    # A large constant drowns what the alleles change.
    checkpoint = make_checkpoint(12)
    for name, value in checkpoint.weights.items():
        if name.startswith("convolutions") and name.endswith("weight"):
            value.mul_(1e-4)
        elif name.startswith("convolutions"):
            value.add_(3.0)
    weak = save(folder, checkpoint)
    capfd.readouterr()
    text = refused(capfd, run_variants(folder, weak, vcf, genome, "--precision", "bf16"))
    assert "bf16 changes the ranking of effects" in text
    assert not (folder / "out.vcf.gz").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--out", "x.vcf"], "the output is a bgzip VCF"),
        (["--table", "x.tsv"], "the table's format is told by its name"),
        (["--window", "20"], "the models have weights for each place (pooling flatten)"),
        (["--targets", "three"], "the models predict no such target; found 'three'"),
        (["--prefix", "1x"], "--prefix: String should match pattern"),
        (["--scale", "probability"], "a regression has no probabilities"),
        (["--column", "x"], "--column does not go with --vcf"),
        (["--config", "x.yaml"], "give one of --config, --vcf and --mutations"),
        (["--vcf", "none.vcf"], "none.vcf: no such file"),
        (["--genome", "none.fa"], "none.fa: no such file"),
    ],
)
def test_what_does_not_go_together_is_one_line(made, capfd, words, problem, monkeypatch):
    folder, models, vcf, genome = made
    monkeypatch.chdir(folder)
    assert problem in refused(capfd, run_variants(folder, models, vcf, genome, *words))
    assert not left_behind(folder)


def test_models_that_differ_or_need_a_window(made, capfd):
    folder, models, vcf, genome = made
    other = save(folder, make_checkpoint(13))
    models = [other[0], models[1]]
    text = refused(capfd, run_variants(folder, models, vcf, genome))
    assert "the models were trained on sequences of different lengths" in text
    free = save(folder, make_checkpoint(None, pooling="max"))
    text = refused(capfd, run_variants(folder, free, vcf, genome))
    assert "no window is given" in text
    assert run_variants(folder, free, vcf, genome, "--window", "30") == 0


def test_the_input_is_not_overwritten(made, capfd):
    folder, models, vcf, genome = made
    scored = folder / "scored.vcf.gz"
    assert run_variants(folder, models, vcf, genome, "--out", str(scored)) == 0
    capfd.readouterr()
    words = ("--prefix", "B", "--out", str(scored))
    text = refused(capfd, run_variants(folder, models, scored, genome, *words))
    assert "would replace the input" in text
    # Scored again under another prefix it keeps both; under the same one it is refused.
    assert run_variants(folder, models, scored, genome, "--prefix", "B") == 0
    info = read_vcf(folder / "out.vcf.gz")[1][0].info
    assert info["BDL_one_DIFF"] == info["B_one_DIFF"]
    capfd.readouterr()
    text = refused(capfd, run_variants(folder, models, scored, genome))
    assert "declares the INFO field" in text


def test_asked_to_end_it_leaves_no_part_of_a_file(made):
    folder, models, vcf, genome = made
    records = [("20", p % 190 + 1, TEXT[p % 190], OTHER[TEXT[p % 190]]) for p in range(300_000)]
    write_vcf(vcf, records)
    command = [sys.executable, "-m", "bioseq_dl", "variants", "--model", *map(str, models)]
    command += ["--vcf", str(vcf), "--genome", str(genome), "--cache", str(folder / "cache")]
    command += ["--device", "cpu", "--threads", "1", "--batch", "1"]
    command += ["--out", str(folder / "out.vcf.gz"), "--table", str(folder / "out.parquet")]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 120
        while not left_behind(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left_behind(folder)  # it has begun to write
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(60) == 143
    finally:
        running.kill()
    assert not left_behind(folder)


def test_a_table_of_mutations(made, capfd):
    folder, models, _, _ = made
    wild = TEXT[:12]
    (folder / "wild.fa").write_text(f">wt\n{wild}\n")
    one, two = (f"{wild[p]}{p + 101}{OTHER[wild[p]]}" for p in (3, 8))
    rows = [("a", one), ("b", f"{one};{two}"), ("c", "WT"), ("d", "Q1"), ("e", f"{wild[5]}106del")]
    table = folder / "in.csv"
    table.write_text("name,change\n" + "".join(f"{name},{text}\n" for name, text in rows))
    words = ["variants", "--model", *map(str, models), "--mutations", str(table)]
    words += ["--wild-type", str(folder / "wild.fa"), "--column", "change", "--id-column", "name"]
    words += ["--first", "101", "--cache", str(folder / "cache"), "--device", "cpu"]
    words += ["--threads", "1", "--batch", "8", "--summary", str(folder / "out.json")]
    for name in ("out.parquet", "out.tsv"):
        assert main([*words, "--table", str(folder / name)]) == 0
    single = wild[:3] + OTHER[wild[3]] + wild[4:]
    double = single[:8] + OTHER[wild[8]] + single[9:]
    # A deletion is padded around the centre, as in training: here one base on the right.
    deleted = wild[:5] + wild[6:] + "N"
    windows = [wild, single, double, wild, deleted]
    outputs = [
        read_windows(make_checkpoint(12, seed=seed), windows).astype(float) for seed in (0, 1)
    ]
    changes = np.stack([output[1:] - output[0] for output in outputs])[:, :, 0]
    found = pq.read_table(folder / "out.parquet").to_pylist()
    assert [row["id"] for row in found] == list("abcde")
    assert [row["mutations"] for row in found] == [1, 2, 0, None, 1]
    assert found[3]["status"] != "scored"
    assert found[3]["diff:one"] is None
    scored = [row for row in found if row["status"] == "scored"]
    assert [row["diff:one"] for row in scored] == pytest.approx(changes.mean(0).tolist(), abs=1e-5)
    assert [row["sd:one"] for row in scored] == pytest.approx(
        changes.std(0, ddof=1).tolist(), abs=1e-5
    )
    lines = [line.split("\t") for line in (folder / "out.tsv").read_text().splitlines()]
    assert lines[0] == list(found[0])
    assert [line[1] for line in lines[1:]] == list("abcde")
    summary = json.loads((folder / "out.json").read_text())
    assert summary["records"] == 5
    assert summary["statuses"]["scored"] == 4
    assert summary["top"][0]["variant"] in {text for _, text in rows}
    (folder / "wild.fa").write_text(f">wt\n{wild}A\n")
    capfd.readouterr()
    text = refused(capfd, main([*words, "--table", str(folder / "again.tsv")]))
    assert "the wild type is longer than what the models read" in text
    assert not (folder / "again.tsv").exists()


def test_from_a_config_as_by_hand(made, fresh, capfd):
    folder, models, vcf, genome = made
    entry = {
        "format": "vcf",
        "source": {"path": str(vcf)},
        "genome": {"path": str(genome)},
        "mismatch": "flip",
        "prefix": "Y",
    }
    config = fresh.folder / "variants.yaml"
    run = fresh.section(targets={"names": ["one", "two"], "kind": "regression"})
    run["ingest"] = {"inputs": [dict(one, labels={}) for one in run["ingest"]["inputs"]]}
    config.write_text(yaml.safe_dump({"runs": {"cnn": run | {"variants": {"mine": entry}}}}))
    words = ["--config", str(config), "--run", "cnn"]
    cache = ["--cache", str(folder / "cache")]
    sources = str(folder / "sources.json")
    assert main(["fetch", *words, *cache, "--part", "variants/mine", "--out", sources]) == 0
    command = ["variants", "--model", *map(str, models), *words, *cache, "--sources", sources]
    command += ["--device", "cpu", "--threads", "1", "--batch", "64"]
    out = ["--out", str(folder / "config.vcf.gz")]
    assert main([*command, "--name", "mine", *out]) == 0
    assert run_variants(folder, models, vcf, genome, "--mismatch", "flip", "--prefix", "Y") == 0
    assert (folder / "config.vcf.gz").read_bytes() == (folder / "out.vcf.gz").read_bytes()
    capfd.readouterr()
    assert "no such variants" in refused(capfd, main([*command, "--name", "other", *out]))
    both = main([*command, "--name", "mine", "--window", "12", *out])
    assert "--window does not go with --config" in refused(capfd, both)
