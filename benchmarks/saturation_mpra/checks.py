"""Three checks of the trained models, on data that are written in two ways.

    python benchmarks/saturation_mpra/checks.py

after run.py, and writes benchmarks/results/saturation_mpra_checks.tsv: how far scores are apart

- from the VCF and from the table of windows, through two different steps (``variants``,
  ``predict``);
- on the two strands of MSMB, which GRCh38 holds inverted;
- of HNF4A on the element alone and on chromosome 20 of GRCh37, away from the element's ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).parent)]

from agreement import CLASSES, correlate  # noqa: E402
from prepare import (  # noqa: E402
    DELETED,
    SOURCE,
    WINDOW,
    Element,
    read_elements,
    read_variants,
    write_vcf,
)
from run import CONFIG, call_variants, find_roles, pick, subtract  # noqa: E402
from strand import NAME, mirror, stands_alone  # noqa: E402

from bioseq_dl.config import Run, load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.io.parquet import read_parquet  # noqa: E402
from bioseq_dl.layout import model_folder, stage_folder  # noqa: E402

TABLE = REPOSITORY / "benchmarks" / "results" / "saturation_mpra_checks.tsv"
CHROMOSOME = SOURCE.parent / "dna_chr20_b37"
RUN = "locus"
Rows = list[dict[str, object]]


def main() -> int:
    if not SOURCE.is_dir():
        print(f"skipped: the data is not here ({SOURCE})", file=sys.stderr)
        return 0
    config = load_config(CONFIG)
    run, results = config.runs[RUN], REPOSITORY / config.results
    elements = read_elements(SOURCE)
    variants = read_variants(SOURCE, elements)
    folds = read_parquet(stage_folder(results, run, "split") / "split.parquet").to_pandas()
    for fold in range(run.split.folds):
        tested = find_roles(variants, folds["id"], folds[f"fold{fold}"]) == "test"
        variants.loc[tested, "fold"] = fold
    variants["alone"] = [
        stands_alone(elements[v.element], v.position) for v in variants.itertuples()
    ]
    rows = compare_steps(results, run, variants)
    rows += compare_strands(results, run, elements, variants)
    rows += compare_assemblies(results, run, variants)
    table = pd.DataFrame(rows)
    write_text(TABLE, table.to_csv(sep="\t", index=False, float_format="%.3g", na_rep=""))
    print(table.to_string(index=False))
    return 0


def list_models(results: Path, run: Run, fold: int) -> list[Path]:
    """Give the seeds of a fold."""
    return [model_folder(results, RUN, fold, seed) / "model.pt" for seed in run.train.seeds]


def read_scores(results: Path, fold: int, variants: pd.DataFrame) -> pd.Series:
    """Give the differences that run.py scored from the VCF."""
    path = results / "runs" / RUN / "variants" / f"fold{fold}" / "scored.parquet"
    scored = read_parquet(path).to_pandas().set_index("id")
    return pd.Series(pick(scored, variants)[:, 0], variants.index)


def compare_steps(results: Path, run: Run, variants: pd.DataFrame) -> Rows:
    """Compare scores from the VCF with those of predictions.parquet, the mean over seeds."""
    here, there = [], []
    for fold in range(run.split.folds):
        mine = variants[variants["fold"] == fold]
        here.append(read_scores(results, fold, mine))
        seeds = []
        for model in list_models(results, run, fold):
            table = read_parquet(model.with_name("predictions.parquet")).to_pandas()
            levels = dict(zip(table["id"], table["output:level"], strict=True))
            seeds.append(subtract(levels, mine))
        there.append(pd.Series(np.mean(seeds, axis=0), mine.index))
    return describe("VCF and table of windows", variants, pd.concat(here), pd.concat(there))


def compare_strands(
    results: Path, run: Run, elements: dict[str, Element], variants: pd.DataFrame
) -> Rows:
    """Compare MSMB's scores as GRCh38 has it and as GRCh37 has it."""
    mine = variants[variants["element"] == NAME]
    turned, mirrored = mirror(elements[NAME], mine)
    models = list_models(results, run, int(mine["fold"].iloc[0]))
    found = []
    for name, whose, table in (("38", elements[NAME], mine), ("37", turned, mirrored)):
        folder = results / "checks" / f"strand{name}"
        write_text(folder / "in.vcf", write_vcf({NAME: whose}, table))
        write_text(folder / "genome.fa", f">{NAME}\n{whose.sequence}\n")
        scored = call_variants(models, folder / "in.vcf", folder / "genome.fa", folder)
        found.append(pd.Series(pick(scored, table)[:, 0], mine.index))
    return describe("MSMB on either strand", mine, *found)


def compare_assemblies(results: Path, run: Run, variants: pd.DataFrame) -> Rows:
    """Compare HNF4A's scores on the element with those on chromosome 20 of GRCh37."""
    mine = variants[variants["element"] == "HNF4A"]
    fold = int(mine["fold"].iloc[0])
    vcf = CHROMOSOME / "HNF4A_satmpra_b37.vcf.gz"
    genome = CHROMOSOME / "chr20_b37_masked_42.5-46.5Mb.fa.gz"
    models = list_models(results, run, fold)
    table = call_variants(models, vcf, genome, results / "checks" / "hnf4a").reset_index()
    unscored = table.loc[table["status"] != "scored", "status"].value_counts()
    if len(unscored):
        raise RuntimeError(f"not all of HNF4A is scored: {dict(unscored)}")
    # VCF names a deletion by the base before it.
    deleted = table["ref"].str.len() > 1
    table["alt"] = table["alt"].mask(deleted, DELETED)
    table["position"] = table["start"] + deleted - table["start"].min()
    scores = table.set_index(["position", "alt"])["diff:level"]
    inner = WINDOW // 2 + 2
    mine = mine[mine["position"].between(inner, mine["position"].max() - inner)]
    keys = list(zip(mine["position"], mine["alt"], strict=True))
    there = pd.Series(scores.loc[keys].to_numpy(np.float64), mine.index)
    name = "HNF4A on element and chromosome"
    return describe(name, mine, read_scores(results, fold, mine), there)


def describe(name: str, variants: pd.DataFrame, here: pd.Series, there: pd.Series) -> Rows:
    """Give a row per class; deletions of one of several equal bases apart."""
    deleted = variants["alt"] == DELETED
    parts = dict(zip(CLASSES, (~deleted, deleted & variants["alone"]), strict=True))
    parts["deletion in a run"] = deleted & ~variants["alone"]
    rows: Rows = []
    for part, kept in parts.items():
        one = here[variants.index[kept]].to_numpy(np.float64)
        two = there[variants.index[kept]].to_numpy(np.float64)
        both = np.isfinite(one) & np.isfinite(two)
        row: dict[str, object] = {"check": name, "class": part, "variants": int(both.sum())}
        row["largest_difference"] = float(np.abs(one - two)[both].max())
        rows.append(row | correlate(one[both], two[both]))
    return rows


if __name__ == "__main__":
    sys.exit(main())
