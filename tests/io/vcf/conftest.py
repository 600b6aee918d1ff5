"""Random VCFs, and ways to write them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

TOP = (
    b'##fileformat=VCFv4.2\n##source="x, y"\n##contig=<ID=20,length=64444167>\n'
    b"##contig=<ID=X,length=1000000>\n"
    b'##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
    b'##INFO=<ID=DB,Number=0,Type=Flag,Description="Known">\n'
    b'##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
)
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
ALTS = ["C", "CAT", "c,G", "<DEL>", "*", "G,*", "C,<INS>", ".", "G]20:500]", "]20:9]A", "T.", "n"]
INFOS = [".", "DP=3", "DB", "DP=7;DB", "DP=1;"]


def make_vcf(count: int, seed: int = 0, *, samples: int = 0, shuffled: bool = False) -> bytes:
    """A VCF of records of all kinds."""
    draw = random.Random(seed)
    names = "".join(f"\tS{number}" for number in range(samples))
    lines = [TOP + COLUMNS + (f"\tFORMAT{names}" if samples else "").encode()]
    places = sorted(
        (chrom == "X", draw.randint(1, 900_000)) for chrom in draw.choices("2X", k=count)
    )
    if shuffled:
        draw.shuffle(places)
    for is_x, pos in places:
        ref = "".join(draw.choices("ACGTacgtN", k=draw.choice([1, 1, 1, 2, 9])))
        fields = ["X" if is_x else "20", str(pos), draw.choice([".", f"rs{pos}"]), ref]
        fields += [
            draw.choice(ALTS),
            draw.choice([".", "50.00", "3e2"]),
            "PASS",
            draw.choice(INFOS),
        ]
        if samples:
            fields += ["GT", *draw.choices(["0/1", "./.", "1|1"], k=samples)]
        lines.append("\t".join(fields).encode())
    return b"\n".join([*lines, b""])


def write_bgzip(path: Path, data: bytes) -> None:
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(data)


WRITERS: dict[str, Callable[[Path, bytes], object]] = {
    "plain": Path.write_bytes,
    "bgzip": write_bgzip,
    "gzip": lambda path, data: path.write_bytes(gzip.compress(data)),
    "xz": lambda path, data: path.write_bytes(lzma.compress(data)),
    "bzip2": lambda path, data: path.write_bytes(bz2.compress(data)),
}


@pytest.fixture(scope="session")
def vcf_maker() -> Callable[..., bytes]:
    return make_vcf


@pytest.fixture(params=WRITERS)
def vcf_writer(request: pytest.FixtureRequest) -> Callable[[Path, bytes], object]:
    """Each way a VCF may be compressed."""
    return WRITERS[request.param]
