"""What belongs to a finished run, of all that stands in a results folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bioseq_dl.archive.origin import check_origin
from bioseq_dl.config import Config, Run, load_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.json_files import read_json, read_record
from bioseq_dl.io.parquet import read_parquet
from bioseq_dl.layout import (
    STAGES,
    baseline_folder,
    evaluation_folder,
    list_baselines,
    list_models,
    model_folder,
    stage_folder,
)
from bioseq_dl.provenance import is_provenance, read_told
from bioseq_dl.source_code import ROOT
from bioseq_dl.tasks.registry import find_task

DATA = ("records.parquet", "matrix.safetensors", "examples.safetensors", "cells.h5ad")
"""Files that hold the data themselves; only their hashes leave the house unasked."""
PROVENANCE = ("versions", "git_commit", "hardware")
"""Keys of a step's summary that say how it was made."""
_CODE = ("Snakefile", "requirements.lock", "workflow/**/*", "envs/*.yaml", "envs/*.txt")
SHARED = re.compile(r"[0-9a-f]{10}|baselines-[0-9a-f]{10}")
"""Folders that are named by a digest of the config."""


@dataclass(frozen=True)
class Result:
    """A run in a results folder."""

    results: Path
    """The folder that holds ``config.yaml``, ``data`` and ``runs``."""
    config: Config
    name: str
    """Of the run."""

    @property
    def run(self) -> Run:
        """Its config."""
        return self.config.runs[self.name]

    @property
    def folder(self) -> Path:
        """Of what belongs to this run alone."""
        return self.results / "runs" / self.name

    @property
    def metrics(self) -> Path:
        """Its metrics.json."""
        return evaluation_folder(self.results, self.name) / "metrics.json"


def find_result(path: Path, name: str | None = None) -> Result:
    """Open a run by its results folder, or by its own folder in it.

    Parameters
    ----------
    path : Path
        ``results``, with `name` where it has several runs, or ``results/runs/<run>``.

    Raises
    ------
    InputError
        Where there is no finished run, or one of another config.
    """
    path = path.resolve()
    results = path
    if not (path / "config.yaml").is_file() and path.parent.name == "runs":
        if name not in (None, path.name):
            raise InputError("the folder is of another run than --run", file=path, found=name)
        results, name = path.parent.parent, path.name
    if not (results / "config.yaml").is_file():
        raise InputError(
            "not a results folder: it has no config.yaml",
            file=path,
            fix="give the folder that the config calls `results`, or its runs/NAME",
        )
    config = load_config(results / "config.yaml")
    allowed = ", ".join(config.runs)
    if name is None and len(config.runs) > 1:
        raise InputError("there are several runs", file=results, allowed=allowed, fix="give --run")
    name = name or next(iter(config.runs))
    if name not in config.runs:
        raise InputError("no such run", file=results, found=name, allowed=allowed)
    found = Result(results, config, name)
    if not found.metrics.is_file():
        raise InputError(
            "the run is not finished: it has no metrics", file=found.metrics, fix="run snakemake"
        )
    models = [model_folder(results, name, *model) for model in list_models(found.run)]
    check_origin(found.run, [folder / "train.json" for folder in models], found.metrics)
    return found


def check_whole(result: Result, *, with_data: bool = False) -> None:
    """Look for what every finished run has, and read its tables and summaries.

    Raises
    ------
    InputError
        For the first file that is not there or is damaged.
    """
    for path in list_needed(result, with_data=with_data):
        check_file(path)


