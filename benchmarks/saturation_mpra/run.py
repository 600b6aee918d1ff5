"""Train with loci, blocks or positions held out, and score the held-out variants from a VCF.

    python benchmarks/saturation_mpra/run.py

prepares the inputs, runs the workflow on config.yaml, scores the VCF with the models of every
fold (``bioseq-dl variants``), keeps of each fold the variants that it held out, and writes
benchmarks/results/saturation_mpra.tsv: a row per way of holding out, experiment and class, with
intervals, simple predictors fitted on the same folds, and what a second measurement reaches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).parent)]

from agreement import METRICS, average_loci, find_ceiling, score_experiments  # noqa: E402
from opponents import (  # noqa: E402
    describe_changes,
    predict_from_changes,
    predict_from_neighbours,
)
from prepare import (  # noqa: E402
    DELETED,
    DEVELOPMENT,
    INPUTS,
    SOURCE,
    Element,
    prepare,
    read_elements,
    read_variants,
)

from bioseq_dl.config import Run, load_config  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.io.parquet import read_parquet  # noqa: E402
from bioseq_dl.layout import baseline_folder, model_folder, stage_folder  # noqa: E402
from bioseq_dl.provenance import describe_hardware, hash_file, read_git_commit  # noqa: E402

CONFIG = Path(__file__).with_name("config.yaml")
TABLE = REPOSITORY / "benchmarks" / "results" / "saturation_mpra.tsv"
CACHE = INPUTS.parent / "cache"
UNKNOWN = 0.6
"""As in config.yaml: windows at an element's end are half N."""

Mask = NDArray[np.bool_]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="1")
    parser.add_argument("--only-table", action="store_true", help="do not run the workflow")
    arguments = parser.parse_args()
    if not SOURCE.is_dir():
        print(f"skipped: the data is not here ({SOURCE})", file=sys.stderr)
        return 0
    elements = read_elements(SOURCE)
    variants = read_variants(SOURCE, elements)
    if not arguments.only_table:
        prepare(SOURCE, INPUTS)
        command = [sys.executable, "-m", "snakemake", "--cores", arguments.cores]
        command += ["--configfile", str(CONFIG.resolve())]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    variants["locus"] = variants["element"].map({e.name: e.locus for e in elements.values()})
    ceiling = find_ceiling(variants)
    tables = []
    for name, run in load_config(CONFIG).runs.items():
        judged, predictors = judge_run(name, run, elements, variants)
        scores = score_experiments(judged, predictors)
        scores = pd.concat([scores, average(scores, predictors)])
        tables.append(scores.assign(held_out=name, seeds=len(run.train.seeds)))
    table = pd.concat(tables).merge(ceiling, how="left", on=["element", "class"])
    write_table(TABLE, table)
    return 0


