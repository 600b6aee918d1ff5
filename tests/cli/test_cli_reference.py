"""docs/config.md and config/schema.json say what the models say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bioseq_dl.cli.main import main
from bioseq_dl.cli.reference import write_reference, write_schema
from bioseq_dl.config import Config

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "make"), [("docs/config.md", write_reference), ("config/schema.json", write_schema)]
)
def test_written_reference_is_that_of_the_models(name: str, make: object) -> None:
    path = REPOSITORY / name
    assert path.exists(), f"{name} is missing: run make reference"
    assert path.read_text(encoding="utf-8") == make(), f"{name} is old: run make reference"  # type: ignore[operator]


def test_every_key_is_described() -> None:
    lines = [line for line in write_reference().splitlines() if line.startswith("| `")]
    assert len(lines) > 100
    assert [line for line in lines if line.endswith("|  |")] == []
    assert "class 'bioseq_dl" not in write_reference()


def test_schema_knows_every_section() -> None:
    schema = json.loads(write_schema())
    assert set(schema["properties"]) == set(Config.model_fields)
    assert set(schema["$defs"]) >= {"Train", "Split", "IntervalsInput"}


def test_reference_is_printed_or_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reference"]) == 0
    assert capsys.readouterr().out == write_reference()
    assert main(["reference", "--format", "json", "--out", str(tmp_path / "a.json")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == write_schema()
