"""Whether results were made with the config that stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bioseq_dl.config import Run
from bioseq_dl.errors import InputError
from bioseq_dl.io.json_files import read_record
from bioseq_dl.steps import step_settings


def check_origin(run: Run, trained: list[Path], metrics: Path) -> None:
    """Hold what trainings and evaluation noted of their settings against a config.

    The workflow writes its config before the first step, so where it was stopped, results of an
    earlier config stand beside a new one. Folders of the stages before are named by their part of
    the config and need no such check.

    Parameters
    ----------
    run : Run
        Of the config.
    trained : list of Path
        train.json of each model; one that is not there, or notes no settings, is passed over.
    metrics : Path
        metrics.json.

    Raises
    ------
    InputError
        For the first setting that is another now.
    """
    for path in trained:
        if path.is_file():
            _compare(path, read_record(path).get("settings"), step_settings(run, "train"))
    evaluate = run.evaluate.model_dump(mode="json")
    _compare(metrics, read_record(metrics).get("settings"), evaluate)


def _compare(path: Path, made_with: Any, now: Mapping[str, Any], place: str = "") -> None:
    if not isinstance(made_with, dict):
        return
    # A key that the config has got since had no other value then.
    for key, value in made_with.items():
        name = f"{place}.{key}" if place else key
        present = now.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _compare(path, value, present, name)
        elif value != present:
            raise InputError(
                "the results were made with another config than stands beside them",
                file=path,
                position=f"key {name}",
                found=value,
                allowed=f"{present}, as in config.yaml",
                fix="run snakemake to its end",
            )
