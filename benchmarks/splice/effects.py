"""Do the splice models lose their site when its GT or AG is broken?

    python benchmarks/splice/effects.py

after `python benchmarks/run_accuracy.py benchmarks/splice/config.yaml`; writes
benchmarks/results/splice_effects.tsv, for the annotated sites of the test stretch:

- by VCF: every way to replace the first letter, the second, or both, written to a VCF and
  scored by `bioseq-dl variants` with the models of all seeds. It reads the plus strand, so
  these are the sites of plus-strand genes. A window is centred on its variant: where the
  second letter or both change, the site lies where it lay in training; where the first
  changes, it lies one base further right, and the model reads a window it was not made for.
- in place: in-silico mutagenesis of the test windows themselves, sites of both strands. The
  row `elsewhere` gives the same for the letters more than 20 bases from the site.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

from run_accuracy import write_table  # noqa: E402

from bioseq_dl.config import Run, load_config  # noqa: E402
from bioseq_dl.data.examples import read_examples  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.layout import model_folder, stage_folder  # noqa: E402
from bioseq_dl.perturb.engine import Engine, prepare  # noqa: E402
from bioseq_dl.perturb.mutagenesis import mutate_everywhere  # noqa: E402
from bioseq_dl.train.checkpoint import read_checkpoint, restore_model  # noqa: E402

Floats = NDArray[np.float64]
CONFIG = Path(__file__).parent / "config.yaml"
OUT = REPOSITORY / "benchmarks" / "results" / "splice_effects.tsv"
CONTIG, LENGTH = "20", 63_025_520
LETTERS = {"donor": "GT", "acceptor": "AG"}
FAR = 20
"""Letters at least this far from the site count as elsewhere."""
HEADER = (
    "##fileformat=VCFv4.2\n"
    f"##contig=<ID={CONTIG},length={LENGTH}>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


def break_sites(kind: str, bed: pd.DataFrame) -> str:
    """Write a VCF with every replacement of a letter, or both, of plus-strand sites.

    Parameters
    ----------
    kind : {"donor", "acceptor"}
        Tells the letters.
    bed : DataFrame
        prepare.py's columns: start (0-based), label, strand, fold; test sites are used.
    """
    letters = LETTERS[kind]
    kept = bed[(bed["label"] == 1) & (bed["strand"] == "+") & (bed["fold"] == "test")]
    rows = []
    for start in sorted(kept["start"]):
        for change, pos, ref, alt in _list_changes(letters):
            rows.append((start + 1 + pos, f"{kind}_{start}_{change}", ref, alt))
    rows.sort(key=lambda row: row[0])
    lines = (f"{CONTIG}\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t.\n" for pos, name, ref, alt in rows)
    return HEADER + "".join(lines)


def _list_changes(letters: str) -> Iterator[tuple[str, int, str, str]]:
    """Give name, distance from the site's start, REF and ALT of each change."""
    others = [[base for base in "ACGT" if base != letter] for letter in letters]
    for place, name in enumerate(("first", "second")):
        for alt in others[place]:
            yield name, place, letters[place], alt
    for pair in itertools.product(*others):
        yield "both", 0, letters, "".join(pair)


def summarise_changes(found: pd.DataFrame, target: str) -> list[dict[str, Any]]:
    """Give share lowered and median difference (of the logit) by kind of change.

    Parameters
    ----------
    found : DataFrame
        The table that ``bioseq-dl variants`` wrote.
    """
    change = found["id"].str.rsplit("_", n=1).str[1]
    rows = []
    for name in ("first", "second", "both"):
        part = found[change == name]
        scored = part[part["status"] == "scored"]
        row = {"change": name, "variants": len(part), "scored": len(scored)}
        difference = scored[f"diff:{target}"].to_numpy(float)
        rows.append(row | _summarise(difference, scored[f"ref:{target}"].to_numpy(float)))
    return rows


