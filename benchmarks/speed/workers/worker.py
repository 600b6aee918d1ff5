"""What every worker shares: its command line, its clock, and how outputs are compared.

A worker is started as ``python X_worker.py MEASURE --inputs DIR …`` and prints one line
of JSON as its last: ``count`` things done in ``seconds``, a ``checksum`` of the output,
and what the output is. Only the call under test is on the clock; imports, opening files,
building indexes, compiling and checksums are not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CHECKED = 2_000
"""Records of the untimed warm-up, whose output is checksummed."""
SHORTEST = 0.5
"""Seconds; a shorter pass is repeated until its sum is longer."""
LOADED = 20_000
"""Records that a loader goes through."""
CHUNK = 1_000
"""Sequences a call, where sequences are encoded."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("measure")
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="stop the clock after about this"
    )
    parser.add_argument("--variant", default="")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10, help="timed training steps")
    parser.add_argument("--warmup", type=int, default=3, help="untimed training steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batches", default="8,16,32,64,256", help="to choose the best from")
    parser.add_argument("--device", default="cpu", help="of variant effects: cpu or cuda")
    return parser.parse_args()


def main(measures: dict[str, Callable[[argparse.Namespace], dict]]) -> None:
    """Run the measure that the command line names and print its result."""
    job = parse()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(job.threads)
    result = measures[job.measure](job)
    print()
    print(json.dumps(result))


class Clock:
    """Seconds spent inside its ``with`` blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start


def intervals(job: argparse.Namespace) -> list[tuple[str, int, int]]:
    """The BED file as tuples."""
    rows = []
    for line in (job.inputs / "intervals.bed").read_text().splitlines():
        chrom, start, end = line.split("\t")
        rows.append((chrom, int(start), int(end)))
    return rows


def fasta(job: argparse.Namespace) -> str:
    return str(job.inputs / "genome.fa")


def sequences(job: argparse.Namespace) -> np.ndarray:
    """The intervals' sequences: bytes, shape (n,)."""
    return np.load(job.inputs / "sequences.npy")


def texts(job: argparse.Namespace) -> list[str]:
    """The same as str."""
    return [row.decode("ascii") for row in sequences(job)]


def labels(job: argparse.Namespace) -> np.ndarray:
    return np.load(job.inputs / "labels.npy")


def loaded(job: argparse.Namespace) -> range:
    """Give the records that a loader goes through: as many as also fit as floats."""
    count = len(np.load(job.inputs / "labels.npy", mmap_mode="r"))
    return range(min(LOADED, count))


_CODES = np.full(256, 4, np.uint8)
_CODES[list(b"ACGT")] = np.arange(4)


def codes_of_text(rows: Iterable[str | bytes]) -> np.ndarray:
    """Strings of equal length to codes (n, length), A C G T = 0 1 2 3, else 4."""
    joined = [row.encode("ascii") if isinstance(row, str) else row for row in rows]
    return _CODES[np.frombuffer(b"".join(joined), np.uint8)].reshape(len(joined), -1)


def codes_of_one_hot(array, axis: int) -> np.ndarray:
    """One-hot arrays to codes; a column without a 1 is unknown."""
    array = np.asarray(array)
    codes = array.argmax(axis).astype(np.uint8)
    codes[array.max(axis) < 1] = 4
    return codes


def checksum(codes: np.ndarray) -> str:
    """Of codes (n, length), in order."""
    return f"{zlib.crc32(np.ascontiguousarray(codes).tobytes()):08x}"


def checksum_set(codes: Iterable[np.ndarray]) -> str:
    """Of codes (n, length) in any order."""
    total = 0
    for block in codes:
        for row in np.ascontiguousarray(block):
            total += zlib.crc32(row.tobytes())
    return f"{total % 2**32:08x}"


def result(count: float, seconds: float, output: str, check: str = "", **more) -> dict:
    return {"count": count, "seconds": seconds, "output": output, "checksum": check, **more}


def time_one_by_one(job, call: Callable, records: list, output: str, to_codes: Callable) -> dict:
    """Time a call a record: the way of tools without a call for many."""
    check = checksum(to_codes([call(record) for record in records[:CHECKED]]))
    clock, done = Clock(), 0
    while clock.seconds < SHORTEST:
        for start in range(0, len(records), 5 * CHUNK):
            block = records[start : start + 5 * CHUNK]
            with clock.running():
                kept = [call(record) for record in block]
            done += len(kept)
            if clock.seconds > job.seconds:
                break
    return result(done, clock.seconds, output, check)


def time_whole(call: Callable, records, output: str, to_codes: Callable) -> dict:
    """Time one call for all records: the way of tools that have it."""
    check = checksum(to_codes(call(records[:CHECKED])))
    clock, done = Clock(), 0
    while clock.seconds < SHORTEST:
        with clock.running():
            kept = call(records)
        done += len(kept)
        del kept
    return result(done, clock.seconds, output, check)


def time_chunks(job, call: Callable, chunks: list, output: str, to_codes: Callable) -> dict:
    """Time a call a chunk of sequences; counts megabases (the unit of one-hot)."""
    checked = [to_codes(call(chunk)) for chunk in chunks[: CHECKED // CHUNK]]
    check = checksum(np.concatenate(checked))
    clock, done = Clock(), 0
    width = checked[0].shape[1]
    while clock.seconds < SHORTEST:
        for chunk in chunks:
            with clock.running():
                call(chunk)
            done += len(chunk) * width
            if clock.seconds > job.seconds:
                break
    return result(done / 1e6, clock.seconds, output, check)


def chunked(rows) -> list:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


def time_loader(job, make: Callable[[int], Iterable], to_codes: Callable, output: str) -> dict:
    """Time one pass over a loader; ``make(n)`` gives the batches of the first n records."""
    size = len(loaded(job))
    checked = min(CHECKED, size)
    check = checksum_set(to_codes(batch) for batch in make(checked))
    clock, done = Clock(), 0
    while clock.seconds < SHORTEST:
        batches = make(size)
        with clock.running():
            start = time.perf_counter()
            for batch in batches:
                done += len(to_batch(batch))
                if time.perf_counter() - start > job.seconds:
                    break
    return result(done, clock.seconds, output, check)


def to_batch(batch):
    """The sequences of a batch that may also hold labels."""
    return batch[0] if isinstance(batch, (tuple, list)) else batch


def time_steps(job, train: Callable[[], None], **more) -> dict:
    """Time a framework's own training by the optimizer steps that it makes.

    A hook that torch calls after every ``optimizer.step`` notes the time; the first
    ``warmup`` steps are left out. What lies between two steps (loading, logging,
    callbacks) is on the clock.
    """
    from torch.optim.optimizer import register_optimizer_step_post_hook

    ticks: list[float] = []
    handle = register_optimizer_step_post_hook(lambda *_: ticks.append(time.perf_counter()))
    train()
    handle.remove()
    return steps_result(job, ticks, **more)


def steps_result(job, ticks: list[float], **more) -> dict:
    timed = ticks[job.warmup : job.warmup + job.steps + 1]
    steps = len(timed) - 1
    if steps < 1:
        raise SystemExit(f"only {len(ticks)} training steps were made")
    return result(steps * job.batch, timed[-1] - timed[0], "training", **more)


def samples(job) -> int:
    """Training records that give warm-up and timed steps."""
    return (job.warmup + job.steps + 1) * job.batch
