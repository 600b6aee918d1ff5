"""Turn the measured variants into a table to train on and a VCF to score.

    python benchmarks/saturation_mpra/prepare.py

reads ../shared/data/dna_saturation_mpra and writes below results/benchmarks/saturation_mpra/inputs

- ``windows.parquet``: a record per window, reference or mutated, with its target and the
  groups by which it may be split;
- ``variants.vcf``: the same variants on the elements as contigs, with the measured effect;
- ``elements.fa``: those contigs.

Equal inputs give equal bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.errors import InputError  # noqa: E402
from bioseq_dl.io.atomic import write_text  # noqa: E402
from bioseq_dl.io.fasta import read_fasta  # noqa: E402
from bioseq_dl.io.parquet import write_parquet  # noqa: E402

SOURCE = REPOSITORY.parent / "shared" / "data" / "dna_saturation_mpra"
INPUTS = REPOSITORY / "results" / "benchmarks" / "saturation_mpra" / "inputs"
WINDOW = 21
"""Odd: a single base then stands in the very middle, on either strand."""
BARCODES = 10
"""Variants seen with fewer are left out, as the data's notes ask."""
SCALE = 0.2
"""Log2 effect that counts as 1 in the target: about the spread of all effects."""
BLOCKS = 10
"""Contiguous parts of an element that stay together."""
DEVELOPMENT = ("HBB", "MSMB", "TCF7L2", "ZRSh")
"""Every fourth locus in alphabetical order: options were chosen on these alone."""
DELETED = "-"


@dataclass(frozen=True)
class Element:
    """A mutated stretch of the genome; several experiments may share it."""

    name: str
    locus: str
    """Equal for experiments on the same stretch: they are held out together."""
    start: int
    """0-based, on the chromosome."""
    sequence: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--out", type=Path, default=INPUTS)
    parser.add_argument("--window", type=int, default=WINDOW)
    arguments = parser.parse_args()
    count = prepare(arguments.source, arguments.out, arguments.window)
    print(f"{count} variants in {arguments.out}")
    return 0


def prepare(source: Path, out: Path, window: int = WINDOW) -> int:
    """Write the three files; give the number of variants."""
    elements = read_elements(source)
    variants = read_variants(source, elements)
    write_parquet(out / "windows.parquet", build_windows(elements, variants, window))
    write_text(out / "variants.vcf", write_vcf(elements, variants))
    fasta = "".join(f">{element.name}\n{element.sequence}\n" for element in elements.values())
    write_text(out / "elements.fa", fasta)
    return len(variants)


def read_elements(folder: Path) -> dict[str, Element]:
    """Read the elements of GRCh38 with their place on the genome."""
    lines = (folder / "elements_GRCh38.bed").read_text().splitlines()
    places = {
        name: (chrom, int(start), int(end)) for chrom, start, end, name in map(str.split, lines)
    }
    first = {}  # the first experiment on a stretch names the locus
    for name, place in places.items():
        first.setdefault(place, name.split("-")[0])
    elements = {}
    for record in read_fasta(folder / "elements_GRCh38.fa"):
        name = record.header.split()[0]
        place = places[name]
        if len(record.sequence) != place[2] - place[1]:
            raise InputError("the element is not as long as its interval", record=name)
        elements[name] = Element(name, first[place], place[1], record.sequence.upper())
    return elements


def read_variants(folder: Path, elements: dict[str, Element]) -> pd.DataFrame:
    """Read variants with enough barcodes: element, position (0-based, in it), ref, alt, effect."""
    table = pd.read_csv(folder / "variants_GRCh38.tsv.gz", sep="\t")
    table = table[table["barcodes"] >= BARCODES]
    starts = table["element"].map({name: element.start for name, element in elements.items()})
    table = table.assign(position=table["pos"] - 1 - starts)
    for row in table.itertuples():
        found = elements[row.element].sequence[row.position]
        if found not in (row.ref, "N"):
            raise InputError(
                "REF is not what the element holds",
                record=f"{row.element}:{row.pos}",
                found=row.ref,
                allowed=found,
            )
    order = {name: place for place, name in enumerate(elements)}
    table = table.assign(order=table["element"].map(order))
    table = table.sort_values(["order", "position", "alt"], kind="stable")
    columns = ["element", "position", "ref", "alt", "barcodes", "log2_effect"]
    return table[columns].reset_index(drop=True)


