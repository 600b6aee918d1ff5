"""The synthetic inputs that every worker reads: a genome, intervals, sequences, labels."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

LETTERS = np.frombuffer(b"ACGT", np.uint8)
LINE = 60
CONTIGS = 5


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    genome: int
    """Bases of the FASTA."""
    intervals: int
    """Windows cut from it, in random order."""
    width: int = 1000
    """Bases a window."""


def write_inputs(folder: Path, size: Size, seed: int = 1) -> Path:
    """Write the inputs once; a later call with the same size finds them there.

    ``genome.fa`` (with ``.fai`` and ``.sizes``): five contigs, lines of 60, one base in a
    thousand N (in runs of 50). ``intervals.bed``: unsorted, equal widths.
    ``sequences.npy``: the intervals' sequences as bytes, for tools that start from
    sequences. ``labels.npy``: 0 or 1 per interval.
    """
    marker = folder / "size.json"
    wanted = json.dumps(asdict(size) | {"seed": seed})
    if marker.exists() and marker.read_text() == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    length = size.genome // CONTIGS
    names = [f"chr{number + 1}" for number in range(CONTIGS)]
    contigs = [LETTERS[random.integers(0, 4, length, np.uint8)] for _ in names]
    for contig in contigs:
        for start in random.integers(0, length - 50, max(1, length // 50_000)):
            contig[start : start + 50] = ord("N")
    _write_fasta(folder / "genome.fa", names, contigs)
    # Different intervals: some tools name a record by its coordinates.
    room = length - size.width
    which, starts = np.divmod(random.choice(CONTIGS * room, size.intervals, replace=False), room)
    with (folder / "intervals.bed").open("w") as handle:
        for contig, start in zip(which.tolist(), starts.tolist(), strict=True):
            handle.write(f"{names[contig]}\t{start}\t{start + size.width}\n")
    rows = np.empty((size.intervals, size.width), np.uint8)
    for row, (contig, start) in enumerate(zip(which, starts, strict=True)):
        rows[row] = contigs[contig][start : start + size.width]
    np.save(folder / "sequences.npy", rows.view(f"S{size.width}")[:, 0])
    np.save(folder / "labels.npy", random.integers(0, 2, size.intervals).astype(np.float32))
    marker.write_text(wanted)
    return folder


def read_genome(path: Path) -> dict[str, np.ndarray]:
    """Read the genome back: contig to ASCII, uint8 (bases,)."""
    contigs = {}
    for block in path.read_bytes().split(b">")[1:]:
        name, _, text = block.partition(b"\n")
        contigs[name.decode()] = np.frombuffer(text.replace(b"\n", b""), np.uint8)
    return contigs


def _write_fasta(path: Path, names: list[str], contigs: list[np.ndarray]) -> None:
    with path.open("wb") as handle, Path(f"{path}.fai").open("w") as index:
        for name, contig in zip(names, contigs, strict=True):
            handle.write(f">{name}\n".encode())
            index.write(f"{name}\t{len(contig)}\t{handle.tell()}\t{LINE}\t{LINE + 1}\n")
            whole = len(contig) // LINE * LINE
            lines = np.full((whole // LINE, LINE + 1), ord("\n"), np.uint8)
            lines[:, :LINE] = contig[:whole].reshape(-1, LINE)
            handle.write(lines.tobytes())
            if whole < len(contig):
                handle.write(contig[whole:].tobytes() + b"\n")
    sizes = "".join(f"{name}\t{len(contig)}\n" for name, contig in zip(names, contigs, strict=True))
    Path(f"{path}.sizes").write_text(sizes)
