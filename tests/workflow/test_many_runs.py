"""Many configs: the jobs that are planned, and what they do not depend on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workflow_project import Project, write_fasta

pytestmark = pytest.mark.workflow


def count_jobs(project: Project) -> dict[str, int]:
    done = project.run("--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.M)}


@pytest.fixture
def many(project: Project, make_run: Callable[..., dict[str, Any]]) -> Project:
    runs = {}
    for number in range(12):
        run = make_run()
        run["train"] |= {"seeds": [1, 2, 3], "learning_rate": 1e-3 * (number + 1)}
        run["split"] = run["split"] | {"seed": number // 4}
        runs[f"run{number}"] = run
    project.configure(**runs)
    return project


def test_runs_and_seeds_make_the_jobs_and_shared_stages_are_planned_once(many: Project) -> None:
    jobs = count_jobs(many)
    assert jobs.pop("total") == sum(jobs.values())
    assert jobs["fetch"] == jobs["ingest"] == jobs["report"] == 1
    assert jobs["split"] == jobs["encode"] == 3
    assert jobs["baseline"] == 3 * 2
    assert jobs["train"] == jobs["predict"] == 12 * 3
    assert jobs["evaluate"] == 12


def test_no_job_is_of_a_single_record(many: Project) -> None:
    few = count_jobs(many)
    for seed, name in ((3, "bound"), (4, "background")):
        write_fasta(many.folder / "data" / f"{name}.fa", 3000, motif=False, seed=seed)
    assert count_jobs(many) == few
    # Nor once ingest has read them.
    done = many.run("--until", "encode")
    assert done.returncode == 0, done.stdout
    assert len(list((many.folder / "results/data").rglob("examples.safetensors"))) == 3
    rest = count_jobs(many)
    assert all(rest[name] == few[name] for name in ("train", "predict", "evaluate", "baseline"))
    assert set(rest) <= set(few)


def test_the_benchmark_plans_the_jobs_it_names(tmp_path: Path) -> None:
    import importlib.util

    path = Path(__file__).parents[2] / "benchmarks" / "many_runs" / "run.py"
    spec = importlib.util.spec_from_file_location("many_runs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = module.write_projects(tmp_path, runs=8, seeds=2)
    ours, bare = (module.take_time(words[name]) for name in ("bioseq_dl", "bare"))
    # 8 runs share 4 splits; every fourth scores a VCF: fetch, two parts, gather.
    assert ours["jobs"] == 2 + 4 + 4 + 8 + 16 + 16 + 8 + 2 * 4 + 2
    assert bare["jobs"] == 2 + 8 + 8 + 16 + 16 + 16 + 8 + 2
