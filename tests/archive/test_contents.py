"""What belongs to a run: all of it, whatever folders are called, and nothing damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bioseq_dl.archive.contents import Result, check_whole, list_files, list_needed
from bioseq_dl.archive.export import export_run
from bioseq_dl.config.sources import list_sources
from bioseq_dl.errors import InputError
from bioseq_dl.io.manifest import source_key


def relative(result: Result, with_data: bool = True) -> list[str]:
    needed = list_needed(result, with_data=with_data)
    return [path.relative_to(result.results).as_posix() for path in needed]


@pytest.mark.parametrize("place", ["parts/results", "variants/x/parts/results", "results"])
@pytest.mark.parametrize("name", ["cnn", "parts"])
def test_folders_named_as_parts_lose_nothing(
    results_of: Callable[..., Result], tmp_path: Path, place: str, name: str
) -> None:
    result = results_of(tmp_path / place, name)
    scored = result.folder / "variants" / "parts"
    for path in (scored / "parts" / "1-of-2.json", scored / "scores.tsv", result.folder / "parts"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    files = list_files(result)
    assert set(relative(result)) <= set(files)
    assert f"runs/{name}/variants/parts/scores.tsv" in files
    assert f"runs/{name}/parts" in files
    assert not [file for file in files if "1-of-2" in file]
    made = export_run(result, [], tmp_path / "run.zip")
    assert f"results/runs/{name}/fold0/seed1/model.pt" in made.files


NEEDED = (
    *("sources.json", "split.parquet", "audit.json", "metrics.json", "model.pt", "train.json"),
    *("predictions.parquet", "prior-fold0.parquet"),
)
HELD = ("records.parquet", "examples.safetensors")


@pytest.mark.parametrize("name", [*NEEDED, *HELD])
def test_what_every_run_has(result: Result, tmp_path: Path, name: str) -> None:
    check_whole(result, with_data=True)
    found = [path for path in list_needed(result, with_data=True) if path.name == name]
    found[0].unlink()
    out = tmp_path / "run.zip"
    if name in HELD:
        export_run(result, [], out)
        out.unlink()
    with pytest.raises(InputError, match=f"{name}: the run is not finished: no such file"):
        export_run(result, [], out, with_data=name in HELD)
    assert not out.exists()


@pytest.mark.parametrize("name", ["train.json", "metrics.json", "audit.json", "sources.json"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid JSON: "),
        (b'{"a": 1', "not valid JSON: "),
        (b"\xff\xfe{}", "not valid JSON: "),
        (b"[" * 100_000, "not valid JSON: "),
        (b"[1]", "not what the step wrote; found 'list'"),
        (b"null", "not what the step wrote"),
    ],
)
def test_damaged_json(
    result: Result, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = next(path for path in list_needed(result) if path.name == name)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: {words}.*; fix: run snakemake$"):
        export_run(result, [], tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.parametrize("name", ["split.parquet", "predictions.parquet", "prior-fold0.parquet"])
@pytest.mark.parametrize("keep", [0, 20, -10])
def test_damaged_tables(result: Result, tmp_path: Path, name: str, keep: int) -> None:
    path = next(path for path in list_needed(result) if path.name == name)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=f"{name}: not a readable Parquet file"):
        export_run(result, [], tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.parametrize(
    "item",
    [
        {"path": "a", "sha256": "0" * 64, "bytes": "many"},
        {"path": "a", "sha256": "0" * 64, "bytes": float("inf")},
        {"path": "a", "sha256": None, "bytes": 1},
        {"path": "a"},
    ],
)
def test_sources_of_other_values(result: Result, tmp_path: Path, item: dict[str, object]) -> None:
    sources = list_sources(result.run)
    path = list_needed(result)[0]
    path.write_text(json.dumps({source_key(sources[0]): item}))
    with pytest.raises(InputError, match=r"sources\.json: not a manifest of sources"):
        export_run(result, sources, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()
