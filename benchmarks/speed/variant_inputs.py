"""The synthetic variants that the workers score: a VCF, alleles in their windows, weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from inputs import LETTERS, read_genome
from runs import ROOT, WORKERS

LENGTH = 1000
"""Bases of the windows that hold an allele each."""
LONGEST = 20
"""Bases of the longest insertion or deletion, and of genome kept beside each window."""


@dataclass(frozen=True)
class VariantSize:
    """How much is scored."""

    variants: int
    """Single-base variants of the VCF."""
    alleles: int
    """Alleles in windows of their own: as many SNVs as indels."""
    windows: int
    """Windows whose every base is mutated."""


def write_variants(folder: Path, size: VariantSize, seed: int = 2) -> Path:
    """Write the variants on the genome of `inputs.write_inputs`, once a size and genome.

    ``variants/variants.vcf.gz``: bgzipped, sorted single-base variants, eight columns.
    ``variants/snv.npz`` and ``variants/indel.npz``, a row an allele: ``context`` uint8
    (n, LENGTH + 2 * LONGEST), the window (codes, A C G T = 0 1 2 3) with LONGEST bases more
    on both sides; ``start`` and ``end`` int64 (n,), what the allele replaces, counted in the
    window; ``alt`` uint8 (n, LONGEST) and ``alt_length`` int64 (n,); ``chrom``, ``position``
    int64 (1-based) where it stands. No window holds an N. ``variants/windows.npy``: uint8
    (windows, LENGTH). Last the weights of each network, by ``workers/make_networks.py``.
    """
    target = folder / "variants"
    for measured in target.rglob("batches-*.json"):
        measured.unlink()  # our choice of batches, perhaps made when the machine was busy
    marker = target / "size.json"
    genome_size = json.loads((folder / "size.json").read_text())
    wanted = json.dumps(asdict(size) | {"seed": seed, "genome": genome_size, "format": 1})
    if marker.exists() and marker.read_text() == wanted:
        return target
    target.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    contigs = read_genome(folder / "genome.fa")
    names = list(contigs)
    codes = [encode(contigs[name]) for name in names]
    _write_vcf(target / "variants.vcf", names, codes, size.variants, random)
    for kind in ("snv", "indel"):
        np.savez(target / f"{kind}.npz", **draw_alleles(kind, names, codes, size.alleles, random))
    windows = draw_alleles("snv", names, codes, size.windows, random)["context"]
    np.save(target / "windows.npy", windows[:, LONGEST:-LONGEST])
    subprocess.run(
        [sys.executable, WORKERS / "make_networks.py", "--inputs", folder.resolve()],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    marker.write_text(wanted)
    return target


def encode(letters: np.ndarray) -> np.ndarray:
    """ASCII to codes, A C G T = 0 1 2 3, else 4."""
    table = np.full(256, 4, np.uint8)
    table[LETTERS] = np.arange(4)
    return table[letters]


def draw_places(codes: list[np.ndarray], count: int, random: np.random.Generator):
    """Draw contig and place (both int64 (count,), in genome order), away from every N."""
    free = []
    for contig in codes:
        known = np.concatenate([[0], np.cumsum(contig > 3)])
        reach = LENGTH // 2 + 2 * LONGEST
        inner = np.arange(reach, len(contig) - reach)
        free.append(inner[known[inner + reach] == known[inner - reach]])
    ends = np.cumsum([len(places) for places in free])
    chosen = np.sort(random.choice(int(ends[-1]), count, replace=False))
    which = np.searchsorted(ends, chosen, side="right")
    places = np.concatenate(free)[chosen]
    return which, places


def draw_alleles(
    kind: str,
    names: list[str],
    codes: list[np.ndarray],
    count: int,
    random: np.random.Generator,
) -> Mapping[str, np.ndarray]:
    """Draw alleles of one kind, each in the middle of a window of its own."""
    which, places = draw_places(codes, count, random)
    order = random.permutation(count)
    which, places = which[order], places[order]
    taken = np.ones(count, np.int64)
    given = np.ones(count, np.int64)
    if kind == "indel":
        # Insertions and deletions by turns, of 1, 1, 2, 2, … 20, 20, 1, … bases.
        lengths = np.arange(count) // 2 % LONGEST + 1
        insertion = np.arange(count) % 2 == 0
        taken, given = np.where(insertion, 0, lengths), np.where(insertion, lengths, 0)
    alt = random.integers(0, 4, (count, LONGEST), np.uint8)
    context = np.empty((count, LENGTH + 2 * LONGEST), np.uint8)
    starts = np.empty(count, np.int64)
    for row, (contig, place) in enumerate(zip(which, places, strict=True)):
        window = (2 * place + taken[row]) // 2 - LENGTH // 2
        context[row] = codes[contig][window - LONGEST : window + LENGTH + LONGEST]
        starts[row] = place - window
        if kind == "snv":
            alt[row, 0] = (codes[contig][place] + 1 + alt[row, 0] % 3) % 4
    return {
        "context": context,
        "start": starts,
        "end": starts + taken,
        "alt": alt,
        "alt_length": given,
        "chrom": np.array(names)[which],
        "position": places + 1,
    }


def _write_vcf(path: Path, names: list[str], codes: list[np.ndarray], count: int, random) -> None:
    import pysam

    which, places = draw_places(codes, count, random)
    steps = random.integers(1, 4, count)
    text = LETTERS.tobytes().decode()
    with path.open("w") as handle:
        handle.write("##fileformat=VCFv4.2\n")
        for name, contig in zip(names, codes, strict=True):
            handle.write(f"##contig=<ID={name},length={len(contig)}>\n")
        handle.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for row, (contig, place, step) in enumerate(
            zip(which.tolist(), places.tolist(), steps.tolist(), strict=True)
        ):
            base = int(codes[contig][place])
            ref, alt = text[base], text[(base + step) % 4]
            handle.write(f"{names[contig]}\t{place + 1}\tv{row}\t{ref}\t{alt}\t.\tPASS\t.\n")
    pysam.tabix_compress(str(path), f"{path}.gz", force=True)
    path.unlink()