def mutate_sites(engines: list[Engine], windows: NDArray[np.uint8]) -> Floats:
    """Give the change of the mean logit by window, place and letter; NaN at its own letter."""
    total = np.zeros((*windows.shape, 4))
    for row, codes in enumerate(windows):
        places = np.arange(len(codes))
        known = np.flatnonzero(codes < 4)
        for engine in engines:
            outputs = mutate_everywhere(engine, codes)[..., 0].astype(np.float64)
            total[row, known] += outputs[known] - outputs[known, codes[known]][:, None]
        total[row, known, codes[known]] = np.nan
        total[row, np.setdiff1d(places, known)] = np.nan
    return total / len(engines)


def summarise_places(changes: Floats, reference: Floats) -> list[dict[str, Any]]:
    """Give the same figures for the two letters in the middle of windows, and for far ones."""
    middle = changes.shape[1] // 2
    far = np.abs(np.arange(changes.shape[1]) - middle + 0.5) > FAR
    rows = []
    for name, part in (
        ("first", changes[:, middle - 1]),
        ("second", changes[:, middle]),
        ("elsewhere", changes[:, far].reshape(len(changes), -1)),
    ):
        known = ~np.isnan(part)
        scores = np.broadcast_to(reference[:, None], part.shape)[known]
        row = {"change": name, "variants": int(known.sum()), "scored": int(known.sum())}
        rows.append(row | _summarise(part[known], scores))
    return rows


def _summarise(difference: Floats, reference: Floats) -> dict[str, Any]:
    return {
        "share_lowered": float(np.mean(difference < 0)),
        "median_difference": float(np.median(difference)),
        "q05": float(np.quantile(difference, 0.05)),
        "q95": float(np.quantile(difference, 0.95)),
        "median_reference": float(np.median(reference)),
    }


def score_by_vcf(kind: str, run: Run, results: Path) -> list[dict[str, Any]]:
    """Write the VCF, score it by the command, and read its table."""
    names = ["chrom", "start", "end", "name", "label", "strand", "fold"]
    bed = pd.read_csv(results / f"{kind}.bed", sep="\t", names=names)
    vcf, table = results / f"{kind}_broken.vcf", results / f"{kind}_broken.parquet"
    write_text(vcf, break_sites(kind, bed))
    models = [model_folder(results, kind, 0, seed) / "model.pt" for seed in run.train.seeds]
    genome = REPOSITORY / str(run.ingest.inputs[0].genome.path)  # type: ignore[union-attr]
    command = [sys.executable, "-m", "bioseq_dl", "variants", "--model", *map(str, models)]
    command += ["--vcf", str(vcf), "--genome", str(genome), "--threads", "1"]
    command += ["--out", f"{vcf}.gz", "--table", str(table)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return summarise_changes(pd.read_parquet(table), kind)


def score_in_place(kind: str, run: Run, results: Path) -> list[dict[str, Any]]:
    """Mutate the windows of the test sites, both strands, as the models were trained on them."""
    examples = read_examples(stage_folder(results, run, "encode") / "examples.safetensors")
    rows = examples.select(0, "test")
    rows = rows[examples.targets[rows, 0] == 1]
    length = int(examples.lengths[0])
    windows = np.asarray(examples.codes).reshape(-1, length)[rows]
    engines = []
    for seed in run.train.seeds:
        checkpoint = read_checkpoint(model_folder(results, kind, 0, seed) / "model.pt")
        engines.append(prepare(restore_model(checkpoint), torch.device("cpu"), checkpoint.unknown))
    reference = np.mean([engine.score_windows(windows)[:, 0] for engine in engines], axis=0)
    return summarise_places(mutate_sites(engines, windows), reference)


def main() -> int:
    config = load_config(CONFIG)
    results = REPOSITORY / config.results
    if not (results / "donor.bed").exists():
        print("skipped: run benchmarks/run_accuracy.py on the config first", file=sys.stderr)
        return 0
    torch.set_num_threads(1)
    rows = []
    for kind, run in config.runs.items():
        for way, score in (("VCF, + strand", score_by_vcf), ("in place", score_in_place)):
            rows += [{"site": kind, "way": way} | row for row in score(kind, run, results)]
    write_table(OUT, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
