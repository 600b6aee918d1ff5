"""How many test values the 90 % conformal intervals of the benchmark's runs hold.

    python benchmarks/protein_fitness/intervals.py

after run_accuracy.py writes benchmarks/results/protein_fitness_intervals.tsv: a row per run that
was trained here and whose loss has a scale (not rank). As in the step landscape, intervals are set
on the validation records of the first fold, in units of the seeds' spread; the runs keep their last
epoch, so that validation picked none.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.landscape.conformal import fit_conformal  # noqa: E402
from bioseq_dl.provenance import describe_hardware, read_git_commit  # noqa: E402

CONFIDENCE = 0.9


def main() -> int:
    config = load_config(Path(__file__).with_name("config.yaml"))
    rows = []
    for name, run in config.runs.items():
        if run.train.loss == "rank":
            continue
        folder = REPOSITORY / config.results / "runs" / name / "fold0"
        paths = [folder / f"seed{seed}" / "predictions.parquet" for seed in run.train.seeds]
        if missing := [path for path in paths if not path.exists()]:
            print(f"skipped {name}: run run_accuracy.py first ({missing[0]})", file=sys.stderr)
            continue
        trained = json.loads(paths[0].with_name("train.json").read_text())
        rows += [
            {"run": name, "target": target}
            | measure_coverage(paths, target)
            | {"seeds": len(paths), "commit": trained["git_commit"]}
            for target in run.targets.names
        ]
    if not rows:
        return 0
    text = io.StringIO()
    hardware = describe_hardware()
    text.write(f"# {hardware['cpu']}, {hardware['cores']} cores; table at {read_git_commit()}\n")
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(
        REPOSITORY / "benchmarks" / "results" / "protein_fitness_intervals.tsv", text.getvalue()
    )
    print(text.getvalue(), end="")
    return 0


def measure_coverage(
    paths: list[Path], target: str, confidence: float = CONFIDENCE
) -> dict[str, Any]:
    """Set intervals on val, and count the test values that they hold.

    Parameters
    ----------
    paths : list of Path
        predictions.parquet of the seeds of one fold.
    target : str
    confidence : float
    """
    tables = [pq.read_table(path) for path in paths]
    ids = tables[0].column("id")
    if not all(table.column("id").equals(ids) for table in tables):
        raise ValueError("the seeds predict different records")
    outputs = np.stack([table.column(f"output:{target}").to_numpy() for table in tables])
    mean = outputs.mean(axis=0, dtype=np.float64)
    spread = (
        outputs.std(axis=0, ddof=1, dtype=np.float64) if len(tables) > 1 else np.zeros(len(mean))
    )
    truth = tables[0].column(f"target:{target}").to_numpy().astype(np.float64)
    role = np.array(tables[0].column("role").to_pylist())
    val, test = role == "val", (role == "test") & ~np.isnan(truth)
    fitted = fit_conformal(truth[val], mean[val], spread[val], confidence)
    half = fitted.half_width(spread[test])
    held = np.abs(truth[test] - mean[test]) <= half
    return {
        "confidence": confidence,
        "validation": fitted.records,
        "test": int(test.sum()),
        "coverage": round(float(held.mean()), 4),
        "median_width": round(float(2 * np.median(half)), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
