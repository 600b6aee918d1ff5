"""A finished run as one archive, checked, and run again: what is the same, and what is told."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rocrate.rocrate import ROCrate
from workflow_project import Project, small_run, write_fasta

from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.contents import collect_provenance, find_result, list_files
from bioseq_dl.archive.export import export_run
from bioseq_dl.archive.manifest import Listed, Manifest, is_safe
from bioseq_dl.archive.verify import extract_archive, verify_archive
from bioseq_dl.archive.zip_file import write_zip
from bioseq_dl.cli.main import main
from bioseq_dl.config.sources import list_sources
from bioseq_dl.errors import InputError
from bioseq_dl.io.manifest import Fetched, source_key
from bioseq_dl.reproduction import causes

pytestmark = pytest.mark.workflow
MODEL = "runs/cnn/fold0/seed1"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that has finished; no test changes it."""
    folder = tmp_path_factory.mktemp("project")
    write_fasta(folder / "data" / "bound.fa", 150, motif=True, seed=1)
    write_fasta(folder / "data" / "background.fa", 150, motif=False, seed=2)
    made = Project(folder)
    train = small_run()["train"] | {"seeds": [1], "epochs": 2}
    made.configure(cnn=small_run(train=train, baselines={"kmer": None}))
    done = made.run()
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def archive(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "run.zip"
    assert main(["export", str(project / "results"), "--run", "cnn", "--out", str(path)]) == 0
    return path


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """Results to change."""
    return Path(shutil.copytree(project / "results", tmp_path / "changed"))


def compare(one: Path, two: Path, out: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, reproduction.json and reproduction.txt of a comparison without a rerun."""
    code = main(["reproduce", str(one), "--compare", str(two), "--out", str(out), *words])
    told = json.loads((out / "reproduction.json").read_text())
    return code, told, (out / "reproduction.txt").read_text()


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_exported_verified_and_run_again_from_the_archive(
    project: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(archive)]) == 0
    assert "1 models restored" in capsys.readouterr().out
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if path.is_file()}
    words = ["reproduce", str(archive), "--inputs", str(project), "--out", str(tmp_path / "again")]
    done = subprocess.run(
        [sys.executable, "-m", "bioseq_dl", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("run cnn: the same (tolerance 1e-05)")
    assert done.stdout.rstrip().endswith("data, config, versions, code and hardware are alike")
    told = json.loads((tmp_path / "again" / "reproduction.json").read_text())
    assert told["same"]
    assert not told["causes"]
    equal = {finding["file"]: finding["equal_bytes"] for finding in told["findings"]}
    assert equal[f"{MODEL}/model.pt"]
    assert equal[f"{MODEL}/predictions.parquet"]
    assert [value for value in equal.values() if not value] == [None]  # metrics.json holds times
    again = tmp_path / "again" / "results" / MODEL / "model.pt"
    assert again.read_bytes() == (project / "results" / MODEL / "model.pt").read_bytes()
    assert before == {p: p.stat().st_mtime_ns for p in project.rglob("*") if p.is_file()}


def test_equal_results_are_an_equal_archive(project: Path, archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    assert main(["export", str(project / "results" / "runs" / "cnn"), "--out", str(again)]) == 0
    assert again.read_bytes() == archive.read_bytes()


def test_what_an_archive_holds(project: Path, archive: Path, tmp_path: Path) -> None:
    found, config = verify_archive(archive)
    assert list(config.runs) == [found.run] == ["cnn"]
    held = set(found.files)
    assert held >= {
        "config.yaml",
        "provenance.json",
        "ro-crate-metadata.json",
        "requirements.lock",
        "workflow/Snakefile",
        "envs/train.yaml",
        "results/report/report.html",
        f"results/{MODEL}/model.pt",
        f"results/{MODEL}/train.json",
        f"results/{MODEL}/predictions.parquet",
        "results/runs/cnn/evaluation/metrics.json",
        "results/logs/cnn/fold0/seed1/train.log",
    }
    names = {Path(name).name for name in held}
    assert {"audit.json", "split.parquet", "rejected.tsv", "sources.json"} <= names
    left_out = {Path(name).name for name in found.left_out}
    assert left_out == {"records.parquet", "examples.safetensors"}
    assert not names & left_out
    described = ROCrate(json.loads(zipfile.ZipFile(archive).read("ro-crate-metadata.json")))
    action = described.dereference("#run")
    assert action["instrument"].id == described.mainEntity.id == "workflow/Snakefile"
    assert {entity.id for entity in action["result"]} >= {f"results/{MODEL}/model.pt"}
    inputs = {entity["name"]: entity["sha256"] for entity in action["object"][1:]}
    sources = json.loads(next((project / "results").rglob("sources.json")).read_text())
    assert set(inputs) == {"data/bound.fa", "data/background.fa"}
    assert set(inputs.values()) == {item["sha256"] for item in sources.values()}


def test_with_data_the_metrics_are_judged_again(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, other = tmp_path / "whole.zip", tmp_path / "other.zip"
    assert main(["export", str(copy), "--with-data", "--out", str(whole)]) == 0
    assert main(["verify", str(whole)]) == 0
    assert "metrics judged again from the predictions: the same" in capsys.readouterr().out

    def improve(metrics: dict[str, Any]) -> None:
        metrics["predictors"]["model"]["bound"]["auroc"]["value"] = 1.25

    edit(copy / "runs/cnn/evaluation/metrics.json", improve)
    assert main(["export", str(copy), "--with-data", "--out", str(other)]) == 0
    assert main(["verify", str(other)]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "the metrics are not those of the predictions" in told
    assert "predictors.model.bound.auroc.value: 1.25" in told


def test_a_changed_input_is_told_and_nothing_is_run(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = tmp_path / "inputs"
    shutil.copytree(project / "data", inputs / "data")
    with (inputs / "data" / "bound.fa").open("a") as handle:
        handle.write(">more\nACGT\n")
    out = tmp_path / "out"
    words = ["reproduce", str(project / "results"), "--inputs", str(inputs), "--out", str(out)]
    assert main(words) == 1
    told = capsys.readouterr().out.splitlines()
    assert "not run again (--anyway)" in told[0]
    assert len(told) == 2
    assert told[1].startswith("data/bound.fa: ")
    assert not out.exists()  # so that the same command may be given again
    (inputs / "data" / "background.fa").unlink()
    assert main(words) == 2
    assert "background.fa: no such input; fix: give --inputs" in capsys.readouterr().err
    assert not out.exists()


def test_nothing_is_lost_by_an_export(project: Path, copy: Path, archive: Path) -> None:
    results = str(project / "results")
    for place, words in (
        (project / "results" / "config.yaml", "would stand among the results"),
        (project / "data" / "bound.fa", "is there, and no archive of a run"),
    ):
        before = place.read_bytes()
        with pytest.raises(InputError, match=words):
            export_run(find_result(Path(results)), [], place)
        assert place.read_bytes() == before
    assert main(["export", results, "--out", str(archive)]) == 0  # an earlier one is replaced
    (copy / MODEL / "predictions.parquet").unlink()
    with pytest.raises(InputError, match=r"not finished: no such file"):
        export_run(find_result(copy), [], archive)


def test_the_run_that_is_named_is_the_one_that_is_taken(
    project: Path, copy: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(project / "results" / "runs" / "cnn")
    out = ["--out", str(tmp_path / "out")]
    assert main(["reproduce", folder, "--run", "other", *out]) == 2
    assert "of another run than --run; found 'other'" in capsys.readouterr().err
    assert main(["reproduce", str(archive), "--run", "other", *out]) == 2
    assert "of another run than --run; found 'other'" in capsys.readouterr().err
    other = str(copy / "runs" / "other")
    (copy / "runs" / "other").mkdir()
    assert main(["reproduce", folder, "--compare", other, *out]) == 2
    assert "no such run; found 'other'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["reproduce", folder, "--compare", folder, "--tolerance", "-1", *out])


def test_a_rerun_that_fails_is_told(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(project / "data", tmp_path / "data")
    (tmp_path / "data" / "bound.fa").write_text("no FASTA")
    words = ["reproduce", str(project / "results"), "--inputs", str(tmp_path), "--out", str(out)]
    assert main([*words, "--anyway"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"error: {out / 'snakemake.log'}: the workflow failed; found 'error: ")
    assert "bound.fa" in told  # what the step said of it
    assert main(words) == 2
    assert "the folder is not empty" in capsys.readouterr().err


def test_other_versions_and_hardware_are_told_and_are_no_difference(
    project: Path, copy: Path, tmp_path: Path
) -> None:
    def pretend(summary: dict[str, Any]) -> None:
        summary["versions"]["torch"] = "1.0"
        summary["hardware"]["cpu"] = "abacus"
        summary["git_commit"] = "0" * 40
        summary["threads"] = 64

    edit(copy / MODEL / "train.json", pretend)
    code, told, text = compare(project / "results", copy, tmp_path / "out")
    assert code == 0
    assert told["same"]
    kinds = {cause["kind"]: (cause["what"], cause["second"]) for cause in told["causes"]}
    assert kinds == {
        "code": ("git commit", "0" * 40),
        "hardware": ("cpu", "abacus"),
        "training": ("threads", "64"),
        "version": ("torch", "1.0"),
    }
    assert "version      torch: " in text


def test_each_step_tells_its_own_versions(project: Path, copy: Path, tmp_path: Path) -> None:
    made = collect_provenance(list_files(find_result(copy, "cnn")))
    steps = {Path(name).stem for name in made if name.endswith(".log")}
    assert steps >= {"fetch", "ingest", "split", "encode", "prior-fold0", "train", "predict"}
    assert steps >= {"evaluate", "report"}
    log = copy / "logs/cnn/evaluate.log"
    first, *rest = log.read_text().splitlines(keepends=True)
    now = made["logs/cnn/evaluate.log"]["versions"]["scikit-learn"]
    assert first.count(f'"scikit-learn": "{now}"') == 1
    log.write_text("".join([first.replace(f'n": "{now}"', 'n": "0.1"'), *rest]))
    _, told, _ = compare(project / "results", copy, tmp_path / "out")
    assert told["causes"] == [
        {"kind": "version", "what": "scikit-learn", "first": now, "second": "0.1"}
    ]


def test_a_changed_prediction_is_told(project: Path, copy: Path, tmp_path: Path) -> None:
    path = copy / MODEL / "predictions.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("output:bound")
    values = table["output:bound"].to_pylist()
    values[3] += 0.5
    changed = table.set_column(place, table.schema.field(place), pa.array(values, pa.float32()))
    pq.write_table(changed.cast(table.schema), path)
    code, told, text = compare(project / "results", copy, tmp_path / "out")
    assert code == 1
    differing = [finding["file"] for finding in told["findings"] if not finding["same"]]
    assert differing == [f"{MODEL}/predictions.parquet"]
    assert "column output:bound" in text
    assert "a result was changed after it was written" in text
    code, told, _ = compare(project / "results", copy, tmp_path / "lax", "--tolerance", "0.6")
    assert code == 0


def test_runs_of_other_names_are_compared_too(project: Path, copy: Path, tmp_path: Path) -> None:
    for folder in ("runs", "logs", "benchmarks"):
        (copy / folder / "cnn").rename(copy / folder / "other")
    config = (copy / "config.yaml").read_text()
    assert config.count("\n  cnn:\n") == 1
    (copy / "config.yaml").write_text(config.replace("\n  cnn:\n", "\n  other:\n"))

    def pretend(summary: dict[str, Any]) -> None:
        summary["versions"]["torch"] = "1.0"
        summary["threads"] = 64

    edit(copy / "runs/other/fold0/seed1/train.json", pretend)
    _, told, _ = compare(project / "results", copy / "runs" / "other", tmp_path / "out")
    kinds = {cause["kind"]: (cause["what"], cause["second"]) for cause in told["causes"]}
    assert kinds == {"training": ("threads", "64"), "version": ("torch", "1.0")}


def test_what_is_recorded_of_one_alone_is_not_called_alike(
    project: Path, copy: Path, tmp_path: Path
) -> None:
    shutil.rmtree(copy / "logs")
    code, told, text = compare(project / "results", copy, tmp_path / "out")
    assert code == 0
    (cause,) = told["causes"]
    assert (cause["kind"], cause["second"]) == ("record", "none")
    assert "logs/cnn/evaluate.log" in cause["first"] or cause["first"].endswith(", …")
    assert "are alike" not in text


def test_inputs_of_one_file_name_are_told_apart(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_result(project / "results")
    text = found.run.model_dump_json()
    text = text.replace("data/bound.fa", "a/seq.fa").replace("data/background.fa", "b/seq.fa")
    same = replace(
        found, config=found.config.model_copy(update={"runs": {"cnn": rebuild(found.run, text)}})
    )
    first, second = (source_key(source) for source in list_sources(same.run))
    for changed in (first, second):
        told = []
        for other in (False, True):
            hashes = {first: "1", second: "2"} | ({changed: "3"} if other else {})
            files = {key: Fetched("", value, 1) for key, value in hashes.items()}
            monkeypatch.setattr(causes, "find_sources", lambda _, files=files: files)
            told.append(causes._inputs(same))
        assert told[0] != told[1]


def rebuild(run: Any, text: str) -> Any:
    return type(run).model_validate_json(text)


def test_results_of_another_config_are_refused(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (copy / "config.yaml").read_text()
    for old, new, place, step in (
        ("epochs: 2\n", "epochs: 50\n", "train.epochs", "train.json"),
        ("bootstrap: 50\n", "bootstrap: 60\n", "bootstrap", "metrics.json"),
    ):
        assert config.count(old) == 1, old
        (copy / "config.yaml").write_text(config.replace(old, new))
        out = tmp_path / "run.zip"
        for words in (["export", str(copy), "--out", str(out)], reproduce(copy, tmp_path / "o")):
            assert main(words) == 2
            (told,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error")]
            assert f"{step}, key {place}: the results were made with another config" in told
            assert not out.exists()
    (copy / "config.yaml").write_text(config)

    def forget(summary: dict[str, Any]) -> None:
        del summary["settings"]["train"]["epochs"]  # as if the config had got it since

    edit(copy / MODEL / "train.json", forget)
    find_result(copy)


def reproduce(results: Path, out: Path) -> list[str]:
    return ["reproduce", str(results), "--compare", str(results), "--out", str(out)]


DAMAGED = {
    "cut JSON": (f"{MODEL}/train.json", b'{"a', "not valid JSON"),
    "a list": (f"{MODEL}/train.json", b"[1]", "not what the step wrote; found 'list'"),
    "no text": ("runs/cnn/evaluation/metrics.json", b"\xff\xfe", "not valid JSON"),
    "a number": ("runs/cnn/evaluation/metrics.json", b"5", "not what the step wrote; found 'int'"),
    "deep": ("runs/cnn/evaluation/metrics.json", b"[" * 100_000, "not valid JSON"),
    "no Parquet": (f"{MODEL}/predictions.parquet", b"junk", "not a readable Parquet file"),
}


@pytest.mark.parametrize(("name", "content", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_results_are_told_in_one_line(
    name: str, content: bytes, problem: str, project: Path, copy: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (copy / name).write_bytes(content)
    for pair in ((copy, project / "results"), (project / "results", copy)):
        words = ["reproduce", str(pair[0]), "--compare", str(pair[1])]
        assert main([*words, "--out", str(tmp_path / "out")]) == 2
        told = capsys.readouterr().err.splitlines()
        assert len(told) == 1
        assert f"{copy / name}: {problem}" in told[0]
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("line", [b'{"versions": [1]}', b'{"a":' + b"[" * 100_000, b"\xff", b"{"])
def test_a_damaged_log_tells_nothing(
    line: bytes, project: Path, copy: Path, tmp_path: Path
) -> None:
    (copy / "logs/cnn/evaluate.log").write_bytes(b"made with " + line)
    code, told, _ = compare(project / "results", copy, tmp_path / "out")
    assert code == 0
    (cause,) = told["causes"]
    assert (cause["first"], cause["second"]) == ("logs/evaluate.log", "none")


def test_a_refused_rerun_leaves_nothing(
    project: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["reproduce", str(archive), "--out", str(out)]
    (tmp_path / "data").mkdir()
    for end in (
        ["--inputs", str(tmp_path)],
        ["--compare", str(tmp_path / "none")],
        ["--compare", str(tmp_path / "data")],
    ):
        assert main([*words, *end]) == 2
        assert not out.exists()
    for name in ("bound.fa", "background.fa"):
        (tmp_path / "data" / name).write_text(">other\nACGT\n")
    out.mkdir()
    assert main([*words, "--inputs", str(tmp_path)]) == 1
    assert out.is_dir()
    assert not list(out.iterdir())
    inside = project / "results" / "again"
    assert main(["reproduce", str(project / "results"), "--out", str(inside)]) == 2
    assert "the folder would stand among the results" in capsys.readouterr().err
    assert not inside.exists()


def test_a_lost_model_and_other_metrics_are_told(project: Path, copy: Path, tmp_path: Path) -> None:
    (copy / MODEL / "model.pt").unlink()

    def worsen(metrics: dict[str, Any]) -> None:
        metrics["predictors"]["model"]["bound"]["auroc"]["low"] = None

    edit(copy / "runs/cnn/evaluation/metrics.json", worsen)
    code, told, text = compare(project / "results", copy, tmp_path / "out")
    assert code == 1
    found = {finding["what"]: finding for finding in told["findings"] if not finding["same"]}
    assert set(found) == {"model", "metrics"}
    assert found["metrics"]["gap"] is None
    assert "predictors.model.bound.auroc.low" in found["metrics"]["detail"]
    assert "missing in the other" in text


def test_unfinished_and_unknown_runs_are_refused(project: Path, copy: Path) -> None:
    with pytest.raises(InputError, match=r"no such run; found 'rnn'; allowed: cnn"):
        find_result(copy, "rnn")
    with pytest.raises(InputError, match=r"not a results folder"):
        find_result(project / "data")
    (copy / "runs/cnn/evaluation/metrics.json").unlink()
    with pytest.raises(InputError, match="the run is not finished"):
        find_result(copy / "runs" / "cnn")


# What may become of an archive on its way.


def contents_of(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def refuse(path: Path, words: str) -> None:
    """It must be refused with one line, and exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "bioseq_dl", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_cut_short(archive: Path, tmp_path: Path, share: float) -> None:
    whole = archive.read_bytes()
    path = tmp_path / "cut.zip"
    path.write_bytes(whole[: int(share * len(whole))])
    refuse(path, "not a zip archive, or cut short")


def test_a_changed_byte_is_found_wherever_it_is(archive: Path, tmp_path: Path) -> None:
    whole = bytearray(archive.read_bytes())
    draw = random.Random(0)
    places = draw.sample(range(len(whole)), 25)
    # The directory, and what leads to it: no file's content.
    start = struct.unpack("<I", whole[-6:-2])[0]
    places += draw.sample(range(start, len(whole)), 25)
    path = tmp_path / "changed.zip"
    for place in places:
        whole[place] ^= 1 << draw.randrange(8)
        path.write_bytes(whole)
        with pytest.raises(InputError):
            verify_archive(path)
        path.write_bytes(whole := bytearray(archive.read_bytes()))
    verify_archive(path)


def test_the_first_damaged_file_is_named(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    model = zipfile.ZipFile(archive).read(f"results/{MODEL}/model.pt")
    place = whole.index(model) + len(model) // 2
    path = tmp_path / "damaged.zip"
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    refuse(path, f"record 'results/{MODEL}/model.pt': damaged")


def test_missing_extra_and_exchanged_files(archive: Path, tmp_path: Path) -> None:
    whole = contents_of(archive)
    path = tmp_path / "other.zip"
    name = f"results/{MODEL}/train.json"
    write_zip(path, {key: value for key, value in whole.items() if key != name})
    refuse(path, f"record '{name}': a file is missing")
    write_zip(path, whole | {"results/more.txt": b"more"})
    refuse(path, "record 'results/more.txt': holds a file that the manifest does not list")
    write_zip(path, whole | {name: b"{}"})
    refuse(path, f"record '{name}': damaged")
    write_zip(path, {key: value for key, value in whole.items() if key != manifest.NAME})
    refuse(path, "it has no manifest.json")


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "a\\..\\b", "c:/a"])
def test_paths_that_lead_outside(archive: Path, tmp_path: Path, name: str) -> None:
    assert not is_safe(name)
    path = tmp_path / "slip.zip"
    write_zip(path, contents_of(archive) | {name: b"out"})
    with pytest.raises(InputError, match="a path leads outside the archive"):
        verify_archive(path)
    with pytest.raises(InputError, match="a path leads outside the archive"):
        extract_archive(path, tmp_path / "folder")
    assert sorted(tmp_path.iterdir()) == [path]


def listed_again(contents: dict[str, bytes], tmp_path: Path) -> Path:
    """An archive whose manifest lists what it holds, whatever that is."""
    import hashlib

    old = manifest.read_manifest(contents[manifest.NAME], "old")
    files = {
        name: Listed(hashlib.sha256(value).hexdigest(), len(value))
        for name, value in contents.items()
        if name != manifest.NAME
    }
    made = Manifest(old.run, old.version, files, old.left_out)
    path = tmp_path / "listed.zip"
    write_zip(path, contents | {manifest.NAME: manifest.write_manifest(made)})
    return path


def test_metadata_and_config_must_fit(archive: Path, tmp_path: Path) -> None:
    whole = contents_of(archive)
    refuse(listed_again(whole | {"more.txt": b"more"}, tmp_path), "list other files than")
    refuse(listed_again(whole | {crate.NAME: b"{}"}, tmp_path), "no valid RO-Crate metadata")
    data = json.loads(whole[crate.NAME])
    for entity in data["@graph"]:
        if entity["@id"] == "./":
            del entity["license"]
    text = json.dumps(data).encode()
    refuse(listed_again(whole | {crate.NAME: text}, tmp_path), "lacks a property; found 'license'")
    text = whole["config.yaml"].replace(b"epochs: 2", b"epochs: -2")
    changed = listed_again(whole | {"config.yaml": text}, tmp_path)
    refuse(changed, "the metadata name another hash")


def test_a_newer_format_is_told(archive: Path, tmp_path: Path) -> None:
    whole = contents_of(archive)
    data = json.loads(whole[manifest.NAME]) | {"format": 2, "version": "9.9"}
    path = tmp_path / "newer.zip"
    write_zip(path, whole | {manifest.NAME: json.dumps(data).encode()})
    refuse(path, "made by a newer version of bioseq_dl; found 'format 2, version 9.9'")
