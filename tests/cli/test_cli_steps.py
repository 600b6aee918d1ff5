"""Each step by hand: what it refuses, and that nothing is left when it does."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from small_project import Project, draw_sequences, write_fasta

from bioseq_dl.config import load_config
from bioseq_dl.steps import stage_key

# Step: its inputs, as --option: file.
INPUTS = {
    "ingest": {"sources": "sources.json"},
    "split": {"records": "records.parquet"},
    "encode": {"records": "records.parquet", "folds": "split.parquet"},
    "train": {"examples": "examples.safetensors"},
    "predict": {
        "model": "fold0/seed1/model.pt",
        "records": "records.parquet",
        "examples": "examples.safetensors",
    },
    "baseline": {"records": "records.parquet", "examples": "examples.safetensors"},
    "evaluate": {
        "records": "records.parquet",
        "models": "fold0/seed1/predictions.parquet",
        "baselines": "prior-fold0.parquet",
    },
}
OUTPUTS = {
    "ingest": {"records": "o.parquet", "rejected": "o.tsv", "summary": "o.json"},
    "split": {"folds": "o.parquet", "audit": "o.json", "pairs": "o.tsv"},
    "encode": {"examples": "o.safetensors"},
    "train": {"model": "o.pt"},
    "predict": {"predictions": "o.parquet"},
    "baseline": {"predictions": "o.parquet"},
    "evaluate": {"metrics": "o/metrics.json"},
}
EACH = [(step, option, name) for step, files in INPUTS.items() for option, name in files.items()]


def refused(project: Project, capsys: pytest.CaptureFixture[str], step: str, **changes: Any) -> str:
    """Run a step that must end with 2, one error and no file; give the error."""
    before = project.files()
    capsys.readouterr()
    assert project.run(step, **(OUTPUTS.get(step, {}) | changes)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert project.files() == before
    return lines[0].removeprefix("error: ").replace(str(project.folder), "{tmp}")


@pytest.mark.parametrize(("step", "option", "name"), EACH)
def test_a_missing_input_is_named(
    step: str, option: str, name: str, finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / name).unlink()
    error = refused(finished, capsys, step)
    assert error.startswith(f"{{tmp}}/{name}: ")
    assert "no such file" in error.lower()


@pytest.mark.parametrize("content", [b"", b"junk\n" * 9, None], ids=["empty", "junk", "cut short"])
@pytest.mark.parametrize(("step", "option", "name"), EACH)
def test_a_damaged_input_is_named(
    step: str,
    option: str,
    name: str,
    content: bytes | None,
    finished: Project,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = finished / name
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    assert refused(finished, capsys, step).startswith((f"{{tmp}}/{name}: ", f"{{tmp}}/{name}, "))


@pytest.mark.parametrize(("step", "option", "name"), EACH)
def test_a_folder_as_input_is_named(
    step: str, option: str, name: str, finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / name).unlink()
    (finished / name).mkdir()
    assert refused(finished, capsys, step).startswith(f"{{tmp}}/{name}: ")


def test_tables_in_each_others_place(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    swapped = refused(finished, capsys, "encode", records="split.parquet", folds="records.parquet")
    assert swapped.startswith("the table of records lacks the column sequence")
    error = refused(finished, capsys, "split", records="split.parquet")
    assert error.startswith("the records have no column ")
    error = refused(finished, capsys, "evaluate", models="fold0/seed1/model.pt")
    assert "not a readable Parquet file" in error


def test_records_of_another_ingest(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    write_fasta(finished / "bound.fa", draw_sequences(59, 40, 1, motif=True))
    assert finished.run("fetch") == 0
    assert finished.run("ingest", records="other.parquet") == 0
    error = refused(finished, capsys, "encode", records="other.parquet")
    assert error == (
        "records and folds do not hold the same ids in the same order; "
        "fix: run split again on these records"
    )
    for step in ("predict", "baseline"):
        error = refused(finished, capsys, step, records="other.parquet")
        assert error.startswith("records.parquet and examples.safetensors hold different records")


def test_sources_of_another_config(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    section = finished.section()
    section["ingest"]["inputs"][0]["source"]["path"] = "other.fa"
    finished.configure(cnn=section)
    assert refused(finished, capsys, "ingest") == (
        "the source other.fa is not among the fetched files; "
        "fix: run the fetch step again with this config"
    )


def test_which_run(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished.configure(cnn=finished.section(), gru=finished.section())
    assert refused(finished, capsys, "split", run="rnn") == (
        "no such run in the config; found 'rnn'; allowed: cnn, gru"
    )
    assert refused(finished, capsys, "split", run=None) == (
        "the config has several runs; allowed: cnn, gru; fix: give --run NAME"
    )
    digest = stage_key(load_config(path).runs["gru"], "split")
    assert finished.run("split", run=digest, folds="again.parquet") == 0
    assert (finished / "again.parquet").read_bytes() == (finished / "split.parquet").read_bytes()


def test_a_single_run_needs_no_name(finished: Project) -> None:
    assert finished.run("split", run=None, folds="again.parquet") == 0


@pytest.mark.parametrize("step", ["train", "predict", "baseline"])
def test_no_such_fold(step: str, finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(finished, capsys, step, fold="3")
    assert "no such fold; found '3'; allowed: 0 to 0" in error


def test_unknown_baseline(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(finished, capsys, "baseline", name="forest") == (
        "unknown baseline; found 'forest'; allowed: additive, kmer, prior"
    )


def test_examples_of_other_targets(finished: Project, capsys: pytest.CaptureFixture[str]) -> None:
    section = finished.section(targets={"names": ["open"]})
    for entry in section["ingest"]["inputs"]:
        entry["labels"] = {"open": 1}
    finished.configure(cnn=section)
    error = refused(finished, capsys, "train")
    assert "the examples were encoded for other targets; found 'bound'; allowed: open" in error


@pytest.mark.parametrize("step", ["train", "predict"])
def test_cuda_without_a_gpu_stops_before_anything_is_written(
    step: str,
    finished: Project,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if step == "train":
        train = finished.section()["train"] | {"device": "cuda", "precision": "auto"}
        finished.configure(cnn=finished.section(train=train))
        error = refused(finished, capsys, step, model="cuda/model.pt")
    else:
        error = refused(finished, capsys, step, device="cuda", predictions="cuda/o.parquet")
    assert "cuda, but no GPU is visible" in error
    assert not (finished / "cuda").exists()


def test_a_leak_is_written_down_only_where_it_is_allowed(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    sequences = draw_sequences(60, 40, 1, motif=True)
    write_fasta(fresh / "bound.fa", sequences[:40] + sequences[:20])
    assert fresh.run("fetch") == fresh.run("ingest") == 0
    error = refused(fresh, capsys, "split")
    assert error.startswith("the split leaks: ")
    assert "worst pair: s" in error or "worst pair: bound/s" in error
    assert "split.audit.policy: drop" in error
    told = {"test_fraction": 0.3, "val_fraction": 0.2, "audit": {"policy": "report"}}
    fresh.configure(cnn=fresh.section(split=told))
    assert fresh.run("split") == 0
    assert fresh.files() >= {"split.parquet", "audit.json", "audit_pairs.tsv"}


def test_paths_that_evaluate_does_not_know(
    finished: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(finished, capsys, "evaluate", models="records.parquet")
    assert error == ("{tmp}/records.parquet: expected a path that ends in fold<N>/seed<N>/<file>")
    error = refused(finished, capsys, "evaluate", baselines="prior.parquet")
    assert error == "{tmp}/prior.parquet: expected a file named <name>-fold<N>.parquet"


def test_evaluate_without_baselines_and_records(finished: Project) -> None:
    alone = {"baselines": None, "records": None, "metrics": "alone/metrics.json"}
    assert finished.run("evaluate", **alone) == 0
    assert (finished / "alone/metrics.tsv").exists()


def test_steps_write_the_same_bytes_again(fresh: Project) -> None:
    names = ["records.parquet", "rejected.tsv", "split.parquet", "examples.safetensors"]
    names += ["fold0/seed1/model.pt", "fold0/seed1/predictions.parquet", "sources.json"]
    names += ["prior-fold0.parquet", "evaluation/metrics.json"]
    made = []
    for _ in range(2):
        for step in ("fetch", *INPUTS):
            assert fresh.run(step) == 0
        made.append({name: (fresh / name).read_bytes() for name in names})
    assert [name for name in names if made[0][name] != made[1][name]] == []


def test_predictions_hold_the_judged_records_in_order(finished: Project) -> None:
    ids = pq.read_table(finished / "records.parquet").column("id").to_pylist()
    roles = pq.read_table(finished / "split.parquet").column("fold0").to_pylist()
    table = pq.read_table(finished / "fold0/seed1/predictions.parquet")
    judged = [(i, role) for i, role in zip(ids, roles, strict=True) if role in ("val", "test")]
    found = list(zip(table["id"].to_pylist(), table["role"].to_pylist(), strict=True))
    assert found == judged
