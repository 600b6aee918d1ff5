"""Write a genome and a VCF, run the command on them, read what it wrote."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bioseq_dl.cli.main import main


def draw_contig(length: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def write_genome(folder: Path, contigs: dict[str, str]) -> Path:
    path = folder / "genome.fa"
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    return path


def write_vcf(path: Path, records: list[tuple], columns: str = "") -> Path:
    """Records are (chrom, pos, ref, alt); further entries are INFO, FORMAT, samples."""
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO" + columns + "\n"
    lines = []
    for number, (chrom, pos, ref, alt, *rest) in enumerate(records):
        rest = rest or ["."]
        lines.append("\t".join([chrom, str(pos), f"v{number}", ref, alt, ".", "PASS", *rest]))
    path.write_text(header + "".join(line + "\n" for line in lines))
    return path


@dataclass
class Record:
    fields: list[str]
    info: dict[str, str]

    def values(self, key: str) -> list[float | None]:
        return [None if v == "." else float(v) for v in self.info[key].split(",")]

    @property
    def statuses(self) -> list[str]:
        alleles = self.fields[4].split(",")
        return self.info.get("BDL_STATUS", ",".join(["scored"] * len(alleles))).split(",")


def read_vcf(path: Path) -> tuple[list[str], list[Record]]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    header = [line for line in lines if line.startswith("#")]
    records = []
    for line in lines[len(header) :]:
        fields = line.split("\t")
        pairs = (entry.partition("=") for entry in fields[7].split(";"))
        records.append(Record(fields, {key: value for key, _, value in pairs}))
    return header, records


def run_variants(folder: Path, models: list[Path], vcf: Path, genome: Path, *words: str) -> int:
    return main(
        [
            "variants",
            *("--model", *map(str, models)),
            *("--vcf", str(vcf), "--genome", str(genome), "--cache", str(folder / "cache")),
            *("--device", "cpu", "--threads", "1", "--batch", "64"),
            *("--out", str(folder / "out.vcf.gz"), "--table", str(folder / "out.parquet")),
            *("--summary", str(folder / "out.json")),
            *words,
        ]
    )


def read_table(path: Path):
    return pq.read_table(path).to_pylist()
