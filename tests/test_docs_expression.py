"""The examples of docs/expression.md are configs that can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bioseq_dl.config import validate_config

TEXT = (Path(__file__).parents[1] / "docs" / "expression.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_guide_are_valid(example: str) -> None:
    config = validate_config(yaml.safe_load(example))
    assert all(run.task == "expression" for run in config.runs.values())


def test_the_guide_has_examples() -> None:
    assert len(EXAMPLES) >= 6
