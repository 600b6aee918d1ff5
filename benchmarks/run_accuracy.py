"""Run a config through the workflow and write its figures beside the published ones.

    python benchmarks/run_accuracy.py benchmarks/gue/config.yaml

writes benchmarks/results/gue.tsv: a row per run and published metric, with the interval,
the baselines on the same test records, the paired differences, the cost of training,
the hash of the data and the commit. Nothing is chosen here: the configs were fixed on
validation data before their test records were looked at. A prepare.py beside the config
runs first, and makes the inputs that the data does not hold as they are needed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import Run, load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.provenance import describe_hardware, read_git_commit  # noqa: E402
from bioseq_dl.steps import stage_key  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--cores", default="2")
    parser.add_argument("--only-table", action="store_true", help="do not run the workflow")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    prepare = arguments.config.parent / "prepare.py"
    if prepare.exists() and not arguments.only_table:
        subprocess.run([sys.executable, str(prepare.resolve())], cwd=REPOSITORY, check=True)
    missing = [path for path in local_paths(config.runs.values()) if not path.exists()]
    if missing:
        print(f"skipped: the data is not here ({missing[0]})", file=sys.stderr)
        return 0
    if not arguments.only_table:
        command = [sys.executable, "-m", "snakemake", "--cores", arguments.cores]
        command += ["--configfile", str(arguments.config.resolve())]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    rows = []
    for name, run in config.runs.items():
        rows += tabulate(name, run, REPOSITORY / config.results)
    name = arguments.config.parent.name
    write_table(REPOSITORY / "benchmarks" / "results" / f"{name}.tsv", rows)
    return 0


def local_paths(runs: Any) -> list[Path]:
    return [
        REPOSITORY / entry.source.path
        for run in runs
        for entry in run.ingest.inputs
        if entry.source.path is not None
    ]


def tabulate(name: str, run: Run, results: Path) -> list[dict[str, Any]]:
    folder = results / "runs" / name
    judged = json.loads((folder / "evaluation" / "metrics.json").read_text())
    trained = [
        json.loads(path.read_text()) for path in sorted(folder.glob("fold*/seed*/train.json"))
    ]
    sources = json.loads((results / "data" / stage_key(run, "ingest") / "sources.json").read_text())
    rows = []
    for published in run.published:
        target = published.target or run.targets.names[0]
        mine = judged["predictors"]["model"][target][published.metric]
        row = {
            "run": name,
            "metric": published.metric,
            "test_records": judged["records"][target]["test"],
            "ensemble": mine["value"],
            "low": mine["low"],
            "high": mine["high"],
            "seeds_mean": mine["seeds"]["mean"] if mine["seeds"] else None,
            "seeds_sd": mine["seeds"]["sd"] if mine["seeds"] else None,
        }
        row |= against_baselines(judged, target, published.metric)
        row |= {
            "published": published.value,
            "source": published.source,
            "auroc": judged["predictors"]["model"][target].get("auroc", {}).get("value"),
        }
        others = against_baselines(judged, target, "auroc")
        row |= {f"auroc_{key}": value for key, value in others.items()}
        row |= {
            "parameters": trained[0]["parameters"],
            "seeds": len({t["seed"] for t in trained}),
            "train_seconds_each": round(sum(t["training_seconds"] for t in trained) / len(trained)),
            "precision": trained[0]["precision"],
            "data_sha256": digest(sources),
            "commit": trained[0]["git_commit"],
        }
        rows.append(row)
    return rows


def against_baselines(judged: dict[str, Any], target: str, metric: str) -> dict[str, Any]:
    """Each baseline's figure but the prior's, and ours less it with its interval."""
    found: dict[str, Any] = {}
    for entry in judged["comparisons"]:
        name = entry["baseline"]
        if (entry["metric"], entry["target"]) == (metric, target) and name != "prior":
            found |= {
                name: entry["baseline_value"],
                f"less_{name}": entry["difference"],
                f"less_{name}_low": entry["low"],
                f"less_{name}_high": entry["high"],
            }
    return found


def digest(sources: dict[str, dict[str, Any]]) -> str:
    """One hash for all files of a run."""
    hashes = sorted(entry["sha256"] for entry in sources.values())
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    hardware = describe_hardware()
    lines = [f"# {hardware['cpu']}, {hardware['cores']} cores; table at {read_git_commit()}"]
    lines.append("\t".join(columns))
    for row in rows:
        values = [row.get(column) for column in columns]
        lines.append("\t".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in values))
    write_text(path, "\n".join(lines) + "\n")
    for line in csv.reader(lines[1:], delimiter="\t"):
        print("  ".join(f"{cell[:14]:14}" for cell in line[:13]))
    print(f"wrote {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    sys.exit(main())
