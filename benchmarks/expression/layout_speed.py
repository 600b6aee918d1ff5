"""Layout of genes and pictures of cells beside pyDeepInsight: seconds, memory, equal pixels.

    python benchmarks/expression/layout_speed.py [--peer pydeepinsight-0.2.3-py3-none-any.whl]

Simulated counts (20,000 cells by 5,000 genes, a tenth not zero, programs of genes) stand sparse on
disk. Each measurement is a process of its own, on one thread; imports, reading and preparing the
input are not on the clock. Memory is the peak of the process (``resource.getrusage``), the input
included, beside what it had held after imports. Seconds of the processor say more than the
clock's where other work runs.

- ``fit``: places of all genes by t-SNE (perplexity 30) and linear sum assignment. Ours draws
  2,000 cells from the sparse file; the peer is given the same 2,000, dense and standardised, with
  scikit-learn's t-SNE on cosine distances (its default).
- ``assign``: the same coordinates to pixels; ``same`` says whether the pixels are equal
  (of genes whose coordinates are equal, in whatever order).
- ``transform``: the same dense values and the same layout to pictures, in parts of 2,000 cells
  (and, of the peer, all at once); ``same`` compares digests of the pictures as float32.
- ``road``: from the sparse file to pictures, part by part, with the same function for the dense
  values.

The peer's package imports OpenCV, torchcam and grad-cam at its head, for functions that are not
measured; its ``image_transformer.py`` is loaded without them, unchanged.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
import zipfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
PEER = "pyDeepInsight"
VERSION = "0.2.3"
PART = 2000
"""Cells that are drawn at a time."""
AIM = 5.0
"""Times faster, of transform."""
# Measure, who, how often.
PLAN = (
    ("fit", "ours", 1),
    ("assign", "ours", 2),
    ("assign", "peer", 2),
    ("transform", "ours", 3),
    ("transform", "peer", 3),
    ("transform", "peer_at_once", 1),
    ("road", "ours", 2),
    ("road", "peer", 2),
    ("fit", "peer", 1),
)
COLUMNS = (
    "measure",
    "who",
    "seconds",
    "processor_seconds",
    "times_ours",
    "processor_times_ours",
    "peak_mb",
    "after_imports_mb",
    "memory_times_ours",
    "same",
    "runs",
)


def simulate(cells: int, genes: int, seed: int = 0):
    """Draw counts: 20 programs of genes, each on in a part of the cells; about a tenth not zero."""
    from bioseq_dl.io.expression_matrix import ExpressionMatrix

    draw = np.random.default_rng(seed)
    level = draw.gamma(0.35, 0.12, genes)
    program = draw.integers(0, 20, genes)
    lengths, indices, data = [], [], []
    for start in range(0, cells, 1000):
        count = min(1000, cells - start)
        on = draw.random((count, 20)) < 0.15
        rates = level * np.where(on[:, program], 10.0, 1.0) * draw.gamma(5, 0.4, (count, 1))
        found = draw.poisson(rates).astype(np.float32)
        rows, columns = np.nonzero(found)
        lengths.append(np.bincount(rows, minlength=count))
        indices.append(columns.astype(np.int32))
        data.append(found[rows, columns])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    names = tuple(f"g{number:05d}" for number in range(genes))
    return ExpressionMatrix(indptr, np.concatenate(indices), np.concatenate(data), names, "counts")


def prepare(folder: Path, cells: int, genes: int) -> str:
    """Write the matrix and what is fitted on its first four fifths."""
    from bioseq_dl.config import ExpressionEncode
    from bioseq_dl.encode.fit_transform import fit_transform
    from bioseq_dl.encode.transform import write_transform
    from bioseq_dl.io.expression_matrix import write_matrix

    matrix = simulate(cells, genes)
    write_matrix(folder / "matrix.safetensors", matrix)
    totals = np.add.reduceat(matrix.data, matrix.indptr[:-1]).astype(np.float64)
    np.save(folder / "totals.npy", totals)
    encode = ExpressionEncode(variable_genes=None, min_cells=1)
    transform = fit_transform(matrix, totals, np.arange(cells * 4 // 5), encode)
    write_transform(folder / "fitted.json", transform)
    share = len(matrix.data) / (cells * genes)
    return f"{cells} cells x {genes} genes, {share:.1%} not zero, {len(transform.genes)} placed"


def load(folder: Path, name: str):
    """Give the matrix (mapped), totals, rows of train, and a transform."""
    from bioseq_dl.encode.transform import read_transform
    from bioseq_dl.io.expression_matrix import map_matrix

    matrix, totals = map_matrix(folder / "matrix.safetensors"), np.load(folder / "totals.npy")
    return matrix, totals, np.arange(len(matrix) * 4 // 5), read_transform(folder / name)


def load_peer(folder: Path):
    """Import the peer's ImageTransformer without the head of its package."""
    for name in (PEER, f"{PEER}.utils"):
        package = types.ModuleType(name)
        package.__path__ = [str(folder / "peer" / name.replace(".", "/"))]
        sys.modules[name] = package
    return importlib.import_module(f"{PEER}.image_transformer").ImageTransformer


