"""Every malformed input through the command line: one line, exit code 2, nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from malformed_inputs import MALFORMED

from bioseq_dl.cli.main import main

# Step: its options, each an output or what an earlier step wrote.
STEPS = {
    "fetch": ("--cache cache", "--out sources.json"),
    "ingest": (
        "--cache cache --sources sources.json",
        "--records records.parquet --rejected rejected.tsv --summary ingest.json",
    ),
    "split": (
        "--records records.parquet",
        "--folds split.parquet --audit audit.json --pairs audit_pairs.tsv",
    ),
    "encode": (
        "--records records.parquet --folds split.parquet",
        "--examples examples.safetensors",
    ),
    "train": ("--examples examples.safetensors", "--model model/model.pt"),
}


def words(step: str, folder: Path) -> list[str]:
    options = " ".join(STEPS[step]).split()
    found = [word if word.startswith("--") else str(folder / word) for word in options]
    return [step, "--config", str(folder / "config.yaml"), "--run", "run", *found]


def outputs(step: str) -> set[str]:
    return {word for word in STEPS[step][1].split() if not word.startswith("--")}


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_the_command_says_it_in_one_line_and_leaves_nothing(case, tmp_path, capfd):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(case.make(tmp_path)))
    wanted = case.message
    if case.step == "config":
        wanted = f"{{tmp}}/config.yaml{', ' if wanted.startswith('key ') else ': '}{wanted}"
    failing = "fetch" if case.step == "config" else case.step
    for step in STEPS:
        capfd.readouterr()
        code = main(words(step, tmp_path))
        lines = capfd.readouterr().err.splitlines()
        if code or step == failing:
            break
    assert (step, code) == (failing, 2)
    # Before its error a step may have told of its progress, never more.
    told = [line for line in lines if not line.startswith("[")]
    assert [line.replace(str(tmp_path), "{tmp}") for line in told] == [f"error: {wanted}"]
    assert lines[-1] == told[0]
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert not left & outputs(step)
    assert not [name for name in left if ".part" in name or name.startswith("model")]
