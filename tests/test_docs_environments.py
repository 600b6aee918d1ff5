"""docs/environments.md says what stands in the env files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from bioseq_dl.steps import STEPS

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "environments.md").read_text()


def read_packages(step: str) -> set[str]:
    lines = yaml.safe_load((REPOSITORY / "envs" / f"{step}.yaml").read_text())["dependencies"]
    of_pip = [word for line in lines if isinstance(line, dict) for word in line["pip"]]
    names = {line.split(" ")[0] for line in lines if isinstance(line, str)}
    return names - {"python", "pip"} | {word.split(" ")[0] for word in of_pip}


def test_the_table_lists_what_each_env_holds() -> None:
    told = dict(re.findall(r"^\| (\w+) \| ([\w, -]+) \|$", TEXT, re.MULTILINE))
    told.pop("step")
    assert list(told) == list(STEPS), "the rows are not the steps, in their order"
    for step, packages in told.items():
        assert {*packages.split(", "), "pydantic", "pyyaml"} == read_packages(step), step


def test_what_a_site_installs_is_that_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    needed = [*project["optional-dependencies"]["workflow"], *project["dependencies"]]
    assert "pip install " + " ".join(f"'{word}'" for word in needed) in TEXT
