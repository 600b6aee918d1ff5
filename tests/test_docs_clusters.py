"""The table of faults names tests that exist, and all that are made on Slurm."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "clusters.md").read_text()
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "::" in line]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


@cache
def list_tests(path: Path) -> set[str]:
    body = ast.parse(path.read_text()).body
    return {each.name for each in body if isinstance(each, ast.FunctionDef)}


def test_each_fault_names_a_test_that_exists() -> None:
    assert len(ROWS) > 30
    assert len(NAMED) == len(ROWS)
    for name, test in NAMED:
        assert test.startswith("test_")
        assert test in list_tests(REPOSITORY / name), f"{name}::{test}"


def test_each_test_on_slurm_is_in_the_table() -> None:
    path = REPOSITORY / "tests" / "slurm" / "test_slurm.py"
    tests = {name for name in list_tests(path) if name.startswith("test_")}
    assert tests == {test for name, test in NAMED if name == "tests/slurm/test_slurm.py"}


def test_what_the_guide_says_of_the_profile_is_in_it() -> None:
    profile = (REPOSITORY / "profiles" / "slurm" / "config.yaml").read_text()
    for words in ("--signal=TERM@120", "retries: 3", "slurm-jobname-prefix: bioseq"):
        assert words in profile
    assert (REPOSITORY / "profiles" / "kubernetes" / "job.yaml").is_file()
    assert "trap : TERM" in (REPOSITORY / "workflow" / "rules" / "common.smk").read_text()
