"""Do models of the GUE tasks find the motif of the factor they were trained on?

    python benchmarks/motifs/run.py

after `make bench-gue`, whose models it reads; writes benchmarks/results/motifs.tsv. For every
task, seed and, as null, three untrained networks of the same architecture: in-silico
mutagenesis of the positives of val and test (the 300 with the highest scores), motifs of
seqlets and filters, matches in JASPAR. Each family of factors is looked for in each task,
so that a family found everywhere would show.

A motif counts where the family is among its three best matches, at q <= 0.05; `rank` is its
place among the motifs that raise the output, by sites.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import Motifs, Run, load_config  # noqa: E402
from bioseq_dl.data.examples import read_examples  # noqa: E402
from bioseq_dl.encode.examples import ROLES  # noqa: E402
from bioseq_dl.interpret.database import KnownMotif, MotifDatabase  # noqa: E402
from bioseq_dl.interpret.findings import MotifFindings, find_motifs, open_database  # noqa: E402
from bioseq_dl.interpret.mutagenesis import contrast_letters, score_mutations  # noqa: E402
from bioseq_dl.interpret.outputs import Output  # noqa: E402
from bioseq_dl.io.atomic import atomic_path, write_text  # noqa: E402
from bioseq_dl.layout import model_folder, stage_folder  # noqa: E402
from bioseq_dl.models.sequence import SequenceModel, build_model  # noqa: E402
from bioseq_dl.perturb.engine import prepare  # noqa: E402
from bioseq_dl.provenance import read_git_commit  # noqa: E402
from bioseq_dl.train.checkpoint import read_checkpoint, restore_model  # noqa: E402

EXPECTED = {"tf_0": "YY1", "tf_1": "YY1", "tf_2": "ETS", "mouse_0": "ETS", "mouse_2": "AP-1"}
"""By the data's notes: k-mers over-represented in the positives."""
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "YY1": ("name", ("yy1", "yy2", "zfp42")),
    "ETS": ("family", ("Ets-related",)),
    "AP-1": ("family", ("Fos-related", "Jun-related", "B-ATF-related factors")),
}
"""By JASPAR's family, where it is narrow enough; YY1's holds many zinc fingers."""
COLUMNS = (
    "task", "network", "seed", "family", "expected", "found", "rank", "motifs", "consensus",
    "sites", "match", "match_name", "q", "filters_like", "filters_matched", "filters", "records",
    "seconds", "commit",
)  # fmt: skip
SETTINGS = Motifs(records=300)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=REPOSITORY / "benchmarks/gue/config.yaml")
    parser.add_argument("--tasks", nargs="+", default=list(EXPECTED))
    parser.add_argument("--out", type=Path, default=REPOSITORY / "benchmarks/results/motifs.tsv")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = load_config(arguments.config)
    results = REPOSITORY / config.results
    database = open_database(SETTINGS, None)
    rows: list[dict[str, Any]] = []
    for task in arguments.tasks:
        for network in ("trained", "untrained"):
            for row in measure_task(task, config.runs[task], results, database, network):
                rows.append(row)
                if row["expected"]:
                    print(*(row[key] for key in COLUMNS[:14]), sep="\t", flush=True)
    write_text(arguments.out, spell(rows))
    return 0


def measure_task(
    task: str, run: Run, results: Path, database: MotifDatabase, network: str
) -> Iterator[dict[str, Any]]:
    """Give the rows of a task's networks, a seed after the other, trained or not."""
    examples = read_examples(stage_folder(results, run, "encode") / "examples.safetensors")
    commit = read_git_commit()
    held_out = np.isin(examples.roles[0], [ROLES.index("val"), ROLES.index("test")])
    positives = np.flatnonzero(held_out & (examples.targets[:, 0] == 1))
    codes = np.stack(
        [np.asarray(examples.codes[slice(*examples.offsets[i : i + 2])]) for i in positives]
    )
    for seed in run.train.seeds:
        path = model_folder(results, task, 0, seed) / "model.pt"
        checkpoint = read_checkpoint(path)
        if network == "trained":
            model = restore_model(checkpoint)
        else:
            torch.manual_seed(seed)
            model = build_model(checkpoint.model, checkpoint.shape).eval()
        assert isinstance(model, SequenceModel)
        key = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        store = (
            REPOSITORY
            / "results/benchmarks/motifs"
            / f"{task}-{network}-{seed}-{SETTINGS.records}-{key}.npz"
        )
        chosen, contributions = attribute(model, codes, checkpoint.unknown, store)
        start = time.perf_counter()
        findings = find_motifs(chosen, contributions, SETTINGS, database, model, checkpoint.unknown)
        shared = {
            "task": task,
            "network": network,
            "seed": seed,
            "records": len(chosen),
            "seconds": f"{time.perf_counter() - start:.1f}",
            "commit": commit,
        }
        for family in FAMILIES:
            yield (
                shared
                | {"family": family, "expected": int(family == EXPECTED[task])}
                | (judge(findings, family))
            )


def attribute(
    model: SequenceModel, codes: np.ndarray, unknown: str, store: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Mutate the sequences with the highest scores everywhere; what is stored is taken."""
    if store.exists():
        with np.load(store) as stored:
            return stored["codes"], stored["contributions"]
    engine = prepare(model, torch.device("cpu"), unknown)
    scores = engine.score_windows(codes)[:, 0]
    best = np.sort(np.argsort(-scores, kind="stable")[: SETTINGS.records])
    changes, _ = score_mutations(engine, codes[best], (Output("label", 0),))
    contributions = contrast_letters(changes, codes[best])[..., 0]
    with atomic_path(store) as temporary:
        np.savez(temporary.with_suffix(".npz"), codes=codes[best], contributions=contributions)
    return codes[best], contributions


def judge(findings: MotifFindings, family: str) -> dict[str, Any]:
    """Say whether, and at which place, a motif of the family was found."""
    pairs = list(zip(findings.motifs, findings.matches, strict=True))
    raising = [pair for pair in pairs if pair[0].name.startswith("positive")]
    filters = [matches for motif, matches in pairs if motif.kind == "filter"]
    called = [matches[0] for matches in filters if matches and matches[0].q <= SETTINGS.q_value]
    row: dict[str, Any] = {
        "found": 0,
        "rank": "",
        "motifs": len(raising),
        "consensus": "",
        "sites": "",
        "match": "",
        "match_name": "",
        "q": "",
        "filters_like": sum(belongs(match.known, family) for match in called),
        "filters_matched": len(called),
        "filters": len(filters),
    }
    for rank, (motif, matches) in enumerate(raising, 1):
        for match in matches:
            if match.q <= SETTINGS.q_value and belongs(match.known, family):
                return row | {
                    "found": 1,
                    "rank": rank,
                    "consensus": motif.consensus,
                    "sites": motif.sites,
                    "match": match.known.id,
                    "match_name": match.known.name,
                    "q": f"{match.q:.2g}",
                }
    return row


def belongs(known: KnownMotif, family: str) -> bool:
    """Say whether a known motif is of a family; one of a dimer's halves is enough."""
    by, words = FAMILIES[family]
    if by == "name":
        return any(part.lower() in words for part in known.name.split("::"))
    return any(part in words for part in known.family.split("; "))


def spell(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give the table as text."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