def watch(call):
    """Give a call's result, and its seconds by the clock and of the processor."""
    start, used = time.perf_counter(), time.process_time()
    result = call()
    return result, np.array([time.perf_counter() - start, time.process_time() - used])


def dense_parts(matrix, totals, transform, rows):
    """Give standardised cells, PART at a time."""
    from dataclasses import replace

    from bioseq_dl.io.expression_matrix import Rows, find_rows

    columns = transform.find_columns(matrix.genes)
    for start in range(0, len(rows), PART):
        of = rows[start : start + PART]
        lengths, places = find_rows(matrix.indptr, of)
        part = Rows(lengths, matrix.indices[places], matrix.data[places])
        data = transform.steps.apply(part.data, part.owners, totals[of])
        yield transform.fill(replace(part, data=data), columns)


def measure_fit(folder: Path, who: str) -> dict:
    from dataclasses import replace

    from bioseq_dl.config import CellLayout
    from bioseq_dl.encode import fit_layout as fitting
    from bioseq_dl.encode.assignment import find_side
    from bioseq_dl.encode.transform import write_transform

    peer = load_peer(folder) if who != "ours" else None
    held = peak()
    matrix, totals, train, transform = load(folder, "fitted.json")
    settings = CellLayout()
    if peer is None:
        layout, seconds = watch(
            lambda: fitting.fit_layout(matrix, totals, train, transform, settings, {})
        )
        write_transform(folder / "placed.json", replace(transform, layout=layout))
        return tell(seconds, held)
    from sklearn.manifold import TSNE

    draw = np.random.default_rng(settings.seed)
    rows = np.sort(draw.choice(train, min(settings.cells, len(train)), replace=False))
    dense = np.empty((len(rows), len(transform.genes)), np.float32)
    start = 0
    for part in dense_parts(matrix, totals, transform, rows):
        dense[start : start + len(part)] = part
        start += len(part)
    side = find_side(len(transform.genes), None, shared=False)
    embedding = TSNE(metric="cosine", random_state=0)
    placed = peer(embedding, discretization="lsa", pixels=(side, side))
    return tell(watch(lambda: placed.fit(dense))[1], held)


def measure_assign(folder: Path, who: str) -> dict:
    from bioseq_dl.encode.assignment import assign_pixels, settle_ties

    peer = load_peer(folder) if who != "ours" else None
    held = peak()
    layout = load(folder, "placed.json")[3].layout
    shape = (layout.height, layout.width)
    if peer is None:
        pixels, seconds = watch(lambda: assign_pixels(layout.coordinates, *shape))
    else:
        solve = peer._parse_discretization("lsa")
        found, seconds = watch(lambda: solve(layout.coordinates, shape))
        # Genes in one spot are told apart by nothing: which has which pixel is the solver's whim.
        pixels = settle_ties(layout.coordinates, found[:, 0] * layout.width + found[:, 1])
    return tell(seconds, held, digest(pixels.astype(np.int64)))


def measure_transform(folder: Path, who: str) -> dict:
    from bioseq_dl.encode.layout import draw_images

    peer = load_peer(folder) if who != "ours" else None
    held = peak()
    matrix, totals, _, transform = load(folder, "placed.json")
    draw = make_transform(peer, transform.layout) if peer else None
    rows = np.arange(len(matrix))
    parts = dense_parts(matrix, totals, transform, rows)
    if who == "peer_at_once":
        parts = [np.concatenate(list(parts))]
    seconds, found = np.zeros(2), hashlib.sha256()
    for values in parts:
        images, took = watch(
            lambda values=values: draw(values) if draw else draw_images(transform.layout, values)
        )
        seconds += took
        found.update(np.ascontiguousarray(images, np.float32))
    return tell(seconds, held, found.hexdigest())


def measure_road(folder: Path, who: str) -> dict:
    from bioseq_dl.encode.layout import draw_images

    peer = load_peer(folder) if who != "ours" else None
    held = peak()
    matrix, totals, _, transform = load(folder, "placed.json")
    draw = make_transform(peer, transform.layout) if peer else None

    def walk() -> None:
        for values in dense_parts(matrix, totals, transform, np.arange(len(matrix))):
            images = draw(values) if draw else draw_images(transform.layout, values)
            assert images.shape[1:] == (transform.layout.height, transform.layout.width)

    return tell(watch(walk)[1], held)


