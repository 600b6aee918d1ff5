"""Does in-silico mutagenesis of the lac promoter find the CRP, -35 and -10 sites?

    python benchmarks/lac_promoter/sites.py

after `python benchmarks/run_accuracy.py benchmarks/lac_promoter/config.yaml`; writes
benchmarks/results/lac_promoter_sites.tsv (how many of the k most important places lie in
the sites, against chance) and lac_promoter_places.tsv (every place).

A place's importance is the mean absolute change of the mean bin over its three other
letters, averaged over the seeds; in the wild type, and averaged over test sequences. The
probability is hypergeometric: k places drawn at random would hold as many site places. It
takes places as independent, which neighbours in a site are not: read it as a measure of
distance from chance. Of the CRP site, TGTGAnnnnnnTCACA, six of sixteen places are a spacer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import stats

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

from run_accuracy import write_table  # noqa: E402

from bioseq_dl.config import load_config  # noqa: E402
from bioseq_dl.encode.alphabet import DNA  # noqa: E402
from bioseq_dl.layout import model_folder  # noqa: E402
from bioseq_dl.perturb.engine import Engine, prepare  # noqa: E402
from bioseq_dl.perturb.mutagenesis import mutate_everywhere  # noqa: E402
from bioseq_dl.train.checkpoint import read_checkpoint, restore_model  # noqa: E402

Floats = NDArray[np.float64]
SITES = {"CRP": (6, 22), "-35": (39, 45), "-10": (63, 69)}
"""0-based half-open, as the data's notes give them."""
TOP = (5, 10, 15, 20, 28)
SEQUENCES = 200
"""Test sequences whose importances are averaged."""
CONFIG = Path(__file__).parent / "config.yaml"
TABLES = REPOSITORY / "benchmarks" / "results"


def find_wild_type(sequences: pd.Series) -> str:
    """Give the most frequent letter of each place: the sequence that was mutagenised."""
    letters = np.array([list(sequence) for sequence in sequences])
    return "".join(pd.Series(column).mode()[0] for column in letters.T)


def measure_places(engines: list[Engine], codes: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Give each place's mean absolute change and mean change of the output.

    Parameters
    ----------
    engines : list of Engine
        One a seed, of one target.
    codes : uint8, shape (length,)
        The sequence.
    """
    changes = np.mean([_changes(engine, codes) for engine in engines], axis=0)
    others = len(DNA.letters) - 1
    return np.abs(changes).sum(axis=1) / others, changes.sum(axis=1) / others


def _changes(engine: Engine, codes: NDArray[np.uint8]) -> Floats:
    """Change of the output by place and letter; 0 at the sequence's own letters."""
    outputs = mutate_everywhere(engine, codes)[..., 0].astype(np.float64)
    return outputs - outputs[np.arange(len(codes)), codes][:, None]


def count_hits(
    importance: Floats, sites: Mapping[str, tuple[int, int]], top: int
) -> dict[str, Any]:
    """Count the most important places that lie in the sites.

    Returns
    -------
    dict
        hits of `top`, expected by chance, enrichment, p (hypergeometric, one-sided), and hits
        by site.
    """
    best = np.argsort(-importance, kind="stable")[:top]
    inside = {name: (best >= start) & (best < end) for name, (start, end) in sites.items()}
    hits = int(sum(found.sum() for found in inside.values()))
    size = sum(end - start for start, end in sites.values())
    expected = top * size / len(importance)
    return {
        "top": top,
        "in_sites": hits,
        "expected": expected,
        "p": f"{stats.hypergeom.sf(hits - 1, len(importance), size, top):.2g}",
    } | {f"in_{name}": int(found.sum()) for name, found in inside.items()}


def name_site(place: int) -> str:
    """Give the site a place lies in, or a dot."""
    return next((name for name, (start, end) in SITES.items() if start <= place < end), ".")


def main() -> int:
    config = load_config(CONFIG)
    run = config.runs["lac_promoter"]
    results = REPOSITORY / config.results
    if not (results / "mean_bin.csv").exists():
        print("skipped: run benchmarks/run_accuracy.py on the config first", file=sys.stderr)
        return 0
    torch.set_num_threads(1)
    table = pd.read_csv(results / "mean_bin.csv")
    wild_type = find_wild_type(table["sequence"][table["set"] == "training"])
    engines = []
    for seed in run.train.seeds:
        checkpoint = read_checkpoint(model_folder(results, "lac_promoter", 0, seed) / "model.pt")
        engines.append(prepare(restore_model(checkpoint), torch.device("cpu"), checkpoint.unknown))
    mutated, direction = measure_places(engines, DNA.encode(wild_type.encode()))
    tested = table["sequence"][table["set"] == "test"].iloc[:SEQUENCES]
    averaged = np.mean(
        [measure_places(engines, DNA.encode(one.encode()))[0] for one in tested], axis=0
    )
    rows = [
        {"mutated": name} | count_hits(importance, SITES, top)
        for name, importance in (
            ("wild type", mutated),
            (f"{len(tested)} test sequences", averaged),
        )
        for top in TOP
    ]
    write_table(TABLES / "lac_promoter_sites.tsv", rows)
    ranks = stats.rankdata(-mutated, method="ordinal")
    places = [
        {"place": place, "letter": letter, "site": name_site(place), "rank": int(ranks[place])}
        | {"importance": float(mutated[place]), "mean_change": float(direction[place])}
        | {"importance_in_test_sequences": float(averaged[place])}
        for place, letter in enumerate(wild_type)
    ]
    write_table(TABLES / "lac_promoter_places.tsv", places)
    return 0


if __name__ == "__main__":
    sys.exit(main())
