"""Tables of GB1 variants as the task reads them.

    python benchmarks/protein_fitness/prepare.py

GB1 (Wu et al. 2016) names variants by the letters at places 39, 40, 41 and 54. Nothing else
varies, so these four letters are the sequence. Its FLIP splits each become a column of folds;
rows that a split leaves out have none, so each split is a table of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.io.atomic import write_text  # noqa: E402

DATA = REPOSITORY.parent / "shared" / "data" / "protein_variant_effect"
OUT = REPOSITORY / "results" / "benchmarks" / "protein_fitness" / "inputs"
WILD_TYPE = "VDGV"
SPLITS = ("one_vs_rest", "two_vs_rest", "three_vs_rest", "low_vs_high", "sampled")


def main() -> int:
    if not DATA.exists():
        print(f"skipped: the data is not here ({DATA})", file=sys.stderr)
        return 0
    write_text(OUT / "gb1.fasta", f">GB1 places 39, 40, 41 and 54\n{WILD_TYPE}\n")
    table = pd.read_csv(DATA / "flip_gb1.tsv.gz", sep="\t")
    table = table[table["in_flip"] == 1]
    for split in SPLITS:
        used = table[table[split].notna()]
        used = used[["variant", "fitness"]].assign(fold=used[split])
        write_text(OUT / f"gb1_{split}.csv", used.to_csv(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
