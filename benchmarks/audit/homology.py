"""The audit of proteins on CB513 and the training set of NetSurfP-2.0, beside a published list.

    python benchmarks/audit/homology.py --data ../shared/data/protein_secondary_structure

CB513 is test, all chains of the training set (its official validation, too) are train. For each
program (MMseqs2 where it is on the path): how many of the pairs, and of the training chains, that
the folder's leak_train_vs_tests.tsv lists for CB513 (MMseqs2 -s 6, 25 % identity, half of the test
chain) are found, at the default thresholds and at wider ones; the seconds of that search; what
`drop` takes out, and what a second audit still finds; the seconds of a homology split.
Writes homology_search.tsv, homology_missed.tsv (listed pairs that are not found, and what was seen
of them) and homology_audit.tsv below benchmarks/results.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.config import ProteinAudit, ProteinSplit, Targets  # noqa: E402
from bioseq_dl.data.audit import audit_folds  # noqa: E402
from bioseq_dl.data.mmseqs import find_mmseqs  # noqa: E402
from bioseq_dl.data.protein_homology import find_homologs  # noqa: E402
from bioseq_dl.data.splits import split_records  # noqa: E402
from bioseq_dl.provenance import describe_hardware, read_git_commit  # noqa: E402

LEVELS = (0.25, 0.3, 0.5)
SETTINGS = {
    "default": ProteinAudit(policy="drop"),
    "wider": ProteinAudit(policy="drop", identity=0.2, coverage=0.4, evalue=0.01),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clusters", type=int, default=2000, help="chains of the homology split")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "benchmarks/results")
    arguments = parser.parse_args()
    records, folds = read_sets(arguments.data)
    listed = read_listed(arguments.data / "leak_train_vs_tests.tsv")
    origin = {"cpu": describe_hardware()["cpu"], "commit": read_git_commit()}
    searches, missed, audits = [], [], []
    for program in ("builtin", *(["mmseqs"] if find_mmseqs() else [])):
        seen, seconds = search_tests(records, program, arguments.threads)
        for name, audit in SETTINGS.items():
            row, more = compare_pairs(seen, audit, listed)
            searches.append({"program": program, "settings": name} | row | seconds | origin)
            missed += [{"program": program, "settings": name} | item for item in more]
        write_rows(arguments.out / "homology_search.tsv", searches)
        write_rows(arguments.out / "homology_missed.tsv", missed)
        row = run_split(records, program, arguments.threads[-1], arguments.clusters)
        row |= run_audit(records, folds, program, arguments.threads[-1])
        audits.append({"program": program, "threads": arguments.threads[-1]} | row | origin)
        write_rows(arguments.out / "homology_audit.tsv", audits)
    return 0


def read_sets(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Give records and folds: CB513 as test, all others as train."""
    rows = [(item["id"], item["sequence"], "test") for item in read_chains(folder / "cb513.tsv.gz")]
    rows += [
        (item["id"], item["sequence"], "train")
        for item in read_chains(folder / "flip_netsurfp2.tsv.gz")
    ]
    ids, sequences, roles = zip(*rows, strict=True)
    records = pa.table({"id": ids, "sequence": sequences})
    return records, pa.table({"id": ids, "fold0": roles})