def tell(seconds: np.ndarray, held: float, found: str | None = None) -> dict:
    """Give what a worker prints."""
    told = {"seconds": seconds[0], "processor": seconds[1], "peak": peak(), "held": held}
    return told if found is None else told | {"digest": found}


def make_transform(peer, layout):
    """Give the peer's transform, with our pixels as its layout."""
    from sklearn.decomposition import PCA

    shape = (layout.height, layout.width)
    transformer = peer(PCA(2), discretization="lsa", pixels=shape)
    transformer._coords = np.stack(np.divmod(layout.pixels, layout.width), axis=1)
    return lambda values: transformer.transform(values, img_format="scalar")


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def peak() -> float:
    """Most MB that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def unpack_peer(wheel: Path | None, folder: Path) -> None:
    if wheel is None:
        asked = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder)]
        subprocess.run([*asked, f"{PEER}=={VERSION}"], check=True)
        wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "peer")


def call_worker(folder: Path, measure: str, who: str) -> dict:
    threads = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in threads}
    words = [sys.executable, str(Path(__file__)), "--worker", measure, who, "--folder", str(folder)]
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def tabulate(found: dict[tuple[str, str], list[dict]]) -> list[dict]:
    """Give a row a measure and entrant: medians, and ratios to ours."""
    rows = []
    for (measure, who), runs in found.items():
        seconds = statistics.median(run["seconds"] for run in runs)
        memory = max(run["peak"] for run in runs)
        ours = found[measure, "ours"]
        held = min(run["held"] for run in runs)
        base, base_used = (
            statistics.median(run[name] for run in ours) for name in ("seconds", "processor")
        )
        used = statistics.median(run["processor"] for run in runs)
        digests = {run["digest"] for run in runs + ours if "digest" in run}
        rows.append(
            {
                "measure": measure,
                "who": who,
                "seconds": f"{seconds:.3g}",
                "processor_seconds": f"{used:.3g}",
                "times_ours": f"{seconds / base:.3g}",
                "processor_times_ours": f"{used / base_used:.3g}",
                "peak_mb": f"{memory:.0f}",
                "after_imports_mb": f"{held:.0f}",
                "memory_times_ours": f"{memory / max(run['peak'] for run in ours):.3g}",
                "same": "" if not digests else "yes" if len(digests) == 1 else "no",
                "runs": len(runs),
            }
        )
    return rows


def write_table(path: Path, rows: list[dict], data: str) -> None:
    from bioseq_dl.io.atomic import write_text

    ratio = next(
        float(row["processor_times_ours"])
        for row in rows
        if (row["measure"], row["who"]) == ("transform", "peer")
    )
    met = "met" if ratio >= AIM else "not met"
    head = [
        f"# layout of genes and pictures, beside {PEER} {VERSION}, {datetime.now(UTC):%Y-%m-%d}",
        f"# machine: {os.cpu_count()} cores, 1 thread a process, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        f"# data: simulated, {data}; seed 0",
        "# seconds: median of the runs; peak_mb: most that the process held, input and imports too",
        f"# aim: transform at least {AIM:g} times as fast, of the processor: {ratio:g} ({met})",
    ]
    lines = ["\t".join(COLUMNS), *("\t".join(str(row[name]) for name in COLUMNS) for row in rows)]
    write_text(path, "\n".join([*head, *lines]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = ROOT / "benchmarks/results/expression_layout_speed.tsv"
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--peer", type=Path, help="the peer's wheel (default: pip downloads it)")
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--genes", type=int, default=5_000)
    parser.add_argument("--worker", nargs=2, metavar=("MEASURE", "WHO"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        measure, who = arguments.worker
        print(json.dumps(globals()[f"measure_{measure}"](arguments.folder, who)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack_peer(arguments.peer, folder)
        # Apart, since a child's peak begins with what its parent holds.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            data = pool.submit(prepare, folder, arguments.cells, arguments.genes).result()
        found: dict[tuple[str, str], list[dict]] = {}
        for turn in range(max(times for *_, times in PLAN)):
            for measure, who, times in PLAN:
                if turn < times:
                    run = call_worker(folder, measure, who)
                    found.setdefault((measure, who), []).append(run)
                    print(measure, who, run, flush=True)
                if ("transform", "peer") in found:  # what there is, should the rest be cut short
                    write_table(arguments.out, tabulate(found), data)


if __name__ == "__main__":
    main()
