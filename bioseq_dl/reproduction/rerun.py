"""Run a finished run again, in a folder of its own, through the workflow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bioseq_dl.archive.contents import Result, find_result, list_files
from bioseq_dl.config import Source
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_text
from bioseq_dl.io.json_files import read_record
from bioseq_dl.source_code import ROOT

_OWN = (
    *("results", "config.yaml", ".snakemake", "snakemake.log"),
    *("original", "other", "reproduction.json", "reproduction.txt"),
)
"""What comes to stand in the folder of a rerun."""


def rerun(
    result: Result, folder: Path, inputs: Path, cores: int, log: Callable[[str], None]
) -> Result:
    """Run a run's steps again; the original stays as it is.

    Parameters
    ----------
    result : Result
        The original.
    folder : Path
        New: config, results and the workflow's own files come to stand in it. Local inputs are
        linked, so that the config, and with it every name, stays what it was.
    inputs : Path
        Folder that relative paths of the config count from.
    cores : int
        That the workflow may use.
    log : callable

    Raises
    ------
    InputError
        Where the workflow is not there (bioseq_dl was installed without its repository), or fails.
    """
    snakefile = ROOT.parent / "Snakefile"
    if not snakefile.is_file():
        raise InputError(
            "the workflow is not there", file=snakefile, fix="run from a checkout of the repository"
        )
    data = result.config.model_dump(mode="json")
    data["runs"] = {result.name: data["runs"][result.name]}
    data["results"] = "results"
    if data.get("cache"):
        data["cache"] = str((inputs / data["cache"]).resolve())
    _bring_inputs(data, folder, inputs)
    write_text(folder / "config.yaml", yaml.safe_dump(data, sort_keys=False))
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    words += ["--directory", str(folder), "--cores", str(cores), "--configfile", "config.yaml"]
    log(f"running the workflow on {cores} core(s), log in {folder / 'snakemake.log'}")
    with (folder / "snakemake.log").open("w", encoding="utf-8") as handle:
        done = subprocess.run(
            words, stdout=handle, stderr=subprocess.STDOUT, cwd=folder, check=False
        )
    if done.returncode != 0:
        text = (folder / "snakemake.log").read_text(encoding="utf-8")
        lines = [line.strip() for line in text.splitlines()]
        # What a step said, else what Snakemake made of it.
        errors = [line for line in lines if line.startswith("error: ")]
        errors += [line for line in lines if "rror" in line]
        raise InputError(
            "the workflow failed",
            file=folder / "snakemake.log",
            found=errors[0] if errors else f"exit code {done.returncode}",
        )
    return find_result(folder / "results", result.name)


def recorded_cores(result: Result) -> int:
    """Give the CPU threads that a run's trainings had: bytes depend on them."""
    found = [1]
    for path in list_files(result).values():
        if path.name == "train.json":
            data = read_record(path)
            found.append(int(data.get("threads", 1)) * int(data.get("devices", 1)))
    return max(found)


def _bring_inputs(value: Any, folder: Path, inputs: Path) -> None:
    """Link the local files that a config names; make paths absolute that lead outside."""
    if isinstance(value, list):
        for part in value:
            _bring_inputs(part, folder, inputs)
    if not isinstance(value, dict):
        return
    if set(value) == set(Source.model_fields) and value["path"] is not None:
        path = Path(value["path"])
        target = (inputs / path).resolve()
        if path.is_absolute():
            return
        if ".." in path.parts or not path.parts or path.parts[0] in _OWN:
            value["path"] = str(target)
            return
        link = folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(target)
        return
    for part in value.values():
        _bring_inputs(part, folder, inputs)
