"""Cells through fetch, ingest, split and encode to pictures: seconds and memory of each step.

    python benchmarks/expression/scale.py

Simulated counts of 20,000 cells by 5,000 genes, in an h5ad file, sparse; all genes are placed by
t-SNE. Each step is a process of its own, and its memory the most that this process held, by the
system's account of it (resource usage of the child), what it maps of files included. The same steps
on 400 cells by 300 genes tell what programs and libraries hold by themselves. Pictures are drawn of
all cells, a batch of 256 at a time; the whole table is never dense.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

# The steps' parent imports nothing large: the peak of a child begins with what its parent holds.
ROOT = Path(__file__).parents[2]
TYPES = ("a", "b", "c", "d", "e")
BATCH = 256
SMALL = (400, 300)
STEPS = ("fetch", "ingest", "split", "encode", "pictures")
COLUMNS = ("step", "seconds", "processor_seconds", "peak_mb", "peak_mb_small", "more_mb")


def simulate(path: Path, cells: int, genes: int, seed: int = 0) -> None:
    """Write counts: 20 programs of genes, each on in a part of the cells; a tenth not zero."""
    import anndata
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_matrix, vstack

    draw = np.random.default_rng(seed)
    level = draw.gamma(0.35, 0.12, genes)
    program = draw.integers(0, 20, genes)
    share = draw.dirichlet(np.full(20, 0.3), len(TYPES)) * 4
    kinds = draw.integers(0, len(TYPES), cells)
    parts = []
    for start in range(0, cells, 1000):
        of = kinds[start : start + 1000]
        on = draw.random((len(of), 20)) < share[of]
        depth = draw.gamma(5, 0.4, (len(of), 1))
        rates = level * np.where(on[:, program], 10.0, 1.0) * depth
        parts.append(csr_matrix(draw.poisson(rates).astype(np.float32)))
    data = anndata.AnnData(
        vstack(parts, format="csr"),
        obs=pd.DataFrame(
            {"kind": [TYPES[kind] for kind in kinds]}, index=[f"c{n:06d}" for n in range(cells)]
        ),
        var=pd.DataFrame(index=[f"g{n:05d}" for n in range(genes)]),
    )
    data.write_h5ad(path)
    print(f"{data.X.nnz / (cells * genes):.1%} not zero")


def draw_pictures(folder: Path) -> None:
    """Draw all cells, a batch at a time, and say how many pixels that made."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from bioseq_dl.data.cell_examples import open_cells
    from bioseq_dl.encode.layout import draw_images

    examples = open_cells(folder / "examples.safetensors", 0)
    layout = examples.transform.layout
    assert layout is not None
    drawn = 0
    for start in range(0, len(examples), BATCH):
        rows = np.arange(start, min(start + BATCH, len(examples)))
        images = draw_images(layout, examples.gather(rows, 0))
        assert images.shape == (len(rows), layout.height, layout.width)
        drawn += images.size
    print(f"{len(examples)} pictures, {layout.height} x {layout.width}")
    assert drawn == len(examples) * layout.height * layout.width


def list_commands(folder: Path) -> dict[str, list[str]]:
    """Give the words of each step."""
    config = str(folder / "config.yaml")

    def step(name: str, *words: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "bioseq_dl",
            name,
            "--config",
            config,
            "--run",
            "cells",
            *words,
        ]

    def to(**names: str) -> list[str]:
        return [
            word for option, name in names.items() for word in (f"--{option}", f"{folder}/{name}")
        ]

    records, sources, folds = "records.parquet", "sources.json", "split.parquet"
    rejected, summary = "rejected.tsv", "ingest.json"
    return {
        "fetch": step("fetch", *to(out=sources)),
        "ingest": step(
            "ingest", *to(sources=sources, records=records, rejected=rejected, summary=summary)
        ),
        "split": step("split", *to(records=records, folds=folds, audit="a.json", pairs="a.tsv")),
        "encode": step(
            "encode",
            *to(records=records, folds=folds, sources=sources, examples="examples.safetensors"),
        ),
        "pictures": [sys.executable, __file__, "--worker", "pictures", "--folder", str(folder)],
    }


