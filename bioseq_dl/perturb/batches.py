"""The fastest batch, found by a short measurement and kept for reruns.

It depends on the network, the window and the machine: a batch whose activations stay in the
processor's cache is faster than a larger one, but a tiny network needs thousands of windows to
be worth a call. Rounding may depend on the batch, so it is measured once, under a lock, and the
parts of a scattered run all read the same.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bioseq_dl.io.atomic import write_json
from bioseq_dl.io.lock import hold_lock
from bioseq_dl.perturb.changes import Changes
from bioseq_dl.perturb.cost import is_worth_tiles
from bioseq_dl.perturb.engine import Engine, full_precision
from bioseq_dl.perturb.plan import Plan
from bioseq_dl.perturb.strand import Batches, make_groups, read_mutants, read_references

_SIZES = {"cpu": (4, 8192), "cuda": (64, 16384)}
_SECONDS = 0.8
"""For each of the two measurements, about."""
_WORSE = 1.25
"""Larger batches are not tried when one takes this much longer a window than the best."""
_BETTER = 0.97
"""A larger batch must take less than this share of the time: memory is worth something."""


def measure_batch(engine: Engine, length: int, cache: str | Path) -> Batches:
    """Choose how many windows, and how many mutants, to compute at once.

    Parameters
    ----------
    engine : Engine
    length : int
        Of the windows.
    cache : str or Path
        Folder where the result is kept, by network, length, device, threads and torch.

    Returns
    -------
    Batches
        For `Engine.with_batches`.

    Raises
    ------
    InputError
        Where the folder cannot be written.
    """
    key = _describe(engine.plan, length)
    path = Path(cache) / f"batches-{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    with hold_lock(path.with_suffix(".lock")):
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            return Batches(int(found["windows"]), int(found["tiles"]))
        batches = _measure(engine, length)
        measured = {"windows": batches.windows, "tiles": batches.tiles, "of": json.loads(key)}
        write_json(path, measured)
    return batches


def _describe(plan: Plan, length: int) -> str:
    device = platform.machine() + " " + _processor()
    if plan.device.type == "cuda":
        device = torch.cuda.get_device_name(plan.device)
    layers = [
        (list(s.weight.shape), s.dilation, s.left, s.right, s.norm is not None, s.added)
        for s in plan.stages
    ]
    return json.dumps(
        {
            "stages": layers,
            "pools": [(s.activation, s.pool, s.stride, s.partial) for s in plan.stages],
            "recurrent": str(plan.recurrent),
            "pooling": plan.pooling,
            "dense": [list(linear.weight.shape) for linear in plan.dense],
            "kmers": [[table.size, table.placed] for table in plan.kmers],
            "strands": plan.strands,
            "dtype": str(plan.dtype),
            "length": length,
            "device": device,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
        sort_keys=True,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


@torch.inference_mode()
def _measure(engine: Engine, length: int) -> Batches:
    plan = engine.plan
    generator = np.random.default_rng(0)

    def windows(size: int) -> Callable[[], None]:
        codes = torch.from_numpy(generator.integers(0, 4, (size, length)).astype(np.uint8))

        def call() -> None:
            engine.forward(codes).cpu()

        return call

    def tiles(size: int) -> Callable[[], None]:
        reference = generator.integers(0, 4, (1, length)).astype(np.uint8)
        # Neighbouring places, as in mutagenesis, around the centre, as in variants.
        places = (np.arange(size) // 3 + max(0, length // 2 - size // 6)) % length
        changes = Changes(
            reference,
            np.zeros(size, np.int64),
            places,
            places + 1,
            generator.integers(0, 4, size).astype(np.uint8),
            np.arange(size),
        )
        _, group = next(make_groups(plan, engine.batches, changes, np.ones(size, np.int64)))
        kept, _ = read_references(plan, engine.batches, changes, np.zeros(1, np.int64), group)
        assert kept is not None

        def call() -> None:
            read_mutants(plan, changes, kept, group[0], slice(0, size)).cpu()

        return call

    best = _choose(windows, plan)
    if not is_worth_tiles(plan, length, 1):
        return Batches(best, best)
    with full_precision():
        return Batches(best, _choose(tiles, plan))


def _choose(make: Callable[[int], Callable[[], None]], plan: Plan) -> int:
    size, largest = _SIZES.get(plan.device.type, _SIZES["cpu"])
    best, least, spent = size, float("inf"), 0.0
    while size <= largest and spent < _SECONDS:
        call = make(size)
        began = time.perf_counter()
        call()
        times: list[float] = []
        while len(times) < 3 or (sum(times) < 0.02 and len(times) < 20):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        each = min(times) / size
        if each > least * _WORSE:
            break
        if each < least * _BETTER:
            best, least = size, each
        spent += time.perf_counter() - began
        size *= 2
    return best