def read_chains(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def read_listed(path: Path) -> dict[tuple[str, str], float]:
    """Give the listed pairs (test chain, training chain) and their identity."""
    with path.open() as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t") if row["test_set"] == "cb513"]
    return {(row["test_id"], row["train_id"]): float(row["identity"]) for row in rows}


def search_tests(records, program, threads) -> tuple[dict, dict]:
    """Search all training chains for those of CB513; give all hits, and seconds by threads."""
    ids, sequences = records["id"].to_pylist(), records["sequence"].to_pylist()
    tests = sum(name.startswith("cb513_") for name in ids)
    seconds = {}
    for count in threads:
        started, busy = time.perf_counter(), processor_time()
        hits = find_homologs(
            sequences,
            identity=0.01,
            coverage=0.01,
            evalue=0.05,
            program=program,
            threads=count,
            asked=np.arange(len(ids)) < tests,
        )
        seconds[f"seconds_{count}_threads"] = round(time.perf_counter() - started, 1)
        seconds[f"processor_seconds_{count}_threads"] = round(processor_time() - busy, 1)
    lengths = np.array([len(text) for text in sequences])[hits.pairs]
    covered = np.where(lengths[:, 0] <= lengths[:, 1], *hits.coverage.T)
    shares = zip(hits.identity.tolist(), covered.tolist(), hits.evalue.tolist(), strict=True)
    seen = {
        (ids[one], ids[two]): found
        for (one, two), found in zip(hits.pairs.tolist(), shares, strict=True)
        if two >= tests
    }
    return seen, seconds


def compare_pairs(seen, audit, listed) -> tuple[dict, list[dict]]:
    """Count the listed pairs that are found, and say what was seen of the others."""
    found = {
        pair
        for pair, (identity, share, evalue) in seen.items()
        if identity >= audit.identity and share >= audit.coverage and evalue <= audit.evalue
    }
    row = {"identity": audit.identity, "coverage": audit.coverage, "evalue": audit.evalue}
    row |= {"pairs": len(found), "test_chains": len({one for one, _ in found})}
    row |= {"training_chains": len({two for _, two in found})}
    for level in LEVELS:
        due = {pair for pair, identity in listed.items() if identity >= level}
        chains = {two for _, two in due}
        row[f"listed_pairs_{level}"] = len(due)
        row[f"found_pairs_{level}"] = len(due & found)
        row[f"listed_training_chains_{level}"] = len(chains)
        row[f"found_training_chains_{level}"] = len(chains & {two for _, two in found})
    missed = []
    for pair in sorted(set(listed) - found):
        identity, share, evalue = seen.get(pair, (float("nan"),) * 3)
        missed.append(
            {
                "test": pair[0],
                "train": pair[1],
                "listed_identity": listed[pair],
                "identity": round(identity, 3),
                "coverage": round(share, 3),
                "evalue": f"{evalue:.2g}",
            }
        )
    return row, missed


def run_audit(records, folds, program, threads) -> dict:
    """Drop the leaks of the whole set, look again, and count."""
    audit = ProteinAudit(policy="drop", program=program)
    started, busy = time.perf_counter(), processor_time()
    found = audit_folds(records, folds, audit, threads=threads)
    seconds, busy = time.perf_counter() - started, processor_time() - busy
    before, after = (table["fold0"].to_pylist() for table in (folds, found.folds))
    again = audit_folds(records, found.folds, audit, threads=threads)
    return {
        "audit_seconds": round(seconds, 1),
        "audit_processor_seconds": round(busy, 1),
        "peak_memory_gb": round(found.cost.peak_memory_bytes / 1e9, 2),
        "compared": found.cost.candidates,
        "leaking_test": found.leaking[0].leaking,
        **{f"dropped_{role}": before.count(role) - after.count(role) for role in ("train", "test")},
        "left_after_drop": sum(leak.leaking for leak in again.leaking),
    }


def run_split(records, program, threads, count) -> dict:
    """Cluster the first training chains, all with all."""
    tests = sum(name.startswith("cb513_") for name in records["id"].to_pylist())
    some = records.slice(tests, count)
    table = some.append_column("target:none", pa.array(np.zeros(len(some)), pa.float32()))
    audit = ProteinAudit(program=program, policy="report", near_duplicates=False)
    split = ProteinSplit(method="homology", audit=audit)
    started, busy = time.perf_counter(), processor_time()
    split_records(table, split, Targets(kind="regression", names=("none",)), threads)
    return {
        "split_chains": len(some),
        "split_seconds": round(time.perf_counter() - started, 1),
        "split_processor_seconds": round(processor_time() - busy, 1),
    }


def processor_time() -> float:
    """Give the seconds of processor time of this process and of those it started."""
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    raise SystemExit(main())
