"""What the benchmark's networks tell besides the class: embeddings, unknown cells, anomalies.

    python benchmarks/expression/measures.py

after run_accuracy.py writes benchmarks/results/expression_measures.tsv: of each run the measures of
its embedding beside as many principal components, what calling cells unknown does, and, of networks
with a decoder, the area under the ROC of the reconstruction error.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.provenance import describe_hardware, read_git_commit  # noqa: E402

COLUMNS = (
    "run", "measure", "value", "low", "high",
    "pca", "less_pca", "less_pca_low", "less_pca_high", "commit",
)  # fmt: skip


def main() -> int:
    config = load_config(Path(__file__).with_name("config.yaml"))
    rows = []
    for name in config.runs:
        folder = REPOSITORY / config.results / "runs" / name
        path = folder / "evaluation" / "metrics.json"
        if not path.exists():
            print(f"skipped {name}: run run_accuracy.py first ({path})", file=sys.stderr)
            continue
        trained = json.loads(next(folder.glob("fold*/seed*/train.json")).read_text())
        judged = json.loads(path.read_text())
        commit = {"commit": trained["git_commit"]}
        rows += [{"run": name} | row | commit for row in tabulate(judged)]
    if not rows:
        return 0
    text = io.StringIO()
    hardware = describe_hardware()
    text.write(f"# {hardware['cpu']}, {hardware['cores']} cores; table at {read_git_commit()}\n")
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        shown = {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()}
        writer.writerow(shown)
    target = REPOSITORY / "benchmarks" / "results" / "expression_measures.tsv"
    write_text(target, text.getvalue())
    print(text.getvalue(), end="")
    return 0


def tabulate(judged: dict[str, Any]) -> list[dict[str, Any]]:
    """Give a row a measure of one run's metrics.json; PCA's where there is one."""
    rows: list[dict[str, Any]] = []
    if (embedding := judged["embedding"]) is not None:
        found = embedding["predictors"]
        compared = {entry["metric"]: entry for entry in embedding["comparisons"]}
        for measure, mine in found["model"].items():
            beside = compared.get(measure, {})
            rows.append(
                bound(f"embedding: {measure}", mine)
                | {
                    "pca": found.get("pca", {}).get(measure, {}).get("value"),
                    "less_pca": beside.get("difference"),
                    "less_pca_low": beside.get("low"),
                    "less_pca_high": beside.get("high"),
                }
            )
    for target in (judged["unknown"] or {}).values():
        rows += [
            bound(f"unknown: {measure}", target[measure])
            for measure in ("unknown", "wrong_caught", "accuracy_rest", "f1_rest")
        ]
    if (anomaly := judged["anomaly"]) is not None:
        rows += [
            bound(f"anomaly: auroc, {kind}", entry["auroc"])
            for kind, entry in anomaly["kinds"].items()
        ]
    return rows


def bound(measure: str, found: dict[str, Any]) -> dict[str, Any]:
    """Give a value and its interval."""
    return {"measure": measure} | {key: found[key] for key in ("value", "low", "high")}


if __name__ == "__main__":
    sys.exit(main())