def cut_window(sequence: str, start: int, length: int) -> str:
    """Give `length` bases from `start`; N beyond the ends."""
    inside = sequence[max(start, 0) : max(start + length, 0)]
    left = min(max(-start, 0), length)
    return "N" * left + inside + "N" * (length - left - len(inside))


def edit_window(sequence: str, position: int, alt: str, length: int) -> Iterator[tuple[str, str]]:
    """Give the windows of a variant by placement, the length held.

    One for a substitution; for a deletion one with the left flank in its place and bases
    entering on the right, and one the other way round. The same as what `variants` scores.
    """
    start = position - length // 2
    if alt != DELETED:
        yield "", cut_window(sequence[:position] + alt + sequence[position + 1 :], start, length)
        return
    edited = sequence[:position] + sequence[position + 1 :]
    yield "left", cut_window(edited, start, length)
    yield "right", cut_window(edited, start - 1, length)


def block_of(element: Element, position: int) -> str:
    """Name the tenth of the element that a position stands in, the count turned by locus.

    Turned, so that a fold does not hold the same tenth, the ends say, of every element.
    """
    turn = sum(element.locus.encode())
    return f"block{(position * BLOCKS // len(element.sequence) + turn) % BLOCKS}"


def build_windows(elements: dict[str, Element], variants: pd.DataFrame, length: int) -> pa.Table:
    """Give a record per window.

    Columns: ``id`` (``element:position:alt``, of a deletion ``-left`` or ``-right``),
    ``sequence``, the target ``level``, and the groups ``locus``, ``block`` and ``position``.
    The level of a window is its log2 effect, the reference's being 0, less the mean over
    the letters measured at this position, in units of `SCALE`, so that f(alt) - f(ref) is
    the effect. Without the mean every reference window would have level 0, whether its
    bases matter or not.
    """
    rows = []

    def add(element: Element, position: int, name: str, sequence: str, level: float) -> None:
        rows.append(
            {
                "id": f"{element.name}:{position}:{name}",
                "sequence": sequence,
                "level": level / SCALE,
                "locus": element.locus,
                "block": block_of(element, position),
                "position": f"{element.locus}:{position}",
            }
        )

    for (name, position), group in variants.groupby(["element", "position"], sort=False):
        element = elements[name]
        letters = group.loc[group["alt"] != DELETED, "log2_effect"]
        mean = letters.sum() / (len(letters) + 1)
        window = cut_window(element.sequence, position - length // 2, length)
        add(element, position, "reference", window, -mean)
        for alt, effect in zip(group["alt"], group["log2_effect"], strict=True):
            for placement, sequence in edit_window(element.sequence, position, alt, length):
                add(element, position, alt + placement, sequence, effect - mean)
    return pa.Table.from_pylist(rows)


def write_vcf(elements: dict[str, Element], variants: pd.DataFrame, anchor: str = "before") -> str:
    """Give the variants as VCF on the elements; a deletion with the base before it.

    At an element's first base there is none, and the base after it stands in (VCF 4.4,
    section 1.6.1). With `anchor` ``after`` that is so wherever there is one.
    """
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={e.name},length={len(e.sequence)}>" for e in elements.values()]
    lines.append('##INFO=<ID=LOG2FX,Number=1,Type=Float,Description="Measured log2 effect">')
    lines.append('##INFO=<ID=BC,Number=1,Type=Integer,Description="Barcodes">')
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    records = []
    for place, row in enumerate(variants.itertuples()):
        sequence = elements[row.element].sequence
        at, ref, alt = row.position, row.ref, row.alt
        if alt == DELETED and (at == 0 or (anchor == "after" and at + 1 < len(sequence))):
            ref, alt = ref + sequence[at + 1], sequence[at + 1]
        elif alt == DELETED:
            at, ref, alt = at - 1, sequence[at - 1] + ref, sequence[at - 1]
        name = f"{row.element}:{row.position}:{row.alt}"
        info = f"LOG2FX={row.log2_effect:.6g};BC={row.barcodes}"
        records.append((place, row.element, at, f"{at + 1}\t{name}\t{ref}\t{alt}\t.\t.\t{info}"))
    order = {name: place for place, name in enumerate(elements)}
    records.sort(key=lambda record: (order[record[1]], record[2], record[0]))
    lines += [f"{element}\t{text}" for _, element, _, text in records]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
