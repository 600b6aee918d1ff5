"""Splice sites of chromosome 20, and decoys: other GT and AG of the same genes.

    python benchmarks/splice/prepare.py

writes results/benchmarks/splice/{donor,acceptor}.bed: chrom, start, end (the dinucleotide),
name, label (1 site, 0 other), strand, fold. Ingest's own negatives do not do here: they match
GC content, and a window without GT in its middle is told from a donor by two letters. A decoy
is a GT (donor) or AG (acceptor) that is annotated as no site, on the strand and within the
bounds of an annotated gene; each gene gives `DECOYS` for each of its sites, so that gene
density and base composition, which differ between genes, tell nothing. Only one transcript
per gene is annotated, so a few decoys will be true sites of others: that costs accuracy.

Sites and decoys share their two letters, so models trained on these alone cannot know that the
letters matter. Training therefore gets `BACKGROUND` further negatives for each site: places
of the same genes with other letters. Validation and test hold sites and decoys alone.

Folds are stretches of the chromosome; a gene belongs to the one it starts in.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.io.genome import open_genome  # noqa: E402
from bioseq_dl.io.intervals import Intervals, read_intervals  # noqa: E402
from bioseq_dl.io.manifest import default_cache  # noqa: E402

DATA = REPOSITORY.parent / "shared" / "data" / "dna_chr20_b37"
OUT = REPOSITORY / "results" / "benchmarks" / "splice"
CONTIG = "20"
DECOYS = 5
BACKGROUND = 3
SEED = 0
VAL = (15_000_000, 25_000_000)
TEST = (40_000_000, 50_000_000)
LETTERS = {"donor": b"GT", "acceptor": b"AG"}
COUNTS = ("listed", "repeated", "not_canonical", "sites", "decoys", "background")
_COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")


@dataclass(frozen=True)
class Site:
    """A dinucleotide of the chromosome: start (0-based), strand, gene, and what it is."""

    start: int
    strand: str
    gene: str
    what: str
    """``site``, ``decoy`` or ``background``."""


def find_dinucleotides(bases: NDArray[np.uint8], letters: bytes, strand: str) -> NDArray[np.int64]:
    """Give the starts, on the plus strand, of a dinucleotide that is read on `strand`."""
    if strand == "-":
        letters = letters[::-1].translate(_COMPLEMENT)
    first, second = letters
    return np.flatnonzero((bases[:-1] == first) & (bases[1:] == second))


def choose_sites(
    kind: str,
    sites: Intervals,
    genes: Intervals,
    bases: NDArray[np.uint8],
    decoys: int,
    background: int,
    seed: int,
) -> tuple[list[Site], dict[str, int]]:
    """Give a kind's canonical sites, each once, decoys and background; and what was left out.

    Parameters
    ----------
    kind : {"donor", "acceptor"}
        Which sites, by the part of their names before ``|``; the rest names the gene.
    sites, genes : Intervals
        With the column ``name``.
    bases : ndarray of uint8
        The chromosome, upper-case ASCII.
    decoys : int
        Per site of a gene; fewer where a gene has not as many.
    background : int
        Per site of a gene of the training fold: dinucleotides of other letters.
    seed : int
        Of the draw.

    Returns
    -------
    list of Site
        By start and strand, so that the order tells nothing about the label.
    dict
        Counts.
    """
    places = {s: find_dinucleotides(bases, LETTERS[kind], s) for s in "+-"}
    canonical = {strand: frozenset(found.tolist()) for strand, found in places.items()}
    taken: set[tuple[int, str]] = set()
    chosen: list[Site] = []
    counts = dict.fromkeys(COUNTS, 0)
    for name, start, strand in zip(
        sites.fields["name"], sites.start.tolist(), sites.strand, strict=True
    ):
        group, _, gene = name.partition("|")
        if group != kind:
            continue
        counts["listed"] += 1
        if (start, strand) in taken:
            counts["repeated"] += 1
            continue
        taken.add((start, strand))
        if start not in canonical[strand]:
            counts["not_canonical"] += 1
            continue
        chosen.append(Site(start, strand, gene, "site"))
    needed = Counter(site.gene for site in chosen)
    generator = np.random.default_rng(seed)
    for row, gene in enumerate(genes.fields["name"]):
        strand, first, end = genes.strand[row], int(genes.start[row]), int(genes.end[row])
        low, high = np.searchsorted(places[strand], [first, end - 1])
        with_letters = places[strand][low:high]
        without = np.setdiff1d(np.arange(first, end - 1), with_letters)
        wanted = {"decoy": (with_letters, decoys)}
        if name_fold(first) == "train":
            wanted["background"] = (without, background)
        for what, (among, ratio) in wanted.items():
            free = np.array([p for p in among.tolist() if (p, strand) not in taken], np.int64)
            drawn = generator.choice(free, min(ratio * needed[gene], len(free)), replace=False)
            taken.update((start, strand) for start in drawn.tolist())
            chosen += [Site(start, strand, gene, what) for start in drawn.tolist()]
    found = Counter(site.what for site in chosen)
    counts |= {"sites": found["site"], "decoys": found["decoy"]}
    counts["background"] = found["background"]
    return sorted(chosen, key=lambda site: (site.start, site.strand)), counts


def name_fold(start: int) -> str:
    """Give the fold of a gene that starts there."""
    if VAL[0] <= start < VAL[1]:
        return "val"
    return "test" if TEST[0] <= start < TEST[1] else "train"


def format_bed(sites: list[Site], genes: Intervals) -> str:
    """Write BED with the fold in the seventh column."""
    starts = dict(zip(genes.fields["name"], genes.start.tolist(), strict=True))
    lines = []
    for site in sites:
        fold = name_fold(starts[site.gene])
        lines.append(
            f"{CONTIG}\t{site.start}\t{site.start + 2}\t{site.what}|{site.gene}"
            f"\t{int(site.what == 'site')}\t{site.strand}\t{fold}\n"
        )
    return "".join(lines)


def main() -> int:
    if not DATA.exists():
        print(f"skipped: the data is not here ({DATA})", file=sys.stderr)
        return 0
    genome = open_genome(DATA / "chr20_b37.fa.xz", default_cache())
    offset, length = genome.contigs[CONTIG]
    bases = np.asarray(genome.bases[offset : offset + length])
    genes = read_intervals(DATA / "genes_chr20.bed", columns=["name"])
    sites = read_intervals(DATA / "splice_sites_chr20.bed.gz", columns=["name"])
    for kind in LETTERS:
        chosen, counts = choose_sites(kind, sites, genes, bases, DECOYS, BACKGROUND, SEED)
        write_text(OUT / f"{kind}.bed", format_bed(chosen, genes))
        print(f"{kind}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
