"""All figures of the benchmark of secondary structure, state by state.

    python benchmarks/protein_residue/metrics.py

after run_accuracy.py: writes benchmarks/results/protein_residue_metrics.tsv, a row per run, target
and metric (accuracy, SOV'99, each state's recall, precision and SOV'99): the ensemble with its
interval by protein, single seeds, the linear window on the same residues, the paired difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.layout import evaluation_folder  # noqa: E402

HERE = Path(__file__).parent
OUT = REPOSITORY / "benchmarks" / "results" / "protein_residue_metrics.tsv"
BASELINE = "window"


def main() -> int:
    config = load_config(HERE / "config.yaml")
    rows = []
    for name in config.runs:
        path = REPOSITORY / evaluation_folder(config.results, name) / "metrics.json"
        if not path.exists():
            print(f"skipped {name}: run run_accuracy.py before", file=sys.stderr)
            continue
        judged = json.loads(path.read_text())
        paired = {
            (entry["target"], entry["metric"]): entry
            for entry in judged["comparisons"]
            if entry["baseline"] == BASELINE
        }
        for target, metrics in judged["predictors"]["model"].items():
            for metric, mine in metrics.items():
                against = paired.get((target, metric), {})
                rows.append(
                    {
                        "run": name,
                        "target": target,
                        "metric": metric,
                        "model": mine["value"],
                        "low": mine["low"],
                        "high": mine["high"],
                        "seeds_mean": (mine["seeds"] or {}).get("mean"),
                        BASELINE: against.get("baseline_value"),
                        "difference": against.get("difference"),
                        "difference_low": against.get("low"),
                        "difference_high": against.get("high"),
                    }
                )
    if rows:
        text = pd.DataFrame(rows).to_csv(sep="\t", index=False, float_format="%.4f")
        write_text(OUT, text)
        print(f"wrote {OUT.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
