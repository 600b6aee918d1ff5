"""Explaining models from the command line: by a config and by hand, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from small_project import Project, draw_sequences, write_fasta

from bioseq_dl.cli.main import main

EXPLAIN: dict[str, Any] = {"records": 2, "motifs": None}


def words(project: Project, **options: Any) -> list[str]:
    given: dict[str, Any] = {
        "model": "fold0/seed1/model.pt",
        "cache": "cache",
        "device": "cpu",
        "threads": "1",
        "out": "explain",
    }
    paths = {"model", "cache", "out", "config", "sources", "records", "examples", "fasta",
             "intervals", "genome", "database"}  # fmt: skip
    found = ["explain"]
    for name, value in (given | options).items():
        if value is None:
            continue
        found.append(f"--{name.replace('_', '-')}")
        if value is not True:
            values = value if isinstance(value, list) else [value]
            found += [str(project / v) if name in paths else str(v) for v in values]
    return found


def explain(project: Project, **options: Any) -> dict[str, Any]:
    assert main(words(project, **options)) == 0
    told: dict[str, Any] = json.loads((project / "explain/explain.json").read_text())
    return told


def by_config(project: Project, section: dict[str, Any] | None = EXPLAIN) -> dict[str, Any]:
    project.configure(cnn=project.section(explain=section))
    return {"config": "config.yaml", "records": "records.parquet",
            "examples": "examples.safetensors"}  # fmt: skip


def refused(project: Project, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    def files() -> set[str]:
        return {name for name in project.files() if not name.startswith("cache/")}

    before = files()
    capsys.readouterr()
    assert main(words(project, **options)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(lines) == 1
    assert files() == before
    return lines[0].removeprefix("error: ").replace(str(project.folder), "{tmp}")


def write_intervals(project: Project) -> dict[str, Any]:
    bases = "".join(np.random.default_rng(0).choice(list("ACGT"), 300))
    (project / "g.fa").write_text(f">c1\n{bases}\n")
    (project / "x.bed").write_text("c1\t100\t120\tp\t0\t-\nc1\t200\t203\n")
    return {"intervals": "x.bed", "genome": "g.fa"}


def test_records_by_a_config(finished: Project) -> None:
    told = explain(finished, **by_config(finished))
    assert told["counts"] == {"record": 2, "interval": 0, "sequence": 0}
    assert told["scale"] == "logit"
    assert told["motifs"] is None
    assert set(told["inputs"]) == {"model 1"}
    judged = pq.read_table(finished / "fold0/seed1/predictions.parquet").to_pandas()
    judged = judged[judged["role"] == "test"].sort_values(
        "output:bound", ascending=False, kind="stable"
    )
    assert [row["id"] for row in told["records"]] == judged["id"].tolist()[:2]
    scores = [row["score"] for row in told["records"]]
    np.testing.assert_allclose(scores, judged["output:bound"][:2], rtol=1e-4)
    table = pq.read_table(finished / "explain/attributions.parquet")
    assert table.num_rows == 2 * 40
    assert "provenance" in told
    assert {path.name for path in (finished / "explain").iterdir()} == {
        "attributions.parquet", "explain.json", "mutations.parquet", "windows.json"
    }  # fmt: skip


def test_intervals_by_a_config(finished: Project) -> None:
    given = write_intervals(finished)
    sources = {"source": {"path": str(finished / given["intervals"])},
               "genome": {"path": str(finished / given["genome"])}}  # fmt: skip
    options = by_config(finished, EXPLAIN | {"records": 0, "intervals": sources})
    from bioseq_dl.config import load_config
    from bioseq_dl.io.fetch import fetch_all, write_manifest

    section = load_config(finished / "config.yaml").runs["cnn"].explain
    assert section is not None
    assert section.intervals is not None
    wanted = [section.intervals.source, section.intervals.genome]
    write_manifest(finished / "part.json", fetch_all(wanted, finished / "cache"))
    told = explain(finished, **options, sources="part.json")
    assert told["counts"] == {"record": 0, "interval": 2, "sequence": 0}
    assert set(told["inputs"]) == {"intervals", "genome", "model 1"}
    first = (finished / "explain/attributions.parquet").read_bytes()
    track = (finished / "explain/bound.mutagenesis.bedgraph").read_bytes()
    explain(finished, **given)
    assert (finished / "explain/attributions.parquet").read_bytes() == first
    assert (finished / "explain/bound.mutagenesis.bedgraph").read_bytes() == track


def test_sequences_by_hand(finished: Project) -> None:
    write_fasta(finished / "new.fa", draw_sequences(3, 40, 9, motif=True))
    told = explain(
        finished,
        fasta="new.fa",
        methods=["mutagenesis", "deeplift"],
        references=3,
        seed=4,
    )
    assert told["settings"]["methods"] == ["mutagenesis", "deeplift"]
    assert told["settings"]["references"] == 3
    assert told["settings"]["seed"] == 4
    assert told["counts"]["sequence"] == 3
    table = pq.read_table(finished / "explain/attributions.parquet").to_pandas()
    assert table["id"].drop_duplicates().tolist() == ["s0", "s1", "s2"]
    assert len(table) == 3 * 40 * 2


def test_records_by_hand(finished: Project) -> None:
    told = explain(
        finished, records="records.parquet", examples="examples.safetensors", top=1, role="val"
    )
    assert told["counts"]["record"] == 1
    judged = pq.read_table(finished / "fold0/seed1/predictions.parquet").to_pandas()
    judged = judged[judged["role"] == "val"]
    assert told["records"][0]["id"] == judged["id"][judged["output:bound"].idxmax()]


def test_motifs_of_a_small_database(finished: Project) -> None:
    matrix = "\n".join(
        f"{letter} [ {' '.join('90' if x == letter else '3' for x in 'TGACTCAG')} ]"
        for letter in "ACGT"
    )
    (finished / "known.jaspar").write_text(f">M1 AP1\n{matrix}\n")
    write_fasta(finished / "new.fa", draw_sequences(40, 40, 9, motif=True))
    told = explain(finished, fasta="new.fa", motifs=True, database="known.jaspar")
    assert [(m["target"], m["sequences"], m["method"]) for m in told["motifs"]] == [
        ("bound", 40, "mutagenesis")
    ]
    assert set(told["inputs"]) == {"model 1", "motifs", "sequences"}
    findings = json.loads((finished / "explain/motifs.json").read_text())
    assert len(findings["motifs"]) == told["motifs"][0]["motifs"]
    assert (finished / "explain/motifs.tsv").read_text().startswith("motif\tkind\t")
    assert (finished / "explain/motifs.meme").read_text().startswith("MEME version 4")


def test_what_a_config_does_not_hold(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    options = by_config(finished, None)
    assert refused(finished, capsys, **options) == (
        "{tmp}/config.yaml: the run has no section explain"
    )
    options = by_config(finished)
    for name, value in {"fasta": "new.fa", "top": 2, "methods": "deeplift"}.items():
        error = refused(finished, capsys, **options, **{name: value})
        assert error == f"--{name} does not go with --config"
    assert refused(finished, capsys, **options, motifs=True) == (
        "--motifs does not go with --config"
    )
    assert refused(finished, capsys, **(options | {"records": None})) == (
        "records are explained: give both --records and --examples"
    )
    source = {"path": str(finished / "x.bed")}
    options = by_config(finished, EXPLAIN | {"intervals": {"source": source, "genome": source}})
    assert refused(finished, capsys, **options) == (
        "the run's section explain names files: give --sources"
    )
    assert refused(finished, capsys, **options, sources="sources.json") == (
        "the source {tmp}/x.bed is not among the fetched files; "
        "fix: run the fetch step again with this config"
    )


def test_what_does_not_go_together(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = write_fasta(finished / "new.fa", draw_sequences(1, 40, 9, motif=True)).name
    given = write_intervals(finished)
    one_way = "give --config, or one of --fasta, --intervals, and --records with --examples"
    assert refused(finished, capsys) == one_way
    assert refused(finished, capsys, fasta=fasta, **given) == one_way
    assert refused(finished, capsys, intervals="x.bed") == "with --intervals, give --genome"
    assert refused(finished, capsys, fasta=fasta, genome="g.fa") == (
        "--genome does not go without --intervals"
    )
    assert refused(finished, capsys, fasta=fasta, top=2) == "--top does not go without --records"
    assert refused(finished, capsys, fasta=fasta, run="cnn") == "--run does not go without --config"
    assert refused(finished, capsys, fasta=fasta, database="k") == (
        "--database does not go without --motifs"
    )
    assert refused(finished, capsys, records="records.parquet") == (
        "records are explained: give both --records and --examples"
    )
    assert refused(finished, capsys, fasta=fasta, steps=1) == (
        "--steps: input should be greater than or equal to 2"
    )
    assert refused(finished, capsys, fasta=fasta, methods=["deeplift", "deeplift"]) == (
        "methods must be one or more different methods"
    )


def test_input_that_cannot_be_explained(
    finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = write_fasta(finished / "new.fa", draw_sequences(1, 40, 9, motif=True)).name
    assert refused(finished, capsys, fasta=fasta, targets="open") == (
        "no such target to explain; found 'open'; allowed: bound"
    )
    assert refused(finished, capsys, fasta="none.fa").startswith("{tmp}/none.fa: ")
    assert refused(finished, capsys, fasta=fasta, model="none.pt").startswith(
        "{tmp}/none.pt: cannot read"
    )
    (finished / "bad.fa").write_text(">x\nACGL\n")
    assert refused(finished, capsys, fasta="bad.fa") == (
        "{tmp}/bad.fa, record 'x', position 4: letter outside the alphabet; found 'L'"
    )
    given = write_intervals(finished)
    (finished / "x.bed").write_text("c1\t290\t301\n")
    assert refused(finished, capsys, **given) == (
        "{tmp}/x.bed, line 1: the interval ends beyond its contig; found 'c1 290 301'; "
        "allowed: end up to 300; fix: use the genome of the same assembly"
    )
    (finished / "x.bed").write_text("c2\t10\t30\n")
    assert refused(finished, capsys, **given).startswith(
        "{tmp}/x.bed: none of the intervals' contigs is in the genome; found 'c2'; allowed: c1"
    )


def test_a_network_of_one_length(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    layers = {"conv": [{"channels": 4, "kernel": 3}], "pooling": "flatten"}
    section = finished.section(model=layers, encode={"length": 40})
    config = yaml.safe_load((finished / "config.yaml").read_text())
    (finished / "flat.yaml").write_text(yaml.safe_dump(config | {"runs": {"cnn": section}}))
    for step in ("encode", "train"):
        assert finished.run(step, "flat.yaml") == 0
    write_fasta(finished / "new.fa", draw_sequences(1, 38, 9, motif=True))
    assert refused(finished, capsys, fasta="new.fa") == (
        "record 's0': this network was made for windows of one length; "
        "found '38 bases'; allowed: 40 bases"
    )
    given = write_intervals(finished)
    assert refused(finished, capsys, **given, window=60) == (
        "record 'c1:100-120(-)': this network was made for windows of one length; "
        "found '60 bases'; allowed: 40 bases"
    )


def test_deeplift_on_a_recurrent_network(
    finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    section = finished.section(model={"recurrent": {"kind": "gru", "hidden": 4}})
    config = yaml.safe_load((finished / "config.yaml").read_text())
    (finished / "gru.yaml").write_text(yaml.safe_dump(config | {"runs": {"cnn": section}}))
    assert finished.run("train", "gru.yaml") == 0
    fasta = write_fasta(finished / "new.fa", draw_sequences(1, 40, 9, motif=True)).name
    assert refused(finished, capsys, fasta=fasta, methods="deeplift") == (
        "deeplift has no rule for recurrent layers; found 'recurrent: gru'; allowed: "
        "convolutions, activations, pooling by max, mean or flatten, dense layers; "
        "fix: use integrated_gradients or mutagenesis"
    )


def test_a_folder_that_cannot_be_written(
    finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / "explain").write_text("")
    write_fasta(finished / "new.fa", draw_sequences(1, 40, 9, motif=True))
    assert refused(finished, capsys, fasta="new.fa").startswith(
        "{tmp}/explain/explain.json: cannot write: a file stands where a folder is needed"
    )


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", "--help"])
    assert ended.value.code == 0
    assert "--intervals" in capsys.readouterr().out


def test_nothing_written_outside(finished: Project, tmp_path: Path) -> None:
    before = finished.files()
    write_fasta(finished / "new.fa", draw_sequences(1, 40, 9, motif=True))
    explain(finished, fasta="new.fa")
    new = {name for name in finished.files() - before if not name.startswith(("explain/", "new"))}
    assert not new