def judge_run(
    name: str, run: Run, elements: dict[str, Element], variants: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Give the variants with every predictor's score from the fold that held them out."""
    results = REPOSITORY / load_config(CONFIG).results
    predictors = ["model", "alone", "kmer", "letters", "changes"]
    if name != "locus":
        predictors.append("neighbours")
    judged = variants.assign(**dict.fromkeys(predictors, np.nan))
    features = describe_changes(elements, variants)
    effect = variants["log2_effect"].to_numpy(np.float64)
    folds = read_parquet(stage_folder(results, run, "split") / "split.parquet").to_pandas()
    for fold in range(run.split.folds):
        roles = find_roles(variants, folds["id"], folds[f"fold{fold}"])
        train, val, test = (roles == role for role in ("train", "val", "test"))
        scored = score_vcf(results, name, run, fold)
        judged.loc[test, ["model", "alone"]] = pick(scored, variants[test])
        for predictor, stem in (("kmer", "kmer"), ("letters", "additive")):
            path = baseline_folder(results, run) / f"{stem}-fold{fold}.parquet"
            table = read_parquet(path).to_pandas()
            levels = dict(zip(table["id"], table["output:level"], strict=True))
            judged.loc[test, predictor] = subtract(levels, variants[test])
        judged.loc[test, "changes"] = predict_from_changes(features, effect, train, val)[test]
        if name != "locus":
            near = predict_from_neighbours(variants, train, val, test)
            judged.loc[test, "neighbours"] = near[test]
    return judged, predictors


def find_roles(variants: pd.DataFrame, ids: pd.Series, roles: pd.Series) -> NDArray[np.object_]:
    """Give each variant the role of its position, which is that of its reference window."""
    known = dict(zip(ids, roles, strict=True))
    keys = [
        f"{e}:{p}:reference" for e, p in zip(variants["element"], variants["position"], strict=True)
    ]
    return np.array([known[key] for key in keys], object)


def score_vcf(results: Path, name: str, run: Run, fold: int) -> pd.DataFrame:
    """Score the VCF with the seeds of a fold."""
    folder = results / "runs" / name / "variants" / f"fold{fold}"
    models = [model_folder(results, name, fold, seed) / "model.pt" for seed in run.train.seeds]
    return call_variants(models, INPUTS / "variants.vcf", INPUTS / "elements.fa", folder)


def call_variants(models: list[Path], vcf: Path, genome: Path, folder: Path) -> pd.DataFrame:
    """Run ``bioseq-dl variants``, one thread; give its table."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bioseq_dl", "variants", "--model", *map(str, models)]
    command += ["--vcf", str(vcf), "--genome", str(genome), "--cache", str(CACHE)]
    command += ["--max-unknown-fraction", str(UNKNOWN), "--threads", "1"]
    command += ["--out", str(folder / "scored.vcf.gz"), "--table", str(folder / "scored.parquet")]
    command += ["--summary", str(folder / "summary.json")]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return read_parquet(folder / "scored.parquet").to_pandas().set_index("id")


def pick(scored: pd.DataFrame, variants: pd.DataFrame) -> NDArray[np.float64]:
    """Give (n, 2): the difference, and the alternative sequence's score alone."""
    keys = [f"{v.element}:{v.position}:{v.alt}" for v in variants.itertuples()]
    return scored.loc[keys, ["diff:level", "alt:level"]].to_numpy(np.float64)


def subtract(levels: dict[str, float], variants: pd.DataFrame) -> NDArray[np.float64]:
    """Give f(alt) - f(ref) from the levels of windows, a deletion's two averaged."""
    out = []
    for row in variants.itertuples():
        stem = f"{row.element}:{row.position}:"
        names = ["-left", "-right"] if row.alt == DELETED else [row.alt]
        alt = [levels[stem + name] for name in names if stem + name in levels]
        out.append(np.mean(alt) - levels[stem + "reference"] if alt else np.nan)
    return np.array(out)


def average(scores: pd.DataFrame, predictors: list[str]) -> pd.DataFrame:
    """Give rows of means: over all loci, and over those that no option was chosen on."""
    columns = [f"{predictor}_{metric}" for predictor in predictors for metric in METRICS]
    scores = scores.assign(
        **{
            f"less_kmer_{metric}": scores[f"model_{metric}"] - scores[f"kmer_{metric}"]
            for metric in METRICS
        }
    )
    columns += [f"less_kmer_{metric}" for metric in METRICS]
    rows = []
    for label, kept in (
        ("mean of loci", scores),
        ("mean of loci not chosen on", scores[~scores["locus"].isin(DEVELOPMENT)]),
    ):
        for name, part in kept.groupby("class", sort=False):
            found = average_loci(part, columns)
            keep = {
                key: value
                for key, value in found.items()
                if not key.endswith(("low", "high")) or key.startswith(("model", "less_kmer"))
            }
            rows.append(
                {"element": label, "class": name, "variants": part["variants"].sum()} | keep
            )
    return pd.DataFrame(rows)


def write_table(path: Path, table: pd.DataFrame) -> None:
    first = ["held_out", "element", "class", "variants", "loci", "seeds"]
    table = table[[*first, *(c for c in table.columns if c not in (*first, "locus"))]]
    hardware = describe_hardware()
    data = hash_file(SOURCE / "variants_GRCh38.tsv.gz")[:16]
    head = f"# {hardware['cpu']}, {hardware['cores']} cores; data {data}; "
    head += f"table at {read_git_commit()}\n"
    text = table.to_csv(sep="\t", index=False, float_format="%.3f", na_rep="")
    write_text(path, head + text)
    shown = ["held_out", "element", "class", "variants", "model_pearson", "model_pearson_low"]
    shown += ["model_pearson_high", "model_spearman", "kmer_pearson", "changes_pearson"]
    print(table[[*shown, "neighbours_pearson", "ceiling_pearson"]].round(3).to_string(index=False))
    print(f"wrote {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    sys.exit(main())