def describe_run(matrix: Path) -> dict:
    """Give the config; JSON is YAML."""
    entry = {"format": "h5ad", "source": {"path": str(matrix)}, "columns": {"kind": "kind"}}
    run = {
        "task": "expression",
        "targets": {"kind": "multiclass", "names": ["kind"], "classes": TYPES},
        "ingest": {"inputs": [entry]},
        "encode": {"variable_genes": None, "min_cells": 1, "layout": {"kind": "tsne"}},
        "model": {"kind": "cnn2d"},
    }
    return {"runs": {"cells": run}}


def run_steps(cells: int, genes: int) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Take a matrix of this size through all steps; give the cost of each, and what was said."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    environment = os.environ | threads | {"PYTHONPATH": str(ROOT)}
    costs, said = {}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        worker = [sys.executable, __file__, "--worker", "simulate", "--folder", name]
        sizes = ["--cells", str(cells), "--genes", str(genes)]
        done = subprocess.run([*worker, *sizes], check=True, capture_output=True, text=True)
        said.append(done.stdout.strip())
        (folder / "config.yaml").write_text(json.dumps(describe_run(folder / "cells.h5ad")))
        for step, words in list_commands(folder).items():
            costs[step] = measure(words, environment, folder / "said")
            print(cells, genes, step, costs[step], flush=True)
        said.append((folder / "said").read_text().strip().splitlines()[-1])
    return costs, said


def measure(words: list[str], environment: dict[str, str], log: Path) -> dict[str, float]:
    """Run a command; give its seconds and the most memory that it held."""
    start = time.perf_counter()
    with log.open("w") as out:
        child = subprocess.Popen(words, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(words)}: {log.read_text()}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
    return {
        "seconds": time.perf_counter() - start,
        "processor": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / unit,
    }


def tabulate(
    large: dict[str, dict[str, float]], small: dict[str, dict[str, float]]
) -> list[dict[str, str]]:
    """Give a row a step."""
    return [
        {
            "step": step,
            "seconds": f"{large[step]['seconds']:.1f}",
            "processor_seconds": f"{large[step]['processor']:.1f}",
            "peak_mb": f"{large[step]['peak']:.0f}",
            "peak_mb_small": f"{small[step]['peak']:.0f}",
            "more_mb": f"{large[step]['peak'] - small[step]['peak']:.0f}",
        }
        for step in STEPS
    ]


def write_table(path: Path, rows: list[dict[str, str]], cells: int, genes: int, said: str) -> None:
    sys.path.insert(0, str(ROOT))
    from bioseq_dl.io.atomic import write_text
    from bioseq_dl.provenance import describe_hardware, read_git_commit

    hardware = describe_hardware()
    head = [
        f"# {hardware['cpu']}, {hardware['cores']} cores; table at {read_git_commit()}, "
        f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f}, 1 thread a process",
        f"# data: simulated counts, seed 0, {cells} cells x {genes} genes, {said}; dense in single "
        f"precision it were {cells * genes * 4 / 2**20:.0f} MB",
        f"# peak_mb: most that the step's process held; peak_mb_small: of {SMALL[0]} cells x "
        f"{SMALL[1]} genes; more_mb: their difference",
    ]
    lines = ["\t".join(COLUMNS), *("\t".join(row[name] for name in COLUMNS) for row in rows)]
    write_text(path, "\n".join([*head, *lines]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = ROOT / "benchmarks/results/expression_scale.tsv"
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--genes", type=int, default=5_000)
    parser.add_argument("--worker", choices=("simulate", "pictures"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker == "simulate":
        simulate(arguments.folder / "cells.h5ad", arguments.cells, arguments.genes)
    elif arguments.worker == "pictures":
        draw_pictures(arguments.folder)
    else:
        small, _ = run_steps(*SMALL)
        large, said = run_steps(arguments.cells, arguments.genes)
        rows = tabulate(large, small)
        write_table(arguments.out, rows, arguments.cells, arguments.genes, "; ".join(said))
        print(arguments.out.read_text(), end="")


if __name__ == "__main__":
    main()