def list_needed(result: Result, *, with_data: bool = False) -> list[Path]:
    """Give the files that every finished run has, by its config.

    Parameters
    ----------
    result : Result
    with_data : bool
        Also the records, and what was encoded of them.
    """
    stages = {stage: stage_folder(result.results, result.run, stage) for stage in STAGES}
    wanted = [
        stages["ingest"] / "sources.json",
        stages["split"] / "split.parquet",
        stages["split"] / "audit.json",
        result.metrics,
    ]
    wanted += [
        model_folder(result.results, result.name, fold, seed) / name
        for fold, seed in list_models(result.run)
        for name in ("model.pt", "train.json", "predictions.parquet")
    ]
    wanted += [
        baseline_folder(result.results, result.run) / f"{name}-fold{fold}.parquet"
        for name in list_baselines(result.run)
        for fold in range(result.run.split.folds)
    ]
    data = [stages["ingest"] / "records.parquet", stages["encode"] / "examples.safetensors"]
    if find_task(result.run.task).matrix:
        data.append(stages["ingest"] / "matrix.safetensors")
    return [*wanted, *data] if with_data else wanted


def check_file(path: Path) -> None:
    """Look for a file of a run; read it where it is JSON or Parquet.

    Raises
    ------
    InputError
        Where it is not there or is damaged.
    """
    if not path.is_file():
        raise InputError("the run is not finished: no such file", file=path, fix="run snakemake")
    if path.suffix == ".parquet":
        read_parquet(path)
    if path.suffix == ".json":
        read_record(path)


def list_files(result: Result) -> dict[str, Path]:
    """Give every file of a run by its path in the results folder, sorted; data included.

    Left out are other runs', states of unfinished trainings, and parts of what was put together.
    """
    folders = [stage_folder(result.results, result.run, stage) for stage in STAGES]
    folders.append(baseline_folder(result.results, result.run))
    stages = [folder.relative_to(result.results / "data") for folder in folders]
    found = [path for folder in folders for path in _own_files(folder)]
    found += [path for path in _all_files(result.folder) if not _is_part(path, result.folder)]
    found += _all_files(result.results / "report")
    for kind in ("logs", "benchmarks"):
        top = result.results / kind
        found += _all_files(top / result.name)
        # Logs of a run's baselines stand in a folder named by the bare digest.
        of_stages = [Path(*(part.removeprefix("baselines-") for part in s.parts)) for s in stages]
        found += [path for stage in of_stages for path in _own_files(top / stage)]
        found += [path for path in top.glob("report.*") if path.is_file()]
    kept = {path.relative_to(result.results).as_posix(): path for path in found}
    return dict(sorted(kept.items()))


def list_code() -> dict[str, Path]:
    """Give the workflow's files by their path in the repository; none where it is not there."""
    repository = ROOT.parent
    if not (repository / "workflow" / "Snakefile").is_file():
        return {}
    paths = [path for pattern in _CODE for path in repository.glob(pattern) if path.is_file()]
    return {
        path.relative_to(repository).as_posix(): path
        for path in sorted(paths)
        if "__pycache__" not in path.parts
    }


def config_text(result: Result) -> str:
    """Give the config of the run alone, every default filled in, as YAML."""
    data = result.config.model_dump(mode="json")
    data["runs"] = {result.name: data["runs"][result.name]}
    data |= {"results": "results"}
    return yaml.safe_dump(data, sort_keys=False)


def collect_provenance(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Give, of each step's summary or log among `files`, how it was made."""
    found = {}
    told: Any
    for name, path in files.items():
        if path.suffix == ".json" and path.is_file():
            data = read_json(path)
            told = data.get("provenance", data) if isinstance(data, dict) else None
        elif path.suffix == ".log" and path.is_file():
            told = read_told(path)
        else:
            continue
        if is_provenance(told):
            found[name] = {key: told.get(key) for key in PROVENANCE}
    return found


def _is_part(path: Path, folder: Path) -> bool:
    """Whether a file of a run is a part of a scattered VCF: ``variants/<name>/parts/<file>``."""
    match path.relative_to(folder).parts:
        case ("variants", _, "parts", _, *_):
            return True
    return False


def _own_files(folder: Path) -> Iterator[Path]:
    """Files of a folder of a stage, without those of the stages that follow it."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not SHARED.fullmatch(path.name):
            yield from _all_files(path)
        elif path.is_file() and not path.name.startswith("."):
            yield path


def _all_files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.name != "resume.pt"
    ]
