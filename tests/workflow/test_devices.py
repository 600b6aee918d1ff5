"""What a training on several devices asks the scheduler for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from workflow_project import Project

pytestmark = pytest.mark.workflow


def test_threads_are_of_each_process_and_gpus_are_asked_for_by_name(
    project: Project, make_run: Callable[..., dict[str, Any]]
) -> None:
    plain = make_run()["train"] | {"seeds": [1], "threads": 2, "devices": 3}
    project.configure(auto=make_run(train=plain), cuda=make_run(train=plain | {"device": "cuda"}))
    done = project.run("--dry-run", "--cores", "16")
    assert done.returncode == 0, done.stdout
    asked = {}
    for part in done.stdout.split("\nrule ")[1:]:
        if part.startswith("train:"):
            run = re.search(r"run=(\w+)", part)
            threads = re.search(r"threads: (\d+)", part)
            gpu = re.search(r"gpu=(\d+)", part)
            assert run is not None
            assert threads is not None
            asked[run[1]] = int(threads[1]), int(gpu[1]) if gpu else None
    assert asked == {"auto": (6, 0), "cuda": (6, 3)}
