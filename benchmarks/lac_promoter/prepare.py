"""Mean bin of each lac promoter variant, from the counts of the sort-seq experiment.

    python benchmarks/lac_promoter/prepare.py

The data holds, per sequence, how often it was found in each of ten fluorescence bins. A
regression needs one number: the mean bin, 0 the dimmest. Most sequences were seen once
(1.03 counts on average), so a weight by counts would change next to nothing; there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.io.atomic import write_text  # noqa: E402

COUNTS = REPOSITORY.parent / "shared" / "data" / "mavenn_mave" / "sortseq_data.csv.gz"
OUT = REPOSITORY / "results" / "benchmarks" / "lac_promoter" / "mean_bin.csv"


def average_bins(table: pd.DataFrame) -> pd.DataFrame:
    """Give sequence, official fold and mean bin of each row.

    Parameters
    ----------
    table : DataFrame
        Columns ``x`` (sequence), ``set`` (fold), ``ct_0``, ``ct_1``, … (counts by bin).
    """
    names = [name for name in table if name.startswith("ct_")]
    names.sort(key=lambda name: int(name.removeprefix("ct_")))
    counts = table[names].to_numpy(float)
    mean = counts @ range(len(names)) / counts.sum(axis=1)
    return pd.DataFrame({"sequence": table["x"], "set": table["set"], "mean_bin": mean})


def main() -> int:
    if not COUNTS.exists():
        print(f"skipped: the data is not here ({COUNTS})", file=sys.stderr)
        return 0
    write_text(OUT, average_bins(pd.read_csv(COUNTS)).to_csv(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
