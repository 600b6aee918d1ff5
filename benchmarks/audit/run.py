"""Cost and recall of the leakage audit on made-up sequences with planted copies.

    python benchmarks/audit/run.py --records 1000000

Random sequences are dealt to train, val and test; a given share of the test records is then
overwritten by copies of train records: equal, reverse complement, with 2 % of the bases
substituted, or shifted by half their length. A copy that by its own k-mers is no near
duplicate (containment below the threshold, measured here pair by pair) is not counted.
With --family, all sequences are mutants of a few parents that share a repeat: every bucket
is crowded. Writes a row per kind to benchmarks/results/audit.tsv.
"""

from __future__ import annotations

import argparse
import csv
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import Audit  # noqa: E402
from bioseq_dl.data.audit import audit_folds  # noqa: E402
from bioseq_dl.data.sequences import COMPLEMENT, Sequences, write_arrow  # noqa: E402
from bioseq_dl.data.similarity import measure_containment  # noqa: E402
from bioseq_dl.provenance import collect_versions, describe_hardware  # noqa: E402

KINDS = ("exact", "reverse_complement", "substituted", "shifted")
BASES = np.frombuffer(b"ACGT", np.uint8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--planted", type=int, default=5_000, help="copies of each kind")
    parser.add_argument("--substitution", type=float, default=0.02)
    parser.add_argument("--family", action="store_true", help="repeat-rich, crowded buckets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "benchmarks/results/audit.tsv")
    arguments = parser.parse_args()
    planted = min(arguments.planted, arguments.records // 40)
    generator = np.random.default_rng(arguments.seed)
    letters = draw_letters(arguments.records, arguments.length, arguments.family, generator)
    roles = generator.permutation(np.arange(arguments.records) % 10)
    roles = np.select([roles < 7, roles < 8], [0, 1], 2)
    copies, originals = plant(letters, roles, planted, arguments.substitution, generator)
    records = pa.table(
        {
            "id": pa.array([f"s{row}" for row in range(arguments.records)]),
            "sequence": write_arrow(as_sequences(letters)),
        }
    )
    folds = pa.table({"id": records["id"], "fold0": np.array(["train", "val", "test"])[roles]})
    audit = Audit(policy="report", max_pairs=arguments.records)

    started = time.perf_counter()
    result = audit_folds(records, folds, audit)
    seconds = time.perf_counter() - started
    rows = judge(result, letters, copies, originals, audit)
    hardware, versions = describe_hardware(), collect_versions()
    for row in rows:
        row |= {
            "records": arguments.records,
            "length": arguments.length,
            "data": "family" if arguments.family else "random",
            "seconds": round(seconds, 1),
            "peak_memory_gb": round(result.cost.peak_memory_bytes / 1e9, 2),
            "candidates": result.cost.candidates,
            "similar_pairs": result.cost.similar_pairs,
            "cpu": hardware["cpu"],
            "cores": hardware["cores"],
            "python": platform.python_version(),
            "numpy": versions["numpy"],
            "pyarrow": versions["pyarrow"],
        }
    write_rows(arguments.out, rows)
    for row in rows:
        print("\t".join(f"{name}={value}" for name, value in row.items()))
    return 0


def draw_letters(n: int, length: int, family: bool, generator: np.random.Generator) -> np.ndarray:
    """Draw random sequences; of a family, half of each is one of 20 mutated repeats."""
    letters = BASES[generator.integers(0, 4, (n, length), np.uint8)]
    if family:
        repeats = BASES[generator.integers(0, 4, (20, length // 2), np.uint8)]
        start = length // 4
        letters[:, start : start + length // 2] = repeats[generator.integers(0, 20, n)]
        for block in np.array_split(letters, max(1, n // 50_000)):
            substitute(block, 0.05, generator)
    return letters


def substitute(letters: np.ndarray, rate: float, generator: np.random.Generator) -> None:
    """Replace a share of the letters by another, in place."""
    row, column = np.nonzero(generator.random(letters.shape, np.float32) < rate)
    code = np.searchsorted(BASES, letters[row, column])
    letters[row, column] = BASES[(code + generator.integers(1, 4, len(row))) % 4]


def plant(
    letters: np.ndarray,
    roles: np.ndarray,
    each: int,
    rate: float,
    generator: np.random.Generator,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Overwrite test records by copies of train records; give the rows of both by kind."""
    test = generator.permutation(np.flatnonzero(roles == 2))[: 4 * each].reshape(4, each)
    train = generator.permutation(np.flatnonzero(roles == 0))[: 4 * each].reshape(4, each)
    half = letters.shape[1] // 2
    for kind, copies, originals in zip(KINDS, test, train, strict=True):
        made = letters[originals].copy()
        if kind == "reverse_complement":
            made = COMPLEMENT[made[:, ::-1]]
        elif kind == "substituted":
            substitute(made, rate, generator)
        elif kind == "shifted":
            # What is shared holds just over half of the k-mers.
            kept = made[:, half - 8 :]
            made = np.concatenate([kept, letters[copies][:, : half - 8]], axis=1)
        letters[copies] = made
    return dict(zip(KINDS, test, strict=True)), dict(zip(KINDS, train, strict=True))


def as_sequences(letters: np.ndarray) -> Sequences:
    n, length = letters.shape
    return Sequences(letters.reshape(-1), np.arange(n + 1, dtype=np.int64) * length)


def judge(result, letters, copies, originals, audit) -> list[dict]:
    """Count, by kind, the planted records that the audit lists, with the right kind."""
    found = result.pairs.to_pandas()
    found = found[(found.role == "test") & (found.other_role == "train")]
    kind_of = dict(zip(found.id, found.kind, strict=True))
    rows = []
    for kind in KINDS:
        expected = "near" if kind in ("substituted", "shifted") else kind
        both = np.concatenate([letters[copies[kind]], letters[originals[kind]]])
        count = len(copies[kind])
        pairs = np.stack([np.arange(count), np.arange(count) + count], axis=1)
        shared = measure_containment(as_sequences(both), pairs, audit.kmer, audit.both_strands)
        # A copy without a substitution is an exact duplicate.
        due = (shared >= audit.containment) & ((expected != "near") | (shared < 1))
        hit = sum(kind_of.get(f"s{row}") == expected for row in copies[kind][due])
        rows.append(
            {
                "kind": kind,
                "planted": count,
                "duplicates": int(due.sum()),
                "found": hit,
                "recall": round(hit / max(int(due.sum()), 1), 5),
            }
        )
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    """Put the rows in the table, in place of those of the same size and data."""
    old = []
    if path.exists():
        with path.open(newline="") as handle:
            old = list(csv.DictReader(handle, delimiter="\t"))
    same = {(str(row["records"]), str(row["length"]), row["data"]) for row in rows}
    old = [row for row in old if (row["records"], row["length"], row["data"]) not in same]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(old + rows)


if __name__ == "__main__":
    raise SystemExit(main())
